/** Parses the flags of `simulate`. Pure. */
import { Option, Result } from "effect"
import { type FaultKind, faultKinds } from "../../simulation/plan/Fault.ts"
import * as SimulationLimits from "../../simulation/plan/Limits.ts"
import type { Seeds, Shard } from "../../simulation/plan/ShardFile.ts"
import { mostNodes } from "../../simulation/plan/SimulationOptions.ts"
import type {
  SimulatedStore,
  SimulatedWire,
  SimulationMode,
  SimulationOptions
} from "../../simulation/plan/SimulationReport.ts"
import * as Failure from "../Failure.ts"

/** The flags as given. */
export interface Given {
  readonly nodes: number
  readonly hours: number
  readonly seed: Option.Option<number>
  readonly seeds: Option.Option<string>
  readonly faults: string
  readonly mode: SimulationMode
  readonly jobs: Option.Option<number>
  readonly json: boolean
  readonly trace: Option.Option<string>
  readonly keepFaults: Option.Option<string>
  readonly keepNodes: Option.Option<string>
  readonly untilMs: Option.Option<number>
  readonly masternodes: boolean
  readonly noShrink: boolean
  readonly store: Option.Option<SimulatedStore>
  readonly wire: Option.Option<SimulatedWire>
  readonly shard: Option.Option<string>
  readonly out: Option.Option<string>
  /** A deliberate defect. */
  readonly mutant: Option.Option<string>
}

/** Everything except the seed. */
export type Scenario = Omit<SimulationOptions, "seed">

export interface Request {
  readonly scenario: Scenario
  /** `undefined`: one random seed. */
  readonly seeds: Seeds | undefined
  /** Whether `--seeds` was given: then each seed has a line, even a single one. */
  readonly many: boolean
  readonly jobs: number
  readonly json: boolean
  readonly shrink: boolean
  readonly trace: string | undefined
  /** The results file, and which part of the seeds to simulate. */
  readonly out: { readonly file: string; readonly shard: Shard } | undefined
}

type Read<A> = Result.Result<A, Failure.Failure>

const bad = (text: string): Read<never> => Result.fail(Failure.unusable(text))

const inRange = (flag: string, value: number, least: number, most: number): Read<number> =>
  value >= least && value <= most
    ? Result.succeed(value)
    : bad(`--${flag}: "${value}" is out of range; write ${least} to ${most}`)

/** Maximum seed: larger integers are not exact. */
const mostSeed = Number.MAX_SAFE_INTEGER

/** `all`, `none`, or comma-separated kinds. */
export const kinds = (text: string): Read<ReadonlyArray<FaultKind>> => {
  if (text === "all") return Result.succeed(faultKinds)
  if (text === "none") return Result.succeed([])
  const names = text.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !faultKinds.some((kind) => kind === name))
  return unknown === undefined
    ? Result.succeed(faultKinds.filter((kind) => names.includes(kind)))
    : bad(`--faults: "${unknown}" is no kind of fault; write all, none, or some of ${faultKinds.join(",")}`)
}

/** `A..B`, both included. */
export const range = (text: string): Read<Seeds> => {
  const found = /^(\d+)\.\.(\d+)$/.exec(text)
  const [first, last] = [Number(found?.[1]), Number(found?.[2])]
  if (found === null || last > mostSeed) return bad(`--seeds: "${text}" is no range of seeds; write A..B, as 1..100`)
  return first > last
    ? bad(`--seeds: "${text}" goes backwards; write ${last}..${first}`)
    : Result.succeed({ first, last })
}

/** `I/N`, from 1/1. */
export const shard = (text: string): Read<Shard> => {
  const found = /^(\d+)\/(\d+)$/.exec(text)
  const [index, count] = [Number(found?.[1]), Number(found?.[2])]
  return found !== null && index >= 1 && index <= count && count <= SimulationLimits.maxShards
    ? Result.succeed({ index, count })
    : bad(`--shard: "${text}" is no shard; write I/N, from 1/N to N/N, at most ${SimulationLimits.maxShards} in all`)
}

/** `--shard` and `--out`: a part of the seeds, and the file that is later merged with the other parts. */
const outOf = (given: Given, seeds: Seeds | undefined): Read<Request["out"]> =>
  Result.gen(function*() {
    if (Option.isNone(given.out)) {
      return Option.isSome(given.shard)
        ? yield* bad("--shard needs a file for simulate merge; write --out FILE")
        : undefined
    }
    if (seeds === undefined) return yield* bad("--out is for many seeds; write --seeds A..B as well")
    const part = Option.isSome(given.shard) ? yield* shard(given.shard.value) : { index: 1, count: 1 }
    const all = seeds.last - seeds.first + 1
    if (part.count > all) return yield* bad(`--shard: ${all} seeds cannot be parted into ${part.count} shards`)
    return { file: given.out.value, shard: part }
  })

/** Comma-separated numbers below `bound`; ascending and unique. `none` gives an empty list. */
const numbers = (flag: string, text: string, bound: number): Read<ReadonlyArray<number>> => {
  if (text === "none") return Result.succeed([])
  const parts = text.split(",").map((part) => part.trim())
  const wrong = parts.find((part) => !/^\d+$/.test(part) || Number(part) >= bound)
  return wrong === undefined
    ? Result.succeed([...new Set(parts.map(Number))].toSorted((a, b) => a - b))
    : bad(
      `--${flag}: "${wrong}" is no number${
        bound === Infinity ? "" : ` from 0 to ${bound - 1}`
      }; write numbers with commas between, as 0,3`
    )
}

const optional = <A, B>(value: Option.Option<A>, read: (value: A) => Read<B>): Read<B | undefined> =>
  Option.isSome(value) ? read(value.value) : Result.succeed(undefined)

/** Flags that only make sense for one seed. */
const single = ["trace", "keepFaults", "keepNodes", "untilMs"] as const

const flagOf = { trace: "trace", keepFaults: "keep-faults", keepNodes: "keep-nodes", untilMs: "until-ms" } as const

/** @param cpus default for `--jobs` */
export const read = (given: Given, cpus: number): Read<Request> =>
  Result.gen(function*() {
    const nodes = yield* inRange("nodes", given.nodes, 2, mostNodes)
    const hours = yield* inRange("hours", given.hours, SimulationLimits.minHours, SimulationLimits.maxHours)
    const faults = yield* kinds(given.faults)
    const many = Option.isSome(given.seeds)
    if (many && Option.isSome(given.seed)) return yield* bad("--seed and --seeds do not go together")
    if (!many && Option.isSome(given.jobs)) return yield* bad("--jobs is for many seeds; write --seeds A..B as well")
    const alone = many ? single.find((name) => given[name]._tag === "Some") : undefined
    if (alone !== undefined) return yield* bad(`--${flagOf[alone]} is for one seed; write --seed instead of --seeds`)
    const seed = yield* optional(given.seed, (seed) => inRange("seed", seed, 0, mostSeed))
    const seeds = yield* optional(given.seeds, range)
    const out = yield* outOf(given, seeds)
    const jobs = yield* optional(given.jobs, (jobs) => inRange("jobs", jobs, 1, SimulationLimits.jobsMost))
    const keepFaults = yield* optional(given.keepFaults, (text) => numbers("keep-faults", text, Infinity))
    const keepNodes = yield* optional(given.keepNodes, (text) => numbers("keep-nodes", text, nodes))
    if (keepNodes?.length === 0) return yield* bad("--keep-nodes: a network has at least one node")
    const untilMs = yield* optional(given.untilMs, (ms) =>
      inRange("until-ms", ms, 1, SimulationLimits.longestMs(hours, given.masternodes)))
    return {
      scenario: {
        nodes,
        hours,
        mode: given.mode,
        faults,
        keepFaults,
        keepNodes,
        untilMs,
        store: Option.getOrUndefined(given.store),
        wire: Option.getOrUndefined(given.wire),
        mutant: Option.getOrUndefined(given.mutant),
        ...(given.masternodes ? { masternodes: true } : {})
      },
      seeds: seeds ?? (seed === undefined ? undefined : { first: seed, last: seed }),
      many,
      jobs: jobs ?? cpus,
      json: given.json,
      shrink: !given.noShrink,
      trace: Option.getOrUndefined(given.trace),
      out
    }
  })
