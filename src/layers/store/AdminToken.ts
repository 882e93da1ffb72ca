/**
 * The token that commands to a node need: in `admin.token` of its data directory, created at the first start, or in a file that the operator
 * names. Any user who can read the file can command the node.
 */
import { Effect, Option, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import * as Limits from "../../domain/Limits.ts"
import * as DataDir from "./DataDir.ts"
import * as PlainFile from "./PlainFiles.ts"
import { PlainFiles } from "./PlainFiles.ts"

/** Name within the data directory. */
export const fileName = "admin.token"

const form = new RegExp(`^[\\x21-\\x7e]{${Limits.adminTokenLeast},${Limits.adminTokenMost}}$`)

/** Why the text is not a valid token; `undefined` if it is. Never shows the text. */
export const problem = (text: string): string | undefined =>
  form.test(text)
    ? undefined
    : `is not one word of ${Limits.adminTokenLeast} to ${Limits.adminTokenMost} characters of ASCII`

/** The token's text appears in no log and no error. */
export const make = (text: string): Redacted.Redacted => Redacted.make(text, { label: "admin token" })

const [othersMayRead, strangersMayRead] = [0o077, 0o007]

const read = (file: string) =>
  Effect.gen(function*() {
    const text = Option.map(yield* (yield* PlainFiles).read(file), (found) => found.trim())
    const stats = yield* PlainFile.plain(file)
    return { text, mode: Option.getOrElse(Option.map(stats, ({ mode }) => mode), () => 0) }
  })

/**
 * The token in a file that the operator names, by links too: Kubernetes mounts a secret as one. Fails if the content is no token, or if every
 * user may read the file.
 */
export const fromFile = (name: string): Effect.Effect<Redacted.Redacted, PlainFile.FileError> =>
  Effect.gen(function*() {
    const file = yield* PlainFile.realName(name)
    const { mode, text } = yield* read(file)
    const fail = (detail: string) => Effect.fail(new PlainFile.FileError({ file, detail }))
    if (Option.isNone(text)) {
      return yield* fail("does not exist; make one that only you can read: (umask 077; openssl rand -hex 32 > FILE)")
    }
    if ((mode & strangersMayRead) !== 0) {
      return yield* fail(
        `can be read by every user (mode ${
          (mode & 0o777).toString(8)
        }); make a new token in it, after: chmod 600 ${file}`
      )
    }
    const wrong = problem(text.value)
    return wrong === undefined ? make(text.value) : yield* fail(wrong)
  })

/**
 * The token of a data directory, which must exist and be ours. Created if missing, and replaced if others could read it or it
 * is damaged: commands read it again for each request.
 */
export const load = (directory: string): Effect.Effect<Redacted.Redacted, DataDir.DataDirError> =>
  Effect.gen(function*() {
    const file = `${directory}/${fileName}`
    const { mode, text } = yield* read(file)
    const wrong = Option.match(text, {
      onNone: () => "",
      onSome: (found) => (mode & othersMayRead) !== 0 ? "could be read by other users" : problem(found)
    })
    if (Option.isSome(text) && wrong === undefined) return make(text.value)
    if (wrong !== "") yield* Effect.logWarning(`${file} ${wrong}; it has a new token now`)
    const made = randomBytes(Limits.adminTokenBytes).toString("base64url")
    yield* PlainFile.remove(file)
    yield* (yield* PlainFiles).replace(file, `${made}\n`)
    return make(made)
  }).pipe(Effect.mapError((error) => DataDir.inside(directory, error)))

/** The token of a data directory, for a command. `None`: there is none, or this user may not read it. */
export const find = (directory: string): Effect.Effect<Option.Option<Redacted.Redacted>> =>
  Effect.map(Effect.option(read(`${directory}/${fileName}`)), (found) =>
    Option.filter(
      Option.map(Option.flatMap(found, ({ text }) => text), make),
      (token) => problem(Redacted.value(token)) === undefined
    ))

/** What is wrong with a data directory's token file, which is not changed; `undefined`: nothing, or the file is missing. */
export const weakness = (directory: string): Effect.Effect<string | undefined> =>
  Effect.map(Effect.option(read(`${directory}/${fileName}`)), (found) => {
    if (Option.isNone(found) || Option.isNone(found.value.text)) return undefined
    const { mode, text } = found.value
    return (mode & othersMayRead) === 0
      ? problem(text.value)
      : `can be read by other users (mode ${(mode & 0o777).toString(8)})`
  })
