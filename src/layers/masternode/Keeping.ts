/**
 * Keeps the registry across restarts: changes are stored once a minute and when the node stops. A stored announcement is verified again,
 * and becomes live only like any other: by a connection or by witnesses.
 */
import { Effect, Schedule, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Bytes from "../../domain/masternode/AnnouncementBytes.ts"
import type { Key } from "../../domain/masternode/Masternode.ts"
import * as Registry from "../../domain/masternode/MasternodeRegistry.ts"
import * as RegistryBounds from "../../domain/masternode/RegistryBounds.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { MasternodeStore, type StoredMasternode } from "../../services/MasternodeStore.ts"
import type { Signatures } from "../../services/Signatures.ts"
import type { MasternodeContext } from "./MasternodeContext.ts"

/** Whether a stored announcement's signature is right. */
const isSigned = (context: MasternodeContext, signatures: Signatures["Service"], stored: StoredMasternode) =>
  Effect.callback<boolean>((resume) => {
    const { claim, signature } = stored.announcement
    signatures.verify(
      claim.key,
      Bytes.signed(context.network, claim),
      signature,
      (isRight) => resume(Effect.succeed(isRight))
    )
  })

/** Restores stored announcements that are recent enough to be shown. */
export const load = Effect.fnUntraced(function*(context: MasternodeContext, signatures: Signatures["Service"]) {
  const store = yield* MasternodeStore
  const stored = yield* Effect.catch(store.load, (error) => Effect.as(Effect.logWarning(error.message), []))
  for (const one of stored) {
    if (!(yield* isSigned(context, signatures, one))) continue
    const now = context.now()
    const restored = Registry.restored(context.registry, one, now)
    context.registry = RegistryBounds.fit(restored, one.announcement, now.monotonic)
  }
  context.registry = RegistryBounds.withoutForgotten(context.registry, context.now().monotonic)
})

/** Stores changes periodically, and once more when the scope closes. */
export const run = Effect.fnUntraced(function*(context: MasternodeContext) {
  const store = yield* MasternodeStore
  /** What is stored: the announcement's time and whether it is proven, by key and IP. */
  const kept = new Map<string, { readonly ip: PeerIp; readonly key: Key; readonly mark: string }>()
  let last: Registry.MasternodeRegistry | undefined
  const save = Effect.suspend(() => {
    const { registry } = context
    if (registry === last) return Effect.void
    const changed: Array<Registry.Entry> = []
    const gone = new Map(kept)
    for (const entry of Registry.all(registry)) {
      const [ip, key] = [Registry.ipOf(entry), Registry.keyOf(entry)]
      const name = `${ip} ${key}`
      const mark = `${Registry.atOf(entry)} ${entry.firstAt} ${entry.isProven}`
      gone.delete(name)
      if (kept.get(name)?.mark === mark) continue
      changed.push(entry)
      kept.set(name, { ip, key, mark })
    }
    for (const name of gone.keys()) kept.delete(name)
    last = registry
    if (changed.length === 0 && gone.size === 0) return Effect.void
    return store.save(changed, [...gone.values()]).pipe(
      Effect.catch((error) => {
        // The next turn stores all entries again.
        kept.clear()
        last = undefined
        return Effect.logWarning(error.message)
      })
    )
  })
  yield* Effect.addFinalizer(() => save)
  yield* Effect.forkScoped(
    Stream.runForEach(Stream.fromSchedule(Schedule.spaced(Limits.masternodeStoreMs)), () => save)
  )
})
