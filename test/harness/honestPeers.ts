/** Times and chains of peers in tests of the planner: what `SyncWorld` runs. */
import type { PeerSpec } from "./syncWorld.ts"

/** A chain of `height` blocks above genesis that leaves the main chain above `fork`. */
export const chain = (height: number, fork = height, name = "m"): ReadonlyArray<string> =>
  Array.from({ length: height + 1 }, (_, h) => h <= fork ? `m${h}` : `${name}${fork}.${h}`)

export const fast = { latencyMs: 5, blockMs: 0.05, piece: 64 }

export const honest = (height: number, link: Partial<PeerSpec> = {}): PeerSpec => ({
  kind: { _tag: "Honest" },
  chain: chain(height),
  ...fast,
  ...link
})

export const hour = 3_600_000
