/** What the database's thread takes over instead of copying it: exactly what its caller gave away. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as ChainStoreSql from "../../../src/layers/chain/ChainStoreSql.ts"
import { giveAway } from "../../../src/layers/sql/giveAway.ts"
import * as SqliteThread from "../../../src/layers/sql/SqliteThread.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import { after, genesis, network } from "../../harness/chainBlocks.ts"
import { withDirectory } from "../../harness/directory.ts"

describe("giveAway", () => {
  it.live("moves a parameter's buffer to the thread; others are copied and stay", () =>
    withDirectory((directory) =>
      Effect.scoped(Effect.gen(function*() {
        const thread = yield* SqliteThread.make({ filename: `${directory}/some.db` })
        yield* thread.run("CREATE TABLE some (given BLOB, kept BLOB)", [])
        const given = giveAway(new Uint8Array(1_000).fill(7))
        const kept = new Uint8Array(1_000).fill(8)
        const statement = thread.run("INSERT INTO some VALUES (?, ?)", [given, kept])
        assert.strictEqual(given.length, 1_000, "not before the statement starts")
        yield* statement
        assert.deepStrictEqual([given.length, kept.length], [0, 1_000])
        const rows = yield* thread.run("SELECT given, kept FROM some", [])
        assert.deepStrictEqual(rows.map(({ given, kept }) => [given, kept]), [
          [new Uint8Array(1_000).fill(7), new Uint8Array(1_000).fill(8)]
        ])
      }))
    ))

  it.live("moves the blocks of a stored batch: the main thread does not copy them", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const access = yield* SqliteThread.Access
        const params: Array<unknown> = []
        const seen: typeof access = {
          ...access,
          write: (options) =>
            Effect.map(access.write(options), (thread) => ({
              ...thread,
              run: (sql, given) => Effect.suspend(() => (params.push(...given), thread.run(sql, given)))
            }))
        }
        const blocks = after(genesis, 50, 0, 400)
        const options = { filename: `${directory}/chain.db`, network, genesis }
        const read = yield* Effect.gen(function*() {
          const store = Context.get(yield* Layer.build(ChainStoreSql.layerSqlite(options)), ChainStore)
          params.length = 0
          yield* store.append(0, blocks)
          return yield* store.blocks(1, 50, 1_000_000)
        }).pipe(Effect.scoped, Effect.provideService(SqliteThread.Access, seen))
        const bytes = params.filter((param) => param instanceof Uint8Array)
        assert.include(bytes.map(({ length }) => length), 0)
        assert.isAtMost(Math.max(...bytes.map(({ length }) => length)), 51 * 32, "hashes, which two statements need")
        assert.deepStrictEqual(read, blocks.map((block) => block.bytes))
      })
    ))
})
