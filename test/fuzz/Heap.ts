/** Whether memory stays flat: the live heap after a collection, and how it changes over a run. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

let collect: (() => void) | undefined

const collector = (): () => void => {
  if (collect !== undefined) return collect
  setFlagsFromString("--expose-gc")
  const found: unknown = runInNewContext("gc")
  if (typeof found !== "function") throw new Error("this Node has no gc")
  return collect = () => {
    found()
  }
}

/** bytes in use after a full collection, array buffers included: what the first frees late, the second counts. */
export const live = (): number => {
  collector()()
  collector()()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

export interface Sample {
  readonly inputs: number
  readonly bytes: number
}

/** bytes per input, by least squares. */
export const slope = (samples: ReadonlyArray<Sample>): number => {
  const n = samples.length
  const meanX = samples.reduce((sum, { inputs }) => sum + inputs, 0) / n
  const meanY = samples.reduce((sum, { bytes }) => sum + bytes, 0) / n
  const variance = samples.reduce((sum, { inputs }) => sum + (inputs - meanX) ** 2, 0)
  const together = samples.reduce((sum, { bytes, inputs }) => sum + (inputs - meanX) * (bytes - meanY), 0)
  return variance === 0 ? 0 : together / variance
}
