import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Logger, Option, Queue } from "effect"
import { execFile } from "node:child_process"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as DataDir from "../../../src/layers/store/DataDir.ts"
import { withDirectory } from "../../harness/directory.ts"
import { longLive } from "../../harness/long.ts"

const run = promisify(execFile)

/** Another process, of that user, tries to take the lock and prints what it is told. */
const lockElsewhere = (directory: string, uid: number | undefined) =>
  run(process.execPath, [
    "--input-type=module",
    "-e",
    `import { Effect } from "effect"
     import * as DataDir from ${JSON.stringify(new URL("../../../src/layers/store/DataDir.ts", import.meta.url).href)}
     ${uid === undefined ? "" : `process.setgid(${uid}); process.setuid(${uid})`}
     console.log(await Effect.runPromise(Effect.scoped(DataDir.lock(${JSON.stringify(directory)})).pipe(
       Effect.match({ onFailure: (error) => error.message, onSuccess: () => "locked" })
     )))`
  ], { cwd: fileURLToPath(new URL("../../..", import.meta.url)) })

describe("DataDir", () => {
  it.live("holds the lock also where it cannot write down by whom, as on a full disk", () =>
    withDirectory((directory, fs) =>
      Effect.scoped(Effect.gen(function*() {
        yield* fs.makeDirectory(`${directory}/lock.json/in-the-way`, { recursive: true })
        yield* DataDir.lock(directory)
        const error = yield* Effect.flip(Effect.scoped(DataDir.lock(directory)))
        assert.match(error.message, /in use by another timemesh process \(unknown\)/)
      }))
    ))

  it.live("is made on demand, taken once, and free again afterwards", () =>
    withDirectory((parent) =>
      Effect.gen(function*() {
        const directory = `${parent}/a/b`
        yield* Effect.scoped(Effect.gen(function*() {
          yield* DataDir.lock(directory)
          const error = yield* Effect.flip(Effect.scoped(DataDir.lock(directory)))
          assert.strictEqual(
            error.message,
            `data directory ${directory}: in use by another timemesh process (${process.pid}); stop it, or choose ` +
              "another with --data-dir DIR"
          )
        }))
        yield* Effect.scoped(DataDir.lock(directory))
      })
    ))

  it.live("a path that is a file is an error that names it", () =>
    withDirectory((parent, fs) =>
      Effect.gen(function*() {
        yield* fs.writeFileString(`${parent}/file`, "")
        const error = yield* Effect.flip(Effect.scoped(DataDir.lock(`${parent}/file/x`)))
        assert.include(error.message, `data directory ${parent}/file/x: cannot be created`)
      })
    ))

  longLive(
    "a lock file that is deleted meanwhile is locked anew, and protects the directory again",
    () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const logged = yield* Queue.unbounded<string>()
        const logger = Logger.make(({ message }) => void Queue.offerUnsafe(logged, String(message)))
        yield* Effect.scoped(
          Effect.gen(function*() {
            yield* DataDir.lock(directory)
            yield* fs.remove(`${directory}/lock.db`)
            assert.match(yield* Queue.take(logged), /lock\.db was deleted while it was in use, and is locked anew/)
            assert.match((yield* Effect.promise(() => lockElsewhere(directory, undefined))).stdout, /in use by another/)
            assert.deepStrictEqual(yield* DataDir.isHeld(directory), Option.some(true))
            // Another process is faster: both know it then.
            yield* fs.remove(`${directory}/lock.db`)
            const other = new DatabaseSync(`${directory}/lock.db`)
            other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; PRAGMA user_version = 1")
            assert.match(yield* Queue.take(logged), /another process has locked the directory since: stop one of them/)
            other.close()
            assert.match(yield* Queue.take(logged), /is locked anew/)
          })
        ).pipe(Effect.provide(Logger.layer([logger])))
        assert.strictEqual((yield* Effect.promise(() => lockElsewhere(directory, undefined))).stdout.trim(), "locked")
      }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
  )

  it.live("whether a process holds the lock is seen without taking it", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* DataDir.isHeld(directory), Option.none())
        yield* Effect.scoped(Effect.gen(function*() {
          yield* DataDir.lock(directory)
          assert.deepStrictEqual(yield* DataDir.isHeld(directory), Option.some(true))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.scoped(DataDir.lock(directory)))))
        }))
        assert.deepStrictEqual(yield* DataDir.isHeld(directory), Option.some(false))
      })
    ))

  for (const name of ["lock.db", "chain.db", "chain.db-wal", "chain.db.new", "peers.json", "node.json"]) {
    it.live(`refuses ${name} when it is a link, and leaves what it leads to`, () =>
      withDirectory((parent, fs) =>
        Effect.gen(function*() {
          const directory = `${parent}/data`
          yield* fs.makeDirectory(directory, { mode: 0o700 })
          yield* fs.writeFileString(`${parent}/victim`, "precious")
          yield* fs.symlink(`${parent}/victim`, `${directory}/${name}`)
          const error = yield* Effect.flip(Effect.scoped(DataDir.lock(directory)))
          assert.include(error.message, `${name} is a symbolic link, not a regular file; move it away`)
          assert.strictEqual(yield* fs.readFileString(`${parent}/victim`), "precious")
        })
      ))
  }

  it.live("refuses a directory that every user may write to", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        yield* fs.chmod(directory, 0o777)
        const error = yield* Effect.flip(Effect.scoped(DataDir.lock(directory)))
        assert.include(
          error.message,
          `every user may write to it (mode 777) and could replace the chain; run: chmod o-w`
        )
      })
    ))

  it.live("takes no lock on a file that this user can only read", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        yield* Effect.scoped(DataDir.lock(directory))
        yield* fs.chmod(`${directory}/lock.db`, 0o444)
        // Root may write to any file, so the attempt is made by another user.
        const asRoot = process.getuid?.() === 0
        if (asRoot) yield* fs.chown(directory, 65_534, 65_534)
        const { stdout } = yield* Effect.promise(() => lockElsewhere(directory, asRoot ? 65_534 : undefined))
        assert.match(
          stdout,
          /lock\.db can only be read \(owner uid \d+, mode 0444; this process has uid \d+\), so it cannot be/
        )
      })
    ))

  it.live("node.json is there while the node runs", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        const content = {
          network: "devnet",
          listen: "127.0.0.1:1",
          admin: null,
          software: "timemesh/test",
          startedAt: 5
        }
        assert.isTrue(Option.isNone(yield* DataDir.read(directory)))
        yield* Effect.scoped(Effect.gen(function*() {
          yield* DataDir.announce(directory, content)
          assert.deepStrictEqual(Option.getOrThrow(yield* DataDir.read(directory)), { pid: process.pid, ...content })
        }))
        assert.isTrue(Option.isNone(yield* DataDir.read(directory)))
        yield* fs.writeFileString(`${directory}/node.json`, "{}")
        assert.match((yield* Effect.flip(DataDir.read(directory))).message, /node\.json is not what timemesh writes; /)
      })
    ))
})
