/**
 * Headers that a peer is showing, not yet better than our chain: kept until they are, for all peers together within `Limits.headersShown`.
 *
 * **Full**: what the slowest peer has shown makes room for what a faster one shows, so that peers cannot hold the room by taking their time. A
 * peer without room begins again later.
 */
import * as Limits from "../../domain/Limits.ts"
import type { PackedHeaders } from "./PackedHeaders.ts"

export interface Showing {
  /** Height of the last block shared with our chain. */
  readonly fork: number
  readonly headers: PackedHeaders
  /** Monotonic ms when the peer was asked for the first of them. */
  readonly since: number
}

/** What has a peer's headers in its keeping. */
export interface Keeper {
  showing: Showing | undefined
}

/** Headers per ms. */
const pace = ({ headers, since }: Showing, now: number): number => headers.count / Math.max(1, now - since)

/** Keeps the headers with `keeper`, one of `all`. False: there is no room for them. */
export const keep = (all: Iterable<Keeper>, keeper: Keeper, showing: Showing, now: number): boolean => {
  keeper.showing = undefined
  if (showing.headers.count >= Limits.headersAhead) return false
  const own = pace(showing, now)
  let excess = showing.headers.count - Limits.headersShown
  const slower: Array<{ readonly keeper: Keeper; readonly count: number; readonly pace: number }> = []
  for (const other of all) {
    if (other.showing === undefined) continue
    const { count } = other.showing.headers
    excess += count
    const theirs = pace(other.showing, now)
    if (theirs < own) slower.push({ keeper: other, count, pace: theirs })
  }
  slower.sort((a, b) => a.pace - b.pace)
  if (slower.reduce((left, { count }) => left - count, excess) > 0) return false
  for (const { count, keeper: other } of slower) {
    if (excess <= 0) break
    other.showing = undefined
    excess -= count
  }
  keeper.showing = showing
  return true
}
