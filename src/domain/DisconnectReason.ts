/**
 * Why a connection ended or was refused: the one taxonomy behind log, metric labels, events and API.
 */
import * as DialFault from "./DialFault.ts"
import type { PeerIp } from "./peer/PeerIp.ts"

/** Reasons of a `Reject` frame. `alias`: the two processes are already connected under another address. */
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
  | "application"

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
  "protocol",
  "application"
]

/**
 * Why one end of a connection closed.
 *
 * `eof`: the peer closed without a Reject. `reset`: the socket failed. `silent`: no byte within the dead time. `replaced`: the deciding
 * peer chose a newer socket. `unanswered`: no answer to a challenge. `no-commit`, `no-ack`, `hello-timeout`: a handshake step timed out.
 * `protocol`: a frame not allowed in that state. `bad-frame`: a malformed frame. `outbox-full`: the peer stopped reading. `address`: the
 * other end's address identifies no peer. `application`: the application at the closing end failed on a message. `dial-failed`: no
 * connection to the address. `unused`: the peer keeps the connection open but no longer uses it.
 */
export const kinds = [
  "eof",
  "reset",
  "silent",
  "replaced",
  "unanswered",
  "no-commit",
  "no-ack",
  "hello-timeout",
  "protocol",
  "bad-frame",
  "outbox-full",
  "rejected",
  "banned",
  "evicted",
  "operator",
  "shutdown",
  "application",
  "address",
  "dial-failed",
  "unused"
] as const

export type Kind = typeof kinds[number]

export interface DisconnectReason {
  readonly kind: Kind
  /** Which end closed it: this node or the peer (a broken network counts as remote). */
  readonly by: "local" | "remote"
  /** The `Reject`'s reason, if one was sent or received. */
  readonly reject?: RejectReason
  /** Details for the operator. */
  readonly detail?: string
}

export const local = (kind: Kind, detail?: string): DisconnectReason =>
  detail === undefined ? { kind, by: "local" } : { kind, by: "local", detail }

export const remote = (kind: Kind, detail?: string): DisconnectReason =>
  detail === undefined ? { kind, by: "remote" } : { kind, by: "remote", detail }

/** A dial failed with the system's code. `isCutOff`: see `DialFault.isOwn`. */
export const dialFailed = (code: string, isCutOff: boolean, ip: PeerIp): DisconnectReason =>
  (DialFault.isOwn(DialFault.of(code, ip), isCutOff) ? local : remote)("dial-failed", code)

/** The reason behind a `Reject`. `shutdown`, `operator`, `banned`, `evicted`, `protocol` and `application` keep their own kind; the others become `rejected`. */
export const rejected = (reject: RejectReason, by: "local" | "remote", detail?: string): DisconnectReason => {
  const kind: Kind = reject === "shutdown" || reject === "operator" || reject === "banned" || reject === "evicted" ||
      reject === "protocol" || reject === "application"
    ? reject
    : "rejected"
  return { kind, by, reject, ...(detail === undefined || detail === "" ? {} : { detail }) }
}

/** Short label for logs and metrics: `EOF`, `silent`, `rejected: duplicate`. */
export const label = (reason: DisconnectReason): string =>
  reason.kind === "eof" ? "EOF" : reason.kind === "rejected" ? `rejected: ${reason.reject ?? "?"}` : reason.kind
