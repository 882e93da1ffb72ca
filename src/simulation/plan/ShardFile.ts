/**
 * One shard of many seeds, simulated by one process of a batch engine, as a file; and how to merge such files into one list of results.
 *
 * **Shapes**: lines of JSON: first a header, then a `SimulationResult` for each seed of the shard, in order. **Versions**: a version that adds
 * optional fields keeps the number; one that changes existing fields raises it. **Errors** are sentences that follow the file's name.
 */
import { Result, Schema } from "effect"
import { faultKinds } from "./Fault.ts"
import type { SimulationOptions } from "./SimulationReport.ts"
import { SimulationResult } from "./SimulationResult.ts"

export const format = "timemesh-simulation-shard"
export const version = 1

/** One of `count` equal parts of the seeds; `index` from 1. */
export interface Shard {
  readonly index: number
  readonly count: number
}

export interface Seeds {
  /** Both inclusive. */
  readonly first: number
  readonly last: number
}

/** The seeds of a shard: contiguous, with sizes that differ by at most one. */
export const seedsOf = ({ first, last }: Seeds, { count, index }: Shard): Seeds => {
  const all = last - first + 1
  const start = (part: number) => first + Math.floor(all / count) * part + Math.min(part, all % count)
  return { first: start(index - 1), last: start(index) - 1 }
}

const Settings = Schema.Struct({
  nodes: Schema.Int,
  hours: Schema.Finite,
  mode: Schema.Literals(["safety", "liveness"]),
  faults: Schema.Array(Schema.Literals(faultKinds)),
  store: Schema.optionalKey(Schema.Literals(["memory", "sqlite"])),
  wire: Schema.optionalKey(Schema.Literals(["native", "mixed"])),
  masternodes: Schema.optionalKey(Schema.Boolean),
  mutant: Schema.optionalKey(Schema.String),
  /** Whether failures were shrunk. */
  shrink: Schema.Boolean
})

const Header = Schema.Struct({
  format: Schema.Literal(format),
  version: Schema.Literal(version),
  /** Name and version of the program. */
  software: Schema.String,
  /** Trace hash of one fixed simulation: it distinguishes programs that behave differently, whatever their version. */
  behaviour: Schema.String,
  settings: Settings,
  /** Of all shards together. */
  seeds: Schema.Struct({ first: Schema.Int, last: Schema.Int }),
  shard: Schema.Struct({ index: Schema.Int, count: Schema.Int })
})
export type Header = typeof Header.Type

/** A file that was read. `name`: how messages name it. */
export interface ShardFile {
  readonly name: string
  readonly header: Header
  readonly results: ReadonlyArray<SimulationResult>
}

/** The simulation behind `Header.behaviour`: a second or two of work, with faults of every kind. */
export const probe: SimulationOptions = { seed: 1, nodes: 4, hours: 0.1, mode: "safety", faults: faultKinds }

export const header = (
  { faults, hours, masternodes, mode, mutant, nodes, store, wire }: Omit<SimulationOptions, "seed">,
  rest: Pick<Header, "behaviour" | "seeds" | "shard" | "software"> & { readonly shrink: boolean }
): Header => ({
  format,
  version,
  software: rest.software,
  behaviour: rest.behaviour,
  settings: {
    nodes,
    hours,
    mode,
    faults,
    ...(store === undefined ? {} : { store }),
    ...(wire === undefined ? {} : { wire }),
    ...(masternodes === undefined ? {} : { masternodes }),
    ...(mutant === undefined ? {} : { mutant }),
    shrink: rest.shrink
  },
  seeds: rest.seeds,
  shard: rest.shard
})

const decodeKind = Schema.decodeUnknownResult(
  Schema.fromJsonString(Schema.Struct({ format: Schema.Literal(format), version: Schema.Int }))
)
const decodeHeader = Schema.decodeUnknownResult(Schema.fromJsonString(Header))
const decodeResult = Schema.decodeUnknownResult(Schema.fromJsonString(SimulationResult))

/** The file with this text. */
export const read = (name: string, text: string): Result.Result<ShardFile, string> => {
  const bad = (problem: string) => Result.fail(`${name}: ${problem}`)
  const [first = "", ...rest] = text.split("\n").filter((line) => line !== "")
  const kind = decodeKind(first)
  if (Result.isFailure(kind)) return bad("is not a file of timemesh simulate --out")
  if (kind.success.version !== version) {
    return bad(`has version ${kind.success.version} of the format, this program reads ${version}; use one version`)
  }
  const head = decodeHeader(first)
  if (Result.isFailure(head)) return bad(`its first line is damaged: ${head.failure.message}`)
  const { seeds, shard } = head.success
  const isPart = shard.count >= 1 && shard.index >= 1 && shard.index <= shard.count
  if (!isPart || seeds.last - seeds.first + 1 < shard.count) return bad("its first line is damaged: no such shard")
  const due = seedsOf(seeds, shard)
  const results: Array<SimulationResult> = []
  for (const [index, line] of rest.entries()) {
    const result = decodeResult(line)
    if (Result.isFailure(result)) return bad(`line ${index + 2} is damaged, or the file was cut off there`)
    if (result.success.seed !== due.first + index || result.success.seed > due.last) {
      return bad(`line ${index + 2} has seed ${result.success.seed}, which is not due there`)
    }
    results.push(result.success)
  }
  const missing = due.last - due.first + 1 - results.length
  return missing === 0
    ? Result.succeed({ name, header: head.success, results })
    : bad(`its last ${missing} seeds are missing, from ${due.last - missing + 1}; simulate that shard again`)
}

const settingsText = (settings: Header["settings"]): string => JSON.stringify(settings)

/** Where the other file differs, in words; `undefined`: nowhere. */
const difference = (one: Header, other: Header): string | undefined => {
  if (one.software !== other.software) return `${one.software} and ${other.software}`
  if (one.behaviour !== other.behaviour) return `two builds of ${one.software} that behave differently`
  if (settingsText(one.settings) !== settingsText(other.settings)) {
    return `the settings ${settingsText(one.settings)} and ${settingsText(other.settings)}`
  }
  if (one.seeds.first !== other.seeds.first || one.seeds.last !== other.seeds.last) {
    return `seeds ${one.seeds.first}..${one.seeds.last} and ${other.seeds.first}..${other.seeds.last}`
  }
  return one.shard.count === other.shard.count
    ? undefined
    : `shards of ${one.shard.count} and of ${other.shard.count}`
}

/** Merges the shards, one copy of each, into one list in the order of seeds; or describes what does not fit. */
export const merge = (files: ReadonlyArray<ShardFile>): Result.Result<ReadonlyArray<SimulationResult>, string> => {
  const [first, ...others] = files.toSorted((a, b) => a.header.shard.index - b.header.shard.index)
  if (first === undefined) return Result.fail("no file is named")
  for (const other of others) {
    const differs = difference(first.header, other.header)
    if (differs !== undefined) return Result.fail(`${first.name} and ${other.name} do not belong together: ${differs}`)
  }
  const byIndex = new Map<number, ShardFile>()
  for (const file of [first, ...others]) {
    const { count, index } = file.header.shard
    const same = byIndex.get(index)
    if (same !== undefined) return Result.fail(`${same.name} and ${file.name} are both shard ${index}/${count}`)
    byIndex.set(index, file)
  }
  const { count } = first.header.shard
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !byIndex.has(index))
  return missing.length === 0
    ? Result.succeed([first, ...others].flatMap(({ results }) => results))
    : Result.fail(
      `${missing.map((index) => `shard ${index}/${count}`).join(", ")} ${missing.length === 1 ? "is" : "are"} missing`
    )
}
