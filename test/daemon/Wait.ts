/** Waits of the checks: for what both ends say, looked at again and again, each wait with its bound. */
import { Data } from "effect"

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What a check found that should not be. */
export class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

const againMs = 250

/** Looks until there is a value; the result is that, and how long it took, s. */
export const until = async <A>(
  what: string,
  seconds: number,
  look: () => Promise<A | undefined>,
  betweenMs = againMs
): Promise<{ readonly value: A; readonly seconds: number }> => {
  const from = performance.now()
  for (;;) {
    const value = await look()
    const took = (performance.now() - from) / 1_000
    if (value !== undefined) return { value, seconds: took }
    if (took > seconds) throw new Failed({ message: `not within ${seconds} s: ${what}` })
    await sleep(betweenMs)
  }
}

/** For the table: with as many digits as tell something. */
export const s = (seconds: number): string => `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
