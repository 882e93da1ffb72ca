/**
 * One end of a socket to a peer, from the decision to dial or the accepted socket on. Its phase, our role and the addresses the two ends
 * call each other are in the pair's state and are read there (`Pair.known`); here is what only this node's layers need.
 */
import type { DisconnectReason } from "../../domain/DisconnectReason.ts"
import type { PairState } from "../../domain/pair/PairState.ts"
import type * as Liveness from "../../domain/peer/Liveness.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Direction, WireName } from "../../domain/peer/PeerRecord.ts"
import * as TimeRates from "../../domain/wire/time/TimeRates.ts"
import type { MessageRates } from "./MessageRates.ts"
import type { PeerConnection } from "./PeerConnection.ts"

/**
 * What the peer's Hello says of the peer itself. It counts once the connection is up. A peer of the TIME network says less: its `process` is
 * empty, its `nonce` 0.
 */
export interface Greeting {
  readonly software: string
  readonly tip: { readonly height: number; readonly hash: string }
  /** Random bits of its process, 16 hex digits. */
  readonly process: string
  /** Of its Hello on this socket. */
  readonly nonce: bigint
  /** Bit set (`Handshake.Capability`). */
  readonly capabilities: number
  /** Port at which it listens; 0 if it does not. */
  readonly listens: number
  /** Our address as it dialled or observed it. */
  readonly namesUs: PeerIp
}

/** What holds from Up to Down. */
export interface Up {
  readonly end: PeerEnd
  readonly connection: PeerConnection<PeerEnd>
  readonly greeting: Greeting
  /** Monotonic ms of Up. */
  readonly at: number
  /** Ascending with every Up of the node: which came up first. */
  readonly order: number
  liveness: Liveness.State
  /** The node's total lag when a byte last came, or when the liveness was last looked at, ms. */
  lagSeenMs: number
  /** Place in the heartbeat's order; see `DueSlots`. */
  dueSlot: number | undefined
  /** When it was asked for addresses last (monotonic ms), and how often. */
  asked: { readonly at: number; readonly times: number } | undefined
  /** What its messages may cost. */
  readonly rates: MessageRates
}

/** What an end asks its peer for, once per batch that it receives: so it is no look-up in the table. A `Peer`, which knows its ends. */
export interface PeerOfEnd {
  readonly ip: PeerIp
  /** Its netgroup: `PeerIp.operatorOf`. */
  readonly group: string
  readonly pair: PairState
  /** Whether the end is one of the pair's: not closed, and not of a peer forgotten since. */
  has(end: PeerEnd): boolean
}

/** What an end of the TIME wire has beside. */
export interface TimeFacts {
  /** Of the peer, by its Handshake; `undefined` until that came. */
  commitCount: number | undefined
  /** What this node sent lately: the peer drops what is more than its limits. */
  sent: TimeRates.Sent
  /** This node, as a masternode, may say so once on this connection: not before `due`, and not again. */
  announcement: "early" | "due" | "said"
}

/** Of an end whose peer has said nothing yet. */
export const unheard = (): TimeFacts => ({ commitCount: undefined, sent: TimeRates.nothing, announcement: "early" })

export class PeerEnd {
  readonly id: number
  readonly peer: PeerOfEnd
  readonly direction: Direction
  /** Of our Hello on this socket. */
  readonly helloNonce: bigint
  /** `undefined` while a dial waits for its turn. */
  connection: PeerConnection<PeerEnd> | undefined = undefined
  /** Accepted from an address that comes before strangers. */
  isKnown = false
  /** `undefined` until the peer's Hello passed its checks. */
  greeting: Greeting | undefined = undefined
  /** Of an end that speaks the TIME wire. */
  time: TimeFacts | undefined = undefined
  up: Up | undefined = undefined
  /** Monotonic ms when our Commit left the machine: Commit to Ack is the first round trip. */
  committedAt: number | undefined = undefined
  /** Why it went down, for senders that still hold it. */
  downReason: DisconnectReason | undefined = undefined
  pingsSent = 0
  pingsReceived = 0
  pongsSent = 0
  pongsReceived = 0
  /** The peer has sent addresses before it was up: it may do so once, when it turns us away. */
  isTold = false
  /** The peer reads a `Peers` before a `Reject`. */
  readsRefusals = false
  /** Messages that came before it was up. */
  earlyMessages = 0

  constructor(id: number, peer: PeerOfEnd, direction: Direction, helloNonce: bigint) {
    this.id = id
    this.peer = peer
    this.direction = direction
    this.helloNonce = helloNonce
  }

  /** Which pair machine the end belongs to. */
  get wire(): WireName {
    return this.time === undefined ? "native" : "time"
  }

  get ip(): PeerIp {
    return this.peer.ip
  }

  /** As events name the socket; empty until it is connected. */
  get socketName(): string {
    return this.connection?.socketName ?? ""
  }
}
