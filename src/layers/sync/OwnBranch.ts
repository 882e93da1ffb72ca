/**
 * Where our stored chain and the header chain part. Our own headers above that height stay beside the header chain
 * (`context.ownBranch`, up to our tip), so that the header chain can become ours again if the bodies of the other cannot be had.
 */
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { SyncContext } from "./SyncContext.ts"

/** The last height at which our chain, which ends at `tip`, is the header chain. */
export const base = (context: SyncContext, tip: number): number => tip - context.ownBranch.length

export const headersTip = (context: SyncContext): SyncTip => {
  const { hash, height } = context.headers.tip
  return { height, hash: Hash.toHex(hash) }
}

/** `ours`: our headers from where the chains may part up to our tip. Those above the height where they do part are kept. */
export const rebase = (context: SyncContext, ours: ReadonlyArray<Parent>): void => {
  const parted = ours.findIndex(({ hash, height }) => !context.headers.holds(height, hash))
  context.ownBranch = parted < 0 ? [] : ours.slice(parted)
}

/** The header chain becomes ours, which ends at `tip`. */
export const restore = (context: SyncContext, tip: number): void => {
  context.headers.rewind(base(context, tip))
  for (const { hash, treasuryBalance } of context.ownBranch) context.headers.append(hash, treasuryBalance)
  context.ownBranch = []
}

/** The header chain becomes another above `fork`. */
export const replace = (context: SyncContext, fork: number, by: ReadonlyArray<Parent>): void => {
  const ours: Array<Parent> = []
  for (let height = fork + 1; height <= base(context, context.state.chain.height); height++) {
    const parent = context.headers.parentAt(height)
    if (parent !== undefined) ours.push(parent)
  }
  context.headers.rewind(Math.min(fork, context.headers.height))
  for (const { hash, treasuryBalance } of by) context.headers.append(hash, treasuryBalance)
  rebase(context, ours.concat(context.ownBranch))
}
