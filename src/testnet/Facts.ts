/** What a testnet saw and did, as plain data: what its verdict is drawn from. */
import type { Status } from "../layers/http/AdminApi.ts"
import type { Peers } from "../layers/http/PeerApi.ts"
import type { LogEvent } from "./LogEvents.ts"

/** What the testnet was asked for. */
export interface Asked {
  /** Blocks the first node starts with; 0: none. */
  readonly chain: number
  readonly produce: boolean
}

/** What one node logged, in the order of its log, over all its processes. */
export interface NodeEvents {
  readonly ip: string
  readonly events: ReadonlyArray<LogEvent>
}

/** Wall times in ms. The process died between `issuedAt` and `exitedAt`. */
export interface Kill {
  readonly ip: string
  readonly issuedAt: number
  readonly exitedAt: number
  readonly respawnedAt: number
}

/** A partition, wall times in ms. `healedAt` is absent when it did not end in time. */
export interface Cut {
  readonly left: ReadonlyArray<string>
  readonly cutAt: number
  readonly healedAt: number | undefined
}

/** One node's own account, or `undefined` when it did not answer. */
export interface Account {
  readonly ip: string
  readonly status: Status | undefined
  readonly peers: Peers | undefined
}
