import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, type FileSystem, Layer, Option, Result, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { DatabaseSync } from "node:sqlite"
import * as Limits from "../../../src/domain/Limits.ts"
import { batchesOf } from "../../../src/layers/chain/AppendRules.ts"
import * as ChainStoreSql from "../../../src/layers/chain/ChainStoreSql.ts"
import * as ChainRepair from "../../../src/layers/chain/tools/ChainRepair.ts"
import * as ChainScan from "../../../src/layers/chain/tools/ChainScan.ts"
import * as SqliteClient from "../../../src/layers/sql/SqliteClient.ts"
import * as SqliteThread from "../../../src/layers/sql/SqliteThread.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import type { ChainStoreError, StoredBlock } from "../../../src/services/ChainStore.ts"
import { after, block, genesis, isTrue, network, restored } from "../../harness/chainBlocks.ts"
import { cases, holds, longCases } from "../../harness/chainStoreContract.ts"
import { withDirectory } from "../../harness/directory.ts"
import { long, longLive } from "../../harness/long.ts"
import { sqliteAtOnce } from "../../harness/sqliteAtOnce.ts"

const storeAt = (
  filename: string,
  options: { maxPages?: number; busyMs?: number; network?: string; genesis?: StoredBlock } = {}
) =>
  Effect.map(
    Layer.build(ChainStoreSql.layerSqlite({ filename, network, genesis, ...options })),
    Context.get(ChainStore)
  )

/** Opens, uses, closes. */
const withStore = <A, E, R>(
  filename: string,
  body: (store: ChainStore["Service"]) => Effect.Effect<A, E, R>,
  options?: Parameters<typeof storeAt>[1]
) => Effect.scoped(Effect.flatMap(storeAt(filename, options), body))

const reasonOf = <A, R>(effect: Effect.Effect<A, ChainStoreError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const withFile = <A, E>(
  body: (filename: string, fs: FileSystem.FileSystem) => Effect.Effect<A, E, FileSystem.FileSystem>
) => withDirectory((directory, fs) => body(`${directory}/chain.db`, fs))

const change = (filename: string, sql: string) =>
  Effect.sync(() => {
    const database = new DatabaseSync(filename)
    database.exec(sql)
    database.close()
  })

const scan = (filename: string) =>
  Effect.gen(function*() {
    const good: Array<ChainScan.ScannedBlock> = []
    const result = yield* ChainScan.blocksOfFile(filename).pipe(
      Stream.runForEach((b) => Effect.sync(() => good.push(b))),
      Effect.result
    )
    return { good, problem: Result.isFailure(result) ? result.failure.reason : undefined }
  })

const main = after(genesis, 3_000, 0, 484)

/** Bytes of a closed database of that chain, made once. */
let sound: Uint8Array | undefined
const makeSound = (filename: string, fs: FileSystem.FileSystem) =>
  Effect.gen(function*() {
    if (sound !== undefined) return yield* fs.writeFile(filename, sound)
    yield* withStore(filename, (store) => store.append(0, main))
    sound = yield* fs.readFile(filename)
  })

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

describe("SqliteClient", () => {
  it.live("rolls back, nests, keeps values' types, and classifies errors", () =>
    withFile((filename) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)`
        yield* sql`INSERT INTO t ${sql.insert([{ id: 1, name: "a", data: new Uint8Array([1, 2]) }])}`
        const rolled = sql.withTransaction(Effect.andThen(sql`INSERT INTO t (id) VALUES (2)`, Effect.fail("no")))
        assert.strictEqual(yield* Effect.flip(rolled), "no")
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql`INSERT INTO t (id) VALUES (3)`
          yield* Effect.ignore(
            sql.withTransaction(Effect.andThen(sql`INSERT INTO t (id) VALUES (4)`, Effect.fail("no")))
          )
          // A transaction reads its own writes; outside they are not seen yet.
          assert.strictEqual((yield* sql`SELECT id FROM t`).length, 2)
        }))
        assert.deepStrictEqual(yield* sql`SELECT id, data FROM t ORDER BY id`.values, [[1, new Uint8Array([1, 2])], [
          3,
          null
        ]])
        const twice = yield* Effect.flip(sql`INSERT INTO t (id, name) VALUES (5, 'a')`)
        assert.strictEqual(twice.reason._tag, "UniqueViolation")
        const nonsense = yield* Effect.flip(sql`SELECT nothing FROM nowhere`)
        assert.strictEqual(nonsense._tag, "SqlError")
        assert.strictEqual(yield* Stream.runCount(sql`SELECT id FROM t`.stream), 2)
        assert.deepStrictEqual(yield* sql`PRAGMA synchronous`.values, [[2]])
        assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`.values, [["wal"]])
      }).pipe(Effect.provide(SqliteClient.layer({ filename })))
    ))
})
