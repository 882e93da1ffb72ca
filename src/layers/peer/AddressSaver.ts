/** Keeps the addresses that proved good in the `PeerStore`: soon after a peer comes up, and when the node stops. */
import { Effect, Semaphore } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { PeerStore } from "../../services/PeerStore.ts"
import type { NodeCore } from "./NodeContext.ts"

/** Uses the store and never fails: a store that does not work is a warning. */
export const make = Effect.fnUntraced(function*(core: NodeCore) {
  const store = yield* PeerStore
  // A late write must not overtake an earlier one.
  const one = yield* Semaphore.make(1)
  let pending = false

  /** Connected peers first, then by when they were last good. A stored address that did not come up yet is not lost. */
  const addresses = (): ReadonlyArray<PeerAddress.PeerAddress> => {
    const rank = (row: { readonly up: unknown; readonly lastGoodAt: number | undefined; readonly source: string }) =>
      row.up !== undefined ? Infinity : row.lastGoodAt ?? (row.source === "stored" ? 0 : -1)
    return [...core.table.rows()]
      .filter((row) => row.port !== undefined && row.port > 0 && !row.own && rank(row) >= 0)
      .toSorted((a, b) => rank(b) === rank(a) ? 0 : rank(b) - rank(a))
      .slice(0, Limits.storedPeers)
      .map((row) => PeerAddress.make(row.ip, row.port ?? 0))
  }

  const save: Effect.Effect<void> = one.withPermit(Effect.suspend(() => store.save(addresses()))).pipe(
    Effect.catch((error) => Effect.logWarning(error.message))
  )
  return {
    load: Effect.catch(
      store.load,
      (error) => Effect.as(Effect.logWarning(error.message), [] as ReadonlyArray<PeerAddress.PeerAddress>)
    ),
    save,
    changed: () => {
      if (pending) return
      pending = true
      core.wheel.arm(Limits.storeEveryMs, () => {
        pending = false
        core.fork(save)
      })
    }
  }
})
