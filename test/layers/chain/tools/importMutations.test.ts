/** Blocks of the reference daemon, and mutated ones, through `chain import` and `verify` on SQLite: fees come from stored blocks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { dueAt, testnet } from "../../../../src/domain/chain/ChainParams.ts"
import { storeOptions } from "../../../../src/layers/chain/ChainDatabase.ts"
import * as ChainStoreSql from "../../../../src/layers/chain/ChainStoreSql.ts"
import * as ChainTables from "../../../../src/layers/chain/ChainTables.ts"
import { toStored } from "../../../../src/layers/chain/StoredBlocks.ts"
import * as ChainCheck from "../../../../src/layers/chain/tools/ChainCheck.ts"
import * as ChainFile from "../../../../src/layers/chain/tools/ChainFile.ts"
import * as ChainImport from "../../../../src/layers/chain/tools/ChainImport.ts"
import * as ChainMake from "../../../../src/layers/chain/tools/ChainMake.ts"
import { ChainStore } from "../../../../src/services/ChainStore.ts"
import * as mutations from "../../../harness/blockMutations.ts"
import { withDirectory } from "../../../harness/directory.ts"
import { longEffect } from "../../../harness/long.ts"
import { sqliteAtOnce } from "../../../harness/sqliteAtOnce.ts"

const far = Date.parse("2026-11-28T12:00:00Z")
const near = (dueAt(testnet, 22) + 300) * 1_000

const on = (filename: string) => ChainStoreSql.layerSqlite({ filename, ...storeOptions("testnet") })

describe("importing blocks", () => {
  for (const [name, now] of [["far behind schedule", far], ["near the schedule", near]] as const) {
    longEffect(
      `96 mutated blocks have the verdict of the table, ${name}`,
      () =>
        withDirectory((directory, fs) =>
          Effect.gen(function*() {
            yield* TestClock.setTime(now)
            const store = yield* ChainStore
            yield* store.append(0, mutations.base.map(toStored))
            for (const row of mutations.rows) {
              const file = `${directory}/blocks`
              yield* fs.writeFile(file, ChainFile.encode([mutations.bytesOf(row.mutation)]))
              const { error, tip } = yield* ChainImport.importFile(testnet, file)
              const late = now === near && row.mutation === "ts late by 100000s"
              const expected = late ? "refuses" : now === near ? row.near ?? row.ours : row.ours
              assert.strictEqual(
                error === undefined ? "takes" : "refuses",
                expected,
                `${row.mutation}: ${error?.detail}`
              )
              assert.strictEqual(tip.height, expected === "takes" ? 21 : 20, row.mutation)
              if (error !== undefined) assert.strictEqual(error.offset, 0)
              yield* store.append(20, [])
            }
          }).pipe(Effect.provide(on(`${directory}/chain.db`)), sqliteAtOnce)
        )
    )
  }

  it.live("of one file, a block whose fees are wrong and all after it are left out, and its place is named", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        const good = mutations.bytesOf("tx spends block 10 reward, fee 1000, right reward")
        const bad = mutations.bytesOf("tx fee 1000, reward claims 1001")
        const before = mutations.base.map(({ block }) => block.bytes)
        const offset = before.reduce((sum, bytes) => sum + 4 + bytes.length, 0)
        // All in one batch: the output is found in a block that is not stored yet.
        yield* fs.writeFile(`${directory}/good`, ChainFile.encode([...before, good]))
        const taken = yield* ChainImport.importFile(testnet, `${directory}/good`).pipe(
          Effect.provide(on(`${directory}/good.db`))
        )
        assert.deepStrictEqual([taken.error, taken.added], [undefined, 21])
        assert.isUndefined((yield* ChainCheck.checkFile(testnet, `${directory}/good.db`)).bad)
        yield* fs.writeFile(`${directory}/bad`, ChainFile.encode([...before, bad, good]))
        const refused = yield* ChainImport.importFile(testnet, `${directory}/bad`).pipe(
          Effect.provide(on(`${directory}/bad.db`))
        )
        assert.deepStrictEqual([refused.added, refused.error?.height, refused.error?.offset], [20, 21, offset])
        assert.strictEqual(refused.error?.detail, "block reward 9500001001, expected 9500001000")
      })
    ))

  it.live("verify finds a stored block whose fees are wrong, with an index and without", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const filename = `${directory}/chain.db`
        const bad = mutations.storedOf("tx fee 1000, reward claims 999")
        yield* Effect.provide(
          Effect.flatMap(ChainStore, (store) => store.append(0, [...mutations.base.map(toStored), bad])),
          on(filename)
        )
        for (const sql of ["", `DELETE FROM chain_meta WHERE key = '${ChainTables.indexed}'; DROP TABLE chain_index`]) {
          const database = new DatabaseSync(filename)
          database.exec(sql)
          database.close()
          const checked = yield* ChainCheck.checkFile(testnet, filename)
          assert.deepStrictEqual(checked.bad, {
            height: 21,
            detail: "block 21: block reward 9500000999, expected 9500001000"
          })
          assert.strictEqual(checked.good?.height, 20)
        }
      })
    ))

  it.live("blocks that the reference daemon made itself import and verify", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        const filename = `${directory}/chain.db`
        const recording = fileURLToPath(
          new URL("../../../vectors/recordings/daemon-made-3-recipients.blocks", import.meta.url)
        )
        const options = { leader: "10.11.0.2", address: "TIME0testaddr" }
        const made = (yield* Stream.runCollect(ChainMake.blocks(testnet, 120, options))).flat()
        yield* fs.writeFile(`${directory}/blocks`, ChainFile.encode(made.map(({ bytes }) => bytes)))
        const outcome = yield* Effect.andThen(
          ChainImport.importFile(testnet, `${directory}/blocks`),
          ChainImport.importFile(testnet, recording)
        ).pipe(Effect.provide(on(filename)))
        const tip = { height: 129, hash: "55849d62774dabd6dbe3d9a39ea271dbb4a212212b1cda9e91f7d53d33b26475" }
        assert.deepStrictEqual(outcome, { tip, added: 9, skipped: 0, error: undefined })
        assert.deepStrictEqual(yield* ChainCheck.checkFile(testnet, filename), {
          blocks: 130,
          good: tip,
          bad: undefined
        })
      })
    ))
})
