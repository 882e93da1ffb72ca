/** A copy of a node's files: whole, consistent, verified before it is put back, and never in the way of what is there. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as ChainStoreSql from "../../../src/layers/chain/ChainStoreSql.ts"
import * as Backup from "../../../src/layers/node/Backup.ts"
import * as SqliteClient from "../../../src/layers/sql/SqliteClient.ts"
import * as DataDir from "../../../src/layers/store/DataDir.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import { after, genesis, network } from "../../harness/chainBlocks.ts"
import { longLive } from "../../harness/long.ts"
import { sqliteAtOnce } from "../../harness/sqliteAtOnce.ts"

const at = Date.UTC(2026, 0, 2, 3, 4, 5)
const told = { network: "devnet", now: at, software: "timemesh/test" } as const

const chain = (directory: string) =>
  Effect.map(
    Layer.build(ChainStoreSql.layerSqlite({ filename: `${directory}/chain.db`, network, genesis })),
    Context.get(ChainStore)
  )

const tipIn = (directory: string) => Effect.scoped(Effect.flatMap(chain(directory), ({ tip }) => tip))

/** The book's file with one row of ours: any database will do. */
const book = (directory: string, text: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE IF NOT EXISTS peer_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)`
    yield* sql`INSERT OR REPLACE INTO peer_meta ${sql.insert({ key: "text", value: text })}`
  }).pipe(Effect.provide(SqliteClient.layer({ filename: `${directory}/peers.db` })))

const bookIn = (directory: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    return (yield* sql<{ value: string }>`SELECT value FROM peer_meta`)[0]?.value
  }).pipe(Effect.provide(SqliteClient.layer({ filename: `${directory}/peers.db` })))

const write = (file: string, text: string) => Effect.promise(() => fs.writeFile(file, text))
const list = (directory: string) => Effect.promise(async () => (await fs.readdir(directory)).toSorted())
const modeOf = (file: string) => Effect.promise(async () => (await fs.stat(file)).mode & 0o777)

/** A node's directory with a chain of `height`, a book, pins and a key, and a parent directory for copies. */
const withThread = <A, E>(height: number, body: (node: string, parent: string) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const parent = yield* Effect.acquireRelease(
      Effect.promise(() => fs.mkdtemp(`${tmpdir()}/timemesh-backup-`)),
      (made) => Effect.promise(() => fs.rm(made, { recursive: true, force: true }))
    )
    const node = `${parent}/node`
    yield* Effect.scoped(DataDir.lock(node))
    yield* Effect.scoped(
      Effect.flatMap(chain(node), (store) => store.append(0, after(genesis, height)))
    )
    yield* book(node, "mine")
    yield* write(`${node}/pins.json`, "{\"version\":1,\"pins\":[]}")
    yield* write(`${node}/certificate.pem`, "a key")
    return yield* body(node, parent)
  }).pipe(Effect.scoped)

/** The same; its databases without their threads. */
const withNode: typeof withThread = (height, body) => sqliteAtOnce(withThread(height, body))

const locked = <A, E>(directory: string, effect: Effect.Effect<A, E>) =>
  Effect.scoped(Effect.andThen(DataDir.lock(directory), effect))

describe("backup", () => {
  it.live("has every file that outlives the process, for its owner alone, and says what the chain is", () =>
    withNode(5, (node, parent) =>
      Effect.gen(function*() {
        const made = yield* Backup.make(node, `${parent}/copy`, told)
        const tip = yield* tipIn(node)
        assert.deepStrictEqual(made.chain, { height: 5, hash: tip.hash })
        assert.deepStrictEqual(made.files.map(({ name }) => name), [
          "chain.db",
          "peers.db",
          "pins.json",
          "certificate.pem"
        ])
        assert.deepStrictEqual(yield* list(`${parent}/copy`), [
          "backup.json",
          "certificate.pem",
          "chain.db",
          "peers.db",
          "pins.json"
        ])
        assert.strictEqual(yield* modeOf(`${parent}/copy`), 0o700)
        for (const { name } of made.files) assert.strictEqual(yield* modeOf(`${parent}/copy/${name}`), 0o600, name)
        assert.deepStrictEqual(yield* list(parent), ["copy", "node"])
      })))

  it.live("is refused within the data directory, which it would be lost with, and below a file", () =>
    withNode(1, (node, parent) =>
      Effect.gen(function*() {
        yield* write(`${parent}/file`, "")
        const before = yield* list(node)
        const [within, below] = yield* Effect.forEach(
          [`${node}/copy`, `${parent}/file/copy`],
          (place) => Effect.flip(Backup.make(node, place, told))
        )
        assert.deepStrictEqual([within?.reason, below?.reason], ["Target", "Target"])
        assert.include(within?.message, `is within the data directory ${node}; name a place elsewhere`)
        assert.include(below?.message, "not a directory; name another place")
        assert.deepStrictEqual(yield* list(node), before)
        // A name that only begins like it is elsewhere.
        yield* Backup.make(node, `${node}-copy`, told)
      })))

  longLive(
    "of a chain that grows meanwhile is one of its moments",
    () =>
      withThread(2, (node, parent) =>
        Effect.scoped(Effect.gen(function*() {
          const store = yield* chain(node)
          let last = after(genesis, 2)[1] ?? genesis
          const growing = yield* Effect.forkChild(Effect.forever(Effect.suspend(() => {
            const more = after(last, 3)
            last = more[2] ?? last
            return store.append((more[0]?.height ?? 1) - 1, more)
          })))
          for (const name of ["one", "two", "three"]) {
            const before = (yield* store.tip).height
            const { chain: copied } = yield* Backup.make(node, `${parent}/${name}`, told)
            assert.isDefined(copied)
            // What was committed is in it, though it stands in the log and not in the file yet.
            assert.isAtLeast(copied?.height ?? 0, before)
            // Three at a time, each batch one transaction: a copy in the middle of one would have another remainder.
            assert.strictEqual(((copied?.height ?? 0) - 2) % 3, 0)
            const [hash] = yield* store.hashes(copied?.height ?? 0, 1)
            assert.strictEqual(copied?.hash, hash)
            assert.strictEqual((yield* tipIn(`${parent}/${name}`)).hash, hash)
          }
          yield* Fiber.interrupt(growing)
        })))
  )

  it.live("is refused where there is no node, and where something is at its place", () =>
    withNode(1, (node, parent) =>
      Effect.gen(function*() {
        const missing = yield* Effect.flip(Backup.make(`${parent}/none`, `${parent}/copy`, told))
        assert.deepStrictEqual([missing.reason, missing.message], ["Missing", `there is no node at ${parent}/none`])
        yield* Effect.promise(() => fs.symlink("/nowhere", `${parent}/copy`))
        const exists = yield* Effect.flip(Backup.make(node, `${parent}/copy`, told))
        assert.deepStrictEqual(
          [exists.reason, exists.message],
          ["Exists", `${parent}/copy already exists; name another directory`]
        )
        assert.deepStrictEqual(yield* list(parent), ["copy", "node"])
      })))

  it.live("that fails leaves nothing behind", () =>
    withNode(1, (node, parent) =>
      Effect.gen(function*() {
        yield* write(`${node}/peers.db`, "no database at all, and long enough to be looked at".repeat(100))
        const error = yield* Effect.flip(Backup.make(node, `${parent}/copy`, told))
        assert.strictEqual(error.reason, "Failed")
        assert.include(error.message, `${node}/peers.db cannot be copied: file is not a database`)
        assert.deepStrictEqual(yield* list(parent), ["node"])
      })))
})

describe("restore", () => {
  const restore = (from: string, to: string, replace = false) =>
    locked(to, Backup.restore(from, to, { replace, now: at })).pipe(Effect.catchTag("DataDirError", Effect.die))

  it.live("fills a new directory with what was copied", () =>
    withNode(5, (node, parent) =>
      Effect.gen(function*() {
        yield* Backup.make(node, `${parent}/copy`, told)
        const { kept } = yield* restore(`${parent}/copy`, `${parent}/new`)
        assert.isUndefined(kept)
        assert.deepStrictEqual(yield* tipIn(`${parent}/new`), yield* tipIn(node))
        assert.strictEqual(yield* bookIn(`${parent}/new`), "mine")
        assert.strictEqual(yield* Effect.promise(() => fs.readFile(`${parent}/new/certificate.pem`, "utf8")), "a key")
        assert.deepStrictEqual(
          (yield* list(`${parent}/new`)).filter((name) => !name.startsWith("lock.")),
          ["certificate.pem", "chain.db", "peers.db", "pins.json"]
        )
      })))

  it.live("touches nothing that is there, unless it is told to keep it aside", () =>
    withNode(5, (node, parent) =>
      Effect.gen(function*() {
        yield* Backup.make(node, `${parent}/copy`, told)
        const old = `${parent}/old`
        yield* Effect.scoped(DataDir.lock(old))
        yield* Effect.scoped(Effect.flatMap(chain(old), (store) => store.append(0, after(genesis, 2, 7))))
        // A log of another database would be taken for the restored one's.
        yield* write(`${old}/peers.db-wal`, "left")
        const before = yield* list(old)

        const error = yield* Effect.flip(restore(`${parent}/copy`, old))
        assert.deepStrictEqual(error.reason, "Exists")
        assert.include(error.message, `${old} has chain.db, peers.db-wal already`)
        assert.deepStrictEqual(yield* list(old), before)
        assert.strictEqual((yield* tipIn(old)).height, 2)

        const { kept } = yield* restore(`${parent}/copy`, old, true)
        assert.strictEqual(kept, `${old}/before-restore-2026-01-02T03-04-05-000Z`)
        assert.deepStrictEqual(yield* list(kept ?? ""), ["chain.db", "peers.db-wal"])
        assert.strictEqual((yield* tipIn(kept ?? "")).height, 2)
        assert.deepStrictEqual(yield* tipIn(old), yield* tipIn(node))
        assert.strictEqual(yield* bookIn(old), "mine")
      })))

  const damages: ReadonlyArray<readonly [string, (copy: string) => Promise<void>, RegExp]> = [
    ["a byte of the chain", async (copy) => {
      const file = await fs.open(`${copy}/chain.db`, "r+")
      await file.write(Buffer.of(255), 0, 1, 5_000)
      await file.close()
    }, /chain\.db has changed since/],
    ["a key cut short", (copy) => fs.truncate(`${copy}/certificate.pem`, 2), /certificate\.pem has changed since/],
    ["a file that is missing", (copy) => fs.rm(`${copy}/peers.db`), /peers\.db is missing/],
    ["a list cut short", (copy) => fs.truncate(`${copy}/backup.json`, 20), /backup\.json is not what this version/],
    ["a version to come", async (copy) => {
      const text = await fs.readFile(`${copy}/backup.json`, "utf8")
      await fs.writeFile(`${copy}/backup.json`, text.replace("\"version\": 1", "\"version\": 2"))
    }, /backup\.json is not what this version/],
    ["a name that leads elsewhere", async (copy) => {
      const text = await fs.readFile(`${copy}/backup.json`, "utf8")
      await fs.writeFile(`${copy}/backup.json`, text.replace("\"pins.json\"", "\"../node/pins.json\""))
    }, /backup\.json is not what this version/],
    ["a link in place of a file", async (copy) => {
      await fs.rename(`${copy}/pins.json`, `${copy}/elsewhere`)
      await fs.symlink("elsewhere", `${copy}/pins.json`)
    }, /pins\.json is a symbolic link/],
    ["no list", (copy) => fs.rm(`${copy}/backup.json`), /is not a backup: it has no backup\.json/]
  ]
  for (const [name, damage, expected] of damages) {
    it.live(`refuses a damaged copy before it changes anything: ${name}`, () =>
      withNode(3, (node, parent) =>
        Effect.gen(function*() {
          yield* Backup.make(node, `${parent}/copy`, told)
          yield* Effect.promise(() => damage(`${parent}/copy`))
          const before = yield* list(node)
          const error = yield* Effect.flip(restore(`${parent}/copy`, node, true))
          assert.match(error.message, expected)
          assert.strictEqual(error.reason === "NoCopy", name === "no list")
          assert.deepStrictEqual(yield* list(node), before)
          assert.strictEqual((yield* tipIn(node)).height, 3)
        })))
  }
})
