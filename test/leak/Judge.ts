/** Cycles between two censuses, and the judgement: what did not come back. */
import { Clock, Effect } from "effect"
import * as Census from "./Census.ts"
import type { Lane } from "./Lane.ts"
import { run, sum } from "./Lane.ts"

/** Part of the heap it may be larger by after all cycles: warm code and caches still move it a little. */
export const heapTolerance = 0.05

export interface Result {
  readonly name: string
  readonly cycles: number
  readonly seconds: number
  readonly before: Census.Census
  readonly after: Census.Census
  /** Connections the network lists; absent where it cannot be asked. */
  readonly open: number | undefined
  /** Of all connections that ended between the censuses, by label. */
  readonly reasons: Readonly<Record<string, number>>
  /** In words; empty: nothing leaked. */
  readonly leaks: ReadonlyArray<string>
}

/** Must be at most what they were: the lanes are at rest both times. */
const exact = ["connections", "rows", "ends"] as const

/** Entries of sets and maps that may be more by whatever else goes on in the process: a leak is one per cycle. */
const entriesTolerance = (cycles: number): number => Math.max(64, cycles / 50)

/**
 * `nodes`: by so many may fibers and timeouts be more, as each node's wheel has one of both for as long as it has anything to
 * wait for.
 */
export const leaksOf = (
  before: Census.Census,
  after: Census.Census,
  cycles: number,
  nodes: number
): ReadonlyArray<string> => {
  const grown = after.heap / before.heap - 1
  return [
    ...(grown > heapTolerance ? [`the heap grew by ${(grown * 100).toFixed(1)} %`] : []),
    ...(after.external > before.external + before.heap * heapTolerance
      ? [`buffers grew from ${before.external} to ${after.external} bytes`]
      : []),
    ...exact.flatMap((key) => after[key] > before[key] ? [`${key}: ${before[key]}, then ${after[key]}`] : []),
    ...(after.fibers > before.fibers + nodes ? [`fibers: ${before.fibers}, then ${after.fibers}`] : []),
    ...(after.entries > before.entries + entriesTolerance(cycles)
      ? [`entries of sets and maps: ${before.entries}, then ${after.entries}`]
      : []),
    ...Object.entries(after.handles).flatMap(([kind, count]) =>
      count > (before.handles[kind] ?? 0) + (kind === "Timeout" ? nodes : 0)
        ? [`${kind}: ${before.handles[kind] ?? 0}, then ${count}`]
        : []
    )
  ]
}

/**
 * Timers of a node without peers: when it looks into its book, tests an address, asks for addresses (`layers/peer/Seeker`), whether it is
 * reachable (`Reachability`); counts at which address peers saw it (`OwnAddressWatch`), announces who came up (`Discovery`). Each once at most.
 */
const nodeTimers = 6

/**
 * ms. Closed sockets and final Rejects take a second, so the first look is after that: each costs half a second of processor time. Then it is looked
 * again for less long than any timer that might be left over.
 */
const lingerMs = 1_100
const settleMs = 4_000
const againMs = 250

/**
 * The first census without a connection, or the last of a few. Nothing else is waited for: a timer that was forgotten, and the
 * connection that it holds, would be gone by itself in some seconds.
 */
const settled = Effect.gen(function*() {
  const last = (yield* Clock.currentTimeMillis) + settleMs
  yield* Effect.sleep(lingerMs)
  let census = yield* Census.take
  while (census.connections + census.ends > 0 && (yield* Clock.currentTimeMillis) < last) {
    yield* Effect.sleep(againMs)
    census = yield* Census.take
  }
  return census
})

export const judge = <E>(options: {
  readonly name: string
  readonly lanes: ReadonlyArray<Lane<E>>
  readonly cycles: number
  /** Cycles before the first census: code gets compiled, tables and pools get their size. */
  readonly warmUp: number
  readonly open?: Effect.Effect<number>
}): Effect.Effect<Result, E> =>
  Effect.gen(function*() {
    const { cycles, lanes, name, open, warmUp } = options
    // The first census of a process frees what the engine loaded its debugger with.
    yield* Census.take
    yield* run(lanes, warmUp)
    const before = yield* settled
    const reasonsBefore = sum(lanes.map(({ reasons }) => reasons()))
    const began = yield* Clock.currentTimeMillis
    yield* run(lanes, cycles)
    const seconds = ((yield* Clock.currentTimeMillis) - began) / 1_000
    const after = yield* settled
    const nodes = lanes.reduce((total, lane) => total + lane.nodes, 0)
    const rows = lanes.reduce((total, lane) => total + lane.rows, 0)
    const stillOpen = open === undefined ? undefined : yield* open
    const reasons = Object.fromEntries(
      Object.entries(sum(lanes.map(({ reasons }) => reasons()))).map(([label, count]) => [
        label,
        count - (reasonsBefore[label] ?? 0)
      ])
    )
    return {
      name,
      cycles,
      seconds,
      before,
      after,
      open: stillOpen,
      reasons,
      leaks: [
        ...(before.connections + before.ends === 0 ? [] : ["connections were open before the first cycle"]),
        ...leaksOf(before, after, cycles, nodes),
        ...(after.rows > rows ? [`${after.rows} rows of peers, of ${rows} that are known`] : []),
        // Without a connection a row has at most the timer of its next dial, and a node a few of its own.
        ...(after.timers > rows + nodes * nodeTimers ? [`${after.timers} timers for ${rows} peers`] : []),
        ...(stillOpen === undefined || stillOpen === 0 ? [] : [`${stillOpen} connections open on the network`])
      ]
    }
  })
