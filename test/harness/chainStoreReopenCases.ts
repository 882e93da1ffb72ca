/** Of the contract of every `ChainStore`: what is kept, and what is found when the store is opened again. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { after, genesis } from "./chainBlocks.ts"
import { branches, type Cases, holds } from "./chainStoreChecks.ts"

export const reopenCases: Cases = {
  "history is settled once that is said, and until the chain is genesis alone": ({ open }) =>
    Effect.gen(function*() {
      const store = yield* open
      const main = after(genesis, 9)
      yield* store.append(0, main)
      assert.isFalse(yield* store.settled)
      yield* store.settle
      yield* store.settle
      assert.isTrue(yield* store.settled)
      yield* store.append(4, after(main[3] ?? genesis, 9, 1))
      assert.isTrue(yield* store.settled)
      yield* store.append(0, [])
      assert.isFalse(yield* store.settled)
      yield* store.append(0, main)
      assert.isFalse(yield* store.settled)
    }),

  "that history is not settled is found when opened again, also after it was": ({ keeps, open }) =>
    Effect.gen(function*() {
      if (!keeps) return
      const main = after(genesis, 9)
      const settled = Effect.scoped(Effect.flatMap(open, (store) => store.settled))
      yield* Effect.scoped(Effect.flatMap(open, (store) => Effect.andThen(store.append(0, main), store.settle)))
      assert.isTrue(yield* settled)
      yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(0, [])))
      assert.isFalse(yield* settled)
      yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(0, main)))
      assert.isFalse(yield* settled)
    }),

  "finds the same chain when opened again": ({ keeps, open }) =>
    Effect.gen(function*() {
      if (!keeps) return
      const main = after(genesis, 2_500)
      yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(0, main)))
      yield* Effect.scoped(Effect.flatMap(open, (store) => holds(store, main)))
      const fork = after(main[1_999] ?? genesis, 100, 1)
      yield* Effect.scoped(Effect.flatMap(open, (store) => store.append(2_000, fork)))
      yield* Effect.scoped(Effect.flatMap(open, (store) => holds(store, [...main.slice(0, 2_000), ...fork])))
      // So are the branch and what is settled.
      const branch = after(main[999] ?? genesis, 1_200, 3)
      yield* Effect.scoped(Effect.flatMap(open, (store) =>
        Effect.andThen(
          store.stage(1_000, branch.slice(0, 1_100)),
          Effect.andThen(Effect.map(store.settled, assert.isFalse), store.settle)
        )))
      yield* Effect.scoped(Effect.gen(function*() {
        const store = yield* open
        yield* branches(store, 1_000, branch.slice(0, 1_100))
        assert.isTrue(yield* store.settled)
        yield* store.stage(2_100, branch.slice(1_100))
        yield* store.adopt
      }))
      yield* Effect.scoped(Effect.flatMap(open, (store) => holds(store, [...main.slice(0, 1_000), ...branch])))
    })
}
