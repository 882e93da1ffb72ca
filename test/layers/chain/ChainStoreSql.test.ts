import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { DatabaseSync } from "node:sqlite"
import * as Limits from "../../../src/domain/Limits.ts"
import { batchesOf } from "../../../src/layers/chain/AppendRules.ts"
import * as SqliteThread from "../../../src/layers/sql/SqliteThread.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { after, block, genesis } from "../../harness/chainBlocks.ts"
import { change, main, reasonOf, storeAt, withFile, withStore } from "../../harness/chainFile.ts"
import { holds } from "../../harness/chainStoreChecks.ts"
import { cases, longCases } from "../../harness/chainStoreContract.ts"
import { long } from "../../harness/long.ts"
import { sqliteAtOnce } from "../../harness/sqliteAtOnce.ts"

/** What is done while the database's thread works, or once it has ended; the other cases need none. */
const ofThread: ReadonlySet<string> = new Set<keyof typeof cases>([
  "appends, rewinds and reorganises",
  "readers see one chain or the other while it is reorganised",
  "appends from several fibers come one after the other",
  "an interrupted append leaves a linked chain",
  "long branches are staged in batches, adopted at once, and survive interruption",
  "finds the same chain when opened again"
])

describe("batches", () => {
  it("hold no more blocks and bytes than a commit may", () => {
    const sizes = (blocks: ReadonlyArray<StoredBlock>) => batchesOf(blocks).map((batch) => batch.length)
    const most = Limits.storeBatchBlocks
    assert.deepStrictEqual(sizes([]), [])
    assert.deepStrictEqual(sizes(after(genesis, most)), [most])
    assert.deepStrictEqual(sizes(after(genesis, 2 * most + 1, 0, 40)), [most, most, 1])
    const size = Limits.storeBatchBytes / 4
    assert.deepStrictEqual(sizes(after(genesis, 9, 0, size)), [4, 4, 1])
    assert.deepStrictEqual(sizes(after(genesis, 3, 0, Limits.storeBatchBytes + 1)), [1, 1, 1])
    const some = after(genesis, 2 * most + 7, 0, 40)
    assert.deepStrictEqual(batchesOf(some).flat(), some)
  })
})

describe("ChainStoreSql on SQLite", () => {
  for (const [name, body] of Object.entries(cases)) {
    it.live(
      name,
      () =>
        withFile((filename) => {
          const held = Effect.scoped(body({ open: storeAt(filename), keeps: true }))
          return ofThread.has(name) ? held : sqliteAtOnce(held)
        }),
      longCases.has(name) ? long : {}
    )
  }

  it.live("a long list is committed batch by batch: a kill costs one batch at the most, and no batch is seen in part", () =>
    withFile((filename) =>
      withStore(filename, (store) =>
        Effect.gen(function*() {
          const most = Limits.storeBatchBlocks
          const list = after(genesis, 2 * most + 500)
          const appending = yield* Effect.forkChild(store.append(0, list), { startImmediately: true })
          const heights = new Set<number>()
          while (appending.pollUnsafe() === undefined) {
            heights.add((yield* store.tip).height)
            yield* Effect.yieldNow
          }
          yield* Fiber.join(appending)
          heights.add((yield* store.tip).height)
          assert.deepStrictEqual([...heights], [0, most, 2 * most, list.length])
        }))
    ))

  it.live("a commit is copied in parts, in one transaction: nothing else of the process waits for all of it", () =>
    withFile((filename) =>
      sqliteAtOnce(Effect.gen(function*() {
        const access = yield* SqliteThread.Access
        /** What the database was told, inserts by their number of blocks. */
        const told: Array<string> = []
        const note = (sql: string, params: ReadonlyArray<unknown>) => {
          const spans = params.findLast((param): param is string => typeof param === "string" && param.startsWith("["))
          told.push(spans === undefined ? sql : `${(JSON.parse(spans) as ReadonlyArray<number>).length} rows`)
        }
        const most = Limits.storeStatementBlocks
        const list = after(genesis, 3 * most + 7, 0, 40)
        yield* withStore(filename, (store) =>
          Effect.gen(function*() {
            told.length = 0
            yield* store.append(0, list)
            assert.deepStrictEqual(yield* store.hashes(1, list.length), list.map(({ hash }) => hash))
          })).pipe(Effect.provideService(SqliteThread.Access, {
            ...access,
            write: (options) =>
              Effect.map(access.write(options), (thread) => ({
                ...thread,
                run: (sql, params) => Effect.suspend(() => (note(sql, params), thread.run(sql, params)))
              }))
          }))
        const changes = told.filter((sql) => !/^\s*SELECT/i.test(sql))
        const rows = [most, most, most, 7].flatMap((n) => [`${n} rows`, `${n} rows`])
        assert.deepStrictEqual(changes, ["BEGIN IMMEDIATE", ...rows, "COMMIT"])
      }))
    ))

  it.live("another network's database is refused and left as it was", () =>
    withFile((filename, fs) =>
      Effect.gen(function*() {
        yield* withStore(filename, (store) => store.append(0, main.slice(0, 10)))
        const before = yield* fs.readFile(filename)
        const other = yield* reasonOf(withStore(filename, (store) => store.tip, { network: "testnet" }))
        assert.deepInclude(other, { _tag: "WrongNetwork", where: filename, expected: "testnet", found: "devnet" })
        const begin = block(0, "00".repeat(32), 9)
        const fork = yield* reasonOf(withStore(filename, (store) => store.tip, { genesis: begin }))
        assert.deepInclude(fork, { _tag: "WrongNetwork", found: `genesis ${genesis.hash}` })
        assert.deepStrictEqual(yield* fs.readFile(filename), before)
        yield* withStore(filename, (store) => holds(store, main.slice(0, 10)))
      })
    ))

  it.live("another program's database, and a newer one of ours, are refused", () =>
    withFile((filename) =>
      Effect.gen(function*() {
        yield* change(filename, "CREATE TABLE songs (name TEXT)")
        assert.deepInclude(yield* reasonOf(withStore(filename, (store) => store.tip)), {
          _tag: "WrongNetwork",
          found: "another program's database (table songs)"
        })
        const newer = `${filename}-newer`
        yield* withStore(newer, (store) => store.tip)
        yield* change(newer, "UPDATE chain_meta SET value = '9' WHERE key = 'schema'")
        assert.deepInclude(yield* reasonOf(withStore(newer, (store) => store.tip)), {
          _tag: "WrongNetwork",
          found: "schema 9"
        })
      })
    ))

  it.live("a full database is an error that leaves the chain whole, and works again when there is room", () =>
    withFile((filename) =>
      Effect.gen(function*() {
        const kept = yield* withStore(filename, (store) =>
          Effect.gen(function*() {
            let height = 0
            while (true) {
              const result = yield* Effect.result(store.append(height, main.slice(height, height + 100)))
              if (Result.isFailure(result)) {
                assert.deepInclude(result.failure.reason, { _tag: "Full", where: filename })
                break
              }
              height = result.success.height
            }
            assert.isAbove(height, 100)
            yield* holds(store, main.slice(0, height))
            // A reorganisation that does not fit changes nothing.
            const fork = after(main[4] ?? genesis, 2_900, 1, 484)
            assert.strictEqual((yield* reasonOf(store.append(5, fork)))._tag, "Full")
            yield* holds(store, main.slice(0, height))
            // Rewinding makes room.
            yield* store.append(height - 100, [])
            yield* store.append(height - 100, main.slice(height - 100, height - 50))
            return height - 50
          }), { maxPages: 60 })
        yield* withStore(filename, (store) =>
          Effect.gen(function*() {
            yield* holds(store, main.slice(0, kept))
            yield* store.append(kept, main.slice(kept))
            yield* holds(store, main)
          }))
      })
    ))

  it.live(
    "a database that another process holds is unavailable, not damaged",
    () =>
      withFile((filename) =>
        Effect.gen(function*() {
          assert.strictEqual(
            (yield* reasonOf(withStore(`${filename}/no/such`, (store) => store.tip)))._tag,
            "Unavailable"
          )
          yield* withStore(filename, (store) => store.append(0, main.slice(0, 5)))
          yield* Effect.acquireRelease(
            Effect.sync(() => {
              const database = new DatabaseSync(filename)
              database.exec(
                "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE chain_meta SET value = value; COMMIT"
              )
              return database
            }),
            (database) => Effect.sync(() => database.close())
          )
          const held = yield* reasonOf(withStore(filename, (store) => store.tip, { busyMs: 50 }))
          assert.strictEqual(held._tag, "Unavailable")
        }).pipe(Effect.scoped)
      )
  )
})
