/** What parts of a node count beside its events, for its metrics. */
import type { WireName } from "../peer/PeerRecord.ts"
import type * as Histogram from "./Histogram.ts"

/** Seen from this node. */
export type Way = "sent" | "received"

/** Messages of one type, since the start. */
export interface MessageCount {
  readonly wire: WireName
  readonly way: Way
  /** The message's tag; `Unknown` and `BadBody` for what has none. */
  readonly type: string
  readonly messages: number
  /** Of their whole frames. */
  readonly bytes: number
}

/** What waits in the node: long while peers wait for it. */
export interface Queues {
  /** Sockets whose peer has not said who it is. */
  readonly unidentified: number
  /** Dials in flight. */
  readonly dialling: number
  /** Dials that wait for their turn. */
  readonly dials: number
  /** Messages that wait for an application that has not opened its channel. */
  readonly application: number
}

/** How long one operation of a store took, since the start, by `Limits.storeBucketsMs`. */
export interface StoreTime {
  readonly store: "chain" | "peers"
  readonly operation: string
  readonly times: Histogram.Counts
}
