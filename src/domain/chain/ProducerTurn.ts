/** Whose turn it is to make a test block, and when the next one steps in. Pure; times in ms since 1970. */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

/** The number of the turn at `now`: the same at every node whose clock is right. */
export const turnAt = (now: number): number => Math.floor(now / Limits.produceEveryMs)

/**
 * Whether `own` makes a block now. At the start of a turn it is the producer's whose turn it is; after half a turn without a
 * block the next one's as well. Once a block came in this turn, nobody's.
 *
 * @param producers in the order of their IPs, `own` among them
 * @param lastBlockAt when our tip last changed
 */
export const mayProduce = (
  producers: ReadonlyArray<PeerIp>,
  own: PeerIp,
  now: number,
  lastBlockAt: number
): boolean => {
  const turn = turnAt(now)
  if (turnAt(lastBlockAt) >= turn) return false
  const since = now - turn * Limits.produceEveryMs
  const rank = (producers.indexOf(own) - (turn % producers.length) + producers.length) % producers.length
  return rank === 0 || (rank === 1 && since >= Limits.produceEveryMs / 2)
}
