/** The header chain of what is stored: every hash, and the treasury of each block at which a branch may leave our chain. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { loadHeaderChain } from "../../../src/layers/sync/loadHeaderChain.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

const chain = await Effect.runPromise(make(250))

/** The chain loaded from a store of the first `height` blocks, and what was read for it. */
const load = (height: number, settled: boolean, missing = 0) =>
  Effect.gen(function*() {
    const reads: Array<readonly [what: string, from: number, count: number]> = []
    const rows = (what: string, from: number, count: number) => {
      reads.push([what, from, count])
      return chain.slice(from - 1, Math.min(height - missing, from - 1 + Math.min(count, 100)))
    }
    const store = {
      tip: Effect.succeed({ height, hash: "" }),
      hashes: (from: number, count: number) => Effect.sync(() => rows("hashes", from, count).map(({ hash }) => hash)),
      headers: (from: number, count: number) =>
        Effect.sync(() =>
          rows("headers", from, count).map(({ bytes }) => BlockHeader.encodedOf(bytes) ?? assert.fail("no header"))
        )
    }
    return { reads, headers: yield* loadHeaderChain(store as never, devnet, 7, settled) }
  })

describe("the header chain of the stored blocks", () => {
  it.effect("has every hash, and without settled history every treasury", () =>
    Effect.gen(function*() {
      const { headers, reads } = yield* load(250, false)
      assert.strictEqual(headers.height, 250)
      for (const { height, parent } of chain) assert.deepStrictEqual(headers.parentAt(height), parent)
      assert.deepStrictEqual(
        reads,
        [1, 101, 201].flatMap((from) => [
          ["hashes", from, Limits.storeReadRows] as const,
          ["headers", from, from === 201 ? 50 : 100] as const
        ])
      )
    }))

  it.effect("with settled history reads treasuries from twice the reorg limit below the tip on", () =>
    Effect.gen(function*() {
      const { headers, reads } = yield* load(250, true)
      const exact = 250 - 2 * devnet.maxReorg
      for (const { hash, height, parent } of chain) {
        const found = headers.parentAt(height)
        assert.strictEqual(found === undefined ? "" : Hash.toHex(found.hash), hash)
        assert.strictEqual(found?.treasuryBalance, height < exact ? 0 : parent.treasuryBalance, `${height}`)
      }
      assert.deepStrictEqual(reads[0], ["hashes", 1, exact - 1])
      assert.deepStrictEqual((yield* load(150, true)).reads[1], ["headers", 1, 100], "a short chain whole")
    }))

  it.effect("ends where the store does, and is genesis of an empty one", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* load(120, false, 7)).headers.height, 113)
      const { headers, reads } = yield* load(0, true)
      assert.deepStrictEqual([headers.height, reads], [0, []])
      assert.deepStrictEqual(headers.tip.hash, devnet.genesisHash)
    }))
})
