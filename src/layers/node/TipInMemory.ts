/** The tip that our Hello announces, in memory; set by the code that stores blocks. */
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import { LocalChain } from "../../services/LocalChain.ts"

export const make = (start: SyncTip, capabilities: number) => {
  let tip = start
  return LocalChain.of({
    tip: () => tip,
    setTip: (next) => {
      tip = next
    },
    capabilities
  })
}
