/** How much of a batch with transactions is handled in one turn of the event loop: counted in hashes and in turns that another fiber gets. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as ChainStoreSql from "../../../src/layers/chain/ChainStoreSql.ts"
import * as FeeCheck from "../../../src/layers/chain/FeeCheck.ts"
import { genesisOf, txidsOf } from "../../../src/layers/chain/StoredBlocks.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import { after } from "../../harness/chainBlocks.ts"
import { withDirectory } from "../../harness/directory.ts"
import { hasher } from "../../harness/hasher.ts"
import { sqliteAtOnce } from "../../harness/sqliteAtOnce.ts"

const genesis = genesisOf(ChainParams.devnet)
/** Two transactions each: ten turns' worth. */
const count = 5 * Limits.txidsPerTurn
const blocks = after(genesis, count, 0, 0)

/** Calls `look` once in each turn that the effect leaves to others. */
const watched = <A, E, R>(effect: Effect.Effect<A, E, R>, look: () => void) =>
  Effect.gen(function*() {
    const other = yield* Effect.forkChild(
      Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(look)), { disableYield: true })
    )
    const result = yield* effect
    yield* Fiber.interrupt(other)
    return result
  })

describe("a batch with transactions", () => {
  it.live("is checked for its fees a few hundred transactions per turn", () =>
    Effect.gen(function*() {
      let hashed = 0
      const counting = new Proxy(hasher, {
        get: (real, name, on) => {
          const value: unknown = Reflect.get(real, name, on)
          if (typeof value !== "function") return value
          return (...args: ReadonlyArray<unknown>) => {
            hashed += 1
            return Reflect.apply(value, real, args) as unknown
          }
        }
      })
      // What the last block spends may be in any of the others.
      const list = blocks.map((block, i) =>
        i < count - 1 ? block : { ...block, txids: [1, 2, 3].map((n) => new Uint8Array(32).fill(n)) }
      )
      yield* Effect.sync(() => txidsOf(counting, list[0] ?? genesis))
      const perBlock = hashed
      let [before, most] = [hashed, 0]
      const look = () => {
        most = Math.max(most, hashed - before)
        before = hashed
      }
      yield* watched(FeeCheck.firstWrong(ChainParams.devnet, counting, () => Effect.void, list), look)
      look()
      assert.isAtLeast(hashed, perBlock * (count - 1))
      assert.isAtMost(most, perBlock * Limits.txidsPerTurn)
    }))

  it.live("is put into the index of transactions so, and so is a chain when it is first asked for one", () =>
    withDirectory((directory) =>
      sqliteAtOnce(
        Effect.gen(function*() {
          const store = yield* ChainStore
          const on = { on: "chain", upTo: 2 * count } as const
          let turns = 0
          const look = () => void (turns += 1)
          yield* store.append(0, blocks)
          yield* watched(store.findTransactions(new Set(["ab".repeat(32)]), on, () => {}), look)
          assert.isAtLeast(turns, count / Limits.txidBlocksPerTurn - 1)
          turns = 0
          const last = blocks.at(-1) ?? genesis
          const more = after(last, count, 0, 0)
          yield* watched(store.append(count, more), look)
          assert.isAtLeast(turns, 2 * count / Limits.txidsPerTurn - 1)
          const [wanted] = txidsOf(hasher, more.at(-1) ?? genesis).map((id) => Buffer.from(id).toString("hex"))
          const found: Array<string> = []
          yield* store.findTransactions(new Set([wanted ?? ""]), on, (_, places) => {
            found.push(...places.map(({ txid }) => txid))
          })
          assert.deepStrictEqual(found, [wanted])
        }).pipe(
          Effect.provide(ChainStoreSql.layerSqlite({ filename: `${directory}/chain.db`, network: "devnet", genesis }))
        )
      )
    ))
})
