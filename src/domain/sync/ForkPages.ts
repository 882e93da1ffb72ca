/**
 * How often one daemon is shown a chain that leaves its own. It counts every page whose first block goes on top of another chain than its tip: from the fifth in
 * five minutes on each is a violation. It asks for such pages itself, again and again: its finality lock, if it refuses the chain, holds for two minutes,
 * and does so at once where the peer that shows it has just connected, because who counts as a witness is settled every ten seconds only.
 *
 * So such a page is left empty on a new connection, and then shown seldom. Pages below its tip are free: with those it looks for the fork, and until it has
 * found it what is above is part of the search. Pure. Times are monotonic ms.
 */
import * as Limits from "../Limits.ts"

export interface ForkPages {
  /** When the connection came up. */
  readonly upAt: number
  /** When it was shown one last; −∞: never. */
  readonly shownAt: number
  /** When it last asked for blocks at or below its tip. */
  readonly searchedAt: number
}

export const start = (now: number): ForkPages => ({ upAt: now, shownAt: -Infinity, searchedAt: -Infinity })

/**
 * It asks for a page. `tip`: the height of its own, as it last told; `parts`: our chain has another block there. The result is whether
 * the page is answered with what we have.
 */
export const asked = (
  state: ForkPages,
  from: number,
  tip: number,
  parts: boolean,
  now: number
): readonly [ForkPages, boolean] => {
  if (from <= tip) return [{ ...state, searchedAt: now }, true]
  if (!parts || now - state.searchedAt < Limits.timeForkSearchMs) return [state, true]
  const isQuiet = now - state.upAt < Limits.timeForkQuietMs || now - state.shownAt < Limits.timeForkPauseMs
  return isQuiet ? [state, false] : [{ ...state, shownAt: now }, true]
}
