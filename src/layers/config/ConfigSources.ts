/**
 * Collects the raw texts of flags, environment and config file, before any is parsed.
 *
 * **Precedence**: flag > environment > file, per setting: a `--peer` replaces the file's whole list. An empty variable counts
 * as absent, so that `TIMEMESH_PEER=` in a compose file has no effect; an empty flag or key is an error.
 */
import { ConfigProvider, Effect, FileSystem, Option, Result } from "effect"
import { Toml, Yaml } from "effect/encoding"
import * as InputFile from "../store/InputFile.ts"
import { systemReason } from "../store/systemError.ts"
import { ConfigError } from "./ConfigError.ts"
import * as Settings from "./Settings.ts"

/** The texts that one source gives for a setting; more than one only for repeatable settings. */
export interface Given {
  readonly where: string
  readonly values: ReadonlyArray<string>
}

/** By setting name. */
export type GivenSettings = ReadonlyMap<string, Given>

export interface Sources {
  readonly given: GivenSettings
  /** For the log: `TIMEMESH_*` variables that are not settings. They do not prevent a start. */
  readonly warnings: ReadonlyArray<string>
}

/** Command-line flags by setting name. */
export type Flags = Readonly<Record<string, ReadonlyArray<string>>>

const prefix = "TIMEMESH"

/** All non-empty `TIMEMESH_*` variables. */
const environment = Effect.gen(function*() {
  const provider = yield* ConfigProvider.ConfigProvider
  const found = new Map<string, string>()
  const walk = (path: ReadonlyArray<string>): Effect.Effect<void> =>
    provider.load([...path]).pipe(
      Effect.orElseSucceed(() => undefined),
      Effect.flatMap((node) => {
        if (node === undefined) return Effect.void
        const value = node._tag === "Value" ? node.value : node.value
        if (value !== undefined && value !== "") found.set(path.join("_"), value)
        return node._tag === "Record"
          ? Effect.forEach(node.keys, (key) => walk([...path, key]), { discard: true })
          : Effect.void
      })
    )
  yield* walk([prefix])
  return found
})

const parseFile = (file: string, text: string): Result.Result<unknown, string> => {
  if (/\.toml$/i.test(file)) return Result.mapError(Toml.parse(text), (error) => `is not valid TOML (${error.message})`)
  const yaml = /\.ya?ml$/i.test(file)
  return Result.try({
    try: (): unknown => yaml ? Yaml.parse(text) : JSON.parse(text),
    catch: (error) =>
      `is not valid ${yaml ? "YAML" : "JSON"} (${error instanceof Error ? error.message : String(error)})`
  })
}

const fileValues = (value: unknown): ReadonlyArray<string> | undefined => {
  if (typeof value === "string") return [value]
  if (typeof value === "number") return [String(value)]
  if (!Array.isArray(value)) return undefined
  const texts = value.filter((item): item is string => typeof item === "string")
  return texts.length === value.length ? texts : undefined
}

const fromFile = Effect.fnUntraced(function*(file: string, namedBy: string) {
  const fs = yield* FileSystem.FileSystem
  const stats = yield* Effect.option(fs.stat(file))
  // For a pipe, such as `--config <(secrets)`, a blocking open could not be interrupted.
  const isPlain = Option.isNone(stats) || stats.value.type === "File"
  const unreadable = (problem: string) =>
    new ConfigError({ where: namedBy, input: file, problem, fix: "name a file that this user can read" })
  const text = yield* isPlain
    ? Effect.mapError(fs.readFileString(file), (error) => unreadable(`cannot be read: ${systemReason(error)}`))
    : Effect.mapError(InputFile.text(file), ({ detail }) => unreadable(detail))
  // What a decoder puts in the place of bytes that are no text: a path with it would be another one.
  if (text.includes("\uFFFD")) {
    return yield* new ConfigError({ where: file, problem: "is not UTF-8", fix: "save the file as UTF-8" })
  }
  const parsed = parseFile(file, text)
  if (Result.isFailure(parsed)) {
    return yield* new ConfigError({ where: file, problem: parsed.failure, fix: "correct the file" })
  }
  const content = parsed.success
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return yield* new ConfigError({
      where: file,
      problem: "does not hold an object of settings",
      fix: "use the form {\"listen\": \"127.0.0.1:24100\", \"peer\": [\"127.0.0.2\"]}"
    })
  }
  const known = Settings.all.map((setting) => setting.name)
  const given = new Map<string, Given>()
  for (const [key, value] of Object.entries(content)) {
    if (!known.includes(key)) {
      return yield* new ConfigError({
        where: file,
        input: key,
        problem: "is not a setting",
        fix: `did you mean "${Settings.nearest(key, known)}"? timemesh run --help lists all settings`
      })
    }
    const values = fileValues(value)
    const example = Settings.lists[key]
    if (values === undefined || (Array.isArray(value) && example === undefined)) {
      return yield* new ConfigError({
        where: `${key} in ${file}`,
        input: JSON.stringify(value),
        problem: example === undefined ? "is not a string or a number" : "is not a list of strings",
        fix: example === undefined ? "use one string or number" : `use a list of addresses, for example ${example}`
      })
    }
    if (values.includes("")) {
      return yield* new ConfigError({
        where: `${key} in ${file}`,
        problem: Array.isArray(value) ? "an entry is empty" : "is empty",
        fix: `give it a value, or leave the ${Array.isArray(value) ? "entry" : "key"} out`
      })
    }
    if (values.length > 0) given.set(key, { where: `${key} in ${file}`, values })
  }
  return given
})

/** Reads the environment (through `ConfigProvider`) and the config file, if one is named. Flags override both. */
export const collect = Effect.fnUntraced(function*(
  flags: Flags
): Effect.fn.Return<Sources, ConfigError, FileSystem.FileSystem> {
  const variables = yield* environment
  const settings = [...Settings.all, Settings.configFile]
  const names = settings.map((setting) => Settings.environmentName(setting.name))
  const warnings = [...variables.keys()].filter((name) => !names.includes(name)).map((name) =>
    `${name} is not a setting and is ignored; did you mean ${Settings.nearest(name, names)}?`
  )
  const above = new Map<string, Given>()
  for (const { name } of settings) {
    const flag = (flags[name] ?? []).filter((text) => text !== "")
    const variable = variables.get(Settings.environmentName(name))
    if (flag.length > 0) {
      above.set(name, { where: `--${name}`, values: flag })
    } else if (variable !== undefined) {
      const values = Settings.lists[name] !== undefined
        ? variable.split(",").map((text) => text.trim()).filter((text) => text !== "")
        : [variable]
      above.set(name, { where: Settings.environmentName(name), values })
    }
  }
  const file = above.get(Settings.configFile.name)
  const below = file?.values[0] === undefined ? new Map<string, Given>() : yield* fromFile(file.values[0], file.where)
  return { given: new Map([...below, ...above]), warnings }
})
