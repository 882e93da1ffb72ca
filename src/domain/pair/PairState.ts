/**
 * The vocabulary of the pair protocol: the state a node keeps for one peer, the events, and the actions to perform.
 *
 * `Pair.step(state, event, draw) → [state, actions]` is pure. State holds no time and no random number: timers are the actions
 * `Arm`/`Disarm` and the event `Fired`. Nonces, connection ids, and delays that depend on randomness or history arrive with the event as
 * `Draw`. The rules, with their proof, are in docs/PROTOCOL.md.
 */
import type { DisconnectReason, RejectReason } from "../DisconnectReason.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

/** Identifies one end of one socket for the life of the process; ascending, so a greater id is a newer end. */
export type EndId = number

/** `dialing` → `hello` (socket open, no Hello from the peer yet) → `candidate` → (`committing`, lower only) → `up`. */
export type Phase = "dialing" | "hello" | "candidate" | "committing" | "up"

/** Our role on one socket; derived from the socket, not from configuration. */
export type Role = "lower" | "higher"

/** One end of one socket to the peer. A closed end is not in the state. */
export interface End {
  readonly id: EndId
  readonly dir: "out" | "in"
  readonly phase: Phase
  /** Known once the Hello arrives. */
  readonly role: Role | undefined
  /** The peer's instance tag: stable for the life of its process, while it is dialled or observed under `self`. */
  readonly tag: string | undefined
  /** The peer's process id, unproven: the same towards every address of ours. */
  readonly process: string | undefined
  /** Our address as the peer named it in its Hello. */
  readonly self: PeerIp | undefined
  /**
   * Position of this socket among those of the peer's process, by that process's own count: greater is newer. `undefined`: no Hello yet, or
   * the peer's version does not send it.
   */
  readonly order: number | undefined
  /** A Commit arrived and waits for the verdict on the live end (rule H2, or an alias conflict). */
  readonly commitHeld: boolean
}

/** An end whose peer's Hello passed its checks: from `candidate` on. */
export interface KnownEnd extends End {
  readonly role: Role
  readonly tag: string
  readonly process: string
  readonly self: PeerIp
}

/**
 * Timers of a pair. `hello`, `commit`, `wait` belong to one end; the others exist once per pair and carry `end` 0. `quiet`: 1 s after a
 * challenge was sent; from then on, any byte is an answer. `spacing`: the next challenge may start. `grace`: L stops holding H's dial.
 * `redial`: this node's own next dial is due.
 */
export interface Timer {
  readonly kind: "hello" | "commit" | "wait" | "probe" | "quiet" | "spacing" | "grace" | "redial"
  readonly end: EndId
}

/** A running challenge: the live end must answer, or a challenger replaces it. */
export interface Probe {
  readonly end: EndId
  /** Nonce of the ping. A committing end is not probed: its `Ack` is the answer, and `commit` bounds the wait. */
  readonly nonce: bigint
  /** `queued`: the ping is still in our outbox. `sent`: the probe time runs. `late`: any byte now counts as an answer. */
  readonly phase: "queued" | "sent" | "late"
  /** Started while a Commit was held. The sender's commit timer is running, so this challenge's times are short. */
  readonly urgent: boolean
}

export interface PairState {
  /** At most `Limits.endsPerPair`, oldest first. */
  readonly ends: ReadonlyArray<End>
  readonly probe: Probe | undefined
  /** The timer `spacing` runs: no challenge may start. */
  readonly spacing: boolean
  /** An address to dial is known, and this node may dial it. */
  readonly dialable: boolean
  /** The timer `redial` runs. */
  readonly redial: boolean
  /** The timer `grace` runs. */
  readonly grace: boolean
  /** Our presumed rank before a Hello confirms it. */
  readonly rank: Role | undefined
  /** The peer is up under another address, as it said (`alias`) or proved: no dial until `Freed`. */
  readonly barred: boolean
}

/** Outside input that comes with an event: none of it is kept. */
export interface Draw {
  /** Id for an end that this step may create. Greater than all earlier ids. */
  readonly id: EndId
  /** Fresh 64-bit nonce, for a challenge this step may start. */
  readonly nonce: bigint
  /** Wait before a dial, when the lower peer wants to dial or a dial failed: 0 or the delay from `Backoff`, ms. */
  readonly backoffMs: number
  /** Wait before a dial, when the peer is expected to dial first, ms. */
  readonly fallbackMs: number
}

export type PairEvent =
  /** An address to dial became known (configured, stored, gossiped, or read in a Hello). */
  | { readonly _tag: "Learned"; readonly rank: Role | undefined }
  /** Never dial again on our own (the peer's address turned out to be ours, or it was banned). */
  | { readonly _tag: "Forgotten" }
  /** The connection to the peer's other address, which barred dialling, is down. */
  | { readonly _tag: "Freed" }
  /** A socket from the peer's IP was accepted; `end` is new. */
  | { readonly _tag: "Accepted"; readonly end: EndId }
  | { readonly _tag: "Connected"; readonly end: EndId }
  | { readonly _tag: "DialFailed"; readonly end: EndId; readonly detail: string }
  /** The peer's Hello arrived and passed every check before arbitration. */
  | {
    readonly _tag: "Welcomed"
    readonly end: EndId
    readonly role: Role
    readonly tag: string
    readonly process: string
    readonly self: PeerIp
    /** The peer's number for this socket (`Handshake.orderOf`), ascending for the life of its process. */
    readonly order: number | undefined
    /** The peer states where it listens, so we can dial it from now on. */
    readonly listens: boolean
  }
  /** The peer's Hello arrived and failed a check: close with this `Reject`. `retryMs`: delay before our own next dial. */
  | {
    readonly _tag: "Refused"
    readonly end: EndId
    readonly reject: RejectReason
    readonly detail: string
    readonly retryMs: number
  }
  | { readonly _tag: "CommitReceived"; readonly end: EndId }
  | { readonly _tag: "AckReceived"; readonly end: EndId }
  /** `retryMs`: already clamped and jittered. */
  | {
    readonly _tag: "RejectReceived"
    readonly end: EndId
    readonly reject: RejectReason
    readonly detail: string
    readonly retryMs: number
  }
  | { readonly _tag: "PongReceived"; readonly end: EndId; readonly nonce: bigint }
  /** Bytes arrived on this end. Needed only while `Pair.listensTo(state)` is this end. */
  | { readonly _tag: "Heard"; readonly end: EndId }
  /** The challenge's ping left our outbox. `rttMs`: the end's smoothed RTT, if it has one. */
  | {
    readonly _tag: "Flushed"
    readonly end: EndId
    readonly nonce: bigint
    readonly rttMs: number | undefined
  }
  /** Another connection, which stays, leads to the same process: close this one, and do not dial until `Freed`. */
  | { readonly _tag: "Merged"; readonly end: EndId; readonly detail: string }
  /** The socket ended or failed, or the session rejected it (`silent`, `bad-frame`, `protocol`, `outbox-full`). */
  | { readonly _tag: "Closed"; readonly end: EndId; readonly reason: DisconnectReason }
  | { readonly _tag: "Fired"; readonly timer: Timer }
  /**
   * The peer speaks the other wire, whose rules belong to another machine. That machine now owns the dial `end`, and dials. Every other end
   * is closed with `in-use`, and this one does not dial until `Learned`.
   */
  | { readonly _tag: "HandedOver"; readonly end: EndId | undefined }
  /** Close every end with this `Reject` (`shutdown`, `operator`, `banned`, `evicted`). */
  | {
    readonly _tag: "Stopped"
    readonly reject: RejectReason
    readonly detail: string
    /** Delay before our own next dial; `undefined`: never on our own. */
    readonly retryMs: number | undefined
  }

export type PairAction =
  /** Open a socket to the peer's listening address; `end` is new, in phase `dialing`. */
  | { readonly _tag: "Dial"; readonly end: EndId }
  | { readonly _tag: "SendHello"; readonly end: EndId }
  | { readonly _tag: "SendCommit"; readonly end: EndId }
  | { readonly _tag: "SendAck"; readonly end: EndId }
  | { readonly _tag: "SendPing"; readonly end: EndId; readonly nonce: bigint }
  /**
   * Close the socket: with a `Reject`, half-close and a short wait if `reject` is given, else at once. A dial not yet connected is aborted.
   * For an end that was up, a `Down` follows.
   */
  | {
    readonly _tag: "Close"
    readonly end: EndId
    readonly reason: DisconnectReason
    readonly reject: RejectReason | undefined
  }
  | { readonly _tag: "Up"; readonly end: EndId }
  | { readonly _tag: "Down"; readonly end: EndId; readonly reason: DisconnectReason }
  | { readonly _tag: "Arm"; readonly timer: Timer; readonly ms: number }
  | { readonly _tag: "Disarm"; readonly timer: Timer }
  /** The peer reaches this node by two of its addresses; `self` is the live end's. For reporting. */
  | { readonly _tag: "Aliased"; readonly end: EndId; readonly self: PeerIp }

/** The state of an unknown pair. */
export const empty: PairState = {
  ends: [],
  probe: undefined,
  spacing: false,
  dialable: false,
  redial: false,
  grace: false,
  rank: undefined,
  barred: false
}
