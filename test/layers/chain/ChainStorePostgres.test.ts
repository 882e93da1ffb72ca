import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Result, Stream } from "effect"
import { SqlClient } from "effect/sql"
import * as ChainStoreSql from "../../../src/layers/chain/ChainStoreSql.ts"
import * as ChainScan from "../../../src/layers/chain/tools/ChainScan.ts"
import * as PostgresClient from "../../../src/layers/sql/PostgresClient.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import type { ChainStoreError } from "../../../src/services/ChainStore.ts"
import { after, genesis, isTrue, network } from "../../harness/chainBlocks.ts"
import { holds } from "../../harness/chainStoreChecks.ts"
import { cases } from "../../harness/chainStoreContract.ts"
import * as PostgresServer from "../../harness/postgresServer.ts"

/** A new database, and what opens it. */
const database = Effect.gen(function*() {
  const server = yield* PostgresServer.PostgresServer
  const name = yield* server.nextName
  const clientOf = (database: string) =>
    PostgresClient.layer({ host: server.host, username: server.username, database })
  yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE DATABASE ${sql(name)}`).pipe(
    Effect.provide(clientOf("postgres"))
  )
  const open = (options: { network?: string } = {}) =>
    Effect.map(
      Layer.build(ChainStoreSql.layerOn(clientOf(name), { network, genesis, where: `postgresql:${name}`, ...options })),
      Context.get(ChainStore)
    )
  const openWriter = Effect.map(
    Layer.build(
      ChainStoreSql.layerOn(
        PostgresClient.writer({ host: server.host, username: server.username, database: name }),
        { network, genesis, where: `postgresql:${name}` }
      )
    ),
    Context.get(ChainStore)
  )
  return { name, client: clientOf(name), open, openWriter }
})

const reasonOf = <A, R>(effect: Effect.Effect<A, ChainStoreError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const run = <A, E>(sql: (sql: SqlClient.SqlClient) => Effect.Effect<A, E>) => Effect.flatMap(SqlClient.SqlClient, sql)

const missing = PostgresServer.binaries === undefined
  ? " (skipped: no PostgreSQL server here; Debian: apt-get install -y postgresql)"
  : ""

describe.skipIf(missing !== "")(`ChainStoreSql on PostgreSQL${missing}`, () => {
  layer(PostgresServer.layer, { excludeTestServices: true, timeout: 60_000 })((it) => {
    for (const [name, body] of Object.entries(cases)) {
      it.effect(
        name,
        () => Effect.scoped(Effect.flatMap(database, ({ open }) => body({ open: open(), keeps: true })))
      )
    }

    it.effect("another network's database is refused", () =>
      Effect.scoped(Effect.gen(function*() {
        const { name, open } = yield* database
        yield* Effect.scoped(Effect.flatMap(open(), (store) => store.append(0, after(genesis, 5))))
        assert.deepInclude(yield* reasonOf(Effect.scoped(open({ network: "testnet" }))), {
          _tag: "WrongNetwork",
          where: `postgresql:${name}`,
          found: "devnet"
        })
      })))

    it.effect("lost rows and tables are damage; a scan says where", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, open } = yield* database
        const main = after(genesis, 50)
        yield* Effect.scoped(Effect.flatMap(open(), (store) => store.append(0, main)))
        yield* Effect.provide(run((sql) => sql`DELETE FROM chain_header WHERE height = 30`), client)
        assert.strictEqual((yield* reasonOf(Effect.scoped(open())))._tag, "Damaged")
        let good = 0
        const stopped = yield* Effect.flip(
          ChainScan.blocks("here").pipe(
            Stream.runForEach((found) =>
              Effect.sync(() => {
                assert.isTrue(isTrue(found))
                good += 1
              })
            ),
            Effect.provide(client)
          )
        )
        assert.strictEqual(good, 30)
        assert.include(JSON.stringify(stopped), "timemesh chain rewind 29")
        yield* Effect.provide(run((sql) => sql`DROP TABLE chain_header`), client)
        assert.strictEqual((yield* reasonOf(Effect.scoped(open())))._tag, "Damaged")
      })))

    it.effect("a full disk leaves the chain whole", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client, open } = yield* database
        const main = after(genesis, 50)
        const store = yield* open()
        yield* store.append(0, main.slice(0, 20))
        yield* Effect.provide(
          run((sql) =>
            Effect.andThen(
              sql`CREATE FUNCTION full_() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN IF NEW.height > 30 THEN RAISE ''no space left'' USING ERRCODE = ''53100''; END IF; RETURN NEW; END'`,
              sql`CREATE TRIGGER full_ BEFORE INSERT ON chain_block FOR EACH ROW EXECUTE FUNCTION full_()`
            )
          ),
          client
        )
        assert.deepInclude(yield* reasonOf(store.append(20, main.slice(20))), { _tag: "Full", detail: "no space left" })
        yield* holds(store, main.slice(0, 20))
        assert.strictEqual((yield* reasonOf(store.append(5, after(main[4] ?? genesis, 40, 1))))._tag, "Full")
        yield* holds(store, main.slice(0, 20))
        yield* store.append(20, main.slice(20, 30))
        yield* holds(store, main.slice(0, 30))
      })))

    it.effect("a second writer's append fails rather than mixes", () =>
      Effect.scoped(Effect.gen(function*() {
        const { open } = yield* database
        const main = after(genesis, 30)
        const [one, two] = [yield* open(), yield* open()]
        yield* one.append(0, main.slice(0, 20))
        assert.strictEqual((yield* reasonOf(two.append(0, after(genesis, 5, 1).slice(1))))._tag, "NotLinked")
        assert.strictEqual(
          (yield* reasonOf(two.append(20, after(main[18] ?? genesis, 5, 1).slice(1))))._tag,
          "NotLinked"
        )
        yield* holds(one, main.slice(0, 20))
      })))

    it.effect("has one writer at a time, which a writer that ends makes way for", () =>
      Effect.scoped(Effect.gen(function*() {
        const { name, openWriter } = yield* database
        const main = after(genesis, 5)
        yield* Effect.scoped(Effect.gen(function*() {
          const one = yield* openWriter
          yield* one.append(0, main)
          assert.deepInclude(yield* reasonOf(Effect.scoped(openWriter)), {
            _tag: "Unavailable",
            where: `postgresql:${name}`,
            detail: "another timemesh node writes to this database; stop it, or choose another database"
          })
        }))
        yield* holds(yield* openWriter, main)
      })))

    it.effect("two readers have the chain as it was when they opened it, while it grows", () =>
      Effect.scoped(Effect.gen(function*() {
        const { open, openWriter } = yield* database
        const main = after(genesis, 400)
        const writer = yield* openWriter
        yield* writer.append(0, main.slice(0, 100))
        const readers = [yield* open(), yield* open()]
        const growing = yield* Effect.forkChild(
          Effect.forEach([100, 200, 300], (from) => writer.append(from, main.slice(from, from + 100))),
          { startImmediately: true }
        )
        for (let i = 0; i < 5; i++) {
          for (const reader of readers) yield* holds(reader, main.slice(0, 100))
        }
        yield* Fiber.join(growing)
        for (const reader of readers) yield* holds(reader, main.slice(0, 100))
        yield* holds(yield* open(), main)
        yield* holds(writer, main)
      })))

    it.effect(
      "a server that crashes is unavailable; afterwards the store continues with what was committed",
      () =>
        Effect.scoped(Effect.gen(function*() {
          const { open } = yield* database
          const server = yield* PostgresServer.PostgresServer
          const store = yield* open()
          // A dozen commits: the crash comes in the midst of them.
          const main = after(genesis, 24_000)
          const appending = yield* Effect.forkChild(Effect.result(store.append(0, main)), { startImmediately: true })
          while ((yield* store.tip).height < 4_000) yield* Effect.yieldNow
          yield* server.crash
          const result = yield* Fiber.join(appending)
          assert.isTrue(Result.isFailure(result))
          if (Result.isFailure(result)) assert.strictEqual(result.failure.reason._tag, "Unavailable")
          assert.strictEqual((yield* reasonOf(store.hashes(0, 1)))._tag, "Unavailable")
          assert.strictEqual((yield* reasonOf(Effect.scoped(open())))._tag, "Unavailable")
          yield* server.restart
          const again = yield* open()
          const { height } = yield* again.tip
          assert.isAtLeast(height, 4_000)
          yield* holds(again, main.slice(0, height))
          yield* store.append(height, main.slice(height, height + 10))
          yield* holds(store, main.slice(0, height + 10))
        }))
    )
  })
})
