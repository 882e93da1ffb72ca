/** What parts of a node count for its metrics, in addition to events. */
import type { WireName } from "../peer/PeerRecord.ts"
import type * as Histogram from "./Histogram.ts"

/** Seen from this node. */
export type Way = "sent" | "received"

/** Messages of one type, since the start. */
export interface MessageCount {
  readonly wire: WireName
  readonly way: Way
  /** The message's tag; `Unknown` or `BadBody` for a message without one. */
  readonly type: string
  readonly messages: number
  /** bytes of their whole frames. */
  readonly bytes: number
}

/** What waits in the node; a queue is long while peers wait for it. */
export interface Queues {
  /** Sockets whose peer has not identified itself. */
  readonly unidentified: number
  /** Dials in flight. */
  readonly dialling: number
  /** Dials waiting for their turn. */
  readonly dials: number
  /** Messages waiting for an application that has not opened its channel. */
  readonly application: number
}

/** Time that one kind of store operation took, since the start, by `Limits.storeBucketsMs`. */
export interface StoreTime {
  readonly store: "chain" | "peers"
  readonly operation: string
  readonly times: Histogram.Counts
}
