/** What a leak test repeats: a lane does one cycle after the other, with nodes of its own, and many lanes run at once. */
import { Effect } from "effect"

/** `E` is what can go wrong in it: a step that did not come. */
export interface Lane<E> {
  readonly name: string
  /** One connection from nothing to its end. `i` counts from 0 and picks the way. */
  readonly cycle: (i: number) => Effect.Effect<void, E>
  /** Ends what the last cycle left open, so that the lane is as before its first. */
  readonly rest: Effect.Effect<void, E>
  readonly nodes: number
  /** Rows in the peer tables of its nodes at rest. */
  readonly rows: number
  /** Why connections ended, by label, over all nodes. */
  readonly reasons: () => Readonly<Record<string, number>>
}

/** `total` cycles, shared out evenly, then rest. */
export const run = <E>(lanes: ReadonlyArray<Lane<E>>, total: number): Effect.Effect<void, E> =>
  Effect.forEach(lanes, ({ cycle, rest }, k) => {
    const mine = Math.floor((total + k) / lanes.length)
    return Effect.gen(function*() {
      for (let i = 0; i < mine; i++) yield* cycle(i)
      yield* rest
    })
  }, { concurrency: "unbounded", discard: true })

export const sum = (counts: ReadonlyArray<Readonly<Record<string, number>>>): Record<string, number> => {
  const total: Record<string, number> = {}
  for (const each of counts) {
    for (const [key, count] of Object.entries(each)) total[key] = (total[key] ?? 0) + count
  }
  return total
}
