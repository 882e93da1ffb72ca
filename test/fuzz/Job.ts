/** What the main thread and a fuzzing thread tell each other. */

export interface Job {
  readonly target: string
  readonly seed: number
  readonly inputs: number
  readonly seconds: number | undefined
  /** Looks for inputs that reach new code. */
  readonly guided: boolean
  readonly corpus: ReadonlyArray<Uint8Array>
  /** Where the thread leaves every input before it runs it (`leave`), so that one that never ends is not lost. */
  readonly current: SharedArrayBuffer
}

export interface Outcome {
  readonly inputs: number
  readonly seconds: number
  readonly blocks: number
  readonly kept: ReadonlyArray<Uint8Array>
  /** bytes: after the seeds, at the end; and bytes per million inputs over the second half of the run. */
  readonly heap: { readonly first: number; readonly last: number; readonly slope: number }
  readonly failure: Failed | undefined
}

export interface Failed {
  readonly input: Uint8Array
  /** bytes before it was shrunk. */
  readonly originalBytes: number
  readonly text: string
  /** Inputs it took. */
  readonly after: number
}

export type Told =
  | { readonly _tag: "Progress"; readonly inputs: number; readonly corpus: number; readonly heap: number }
  | { readonly _tag: "Done"; readonly outcome: Outcome }

/** bytes: a count of inputs and a length, then an input. */
const headBytes = 8
const inputBytes = 64 * 1024

export const makeCurrent = (): SharedArrayBuffer => new SharedArrayBuffer(headBytes + inputBytes)

export const leave = (current: SharedArrayBuffer): (input: Uint8Array) => void => {
  const head = new Int32Array(current, 0, 2)
  const body = new Uint8Array(current, headBytes)
  return (input) => {
    body.set(input.length > inputBytes ? input.subarray(0, inputBytes) : input)
    head[1] = Math.min(input.length, inputBytes)
    Atomics.add(head, 0, 1)
  }
}

/** The input that runs, and a number that changes with every input. */
export const look = (current: SharedArrayBuffer): { readonly turn: number; readonly input: Uint8Array } => {
  const head = new Int32Array(current, 0, 2)
  return { turn: Atomics.load(head, 0), input: new Uint8Array(current, headBytes, head[1]).slice() }
}
