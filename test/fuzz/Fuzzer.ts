/**
 * Feeds one target: takes inputs from a pool, changes them, runs them, and puts those that reach new code into the pool.
 * All choices follow from the seed.
 */
import { getHeapStatistics } from "node:v8"
import { randomFrom } from "../harness/random.ts"
import type * as Coverage from "./Coverage.ts"
import * as Heap from "./Heap.ts"
import * as Mutator from "./Mutator.ts"
import { shrink } from "./Shrink.ts"
import type { Target } from "./Target.ts"
import { Violation } from "./Target.ts"

export interface Options {
  readonly seed: number
  /** Ends when so many inputs are done. */
  readonly inputs: number
  /** Ends after this much of the thread's processor time in any case, so that a busy machine makes it no shorter; `undefined`: no bound. */
  readonly seconds: number | undefined
  /** Inputs that once reached new code. */
  readonly corpus: ReadonlyArray<Uint8Array>
  /** Tells new code. `undefined`: it is not looked for; the run is faster and finds less. */
  readonly coverage: Coverage.Coverage | undefined
  readonly tell: (progress: Progress) => void
}

export interface Progress {
  readonly inputs: number
  readonly seconds: number
  readonly corpus: number
  readonly blocks: number
  /** bytes. */
  readonly heap: number
}

export interface Failure {
  readonly input: Uint8Array
  readonly error: Error
  /** Inputs done before it, itself included. */
  readonly after: number
}

export interface Report extends Progress {
  readonly samples: ReadonlyArray<Heap.Sample>
  /** What to keep as the corpus. */
  readonly kept: ReadonlyArray<Uint8Array>
  readonly failure: Failure | undefined
}

/** inputs between two looks at the coverage, which takes some 3 ms. */
const batchInputs = 1_024
/** inputs in the pool at most, so that memory is bounded; beyond, a random one gives way. */
const poolMost = 4_000
/** bytes that one input may make the heap and array buffers grow: as much again as 64 times its length. */
const allocatedMost = 16 * 1024 * 1024
/** ms of the thread's processor time, so that a busy machine spoils nothing. No input of at most some kilobytes may take this long. */
const slowMs = 1_000
/** Heap samples of a run. */
const heapSamples = 20

const computedMs = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1_000
}

const used = (): number => {
  const { external_memory, used_heap_size } = getHeapStatistics()
  return external_memory + used_heap_size
}

/** What one input cost, checked three times over: a collection may spoil one measurement. */
const checkCost = (target: Target, input: Uint8Array): void => {
  const costs = [1, 2, 3].map(() => {
    const before = used()
    const began = computedMs()
    target.run(input)
    return { bytes: used() - before, ms: computedMs() - began }
  })
  const bytes = Math.min(...costs.map((cost) => cost.bytes))
  const ms = Math.min(...costs.map((cost) => cost.ms))
  if (bytes > allocatedMost + 64 * input.length) {
    throw new Violation({ message: `allocates too much: ${bytes} bytes for ${input.length} of input` })
  }
  if (ms > slowMs) {
    throw new Violation({ message: `takes too long: ${ms.toFixed(0)} ms for ${input.length} bytes of input` })
  }
}

/** One input: how many it counts for. Throws what is wrong. */
const runOne = (target: Target, input: Uint8Array): number => {
  const before = used()
  const began = computedMs()
  const count = target.run(input)
  if (used() - before > allocatedMost + 64 * input.length || computedMs() - began > slowMs) {
    checkCost(target, input)
  }
  return count
}

/** The error of an input that fails, else `undefined`. */
export const failureOf = (target: Target, input: Uint8Array): Error | undefined => {
  try {
    runOne(target, input)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** What kind of failure: of two with the same, the shorter input tells the same story. */
const kindOf = (error: Error): string => `${error.name} ${error.message.split(/\W+/).slice(0, 3).join(" ")}`

export const shrunk = (target: Target, failure: Failure): Failure => {
  const kind = kindOf(failure.error)
  const input = shrink(failure.input, (candidate) => {
    const error = failureOf(target, candidate)
    return error !== undefined && kindOf(error) === kind
  })
  return { ...failure, input, error: failureOf(target, input) ?? failure.error }
}

/** Runs to the end of the options or to the first failure, which is not shrunk yet. */
export const fuzz = (target: Target, options: Options): Report => {
  const random = randomFrom(options.seed)
  const { coverage } = options
  const pool: Array<Uint8Array> = []
  const kept: Array<Uint8Array> = []
  const samples: Array<Heap.Sample> = []
  const began = performance.now()
  const computedBefore = computedMs()
  const spent = (): number => (computedMs() - computedBefore) / 1_000
  const done: { inputs: number; failure: Failure | undefined } = { inputs: 0, failure: undefined }
  let told = began
  let heap = 0

  const feed = (input: Uint8Array): void => {
    try {
      done.inputs += runOne(target, input)
    } catch (error) {
      done.inputs += 1
      done.failure = { input, error: error instanceof Error ? error : new Error(String(error)), after: done.inputs }
    }
  }
  const keep = (input: Uint8Array): void => {
    kept.push(input)
    if (pool.length < poolMost) pool.push(input)
    else pool[random(pool.length)] = input
  }
  /** Finds the inputs of a batch that ran the marked code: by halves, since looking is dear and new code rare. */
  const attribute = (batch: ReadonlyArray<Uint8Array>, marks: ReadonlyArray<Coverage.Mark>): void => {
    const [only] = batch
    if (coverage === undefined || only === undefined || marks.length === 0) return
    if (batch.length === 1) return keep(only)
    const half = batch.slice(0, batch.length >> 1)
    coverage.among([])
    for (const input of half) failureOf(target, input)
    const left = coverage.among(marks)
    attribute(half, left)
    attribute(batch.slice(half.length), marks.filter((mark) => !left.includes(mark)))
  }
  const from = (): Uint8Array =>
    (random(3) === 0 ? pool[pool.length - 1 - random(Math.min(32, pool.length))] : pool[random(pool.length)]) ??
      new Uint8Array(0)
  const next = (): Uint8Array => {
    const base = from()
    const structured = random(5) < 2 ? target.mutate(base, random) : undefined
    const input = structured ?? Mutator.bytes(base, random, target.tokens, from)
    return input.length > target.mostBytes ? input.slice(0, target.mostBytes) : input
  }
  const progress = (): Progress => ({
    inputs: done.inputs,
    seconds: (performance.now() - began) / 1_000,
    corpus: coverage === undefined ? pool.length : kept.length,
    blocks: coverage?.blocks() ?? 0,
    heap
  })
  const measure = (): void => {
    heap = Heap.live()
    samples.push({ inputs: done.inputs, bytes: heap })
    if (performance.now() - told < 2_000) return
    told = performance.now()
    options.tell(progress())
  }

  const first = [...options.corpus, ...target.seeds(options.seed)]
  coverage?.reset()
  for (const input of first) {
    if (done.failure !== undefined) break
    feed(input)
    if ((coverage?.fresh().length ?? 0) > 0) kept.push(input)
    if (pool.length < poolMost) pool.push(input)
  }
  measure()
  const isOver = (): boolean =>
    done.failure !== undefined || done.inputs >= options.inputs ||
    (options.seconds !== undefined && spent() > options.seconds)
  const share = (): number =>
    Math.max(
      done.inputs / options.inputs,
      options.seconds === undefined ? 0 : spent() / options.seconds
    )
  while (!isOver()) {
    const batch: Array<Uint8Array> = []
    const most = Math.min(done.inputs + batchInputs, options.inputs)
    while (done.inputs < most && done.failure === undefined) {
      const input = next()
      batch.push(input)
      feed(input)
    }
    const marks = done.failure === undefined ? coverage?.fresh() ?? [] : []
    attribute(batch, marks)
    if (share() * heapSamples >= samples.length) measure()
  }
  return { ...progress(), samples, kept, failure: done.failure }
}
