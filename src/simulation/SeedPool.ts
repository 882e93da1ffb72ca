/**
 * Simulates many seeds in worker processes of this program, several at a time.
 *
 * A worker reads seeds from its standard input, one per line, and answers each with a `SimulationResult`, one line of JSON. It is
 * replaced after `SimulationLimits.seedsPerProcess` seeds, or when it ends by itself. In that case its current seed has failed, with
 * the last output on standard error as the reason. Workers end with the stream's scope; if the parent is killed, they see their input end.
 */
import { Clock, Effect, Fiber, Queue, Schema, Stream } from "effect"
import type { Cause, PlatformError } from "effect"
import { ChildProcess } from "effect/process"
import type { ChildProcessSpawner } from "effect/process"
import type { Self } from "../layers/node/Self.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { Seeds } from "./plan/ShardFile.ts"
import { SimulationResult } from "./plan/SimulationResult.ts"

export interface Options extends Seeds {
  /** Number of processes at a time. */
  readonly jobs: number
  readonly self: Self
  /** Arguments that make the program a worker for these seeds. */
  readonly args: ReadonlyArray<string>
}

/** The outcome of a seed. */
export type Outcome =
  | { readonly _tag: "Done"; readonly seed: number; readonly result: SimulationResult }
  /** The process ended instead of answering. */
  | { readonly _tag: "Crashed"; readonly seed: number; readonly wallSeconds: number; readonly detail: string }

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(SimulationResult))

/** Starts a worker in the scope. Its `simulate` never fails; after a crash the worker cannot be reused. */
const spawn = Effect.fnUntraced(function*({ args, self: [command, ...before] }: Pick<Options, "args" | "self">) {
  const orders = yield* Queue.unbounded<Uint8Array, Cause.Done>()
  const child = yield* ChildProcess.make(command, [...before, ...args], {
    stdin: Stream.fromQueue(orders),
    stdout: "pipe",
    stderr: "pipe",
    extendEnv: true,
    killSignal: "SIGTERM",
    forceKillAfter: SimulationLimits.workerStopMs
  })
  const answers = yield* Queue.unbounded<string, Cause.Done>()
  yield* child.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Queue.offer(answers, line)),
    Effect.ignore,
    Effect.andThen(Queue.end(answers)),
    Effect.forkScoped
  )
  let words = ""
  const written = yield* child.stderr.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) =>
      Effect.sync(() => {
        words = `${words}${text}`.slice(-SimulationLimits.workerErrorCharacters)
      })
    ),
    Effect.ignore,
    Effect.forkScoped
  )
  /** Why there is no answer. */
  const ended = Effect.gen(function*() {
    const how = yield* Effect.match(child.exitCode, {
      onSuccess: (code) => `its process ended with exit code ${code}`,
      onFailure: () => "its process was killed"
    })
    yield* Fiber.join(written)
    return words.trim() === "" ? how : `${how}: ${words.trim()}`
  })
  const simulate = Effect.fnUntraced(function*(seed: number): Effect.fn.Return<Outcome> {
    const startedAt = yield* Clock.currentTimeMillis
    yield* Queue.offer(orders, new TextEncoder().encode(`${seed}\n`))
    const answer = yield* Queue.take(answers).pipe(
      Effect.flatMap((line) =>
        Effect.mapError(decode(line), () => `its process answered with something else: ${line.slice(0, 500)}`)
      ),
      Effect.catchTag("Done", () => Effect.flatMap(ended, Effect.fail)),
      Effect.result
    )
    return answer._tag === "Success"
      ? { _tag: "Done", seed, result: answer.success }
      : {
        _tag: "Crashed",
        seed,
        wallSeconds: ((yield* Clock.currentTimeMillis) - startedAt) / 1_000,
        detail: answer.failure
      }
  })
  return simulate
})

/** Outcomes in the order of their seeds. Fails only if no process can be started. */
export const outcomes = (
  options: Options
): Stream.Stream<Outcome, PlatformError.PlatformError, ChildProcessSpawner.ChildProcessSpawner> =>
  Stream.callback<Outcome, PlatformError.PlatformError, ChildProcessSpawner.ChildProcessSpawner>((queue) => {
    let next = options.first
    const batch = Effect.gen(function*() {
      const simulate = yield* spawn(options)
      for (let seeds = 0; seeds < SimulationLimits.seedsPerProcess && next <= options.last; seeds++) {
        const outcome = yield* simulate(next++)
        yield* Queue.offer(queue, outcome)
        if (outcome._tag === "Crashed") return
      }
    })
    const lane = Effect.gen(function*() {
      while (next <= options.last) yield* Effect.scoped(batch)
    })
    const lanes = Array.from({ length: Math.min(options.jobs, options.last - options.first + 1) }, () => lane)
    return Effect.all(lanes, { concurrency: "unbounded", discard: true }).pipe(
      Effect.matchCauseEffect({
        onSuccess: () => Queue.end(queue),
        onFailure: (cause) => Queue.failCause(queue, cause)
      })
    )
  }).pipe(inOrder(options.first))

/** Emits in order: a seed may take longer than later ones, whose outcomes wait here. */
const inOrder = (first: number) => <E, R>(outcomes: Stream.Stream<Outcome, E, R>): Stream.Stream<Outcome, E, R> =>
  Stream.suspend(() => {
    let due = first
    const early = new Map<number, Outcome>()
    return Stream.map(outcomes, (one) => {
      early.set(one.seed, one)
      const ready: Array<Outcome> = []
      for (let outcome = early.get(due); outcome !== undefined; outcome = early.get(due)) {
        early.delete(due)
        ready.push(outcome)
        due += 1
      }
      return ready
    }).pipe(Stream.flattenIterable)
  })
