/** Makes a failing input shorter and plainer, as long as it fails. */
import * as Mutator from "./Mutator.ts"

/**
 * Cuts out pieces, halves first, then makes single bytes 0, until nothing more helps or `tries` are used up.
 *
 * @param fails whether an input still fails, in the same way
 */
export const shrink = (input: Uint8Array, fails: (input: Uint8Array) => boolean, tries = 5_000): Uint8Array => {
  const now = { best: input, left: tries }
  const better = (candidate: Uint8Array): boolean => {
    if (now.left === 0) return false
    now.left -= 1
    if (!fails(candidate)) return false
    now.best = candidate
    return true
  }
  const without = (at: number, size: number): Uint8Array =>
    Mutator.concat(now.best.subarray(0, at), now.best.subarray(at + size))
  for (let before = -1; before !== now.best.length && now.left > 0;) {
    before = now.best.length
    for (let size = Math.max(1, before >> 1); size >= 1 && now.left > 0; size = size === 1 ? 0 : size >> 1) {
      for (let at = 0; at < now.best.length && now.left > 0;) if (!better(without(at, size))) at += size
    }
  }
  for (let at = 0; at < now.best.length && now.left > 0; at++) {
    if (now.best[at] !== 0) better(now.best.with(at, 0))
  }
  return now.best
}
