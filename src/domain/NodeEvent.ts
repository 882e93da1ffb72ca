/**
 * What a node tells about itself, one event at a time: the source of its log, its metrics and of what embedders watch.
 */
import type { DisconnectReason } from "./DisconnectReason.ts"
import type { PeerIp } from "./peer/PeerIp.ts"
import type { SyncFault } from "./sync/SyncState.ts"

/** Who opened a connection, seen from this node. */
export type Direction = "inbound" | "outbound"

/** How an address came to be known. */
export type PeerSource = "configured" | "stored" | "gossip" | "inbound"

/** One connection as events name it. `socket` is the initiator's `IP:port`: equal at both ends, so it identifies the socket. */
export interface ConnectionRef {
  readonly ip: PeerIp
  /** Ascending within one process. */
  readonly connection: number
  readonly direction: Direction
  readonly socket: string
}

/** `at` is wall time in ms. Events of one node come in the order things happened. */
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
  | ({ readonly _tag: "Up"; readonly at: number; readonly role: "lower" | "higher" } & ConnectionRef)
  | (
    & { readonly _tag: "Down"; readonly at: number; readonly reason: DisconnectReason; readonly upMs: number }
    & ConnectionRef
  )
  /** A socket that never came up was closed. Not a fault of the peer unless the reason says so. */
  | {
    readonly _tag: "Refused"
    readonly at: number
    readonly ip: PeerIp
    readonly direction: Direction
    /** The initiator's `IP:port`; empty when it was never connected. */
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
    /** ms; absent when the nonce was not one of ours. */
    readonly rttMs: number | undefined
  } & ConnectionRef)
  /** One process reaches us under two addresses, or reaches two of ours. `other` is the address it is up under. */
  | {
    readonly _tag: "Aliased"
    readonly at: number
    readonly ip: PeerIp
    readonly other: PeerIp
    readonly detail: string
  }
  /** An address turned out to be this node's own. */
  | { readonly _tag: "OwnAddress"; readonly at: number; readonly ip: PeerIp }
  /** The event loop was late by so many ms: silence of peers in that time is not held against them. */
  | { readonly _tag: "LoopLag"; readonly at: number; readonly ms: number }
  /** A frame of an unknown kind came on a live connection and was skipped. */
  | { readonly _tag: "UnknownFrame"; readonly at: number; readonly ip: PeerIp; readonly kind: number }
  /** Our chain is now `added` blocks longer (0 for a rewind) and ends here. `from`: the peer that sent the last of them. */
  | {
    readonly _tag: "TipChanged"
    readonly at: number
    readonly height: number
    readonly hash: string
    readonly added: number
    readonly from: PeerIp | undefined
  }
  /** `depth` blocks of ours were replaced by a better branch that leaves ours at `fork`. */
  | {
    readonly _tag: "Reorg"
    readonly at: number
    readonly fork: number
    readonly depth: number
    readonly height: number
  }
  /** Our chain is as good as any that a usable peer tells of. */
  | { readonly _tag: "Synced"; readonly at: number; readonly height: number }
  /** A peer kept sync waiting: others are asked instead. */
  | { readonly _tag: "SyncStalled"; readonly at: number; readonly ip: PeerIp; readonly stalls: number }
  /** A peer sent what no honest peer sends. It is not used for sync any more. */
  | {
    readonly _tag: "SyncBlamed"
    readonly at: number
    readonly ip: PeerIp
    readonly fault: SyncFault
    readonly detail: string
  }
  /** The chain store failed. Sync stops until it works again; the chain is as it was. */
  | { readonly _tag: "StoreFailed"; readonly at: number; readonly detail: string }
  | { readonly _tag: "Stopping"; readonly at: number }

/** A count per direction of the connection it happened on. */
export interface ByDirection {
  readonly inbound: number
  readonly outbound: number
}

/** Totals since the node started, connections that are gone included. */
export interface NodeStats {
  readonly ups: number
  readonly downs: number
  /** By `DisconnectReason.label`. */
  readonly downsByReason: Readonly<Record<string, number>>
  readonly refused: number
  readonly refusedByReason: Readonly<Record<string, number>>
  readonly dials: number
  readonly dialsFailed: number
  readonly pings: { readonly sent: ByDirection; readonly received: ByDirection }
  readonly pongs: { readonly sent: ByDirection; readonly received: ByDirection }
  readonly unknownFrames: number
  /** Greatest event-loop lag seen, ms. */
  readonly maxLagMs: number
}
