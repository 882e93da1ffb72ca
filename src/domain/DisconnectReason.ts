/**
 * Why a connection ended or was refused: one taxonomy for log, metric label, event and API.
 */

/** Reasons a peer gives in a `Reject` frame. `alias`: you already have me under another address. */
export type RejectReason =
  | "duplicate"
  | "in-use"
  | "full"
  | "banned"
  | "incompatible"
  | "alias"
  | "self"
  | "shutdown"
  | "operator"
  | "evicted"
  | "protocol"

/** In wire order: the code of a reason is its index + 1. Append only. */
export const rejectReasons: ReadonlyArray<RejectReason> = [
  "duplicate",
  "in-use",
  "full",
  "banned",
  "incompatible",
  "alias",
  "self",
  "shutdown",
  "operator",
  "evicted",
  "protocol"
]

/**
 * Why an end of a connection closed.
 *
 * `eof`: the peer closed without a word. `reset`: the socket failed. `silent`: no byte for the dead time. `replaced`: the
 * deciding peer chose a newer socket. `unanswered`: a challenge got no answer. `no-commit`, `no-ack`, `hello-timeout`: a
 * step of the handshake did not come in time. `protocol`: a frame that must not come then. `bad-frame`: bytes that are
 * no frame. `outbox-full`: the peer does not read. `dial-failed`: nobody answered at the address.
 */
export type Kind =
  | "eof"
  | "reset"
  | "silent"
  | "replaced"
  | "unanswered"
  | "no-commit"
  | "no-ack"
  | "hello-timeout"
  | "protocol"
  | "bad-frame"
  | "outbox-full"
  | "rejected"
  | "banned"
  | "evicted"
  | "operator"
  | "shutdown"
  | "dial-failed"

export interface DisconnectReason {
  readonly kind: Kind
  /** Who ended it: this node or the peer (a broken network counts as remote). */
  readonly by: "local" | "remote"
  /** What the `Reject` said, when `kind` is `rejected`. */
  readonly reject?: RejectReason
  /** Particulars in words, for people. */
  readonly detail?: string
}

export const local = (kind: Kind, detail?: string): DisconnectReason =>
  detail === undefined ? { kind, by: "local" } : { kind, by: "local", detail }

export const remote = (kind: Kind, detail?: string): DisconnectReason =>
  detail === undefined ? { kind, by: "remote" } : { kind, by: "remote", detail }

/** The reason a peer's `Reject` gives. On a live connection `shutdown`, `operator`, `banned`, `evicted` and `protocol` keep their own kind. */
export const rejected = (reject: RejectReason, by: "local" | "remote", detail?: string): DisconnectReason => {
  const kind: Kind = reject === "shutdown" || reject === "operator" || reject === "banned" || reject === "evicted" ||
      reject === "protocol"
    ? reject
    : "rejected"
  return { kind, by, reject, ...(detail === undefined || detail === "" ? {} : { detail }) }
}

/** Short label for logs and metrics: `EOF`, `silent`, `rejected: duplicate`. */
export const label = (reason: DisconnectReason): string =>
  reason.kind === "eof" ? "EOF" : reason.kind === "rejected" ? `rejected: ${reason.reject ?? "?"}` : reason.kind
