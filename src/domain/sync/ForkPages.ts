/**
 * How often one daemon is shown a chain that forks from its own. The daemon counts every page whose first block builds on another chain
 * than its tip's; from the fifth in five minutes, each is a violation. It requests such pages itself, again and again. If its finality lock
 * refuses the chain, the lock holds for two minutes. It refuses at once when the peer has just connected, because the daemon settles which
 * peers count as witnesses only every ten seconds.
 *
 * So on a new connection such a page is left empty, and later it is shown rarely. Pages below its tip are free: the daemon uses them to
 * look for the fork, and until it has found it, requests above its tip are part of the search. Pure. Times are monotonic ms.
 */
import * as Limits from "../Limits.ts"

export interface ForkPages {
  /** When the connection came up. */
  readonly upAt: number
  /** When such a page was last shown; −∞: never. */
  readonly shownAt: number
  /** When it last asked for blocks at or below its tip. */
  readonly searchedAt: number
}

export const start = (now: number): ForkPages => ({ upAt: now, shownAt: -Infinity, searchedAt: -Infinity })

/**
 * The daemon requests a page. `tip`: its own height, as last reported; `parts`: our chain has another block there. The result says whether
 * to answer the page with our blocks.
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
