/**
 * The time of a quickened soak: stretches in which a node's clock runs at its own pace alternate with as long ones in which it runs `factor` times
 * as fast. Both are needed to tell what grows with the node's own time, and so with its pings, beats and saves, from what grows with the hour. Pure.
 */
export interface Quickened {
  readonly factor: number
  /** Wall time, ms, at which the first stretch begins: a plain one. */
  readonly origin: number
  /** ms of both stretches together, on a real clock. */
  readonly cycleMs: number
}

/** Of a cycle. */
const plainShare = 0.5

/** So many in a run: two in the half that slopes are taken of. With more and shorter ones, both times would advance almost alike. */
const cycles = 4

export const make = (factor: number, origin: number, minutes: number): Quickened => ({
  factor,
  origin,
  cycleMs: minutes * 60_000 / cycles
})

/** ms that a node has lived by its own clock after so many real ms. */
export const lived = ({ cycleMs, factor }: Quickened, realMs: number): number => {
  const [plain, whole] = [cycleMs * plainShare, Math.floor(realMs / cycleMs)]
  const rest = realMs - whole * cycleMs
  return whole * (plain + (cycleMs - plain) * factor) + Math.min(rest, plain) + Math.max(0, rest - plain) * factor
}

/** The inverse of `lived`. */
export const real = ({ cycleMs, factor }: Quickened, livedMs: number): number => {
  const plain = cycleMs * plainShare
  const perCycle = plain + (cycleMs - plain) * factor
  const whole = Math.floor(livedMs / perCycle)
  const rest = livedMs - whole * perCycle
  return whole * cycleMs + Math.min(rest, plain) + Math.max(0, rest - plain) / factor
}

/** What a node wrote as its wall time, as a wall time of ours. */
export const toReal = (quickened: Quickened, at: number): number =>
  Math.round(quickened.origin + real(quickened, at - quickened.origin))

/** A module with this query quickens the clock of the process that imports it: flags of `node`. */
export const flags = ({ cycleMs, factor, origin }: Quickened): ReadonlyArray<string> => [
  `--import=${new URL(`quicken.ts?factor=${factor}&origin=${origin}&cycle=${cycleMs}`, import.meta.url).href}`
]

export const fromUrl = (url: string): Quickened => {
  const { searchParams } = new URL(url)
  const number = (name: string) => Number(searchParams.get(name))
  return { factor: number("factor"), origin: number("origin"), cycleMs: number("cycle") }
}
