/** What a testnet observed and did, as plain data: the basis of its verdict. */
import type { Status } from "../layers/http/AdminApi.ts"
import type { Peers } from "../layers/http/PeerApi.ts"
import type { LogEvent } from "./LogEvents.ts"

/** The options of the testnet. */
export interface Asked {
  /** Blocks the first node starts with; 0: none. */
  readonly chain: number
  readonly produce: boolean
}

/** One node's log, in order, over all its processes. */
export interface NodeEvents {
  readonly ip: string
  readonly events: ReadonlyArray<LogEvent>
}

/** Wall times in ms. The process ended between `issuedAt` and `exitedAt`. */
export interface Kill {
  readonly ip: string
  readonly issuedAt: number
  readonly exitedAt: number
  readonly respawnedAt: number
}

/** A partition, wall times in ms. `healedAt` is absent if it did not end in time. */
export interface Cut {
  readonly left: ReadonlyArray<string>
  readonly cutAt: number
  readonly healedAt: number | undefined
}

/** One node's own report, or `undefined` if it did not answer. */
export interface Account {
  readonly ip: string
  readonly status: Status | undefined
  readonly peers: Peers | undefined
}
