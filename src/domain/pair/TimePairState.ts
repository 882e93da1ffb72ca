/**
 * The vocabulary of a pair with a peer of the TIME network: the state a node keeps, the events, and the actions to perform. The rules are in
 * `TimePair`.
 */
import type * as DisconnectReason from "../DisconnectReason.ts"

/** Id of one end of one socket: ascending, unique for the life of the process. */
export type EndId = number

/** `dialing`: until the end of the TLS handshake. `greeting`: our Handshake was sent (dial), or the peer's has not arrived (inbound). */
export interface End {
  readonly id: EndId
  readonly dir: "out" | "in"
  readonly phase: "dialing" | "greeting" | "up"
  /** Place among the ends that had the daemon's slot: greater is later. 0: a dial that has not had it yet. */
  readonly order: number
}

/** `greeting` belongs to an end; the others exist once and carry `end` 0. */
export interface Timer {
  readonly kind: "greeting" | "dial" | "announce" | "unused"
  readonly end: EndId
}

export interface TimePairState {
  /** This node's IP compared with the peer's. */
  readonly rank: "lower" | "higher"
  /** At most `Limits.endsPerPair`. */
  readonly ends: ReadonlyArray<End>
  /** The last order assigned. */
  readonly orders: number
  /** The timer `dial` runs. */
  readonly waiting: boolean
  /** The timer `announce` runs. */
  readonly announcing: boolean
  /** Has something to announce because it is a masternode. */
  readonly announces: boolean
  /** An address is known, and the operator allows us to dial it. */
  readonly dialable: boolean
  /** Failed dials in a row. */
  readonly failures: number
  /** Dials since the last quiet hour that may have been violations. */
  readonly risks: number
  /** ms; −∞: never. */
  readonly lastDialAt: number
  readonly lastRiskAt: number
  readonly lastAnnouncedAt: number
  /** When the end that is up came up, or was last asked for our tip. */
  readonly lastAskedAt: number
  /** Connections given up in a row because the peer did not use them. */
  readonly unused: number
}

export type Event =
  /** An address to dial became known, or may be dialled again. */
  | { readonly _tag: "Learned"; readonly id: EndId }
  /** Our dial, made before the peer's wire was known, is through TLS. `id` is new here. */
  | { readonly _tag: "Adopted"; readonly id: EndId }
  /** Such a dial broke off after TCP and before TLS was done: the peer may belong to this network, and have counted it. */
  | { readonly _tag: "Suspected" }
  /** A socket from the peer whose first bytes belong to this wire. `id` is new. */
  | { readonly _tag: "Accepted"; readonly id: EndId }
  /** Our dial is through TLS. */
  | { readonly _tag: "Connected"; readonly end: EndId }
  /** Our dial failed before TLS was done. `reached`: a TCP connection was open, so the peer noticed it. */
  | { readonly _tag: "DialFailed"; readonly end: EndId; readonly reached: boolean; readonly detail: string }
  /** The peer's Handshake arrived and is acceptable: network and version. */
  | { readonly _tag: "HandshakeReceived"; readonly end: EndId }
  | { readonly _tag: "AckReceived"; readonly end: EndId }
  /** The peer asked for our tip, as a daemon asks each connection that it uses. */
  | { readonly _tag: "Asked"; readonly end: EndId }
  /** The peer belongs to another network or version, or says that we do. */
  | { readonly _tag: "Unfit"; readonly end: EndId; readonly detail: string }
  /** The socket ended, or the session rejected it. */
  | { readonly _tag: "Closed"; readonly end: EndId; readonly reason: DisconnectReason.DisconnectReason }
  /** `id`: for an end that this may create. */
  | { readonly _tag: "Fired"; readonly timer: Timer; readonly id: EndId }
  /** Close everything, and do not dial for at least `retryMs`; `undefined`: until `Learned`. */
  | {
    readonly _tag: "Stopped"
    readonly reason: DisconnectReason.DisconnectReason
    readonly retryMs?: number | undefined
  }

export type Action =
  /** A TLS connection to the peer's address on the network's port. `end` is new. */
  | { readonly _tag: "Dial"; readonly end: EndId }
  /** Our Handshake, at once: the peer counts its absence. */
  | { readonly _tag: "SendHandshake"; readonly end: EndId }
  /** Ack and our own Handshake, in answer to the peer's. */
  | { readonly _tag: "Greet"; readonly end: EndId }
  | { readonly _tag: "Announce"; readonly end: EndId }
  | { readonly _tag: "Close"; readonly end: EndId; readonly reason: DisconnectReason.DisconnectReason }
  | { readonly _tag: "Up"; readonly end: EndId }
  | { readonly _tag: "Down"; readonly end: EndId; readonly reason: DisconnectReason.DisconnectReason }
  | { readonly _tag: "Arm"; readonly timer: Timer; readonly ms: number }
  | { readonly _tag: "Disarm"; readonly timer: Timer }

export const empty = (rank: "lower" | "higher", announces: boolean): TimePairState => ({
  rank,
  ends: [],
  orders: 0,
  waiting: false,
  announcing: false,
  announces,
  dialable: false,
  failures: 0,
  risks: 0,
  lastDialAt: -Infinity,
  lastRiskAt: -Infinity,
  lastAnnouncedAt: -Infinity,
  lastAskedAt: -Infinity,
  unused: 0
})

/** The end that is up: at most one. */
export const up = (state: TimePairState): End | undefined => state.ends.find(({ phase }) => phase === "up")
