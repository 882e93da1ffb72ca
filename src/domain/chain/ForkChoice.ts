/**
 * Which of two valid chains is the chain. Every block is the same work, so the longer chain is better; of two with the
 * same height, the one with the lower tip hash. A total order: all nodes that know both choose alike.
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
 * What to do about another chain.
 *
 * `Follow`: rewind ours to `fork` and append theirs. `Keep`: ours is at least as good. `TooDeep`: theirs is better but
 * leaves ours more than the greatest reorg below what is settled; `depth` is that depth.
 *
 * @param settled height of ours below which history counts as settled: by default our tip. A node that is still on its way
 *   from an empty disk has settled nothing, so that a peer that fed it a dead branch cannot hold it there.
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
