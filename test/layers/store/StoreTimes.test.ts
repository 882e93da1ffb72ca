/** How long stores take, by operation: measured from the call to its end, failures too, and the store's answers pass unchanged. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as StoreTimes from "../../../src/layers/store/StoreTimes.ts"
import { ChainStore, ChainStoreError, NotLinked } from "../../../src/services/ChainStore.ts"
import { PeerStore, type StoredPeers } from "../../../src/services/PeerStore.ts"

const notLinked = new ChainStoreError({ reason: new NotLinked({ height: 9, detail: "no" }) })
const stored: StoredPeers = { key: undefined, book: [], anchors: [], bans: [], offenders: [] }

/** Takes the time that its operations are told. */
const slow = Layer.mergeAll(
  Layer.mock(ChainStore, {
    tip: Effect.succeed({ height: 3, hash: "ab" }),
    append: (after) =>
      Effect.delay(after === 9 ? Effect.fail(notLinked) : Effect.succeed({ height: after, hash: "ab" }), 20),
    headers: () => Effect.never
  }),
  Layer.mock(PeerStore, { load: Effect.delay(Effect.succeed(stored), "2 seconds") })
)

const measured = Layer.mergeAll(StoreTimes.chain, StoreTimes.peers).pipe(
  Layer.provide(slow),
  Layer.provideMerge(StoreTimes.layer())
)

describe("store times", () => {
  it.effect("are those of each operation, of failures too, not of what is interrupted", () =>
    Effect.gen(function*() {
      const chain = yield* ChainStore
      const peers = yield* PeerStore
      const { report } = yield* StoreTimes.StoreTimes
      const running = yield* Effect.forkChild(
        Effect.all([chain.append(4, []), Effect.flip(chain.append(9, [])), peers.load, chain.tip]),
        { startImmediately: true }
      )
      const stopped = yield* Effect.forkChild(chain.headers(0, 1), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.interrupt(stopped)
      assert.deepStrictEqual(yield* Fiber.join(running), [
        { height: 4, hash: "ab" },
        notLinked,
        stored,
        { height: 3, hash: "ab" }
      ])
      const upTo = (ms: number, count: number) => Limits.storeBucketsMs.map((most) => ms <= most ? count : 0)
      assert.deepStrictEqual(report(), [
        {
          store: "chain",
          operation: "append",
          times: { buckets: upTo(20, 2), count: 2, sumMs: 40, minMs: 20, maxMs: 20 }
        },
        {
          store: "peers",
          operation: "load",
          times: { buckets: upTo(2_000, 1), count: 1, sumMs: 2_000, minMs: 2_000, maxMs: 2_000 }
        }
      ])
    }).pipe(Effect.provide(measured)))
})
