/**
 * `npm run fuzz -- --target T --inputs N`: feeds targets with inputs until they are done, the time is over or something
 * does not hold. Exit code 1 for a finding, which is shrunk and written to test/fuzz/findings.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Option, Random } from "effect"
import { Command, Flag } from "effect/cli"
import { Worker } from "node:worker_threads"
import * as Fuzzer from "./Fuzzer.ts"
import * as Job from "./Job.ts"
import * as Store from "./Store.ts"
import type { Target } from "./Target.ts"
import { targets } from "./targets/index.ts"

/** Part of a run, from its beginning, that looks for new code, and so is slower; the rest continues from what it found. */
const guidedShare = 0.2
/** Inputs of that part at most: by then nothing new has come for long. */
const guidedMost = 20_000
/** ms. An input that runs so long never ends. */
const hangMs = 30_000

/** MiB. A thread whose heap grows beyond is ended: some ten times what any target needs. */
const heapMostMib = 512

interface Result extends Omit<Job.Outcome, "kept"> {
  readonly name: string
  readonly unit: string
  readonly corpus: number
}

const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1)
const whole = (n: number): string => Math.round(n).toLocaleString("en")

/** What can be said of a thread that came to no end of its own: which input it ran. */
const lost = (current: SharedArrayBuffer, text: string): Job.Outcome => {
  const { input, turn } = Job.look(current)
  return {
    inputs: turn,
    seconds: 0,
    blocks: 0,
    kept: [],
    heap: { first: 0, last: 0, slope: 0 },
    failure: { input, originalBytes: input.length, text, after: turn }
  }
}

const runThread = (target: Target, job: Omit<Job.Job, "target" | "current">): Effect.Effect<Job.Outcome> =>
  Effect.gen(function*() {
    const current = Job.makeCurrent()
    const context = yield* Effect.context()
    const say = Effect.runForkWith(context)
    const done = Effect.callback<Job.Outcome>((resume) => {
      const worker = new Worker(new URL("./thread.ts", import.meta.url), {
        workerData: { ...job, target: target.name, current } satisfies Job.Job,
        resourceLimits: { maxOldGenerationSizeMb: heapMostMib }
      })
      const began = performance.now()
      worker.on("error", (error) => resume(Effect.succeed(lost(current, error.message))))
      worker.on("message", (told: Job.Told) => {
        if (told._tag === "Done") return resume(Effect.succeed(told.outcome))
        const rate = whole(told.inputs / ((performance.now() - began) / 1_000))
        say(Console.log(
          `  ${target.name}: ${whole(told.inputs)} inputs, ${rate}/s, ${told.corpus} in the ${
            job.guided ? "corpus" : "pool"
          }, heap ${mib(told.heap)} MiB`
        ))
      })
      return Effect.promise(() => worker.terminate())
    })
    const hang = Effect.gen(function*() {
      for (let last = -1;;) {
        yield* Effect.sleep(hangMs)
        const { turn } = Job.look(current)
        // Turn 0: the thread is still loading.
        if (turn === last && turn > 0) {
          return lost(current, `runs for ${hangMs} ms and more`)
        }
        last = turn
      }
    })
    return yield* Effect.raceFirst(done, hang)
  })

const fuzz = Effect.fnUntraced(function*(
  target: Target,
  options: {
    readonly inputs: number
    readonly seconds: number | undefined
    readonly seed: number
    readonly keep: boolean
  }
) {
  const { keep, seed } = options
  const guided = Math.min(guidedMost, Math.ceil(options.inputs * guidedShare))
  const seconds = (share: number) => options.seconds === undefined ? undefined : options.seconds * share
  yield* Console.log(`${target.name}: ${target.about}`)
  const corpus = [...Store.readCorpus(target), ...Store.readFindings(target).map(({ input }) => input)]
  const first = yield* runThread(target, {
    inputs: guided,
    seconds: seconds(guidedShare),
    seed,
    guided: true,
    corpus
  })
  if (keep && first.failure === undefined) Store.writeCorpus(target, first.kept)
  const { kept } = first
  const second = first.failure === undefined
    ? yield* runThread(target, {
      inputs: options.inputs - guided,
      seconds: seconds(1 - guidedShare),
      seed: seed + 1,
      guided: false,
      corpus: kept
    })
    : undefined
  const result: Result = {
    name: target.name,
    unit: target.unit,
    inputs: first.inputs + (second?.inputs ?? 0),
    seconds: first.seconds + (second?.seconds ?? 0),
    corpus: kept.length,
    blocks: first.blocks,
    heap: (second ?? first).heap,
    failure: first.failure ?? second?.failure
  }
  const { failure } = result
  if (failure === undefined) return result
  const file = Store.writeFinding(target, failure.input)
  yield* Console.error(
    `${target.name} FAILED after ${whole(failure.after)} inputs with seed ${seed}: ${failure.text}\n` +
      `  ${failure.input.length} bytes, shrunk from ${failure.originalBytes}: ${
        target.suffix === "txt"
          ? JSON.stringify(Buffer.from(failure.input).toString())
          : Buffer.from(failure.input).toString("hex").slice(0, 400)
      }\n` +
      `  replay: npm run fuzz -- --target ${target.name} --replay ${file}`
  )
  return result
})

const columns = ["target", "inputs", "inputs/s", "corpus", "blocks", "heap first", "last MiB", "KiB per 1M", "failures"]

const table = (results: ReadonlyArray<Result>): string =>
  [
    columns,
    ...results.map(({ blocks, corpus, failure, heap, inputs, name, seconds }) => [
      name,
      whole(inputs),
      whole(inputs / seconds),
      String(corpus),
      String(blocks),
      mib(heap.first),
      mib(heap.last),
      whole(heap.slope / 1_024),
      failure === undefined ? "0" : "1"
    ])
  ].map((row) => row.map((cell, i) => i === 0 ? cell.padEnd(10) : cell.padStart(11)).join(" ")).join("\n")

const replay = Effect.fnUntraced(function*(target: Target, file: string) {
  if (!Store.exists(file)) {
    yield* Console.error(`--replay: there is no file ${file}`)
    process.exitCode = 2
    return
  }
  const error = Fuzzer.failureOf(target, Store.readInput(file))
  if (error === undefined) return yield* Console.log(`${target.name}: ${file} holds`)
  yield* Console.error(`${target.name}: ${file} FAILS: ${error.stack ?? error.message}`)
  process.exitCode = 1
})

const flags = {
  target: Flag.Literals("target", ["all", ...targets.map(({ name }) => name)]).pipe(
    Flag.withDescription("What to fuzz (default all)"),
    Flag.withDefault("all")
  ),
  inputs: Flag.Int("inputs").pipe(
    Flag.withDescription("Inputs per target; steps of the reducer for handshake (default 100000)"),
    Flag.withDefault(100_000)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("All choices follow from it (default: a random one, which is printed)"),
    Flag.optional
  ),
  seconds: Flag.Int("seconds").pipe(
    Flag.withDescription("End each target after so much processor time of its thread, done or not"),
    Flag.optional
  ),
  replay: Flag.String("replay").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Run this one input through the target instead"),
    Flag.optional
  ),
  keep: Flag.Boolean("keep").pipe(
    Flag.withDescription("Write the inputs that reach new code to test/fuzz/corpus"),
    Flag.withDefault(false)
  )
}

const command = Command.make(
  "fuzz",
  flags,
  Effect.fnUntraced(function*({ inputs, keep, replay: file, seconds, seed: told, target: name }) {
    const chosen = targets.filter((target) => name === "all" || target.name === name)
    const [only] = chosen
    if (Option.isSome(file)) {
      if (name !== "all" && only !== undefined) return yield* replay(only, file.value)
      yield* Console.error("--replay needs --target")
      process.exitCode = 2
      return
    }
    const seed = Option.isSome(told) ? told.value : yield* Random.nextIntBetween(1, 999_999_999)
    yield* Console.log(`seed ${seed}`)
    const results: Array<Result> = []
    for (const target of chosen) {
      results.push(yield* fuzz(target, { inputs, keep, seed, seconds: Option.getOrUndefined(seconds) }))
    }
    yield* Console.log(`\n${table(results)}`)
    if (results.some(({ failure }) => failure !== undefined)) process.exitCode = 1
  })
).pipe(
  Command.withDescription(
    `Feed code with damaged and random inputs and check what must hold. Targets:\n${
      targets.map(({ about, name, unit }) => `  ${name}: ${about} (one input: ${unit})`).join("\n")
    }`
  )
)

command.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
