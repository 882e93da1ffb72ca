/** The state of the planner's world: the node's store and its planner, the peers' links, and the agenda of a virtual clock. */
import { fromStringUnsafe } from "../../src/domain/peer/PeerIp.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import type { PeerSpec, World } from "./syncKinds.ts"

export const ip = (n: number): PeerIp => fromStringUnsafe(`10.0.0.${n + 1}`)

/** Bytes of each block. */
export const blockBytes = 484

export const tipOf = (chain: ReadonlyArray<string>): SyncState.SyncTip => ({
  height: chain.length - 1,
  hash: chain.at(-1) ?? ""
})

/** The height up to which both chains are the same. */
export const common = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number => {
  let low = 0
  let high = Math.min(a.length, b.length) - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (a[middle] === b[middle]) low = middle
    else high = middle - 1
  }
  return low
}

export interface Link {
  readonly id: PeerIp
  spec: PeerSpec
  up: boolean
  /** Bytes came since its timer was set. */
  trickled: boolean
  /** When its outgoing line is free again. */
  freeAt: number
  /** When the last piece came from it. */
  heardAt: number
  session: number
  branch: ReadonlyArray<string> | undefined
}

export interface Options {
  readonly start: ReadonlyArray<string>
  readonly peers: ReadonlyArray<PeerSpec>
  /** What happens beside: a peer goes down, comes back, its chain grows. */
  readonly script?: ReadonlyArray<
    & { readonly at: number; readonly peer: number }
    & (
      | { readonly _tag: "Down" | "Up" }
      | { readonly _tag: "Chain"; readonly chain: ReadonlyArray<string> }
    )
  >
  /** ms. Give up then. */
  readonly limitMs: number
  /** Run until then, even when in sync. */
  readonly untilMs?: number
  /** ms after which a dropped peer is back. Absent: it stays away. */
  readonly returns?: number
  /** A branch that leaves our chain more than so many blocks below its tip is not followed. */
  readonly maxReorg?: number
}

/** Bodies asked for. */
export interface Request {
  readonly peer: PeerIp
  readonly branch: number
  readonly from: number
  readonly hashes: ReadonlyArray<string>
  came: number
}

interface Entry {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

export abstract class SyncWorldState {
  now = 0
  sequence = 0
  store: ReadonlyArray<string>
  state: SyncState.SyncState
  done = false
  nextBranch = 1
  /** Branches by number: their whole chain, and bodies that came, by height. */
  readonly branches = new Map<number, { chain: ReadonlyArray<string>; readonly held: Map<number, PeerIp> }>()
  readonly requests = new Map<number, Request>()
  readonly timers = new Map<string, { readonly token: number }>()
  readonly links = new Map<PeerIp, Link>()
  readonly brought = new Map<PeerIp, number>()
  readonly blamed = new Map<PeerIp, SyncState.SyncFault>()
  readonly dropped = new Map<PeerIp, number>()
  readonly left: Array<PeerIp> = []
  readonly behind: Array<World["behind"][number]> = []
  readonly stalled = new Set<PeerIp>()
  readonly options: Options
  /** Last is first: in descending order of time, then of entry. */
  readonly #agenda: Array<Entry> = []

  constructor(options: Options) {
    this.options = options
    this.store = [...options.start]
    this.state = SyncState.start(tipOf(this.store))
  }

  /** Gives the planner an event, and does what it asks for. */
  abstract dispatch(event: SyncState.SyncEvent): void

  later(ms: number, act: () => void): void {
    const entry = { at: this.now + ms, order: this.sequence++, act }
    let low = 0
    let high = this.#agenda.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#agenda[middle]
      if (other !== undefined && other.at > entry.at) low = middle + 1
      else high = middle
    }
    this.#agenda.splice(low, 0, entry)
  }

  /** Moves the clock to the next entry of the agenda and runs it. False: there is none in time. */
  next(): boolean {
    const entry = this.#agenda.pop()
    if (entry === undefined || entry.at > this.options.limitMs) return false
    this.now = entry.at
    entry.act()
    return true
  }

  linkOf(id: PeerIp): Link {
    const link = this.links.get(id)
    if (link === undefined) throw new Error(`no link ${id}`)
    return link
  }

  /** The tip that the peer announces. */
  told({ spec }: Link): SyncState.SyncTip {
    const tip = tipOf(spec.chain)
    return spec.kind._tag === "Inflates" || spec.kind._tag === "Promises"
      ? { height: tip.height + 1_000, hash: "0inflated" }
      : tip
  }

  oldestFork(): number {
    return Math.max(0, this.store.length - 1 - (this.options.maxReorg ?? Infinity))
  }
}
