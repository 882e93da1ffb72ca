/**
 * The events of a node: the one source of its log, its metrics and what embedders observe.
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

/** The connection of an event. `socket`, the initiator's `IP:port`, is equal at both ends and so identifies the socket. */
export interface ConnectionRef {
  readonly ip: PeerIp
  /** Ascending within one process. */
  readonly connection: number
  readonly direction: Direction
  readonly socket: string
}

/** Why messages for the application were dropped. */
export type DropReason = "no receiver" | "receiver failed"

/** `at`: wall time, ms. A node emits its events in the order in which things happened. */
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
    /** The same process was connected before, and nobody ended that connection: it should not have dropped. */
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
  /** This node found an address to be its own. */
  | { readonly _tag: "OwnAddress"; readonly at: number; readonly ip: PeerIp }
  /** A seed was asked for peers. `addresses`: how many it gave; `detail`: why none. */
  | {
    readonly _tag: "SeedAsked"
    readonly at: number
    readonly seed: string
    readonly addresses: number
    readonly detail: string | undefined
  }
  /** Peers of enough netgroups see this node at `ip`. `before`: the address of that kind until now. */
  | {
    readonly _tag: "OwnAddressSeen"
    readonly at: number
    readonly ip: PeerIp
    readonly before: PeerIp | undefined
    /** Netgroups that see it there. */
    readonly groups: number
  }
  /** Whether others can reach this node has become known, or has changed. `detail`: how it is known. */
  | { readonly _tag: "Reachability"; readonly at: number; readonly reachable: "yes" | "no"; readonly detail: string }
  /** The event loop was blocked for `ms`: peers are not blamed for silence in that time. */
  | { readonly _tag: "LoopLag"; readonly at: number; readonly ms: number }
  /** The system cannot give us inbound connections; emitted once a second while file descriptors are missing. */
  | { readonly _tag: "AcceptFailed"; readonly at: number; readonly detail: string }
  /** Connections were refused because too many came from their address or netgroup; reported together every `Limits.inboundReportMs`. */
  | { readonly _tag: "InboundRefused"; readonly at: number; readonly connections: number }
  /** A frame of unknown kind on a live connection was skipped. */
  | { readonly _tag: "UnknownFrame"; readonly at: number; readonly ip: PeerIp; readonly kind: number }
  /** Messages of a peer to the application were dropped: it did not receive on that channel, or kept failing on them. */
  | {
    readonly _tag: "MessagesDropped"
    readonly at: number
    readonly ip: PeerIp
    readonly channel: number
    readonly messages: number
    readonly why: DropReason
  }
  /** The application's receiver threw on a message of a peer, whose connection ends (`failures`: in a row). */
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
  /** A better branch, forking at height `fork`, replaced `depth` blocks of ours. */
  | {
    readonly _tag: "Reorg"
    readonly at: number
    readonly fork: number
    readonly depth: number
    readonly height: number
  }
  /** No usable peer announces a better chain than ours. */
  | { readonly _tag: "Synced"; readonly at: number; readonly height: number }
  /** Sync stalled on a peer and asks others instead. `stalls`: in a row. */
  | { readonly _tag: "SyncStalled"; readonly at: number; readonly ip: PeerIp; readonly stalls: number }
  /** A peer sent something that no honest peer would send; sync stops using it. */
  | {
    readonly _tag: "SyncBlamed"
    readonly at: number
    readonly ip: PeerIp
    readonly fault: SyncFault
    readonly detail: string
  }
  /** A peer did what no honest peer does. `points`: of all its offences now, of the `Limits.banScore` that a ban takes. */
  | {
    readonly _tag: "Offence"
    readonly at: number
    readonly ip: PeerIp
    readonly kind: OffenceKind
    readonly detail: string
    readonly points: number
    /** Why it is not banned, with as many points as a ban takes. */
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
  /** A ban has ended: its time is over, or an operator lifted it. */
  | { readonly _tag: "Unbanned"; readonly at: number; readonly subnet: Subnet; readonly by: "operator" | "time" }
  /** A full node ended the connection of `ip`, so that `other` has its place. */
  | { readonly _tag: "Evicted"; readonly at: number; readonly ip: PeerIp; readonly other: PeerIp }
  /** So many sockets of banned addresses were closed when they were accepted, since the last of these events. `ip`: of one of them. */
  | { readonly _tag: "TurnedAway"; readonly at: number; readonly ip: PeerIp; readonly sockets: number }
  /** The peer has a better chain, and ours cannot become it: it leaves ours at `fork`, `depth` blocks below our tip. */
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
  /** A masternode is connected, or witnesses saw it. `others`: as many others are live. */
  | {
    readonly _tag: "MasternodeLive"
    readonly at: number
    readonly ip: PeerIp
    readonly key: Key
    readonly tier: Tier
    readonly others: number
  }
  /** Neither a connection nor witnesses speak for it any more. */
  | {
    readonly _tag: "MasternodeGone"
    readonly at: number
    readonly ip: PeerIp
    readonly key: Key
    readonly others: number
  }
  /** Masternodes claim what cannot all be true. */
  | { readonly _tag: "MasternodeConflict"; readonly at: number; readonly detail: string }
  | { readonly _tag: "Stopping"; readonly at: number }

/** Each connection has one of these every few seconds: a reader wants to see what changes. */
export const isHeartbeat = ({ _tag }: NodeEvent): boolean =>
  _tag === "PingSent" || _tag === "PingReceived" || _tag === "PongSent" || _tag === "PongReceived"

/** Both ways, frames and all. */
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
  /** Ups of a process whose connection before had dropped though nobody ended it. */
  readonly flaps: number
  /** Of the connections that are down: what is up is in its row. */
  readonly ended: Traffic
  /** By `Limits.rttBucketsMs`. */
  readonly roundTrips: Counts
  /** Blocks by which the chain grew, those of a reorganisation among them. */
  readonly blocksAdded: number
  readonly pings: { readonly sent: ByDirection; readonly received: ByDirection }
  readonly pongs: { readonly sent: ByDirection; readonly received: ByDirection }
  /** Times that inbound connections could not be accepted: seconds, where file descriptors were missing. */
  readonly acceptsFailed: number
  readonly unknownFrames: number
  /** What peers did that no honest peer does. */
  readonly offences: number
  /** Sockets of banned addresses, closed when they were accepted. */
  readonly turnedAway: number
  /** Connections that this node, full, ended for another peer's sake. */
  readonly evictions: number
  /** Maximum event-loop lag, ms. */
  readonly maxLagMs: number
  /** ms. Stalls beyond `Limits.lagFloorMs`, in all. */
  readonly lagMs: number
}
