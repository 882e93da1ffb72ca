/**
 * A node's events: the one source of its log, its metrics and what embedders observe.
 */
import type { DisconnectReason } from "./DisconnectReason.ts"
import type { Key, Tier } from "./masternode/Masternode.ts"
import type { Counts } from "./metrics/Histogram.ts"
import type { PeerIp } from "./peer/PeerIp.ts"
import type { Direction, PeerSource } from "./peer/PeerRecord.ts"
import type { Subnet } from "./peer/Subnet.ts"
import type { BannedBy } from "./protection/BanList.ts"
import type { Spared } from "./protection/IsolationFloor.ts"
import type { OffenceKind } from "./protection/Offence.ts"
import type { SyncFault } from "./sync/SyncState.ts"

/** The connection of an event. `socket`, the initiator's `IP:port`, is the same at both ends and so identifies the socket. */
export interface ConnectionRef {
  readonly ip: PeerIp
  /** Ascending within one process. */
  readonly connection: number
  readonly direction: Direction
  readonly socket: string
}

/** Why messages for the application were dropped. */
export type DropReason = "no receiver" | "receiver failed"

/** `at`: wall time, ms. A node emits events in the order in which things happened. */
export type NodeEvent =
  | { readonly _tag: "Listening"; readonly at: number; readonly address: string }
  | { readonly _tag: "NoPeersKnown"; readonly at: number }
  | {
    readonly _tag: "PeerLearned"
    readonly at: number
    readonly ip: PeerIp
    readonly port: number
    readonly source: PeerSource
  }
  | { readonly _tag: "Dialling"; readonly at: number; readonly ip: PeerIp; readonly port: number }
  | { readonly _tag: "DialFailed"; readonly at: number; readonly ip: PeerIp; readonly detail: string }
  | ({
    readonly _tag: "Up"
    readonly at: number
    readonly role: "lower" | "higher"
    /** The same process was connected before, and neither end closed that connection deliberately: it should not have dropped. */
    readonly isFlap?: boolean
  } & ConnectionRef)
  | ({
    readonly _tag: "Down"
    readonly at: number
    readonly reason: DisconnectReason
    readonly upMs: number
    /** What the connection carried. */
    readonly traffic?: Traffic
  } & ConnectionRef)
  /** A socket was closed before it was Up. Not the peer's fault unless the reason says so. */
  | {
    readonly _tag: "Refused"
    readonly at: number
    readonly ip: PeerIp
    readonly direction: Direction
    /** The initiator's `IP:port`; empty if the socket never connected. */
    readonly socket: string
    readonly reason: DisconnectReason
  }
  | (
    & { readonly _tag: "PingSent" | "PingReceived" | "PongSent"; readonly at: number; readonly nonce: bigint }
    & ConnectionRef
  )
  | ({
    readonly _tag: "PongReceived"
    readonly at: number
    readonly nonce: bigint
    /** ms; absent for an unsolicited pong. */
    readonly rttMs: number | undefined
  } & ConnectionRef)
  /** The same process reaches us under two addresses, or at two of ours. `other`: the address of its live connection. */
  | {
    readonly _tag: "Aliased"
    readonly at: number
    readonly ip: PeerIp
    readonly other: PeerIp
    readonly detail: string
  }
  /** This node found that an address is its own. */
  | { readonly _tag: "OwnAddress"; readonly at: number; readonly ip: PeerIp }
  /** A seed was asked for peers. `addresses`: how many it returned; `detail`: why it returned none. */
  | {
    readonly _tag: "SeedAsked"
    readonly at: number
    readonly seed: string
    readonly addresses: number
    readonly detail: string | undefined
  }
  /** Peers in enough netgroups see this node at `ip`. `before`: the previous own address in the same scope. */
  | {
    readonly _tag: "OwnAddressSeen"
    readonly at: number
    readonly ip: PeerIp
    readonly before: PeerIp | undefined
    /** Netgroups that see this node there. */
    readonly groups: number
  }
  /** Whether peers can reach this node became known, or changed. `detail`: how it is known. */
  | { readonly _tag: "Reachability"; readonly at: number; readonly reachable: "yes" | "no"; readonly detail: string }
  /** The event loop was blocked for `ms`: peers are not blamed for silence in that time. */
  | { readonly _tag: "LoopLag"; readonly at: number; readonly ms: number }
  /** The system cannot accept inbound connections. Emitted once a second while file descriptors are exhausted. */
  | { readonly _tag: "AcceptFailed"; readonly at: number; readonly detail: string }
  /** Connections were refused because too many came from one IP or netgroup; reported together every `Limits.inboundReportMs`. */
  | { readonly _tag: "InboundRefused"; readonly at: number; readonly connections: number }
  /** A frame of unknown kind on a live connection was skipped. */
  | { readonly _tag: "UnknownFrame"; readonly at: number; readonly ip: PeerIp; readonly kind: number }
  /** A peer's application messages were dropped: nothing receives on that channel, or the receiver kept failing on them. */
  | {
    readonly _tag: "MessagesDropped"
    readonly at: number
    readonly ip: PeerIp
    readonly channel: number
    readonly messages: number
    readonly why: DropReason
  }
  /** The application's receiver threw on a peer's message, so that connection ends. `failures`: failures in a row. */
  | {
    readonly _tag: "ReceiverFailed"
    readonly at: number
    readonly ip: PeerIp
    readonly channel: number
    readonly failures: number
    readonly detail: string
  }
  /** Our chain grew by `added` blocks (0: it was rewound) to this tip. `from`: the peer that sent the last of them. */
  | {
    readonly _tag: "TipChanged"
    readonly at: number
    readonly height: number
    readonly hash: string
    readonly added: number
    readonly from: PeerIp | undefined
  }
  /** A better branch, forking at height `fork`, replaced `depth` of our blocks. */
  | {
    readonly _tag: "Reorg"
    readonly at: number
    readonly fork: number
    readonly depth: number
    readonly height: number
  }
  /** No usable peer announces a better chain than ours. */
  | { readonly _tag: "Synced"; readonly at: number; readonly height: number }
  /** Sync stalled on a peer and asks others instead. `stalls`: stalls in a row. */
  | { readonly _tag: "SyncStalled"; readonly at: number; readonly ip: PeerIp; readonly stalls: number }
  /** A peer sent something that no honest peer would send; sync stops using it. */
  | {
    readonly _tag: "SyncBlamed"
    readonly at: number
    readonly ip: PeerIp
    readonly fault: SyncFault
    readonly detail: string
  }
  /** A peer did something that no honest peer does. `points`: its current total over all offences; a ban takes `Limits.banScore`. */
  | {
    readonly _tag: "Offence"
    readonly at: number
    readonly ip: PeerIp
    readonly kind: OffenceKind
    readonly detail: string
    readonly points: number
    /** Why the peer is not banned, although its points suffice for a ban. */
    readonly spared?: Spared
  }
  /** Addresses are banned from now on. */
  | {
    readonly _tag: "Banned"
    readonly at: number
    readonly subnet: Subnet
    readonly by: BannedBy
    readonly detail: string
    readonly forMs: number
  }
  /** A ban has ended: it expired, or an operator lifted it. */
  | { readonly _tag: "Unbanned"; readonly at: number; readonly subnet: Subnet; readonly by: "operator" | "time" }
  /** A full node ended the connection of `ip` to give its place to `other`. */
  | { readonly _tag: "Evicted"; readonly at: number; readonly ip: PeerIp; readonly other: PeerIp }
  /** Number of sockets from banned addresses closed at accept since the last such event. `ip`: the address of one of them. */
  | { readonly _tag: "TurnedAway"; readonly at: number; readonly ip: PeerIp; readonly sockets: number }
  /** The peer has a better chain that ours cannot follow: it forks at `fork`, `depth` blocks below our tip. */
  | {
    readonly _tag: "LeftBehind"
    readonly at: number
    readonly ip: PeerIp
    readonly height: number
    readonly fork: number
    readonly depth: number
  }
  /** The chain store failed. Sync pauses until it works again; the stored chain is unchanged. */
  | { readonly _tag: "StoreFailed"; readonly at: number; readonly detail: string }
  /** A masternode is connected, or witnesses saw it. `others`: number of other live masternodes. */
  | {
    readonly _tag: "MasternodeLive"
    readonly at: number
    readonly ip: PeerIp
    readonly key: Key
    readonly tier: Tier
    readonly others: number
  }
  /** A masternode has neither a connection nor witnesses any more. */
  | {
    readonly _tag: "MasternodeGone"
    readonly at: number
    readonly ip: PeerIp
    readonly key: Key
    readonly others: number
  }
  /** Masternodes make claims that cannot all be true. */
  | { readonly _tag: "MasternodeConflict"; readonly at: number; readonly detail: string }
  | { readonly _tag: "Stopping"; readonly at: number }

/** Every connection emits these every few seconds, so readers that want only changes skip them. */
export const isHeartbeat = ({ _tag }: NodeEvent): boolean =>
  _tag === "PingSent" || _tag === "PingReceived" || _tag === "PongSent" || _tag === "PongReceived"

/** Both directions, frame overhead included. */
export interface Traffic {
  readonly bytes: { readonly sent: number; readonly received: number }
  readonly messages: { readonly sent: number; readonly received: number }
}

/** A count per direction of the connection. */
export interface ByDirection {
  readonly inbound: number
  readonly outbound: number
}

/** Totals since the node started, over past and present connections. */
export interface NodeStats {
  readonly ups: number
  readonly downs: number
  /** By `DisconnectReason.label`. */
  readonly downsByReason: Readonly<Record<string, number>>
  readonly refused: number
  readonly refusedByReason: Readonly<Record<string, number>>
  readonly dials: number
  readonly dialsFailed: number
  /** By `DialFault`. */
  readonly dialFaults: Readonly<Record<string, number>>
  /** Ups of a process whose previous connection dropped although neither end closed it deliberately. */
  readonly flaps: number
  /** Of closed connections only: a live connection's traffic is in its own row. */
  readonly ended: Traffic
  /** By `Limits.rttBucketsMs`. */
  readonly roundTrips: Counts
  /** Blocks by which the chain grew, including blocks of reorganisations. */
  readonly blocksAdded: number
  readonly pings: { readonly sent: ByDirection; readonly received: ByDirection }
  readonly pongs: { readonly sent: ByDirection; readonly received: ByDirection }
  /** How often inbound connections could not be accepted; counted in seconds while file descriptors are exhausted. */
  readonly acceptsFailed: number
  readonly unknownFrames: number
  /** Things peers did that no honest peer does. */
  readonly offences: number
  /** Sockets of banned addresses, closed at accept. */
  readonly turnedAway: number
  /** Connections that this node, when full, ended to make room for another peer. */
  readonly evictions: number
  /** Maximum event-loop lag, ms. */
  readonly maxLagMs: number
  /** ms. Total of stalls beyond `Limits.lagFloorMs`. */
  readonly lagMs: number
}
