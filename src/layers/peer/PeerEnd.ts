/**
 * One end of a socket to a peer, from the decision to dial or the accepted socket on. Its phase, our role and the addresses that the ends
 * have for each other are in the pair's state (`Pair.known`). This holds only what this node's layers need.
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
 * What the peer's Hello says about the peer. It counts once the connection is up. A TIME-network peer sends less: its `process` is empty and
 * its `nonce` 0.
 */
export interface Greeting {
  readonly software: string
  readonly tip: { readonly height: number; readonly hash: string }
  /** Random id of its process, 16 hex digits. */
  readonly process: string
  /** The nonce of its Hello on this socket. */
  readonly nonce: bigint
  /** Bit set (`Handshake.Capability`). */
  readonly capabilities: number
  /** Port it listens on; 0 if it does not listen. */
  readonly listens: number
  /** Our address as the peer dialled or observed it. */
  readonly namesUs: PeerIp
}

/** State from Up to Down. */
export interface Up {
  readonly end: PeerEnd
  readonly connection: PeerConnection<PeerEnd>
  readonly greeting: Greeting
  /** Monotonic ms of Up. */
  readonly at: number
  /** Increases with every Up of the node: tells which came up first. */
  readonly order: number
  liveness: Liveness.State
  /** The node's total lag when a byte last arrived or the liveness was last checked, ms. */
  lagSeenMs: number
  /** Its slot in the heartbeat's order; see `DueSlots`. */
  dueSlot: number | undefined
  /** When we last asked it for addresses (monotonic ms), and how often. */
  asked: { readonly at: number; readonly times: number } | undefined
  /** The rate limits of its messages. */
  readonly rates: MessageRates
}

/** The peer as an end needs it for every batch received, without a look-up in the table. Implemented by `Peer`, which holds its ends. */
export interface PeerOfEnd {
  readonly ip: PeerIp
  /** Its netgroup (`PeerIp.operatorOf`). */
  readonly group: string
  readonly pair: PairState
  /** Whether the end is one of the pair's: not closed, and its peer not forgotten. */
  has(end: PeerEnd): boolean
}

/** Extra state of an end on the TIME wire. */
export interface TimeFacts {
  /** The peer's commit count by its Handshake; `undefined` until that arrives. */
  commitCount: number | undefined
  /** What this node sent recently: the peer drops messages beyond its limits. */
  sent: TimeRates.Sent
  /** A masternode announces itself at most once per connection: `early` before it may, `due` when it may, `said` after. */
  announcement: "early" | "due" | "said"
}

/** State of an end whose peer has sent nothing yet. */
export const unheard = (): TimeFacts => ({ commitCount: undefined, sent: TimeRates.nothing, announcement: "early" })

export class PeerEnd {
  readonly id: number
  readonly peer: PeerOfEnd
  readonly direction: Direction
  /** The nonce of our Hello on this socket. */
  readonly helloNonce: bigint
  /** `undefined` while a dial waits for its turn. */
  connection: PeerConnection<PeerEnd> | undefined = undefined
  /** `undefined` of an accepted socket, and while a dial waits for its turn. */
  dialledPort: number | undefined = undefined
  /** Accepted from a known address, which goes before strangers. */
  isKnown = false
  /** `undefined` until the peer's Hello passed its checks. */
  greeting: Greeting | undefined = undefined
  /** `undefined` unless the end speaks the TIME wire. */
  time: TimeFacts | undefined = undefined
  up: Up | undefined = undefined
  /** Monotonic ms when our Commit was sent: Commit to Ack is the first round trip. */
  committedAt: number | undefined = undefined
  /** Why it went down, for senders that still refer to it. */
  downReason: DisconnectReason | undefined = undefined
  pingsSent = 0
  pingsReceived = 0
  pongsSent = 0
  pongsReceived = 0
  /** The peer has sent addresses before Up: it may do so once, when it refuses us. */
  isTold = false
  /** The peer accepts a `Peers` before a `Reject`. */
  readsRefusals = false
  /** Messages received before it was up. */
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

  /** The socket's name in events; empty until connected. */
  get socketName(): string {
    return this.connection?.socketName ?? ""
  }
}
