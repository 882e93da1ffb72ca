/**
 * Which of two valid chains is better. Every block counts as the same work, so the longer chain is better; at equal height, the one with
 * the lower tip hash. A total order, so all nodes that know both chains choose alike.
 */
import type { ChainParams } from "./ChainParams.ts"
import * as Hash from "./Hash.ts"

export interface Tip {
  readonly height: number
  readonly hash: Hash.Hash
}

/** Negative: `a` is better. 0 only for the same tip. */
export const compare = (a: Tip, b: Tip): number => b.height - a.height || Hash.compare(a.hash, b.hash)

export const better = (a: Tip, b: Tip): boolean => compare(a, b) < 0

/**
 * What to do with another chain.
 *
 * `Follow`: rewind ours to `fork` and append theirs. `Keep`: ours is at least as good. `TooDeep`: theirs is better but forks more than the
 * maximum reorg below the settled height; `depth` is that depth.
 *
 * @param settled height of ours below which history counts as settled: by default our tip. A node still syncing from an empty disk has
 *   settled nothing, so a peer that fed it a dead branch cannot hold it there.
 */
export const choose = (
  params: ChainParams,
  ours: Tip,
  theirs: Tip,
  fork: number,
  settled: number = ours.height
): { readonly _tag: "Keep" } | { readonly _tag: "Follow" } | { readonly _tag: "TooDeep"; readonly depth: number } => {
  if (!better(theirs, ours)) return { _tag: "Keep" }
  const depth = settled - fork
  return depth > params.maxReorg ? { _tag: "TooDeep", depth } : { _tag: "Follow" }
}
