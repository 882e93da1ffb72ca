/**
 * Where our stored chain and the header chain part. The headers of ours above that height are kept beside the header chain
 * (`core.stash`, up to our tip), so that the header chain can become ours again should the bodies of the other not come.
 */
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { SyncCore } from "./SyncContext.ts"

/** The last height at which our chain, which ends at `tip`, is the header chain. */
export const base = (core: SyncCore, tip: number): number => tip - core.stash.length

export const headersTip = (core: SyncCore): SyncTip => {
  const { hash, height } = core.headers.tip
  return { height, hash: Hash.toHex(hash) }
}

/** Our headers from where the chains may part up to our tip: those from where they do part are kept. */
export const meet = (core: SyncCore, ours: ReadonlyArray<Parent>): void => {
  const parted = ours.findIndex(({ hash, height }) => !core.headers.holds(height, hash))
  core.stash = parted < 0 ? [] : ours.slice(parted)
}

/** The header chain becomes ours, which ends at `tip`. */
export const restore = (core: SyncCore, tip: number): void => {
  core.headers.rewind(base(core, tip))
  for (const { hash, treasuryBalance } of core.stash) core.headers.append(hash, treasuryBalance)
  core.stash = []
}

/** The header chain becomes another above `fork`. */
export const replace = (core: SyncCore, fork: number, by: ReadonlyArray<Parent>): void => {
  const ours: Array<Parent> = []
  for (let height = fork + 1; height <= base(core, core.state.chain.height); height++) {
    const parent = core.headers.parentAt(height)
    if (parent !== undefined) ours.push(parent)
  }
  core.headers.rewind(Math.min(fork, core.headers.height))
  for (const { hash, treasuryBalance } of by) core.headers.append(hash, treasuryBalance)
  meet(core, ours.concat(core.stash))
}
