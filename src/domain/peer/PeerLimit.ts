/** How many peers the open files of the process carry. A node without descriptors can neither dial nor accept nor answer its admin API. */
import * as Limits from "../Limits.ts"

/**
 * `maxPeers`, or fewer where `openFiles`, the limit of the process, is too low for them: what a node needs besides peers is left, or half of
 * what there is. At least 1. `openFiles` is `undefined` if the limit is not known.
 */
export const carried = (maxPeers: number, openFiles: number | undefined): number => {
  if (openFiles === undefined) return maxPeers
  const roomy = openFiles - Limits.descriptorsBesides
  const tight = Math.floor((openFiles - Limits.descriptorsLeast) / 2)
  return Math.min(maxPeers, Math.max(1, roomy, tight))
}
