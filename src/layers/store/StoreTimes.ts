/**
 * Times the node's stores: each operation that may touch a database, from call to end, including the wait for its turn. Failures count
 * like successes; interrupted operations do not count.
 *
 * A decorator of the services, so that neither the stores nor their callers know of it.
 */
import { Context, Effect, Exit, Layer } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { StoreTime } from "../../domain/metrics/Counts.ts"
import { Histogram } from "../../domain/metrics/Histogram.ts"
import { ChainStore } from "../../services/ChainStore.ts"
import { PeerStore } from "../../services/PeerStore.ts"
import { monotonicMs } from "../time/monotonicMs.ts"

type Measure = (operation: string) => <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

export class StoreTimes extends Context.Service<StoreTimes, {
  readonly of: (store: StoreTime["store"]) => Measure
  /** Only operations called at least once. */
  readonly report: () => ReadonlyArray<StoreTime>
}>()("timemesh/layers/store/StoreTimes") {}

const make = (): StoreTimes["Service"] => {
  const kept: Array<{ readonly store: StoreTime["store"]; readonly operation: string; readonly times: Histogram }> = []
  const timesOf = (store: StoreTime["store"], operation: string): Histogram => {
    const found = kept.find((one) => one.store === store && one.operation === operation)
    if (found !== undefined) return found.times
    const times = new Histogram(Limits.storeBucketsMs)
    kept.push({ store, operation, times })
    return times
  }
  return {
    of: (store) => (operation) => (effect) =>
      Effect.flatMap(monotonicMs, (from) =>
        Effect.onExit(effect, (exit) =>
          Exit.hasInterrupts(exit)
            ? Effect.void
            : Effect.map(monotonicMs, (to) => timesOf(store, operation).add(to - from)))),
    report: () => kept.map(({ operation, store, times }) => ({ store, operation, times: times.counts }))
  }
}

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<StoreTimes> => Layer.sync(StoreTimes, make)

/** Measures the store in context, except what it answers from memory (`tip`, `branch`, `settled`). */
export const chain: Layer.Layer<ChainStore, never, ChainStore | StoreTimes> = Layer.effect(
  ChainStore,
  Effect.gen(function*() {
    const store = yield* ChainStore
    const measure = (yield* StoreTimes).of("chain")
    return ChainStore.of({
      ...store,
      append: (after, blocks) => measure("append")(store.append(after, blocks)),
      blocks: (from, count, maxBytes) => measure("blocks")(store.blocks(from, count, maxBytes)),
      hashes: (from, count) => measure("hashes")(store.hashes(from, count)),
      headers: (from, count) => measure("headers")(store.headers(from, count)),
      heightOf: (hash) => measure("heightOf")(store.heightOf(hash)),
      findTransactions: (txids, within, found) =>
        measure("findTransactions")(store.findTransactions(txids, within, found)),
      stage: (after, blocks) => measure("stage")(store.stage(after, blocks)),
      branchHashes: (from, count) => measure("branchHashes")(store.branchHashes(from, count)),
      adopt: measure("adopt")(store.adopt),
      unstage: measure("unstage")(store.unstage),
      settle: measure("settle")(store.settle)
    })
  })
)

/** Measures the store in context. */
export const peers: Layer.Layer<PeerStore, never, PeerStore | StoreTimes> = Layer.effect(
  PeerStore,
  Effect.gen(function*() {
    const store = yield* PeerStore
    const measure = (yield* StoreTimes).of("peers")
    return PeerStore.of({
      load: measure("load")(store.load),
      save: (changes) => measure("save")(store.save(changes))
    })
  })
)
