/** The file of the token: made once, readable by its owner alone, and never weaker than that. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import * as fs from "node:fs"
import * as AdminToken from "../../../src/layers/store/AdminToken.ts"
import { withDirectory } from "../../harness/directory.ts"

const modeOf = (file: string) => (fs.statSync(file).mode & 0o777).toString(8)
const load = (directory: string) => Effect.map(AdminToken.load(directory), (token) => Redacted.value(token))

describe("admin.token", () => {
  it.live("is made at the first start, for its owner alone, and stays", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const first = yield* load(directory)
        assert.match(first, /^[\w-]{43}$/)
        assert.strictEqual(modeOf(`${directory}/admin.token`), "600")
        assert.strictEqual(yield* load(directory), first)
        assert.strictEqual(Redacted.value(Option.getOrThrow(yield* AdminToken.find(directory))), first)
      })
    ))

  it.live("gives way to a new one when others could read it, or when it is none", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const file = `${directory}/admin.token`
        let before = yield* load(directory)
        for (const mode of [0o644, 0o640, 0o604, 0o660]) {
          fs.chmodSync(file, mode)
          const now = yield* load(directory)
          assert.notStrictEqual(now, before, mode.toString(8))
          assert.strictEqual(modeOf(file), "600")
          before = now
        }
        for (const text of ["", "short", "two words, and a comma", "ä".repeat(40), "x".repeat(257), "\0".repeat(40)]) {
          fs.writeFileSync(file, text)
          assert.isTrue(Option.isNone(yield* AdminToken.find(directory)), text.slice(0, 9))
          assert.match(yield* load(directory), /^[\w-]{43}$/)
        }
      })
    ))

  it.live("is no link, and a directory without it has none", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        assert.isTrue(Option.isNone(yield* AdminToken.find(directory)))
        assert.isTrue(Option.isNone(yield* AdminToken.find(`${directory}/none`)))
        fs.symlinkSync("/etc/hostname", `${directory}/admin.token`)
        assert.include((yield* Effect.flip(AdminToken.load(directory))).message, "admin.token is a symbolic link")
      })
    ))
})

describe("the file that --admin-token-file names", () => {
  it.live("may be a link, as a mounted secret is; what it leads to must be as good as a file", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const secret = `${directory}/secret`
        fs.mkdirSync(`${directory}/..data`)
        fs.writeFileSync(`${directory}/..data/token`, `${"s".repeat(40)}\n`, { mode: 0o440 })
        fs.symlinkSync("..data/token", secret)
        assert.strictEqual(Redacted.value(yield* AdminToken.fromFile(secret)), "s".repeat(40))
        fs.chmodSync(`${directory}/..data/token`, 0o444)
        assert.include((yield* Effect.flip(AdminToken.fromFile(secret))).message, "can be read by every user")
        fs.rmSync(`${directory}/..data/token`)
        assert.include((yield* Effect.flip(AdminToken.fromFile(secret))).message, "does not exist")
        fs.mkdirSync(`${directory}/..data/token`)
        assert.include((yield* Effect.flip(AdminToken.fromFile(secret))).message, "is a directory")
      })
    ))

  it.live("is refused when every user may read it, or when it is none; a group may", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const file = `${directory}/given`
        const message = Effect.map(Effect.flip(AdminToken.fromFile(file)), ({ message }) => message)
        assert.include(yield* message, "does not exist; make one that only you can read")
        fs.writeFileSync(file, "  abcdefghijklmnopqrstuvwxyz\n", { mode: 0o600 })
        const read = () => Effect.map(AdminToken.fromFile(file), (token) => Redacted.value(token))
        assert.strictEqual(yield* read(), "abcdefghijklmnopqrstuvwxyz")
        fs.chmodSync(file, 0o640)
        assert.strictEqual(yield* read(), "abcdefghijklmnopqrstuvwxyz")
        fs.chmodSync(file, 0o644)
        assert.include(yield* message, "can be read by every user (mode 644)")
        fs.chmodSync(file, 0o600)
        fs.writeFileSync(file, "secret")
        assert.match(yield* message, /given is not one word of 16 to 256 characters of ASCII$/)
        assert.notInclude(yield* message, "secret")
      })
    ))
})
