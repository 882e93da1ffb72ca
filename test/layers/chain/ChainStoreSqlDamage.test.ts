import { assert, describe, it } from "@effect/vitest"
import { Effect, type FileSystem, Option, Result } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as ChainRepair from "../../../src/layers/chain/tools/ChainRepair.ts"
import { genesis, isTrue, network, restored } from "../../harness/chainBlocks.ts"
import { change, main, makeSound, reasonOf, scan, withFile, withStore } from "../../harness/chainFile.ts"
import { holds } from "../../harness/chainStoreChecks.ts"
import { longLive } from "../../harness/long.ts"
import { sqliteAtOnce } from "../../harness/sqliteAtOnce.ts"

describe("ChainStoreSql on a damaged file", () => {
  const damages: Readonly<
    Record<string, (filename: string, fs: FileSystem.FileSystem) => Effect.Effect<void, unknown>>
  > = {
    "emptied": (filename, fs) => fs.writeFile(filename, new Uint8Array(0)),
    "overwritten with text": (filename, fs) => fs.writeFileString(filename, "a shopping list ".repeat(10_000)),
    "cut within the first page": (filename, fs) => fs.truncate(filename, 1_000),
    "cut in the middle": (filename, fs) => fs.truncate(filename, 100 * Limits.storePageBytes),
    "cut by its last page": (filename, fs) =>
      Effect.flatMap(fs.stat(filename), ({ size }) => fs.truncate(filename, Number(size) - Limits.storePageBytes)),
    "without a hash": (filename) => change(filename, "DELETE FROM chain_header WHERE height = 1500"),
    "without its last hash": (filename) => change(filename, "DELETE FROM chain_header WHERE height = 3000"),
    "without its last block": (filename) => change(filename, "DELETE FROM chain_block WHERE height = 3000"),
    "without genesis": (filename) =>
      change(filename, "DELETE FROM chain_block WHERE height = 0; DELETE FROM chain_header WHERE height = 0"),
    "with another genesis": (filename) => change(filename, "UPDATE chain_block SET bytes = x'00' WHERE height = 0"),
    "with a tip that does not follow": (filename) =>
      change(filename, "UPDATE chain_header SET hash = zeroblob(32) WHERE height = 2999"),
    "without its name": (filename) => change(filename, "DELETE FROM chain_meta"),
    "without a table": (filename) => change(filename, "DROP TABLE chain_block"),
    "missing beside its log": (filename, fs) =>
      Effect.andThen(fs.rename(filename, `${filename}.moved`), fs.writeFileString(`${filename}-wal`, "log"))
  }
  for (const [name, damage] of Object.entries(damages)) {
    it.live(`a database ${name} is an error that names file and command, and is not made anew`, () =>
      withFile((filename, fs) =>
        sqliteAtOnce(Effect.gen(function*() {
          yield* makeSound(filename, fs)
          yield* damage(filename, fs)
          const before = yield* Effect.option(fs.readFile(filename))
          for (let i = 0; i < 2; i++) {
            const reason = yield* reasonOf(withStore(filename, (store) => store.tip))
            assert.strictEqual(reason._tag, "Damaged", JSON.stringify(reason))
            if (reason._tag !== "Damaged") return
            assert.strictEqual(reason.where, filename)
            assert.include(reason.repair, "timemesh chain verify")
          }
          assert.deepStrictEqual(yield* Effect.option(fs.readFile(filename)), before)
          // What can be read of it can be had back; the damaged file stays.
          const { aside, tip } = yield* ChainRepair.repair({
            filename,
            network,
            genesis,
            height: 1_000_000,
            restored
          })
          yield* withStore(filename, (store) => holds(store, main.slice(0, tip.height)))
          assert.strictEqual(aside, `${filename}.damaged`)
          if (Option.isSome(before)) assert.isTrue(yield* fs.exists(aside))
          if (/last (hash|block)/.test(name)) assert.strictEqual(tip.height, 2_999)
          if (name === "without a hash") assert.strictEqual(tip.height, 1_499)
          if (name === "cut by its last page") assert.isAbove(tip.height, 2_900)
        }))
      ))
  }

  longLive(
    "a scan reads the whole chain, and stops where it breaks",
    () =>
      withFile((filename, fs) =>
        Effect.gen(function*() {
          yield* makeSound(filename, fs)
          const whole = yield* scan(filename)
          assert.isUndefined(whole.problem)
          assert.deepStrictEqual(whole.good.map(restored), [genesis, ...main])
          assert.isTrue(whole.good.every(isTrue))
          for (
            const [sql, height, text] of [
              ["DELETE FROM chain_block WHERE height = 1700", 1_700, "missing"],
              ["UPDATE chain_block SET previous = zeroblob(32) WHERE height = 1600", 1_600, "follows"],
              ["UPDATE chain_header SET hash = zeroblob(32) WHERE height = 1200", 1_201, "follows"],
              ["UPDATE chain_header SET hash = x'00' WHERE height = 700", 700, "hash"],
              ["DELETE FROM chain_header WHERE height = 3", 3, "hash"]
            ] as const
          ) {
            yield* change(filename, sql)
            const { good, problem } = yield* scan(filename)
            assert.strictEqual(problem?._tag, "Damaged")
            if (problem?._tag !== "Damaged") return
            assert.include(problem.detail, `block ${height}: `)
            assert.include(problem.detail, text)
            assert.include(problem.repair, `timemesh chain rewind ${height - 1}`)
            assert.strictEqual(good.length, height)
          }
        })
      )
  )

  longLive(
    "flipped pages are found by a scan or by the blocks' own hashes, wherever they are",
    () =>
      withFile((filename, fs) =>
        Effect.gen(function*() {
          yield* makeSound(filename, fs)
          const sound = yield* fs.readFile(filename)
          const pages = sound.length / Limits.storePageBytes
          let found = 0
          for (let page = 1; page < pages; page += 31) {
            const bytes = sound.slice()
            bytes.fill(0xff, page * Limits.storePageBytes, (page + 1) * Limits.storePageBytes)
            yield* fs.writeFile(filename, bytes)
            const { good, problem } = yield* scan(filename)
            assert.isDefined(problem, `page ${page}`)
            assert.isTrue(good.every(isTrue), `page ${page}`)
            assert.deepStrictEqual(
              good.map(({ hash }) => hash),
              [genesis, ...main].slice(0, good.length).map(({ hash }) => hash)
            )
            const opened = yield* Effect.result(withStore(filename, (store) => store.tip))
            if (Result.isFailure(opened)) {
              assert.strictEqual(opened.failure.reason._tag, "Damaged")
              found += 1
            } // Reading never gives a wrong block either: an error, or the right ones.
            else {
              const read = yield* Effect.result(withStore(filename, (store) => store.blocks(0, 3_001, 2 ** 30)))
              if (Result.isFailure(read)) assert.strictEqual(read.failure.reason._tag, "Damaged")
            }
          }
          assert.isAbove(found, 0)
        })
      )
  )
})
