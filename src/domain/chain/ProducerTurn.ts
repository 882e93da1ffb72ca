/** Which producer's turn it is to make a test block, and when the next one steps in. Pure; times in ms since 1970. */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

/** The number of the turn at `now`: the same at every node whose clock is right. */
export const turnAt = (now: number, everyMs = Limits.produceEveryMs): number => Math.floor(now / everyMs)

/**
 * The producers that take turns: live masternodes among them, or all producers if none is a live masternode.
 *
 * @param live addresses of the live masternodes
 */
export const takingTurns = (producers: ReadonlyArray<PeerIp>, live: ReadonlyArray<PeerIp>): ReadonlyArray<PeerIp> => {
  const masternodes = producers.filter((producer) => live.includes(producer))
  return masternodes.length === 0 ? producers : masternodes
}

/**
 * Whether `own` makes a block now. From the start of a turn the turn's producer does; after half a turn without a block, the next producer
 * may too. Once a block arrived in this turn, no producer does.
 *
 * @param producers the producers that take turns, ordered by IP
 * @param lastBlockAt when our tip last changed
 * @param everyMs length of a turn, the same at every producer
 */
export const mayProduce = (
  producers: ReadonlyArray<PeerIp>,
  own: PeerIp,
  now: number,
  lastBlockAt: number,
  everyMs = Limits.produceEveryMs
): boolean => {
  if (!producers.includes(own)) return false
  const turn = turnAt(now, everyMs)
  if (turnAt(lastBlockAt, everyMs) >= turn) return false
  const since = now - turn * everyMs
  const rank = (producers.indexOf(own) - (turn % producers.length) + producers.length) % producers.length
  return rank === 0 || (rank === 1 && since >= everyMs / 2)
}
