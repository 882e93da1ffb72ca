import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, FileSystem, Stream } from "effect"
import { execFile } from "node:child_process"
import { lstatSync } from "node:fs"
import { stat, writeFile } from "node:fs/promises"
import { DatabaseSync } from "node:sqlite"
import { promisify } from "node:util"
import * as DataDir from "../../../src/layers/store/DataDir.ts"
import * as InputFile from "../../../src/layers/store/InputFile.ts"
import { checkCanMake, makeDirectory, placeOf } from "../../../src/layers/store/makeDirectory.ts"
import * as OutputFile from "../../../src/layers/store/OutputFile.ts"
import { systemCode } from "../../../src/layers/store/systemError.ts"
import { withDirectory } from "../../harness/directory.ts"

const test = (
  name: string,
  body: (directory: string, fs: FileSystem.FileSystem) => Effect.Effect<void, unknown, FileSystem.FileSystem>
) => it.live(name, () => withDirectory(body))

const makeFifo = (file: string) => Effect.promise(() => promisify(execFile)("mkfifo", [file]))
const bytes = (text: string) => Stream.make(new TextEncoder().encode(text))
const write = (file: string, text: string, inUse?: string) => OutputFile.write(file, bytes(text), inUse)
const makeDatabase = (file: string) =>
  Effect.sync(() => {
    const database = new DatabaseSync(file)
    database.exec("CREATE TABLE t (x)")
    database.close()
  })

/** Refused with that reason, and what was there is as it was. */
const refused = (file: string, why: RegExp, inUse?: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const before = yield* Effect.option(fs.readFile(file))
    assert.match((yield* Effect.flip(write(file, "x", inUse))).message, why)
    assert.deepStrictEqual(yield* Effect.option(fs.readFile(file)), before)
  })

describe("OutputFile", () => {
  test(
    "replaces a regular file whole, keeps its mode, and touches nothing beside it",
    (directory, fs) =>
      Effect.gen(function*() {
        const file = `${directory}/out`
        yield* fs.writeFileString(file, "before", { mode: 0o600 })
        yield* fs.writeFileString(`${file}.tmp`, "mine")
        assert.strictEqual(yield* write(file, "after"), 5)
        assert.strictEqual(yield* fs.readFileString(file), "after")
        assert.strictEqual(lstatSync(file).mode & 0o777, 0o600)
        assert.strictEqual(yield* fs.readFileString(`${file}.tmp`), "mine")
        assert.deepStrictEqual((yield* fs.readDirectory(directory)).toSorted(), ["out", "out.tmp"])
      })
  )

  test(
    "writes the file behind a link, which stays a link, also where it leads to nothing yet",
    (directory, fs) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory(`${directory}/there`)
        yield* fs.symlink("there/file", `${directory}/link`)
        yield* write(`${directory}/link`, "new")
        yield* write(`${directory}/link`, "newer")
        assert.isTrue(lstatSync(`${directory}/link`).isSymbolicLink())
        assert.strictEqual(yield* fs.readFileString(`${directory}/there/file`), "newer")
      })
  )

  test("writes devices and fifos in place", (directory) =>
    Effect.gen(function*() {
      yield* write("/dev/null", "gone")
      assert.isTrue(lstatSync("/dev/null").isCharacterDevice())
      assert.match((yield* Effect.flip(write("/dev/full", "x"))).message, /cannot be written: no space left on device/)
      const fifo = `${directory}/fifo`
      yield* makeFifo(fifo)
      // Without a reader it waits, and can be interrupted.
      const waiting = yield* Effect.forkChild(write(fifo, "never"))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(waiting)
      const reader = yield* Effect.forkChild(InputFile.text(fifo))
      assert.strictEqual(yield* write(fifo, "through"), 7)
      assert.strictEqual(yield* Fiber.join(reader), "through")
      assert.isTrue(lstatSync(fifo).isFIFO())
    }))

  test("refuses databases and the files of a node, by any of their names", (directory, fs) =>
    Effect.gen(function*() {
      const data = `${directory}/data`
      yield* fs.makeDirectory(data, { mode: 0o700 })
      yield* Effect.scoped(DataDir.lock(data))
      yield* fs.writeFileString(`${data}/peers.json`, "{}")
      for (
        const name of [
          "chain.db",
          "chain.db-wal",
          "lock.db",
          "lock.json",
          "node.json",
          "peers.json",
          "chain.db.damaged"
        ]
      ) {
        yield* refused(`${data}/${name}`, /is not overwritten: it is a node's own file/)
      }
      yield* fs.symlink(`${data}/peers.json`, `${directory}/innocent`)
      yield* refused(`${directory}/innocent`, /peers\.json is not overwritten/)
      const database = `${directory}/blocks.db`
      yield* makeDatabase(database)
      yield* refused(database, /is not overwritten: it is a database/)
      yield* refused(`${database}-wal`, /is not overwritten: it belongs to a database/)
      yield* refused(database, /it belongs to the chain that is read/, database)
      yield* refused(`${database}-journal`, /it belongs to the chain that is read/, database)
      yield* fs.link(database, `${directory}/other-name`)
      yield* refused(`${directory}/other-name`, /it belongs to the chain that is read/, database)
      assert.match((yield* Effect.flip(write(directory, "x"))).message, /is not overwritten: it is a directory/)
      // Elsewhere such a name is as good as any.
      yield* write(`${directory}/node.json`, "x")
    }))
})

describe("InputFile", () => {
  test("waits for the writer of a fifo, and can be interrupted", (directory) =>
    Effect.gen(function*() {
      const fifo = `${directory}/fifo`
      yield* makeFifo(fifo)
      const lonely = yield* Effect.forkChild(InputFile.text(fifo))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(lonely)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(lonely)))
      const reader = yield* Effect.forkChild(InputFile.text(fifo))
      yield* write(fifo, "x".repeat(300_000))
      assert.strictEqual((yield* Fiber.join(reader)).length, 300_000)
    }))

  test("a text has a bound, and a directory is no file", (directory) =>
    Effect.gen(function*() {
      assert.match((yield* Effect.flip(InputFile.text("/dev/zero"))).message, /\/dev\/zero is longer than the limit of/)
      assert.match((yield* Effect.flip(InputFile.text(directory))).message, /cannot be read: it is a directory/)
      assert.match(
        (yield* Effect.flip(InputFile.text(`${directory}/none`))).message,
        /none cannot be read: no such file or directory/
      )
    }))
})

const codeOf = (made: Promise<void>) => made.then(() => undefined, systemCode)

describe("making a directory", () => {
  it.live("with those above it, once, and not over a file", () =>
    withDirectory((parent) =>
      Effect.promise(async () => {
        assert.strictEqual(await placeOf(`${parent}/a/b/c`), parent)
        await checkCanMake(`${parent}/a/b/c`)
        await makeDirectory(`${parent}/a/b/c`, 0o700)
        await makeDirectory(`${parent}/a/b/c`, 0o700)
        assert.strictEqual((await stat(`${parent}/a/b`)).mode & 0o777, 0o700)
        await writeFile(`${parent}/file`, "")
        assert.strictEqual(await codeOf(makeDirectory(`${parent}/file`)), "EEXIST")
        assert.strictEqual(await codeOf(makeDirectory(`${parent}/file/below`)), "ENOTDIR")
      })
    ))

  it.live("ends where no directory can be made, which Node's own way with several does not", (context) =>
    Effect.promise(async () => {
      if (process.platform !== "linux") return context.skip("/proc is Linux's")
      assert.strictEqual(await codeOf(makeDirectory("/proc/timemesh/data")), "ENOENT")
    }))
})
