/** What the seed gives each node and link of a network: clocks, start times, latencies. */
import type { LinkNature } from "./Links.ts"
import * as Seeds from "./machine/Seeds.ts"
import * as SimulationLimits from "./plan/Limits.ts"

export interface Nature {
  readonly index: number
  /** See `SimulatedNodeOptions`. */
  readonly offsetMs: number
  readonly rate: number
  /** Start time, ms. */
  readonly startMs: number
  /** Of its links to nodes with lower numbers, by number. */
  readonly links: ReadonlyArray<LinkNature>
}

/** Drawn for all `planned` nodes, so that leaving some out changes nothing for the others. */
export const draw = (seed: string, planned: number): ReadonlyArray<Nature> => {
  const from = Seeds.random(`${seed}/nature`)
  const next = () => from.nextDoubleUnsafe()
  return Array.from({ length: planned }, (_, index) => {
    const offsetMs = Math.round((2 * next() - 1) * SimulationLimits.clockMs)
    const rate = 1 + (2 * next() - 1) * SimulationLimits.clockRate
    const startMs = next() * SimulationLimits.startMs
    const links = Array.from({ length: index }, (): LinkNature => {
      const latencyMs = SimulationLimits.latencyMinMs +
        next() ** 2 * (SimulationLimits.latencyMaxMs - SimulationLimits.latencyMinMs)
      const jitterMs = latencyMs * SimulationLimits.jitter * next()
      const maxChunk = SimulationLimits.chunkBytes[Math.floor(next() * SimulationLimits.chunkBytes.length)] ?? 1_460
      return { latencyMs, jitterMs, maxChunk }
    })
    return { index, offsetMs, rate, startMs, links }
  })
}
