/** A database whose files are deleted or replaced while it is in use: nothing is stored where it would be lost. */
import { assert, describe, it } from "@effect/vitest"
import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SqliteHandle from "../../../src/layers/sql/SqliteHandle.ts"

const onFile = (body: (file: string, handle: SqliteHandle.SqliteHandle) => void) => {
  const directory = mkdtempSync(join(tmpdir(), "timemesh-sql-"))
  const file = join(directory, "a.db")
  const handle = SqliteHandle.open({ filename: file }, "write")
  try {
    handle.run("CREATE TABLE rows (n)", [])
    handle.run("INSERT INTO rows VALUES (1)", [])
    body(file, handle)
  } finally {
    handle.close()
    rmSync(directory, { recursive: true })
  }
}

const faultOf = (run: () => unknown): SqliteHandle.SqliteFault => {
  try {
    run()
  } catch (error) {
    return SqliteHandle.faultOf(error)
  }
  return assert.fail("it was stored")
}

const insert = (handle: SqliteHandle.SqliteHandle) => () => handle.run("INSERT INTO rows VALUES (2)", [])
const lost = "and nothing more is stored; put it back, or restart the node"

describe("a database in use", () => {
  for (const suffix of ["", "-wal"]) {
    it(`stores nothing more once its file${suffix} is deleted, and goes on when it is put back`, () =>
      onFile((file, handle) => {
        renameSync(`${file}${suffix}`, `${file}.away`)
        const message = `${file}${suffix} was deleted while in use, ${lost}`
        assert.deepStrictEqual(faultOf(insert(handle)), { message, errno: 14 })
        assert.deepStrictEqual(faultOf(() => handle.run("BEGIN IMMEDIATE", [])), { message, errno: 14 })
        assert.isFalse(handle.inTransaction())
        renameSync(`${file}.away`, `${file}${suffix}`)
        insert(handle)()
        assert.deepStrictEqual(handle.run("SELECT count(*) AS n FROM rows", []).map(({ n }) => n), [2])
      }))

    it(`stores nothing more once its file${suffix} is another one`, () =>
      onFile((file, handle) => {
        copyFileSync(`${file}${suffix}`, `${file}.copy`)
        renameSync(`${file}.copy`, `${file}${suffix}`)
        assert.strictEqual(faultOf(insert(handle)).message, `${file}${suffix} was replaced while in use, ${lost}`)
      }))
  }

  it("finishes a transaction that began before", () =>
    onFile((file, handle) => {
      handle.run("BEGIN IMMEDIATE", [])
      insert(handle)()
      renameSync(file, `${file}.away`)
      insert(handle)()
      handle.run("COMMIT", [])
      assert.match(faultOf(insert(handle)).message, /was deleted while in use/)
      renameSync(`${file}.away`, file)
    }))

  it("may get its log after it was opened", () => {
    const directory = mkdtempSync(join(tmpdir(), "timemesh-sql-"))
    const file = join(directory, "a.db")
    SqliteHandle.open({ filename: file }, "write").close()
    assert.isUndefined(statSync(`${file}-wal`, { throwIfNoEntry: false }), "SQLite removes it at the last close")
    const handle = SqliteHandle.open({ filename: file }, "write")
    handle.run("CREATE TABLE rows (n)", [])
    insert(handle)()
    rmSync(`${file}-wal`)
    assert.match(faultOf(insert(handle)).message, /a\.db-wal was deleted while in use/)
    handle.close()
    rmSync(directory, { recursive: true })
  })
})
