import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import * as SqliteClient from "../../../src/layers/sql/SqliteClient.ts"
import { withFile } from "../../harness/chainFile.ts"

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
