/** Keeps the addresses that proved good in the `PeerStore`: at the node's pace after a peer came up, and when the node stops. */
import { Effect, Semaphore, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { AddressSaverPace } from "../../services/Cadence.ts"
import { PeerStore } from "../../services/PeerStore.ts"
import * as RetrySchedule from "../time/RetrySchedule.ts"
import type { NodeContext } from "./NodeContext.ts"
import type { Peer } from "./Peer.ts"

/** None of it fails: a store that does not work is a warning. */
export interface AddressSaver {
  readonly load: Effect.Effect<ReadonlyArray<PeerAddress.PeerAddress>>
  readonly save: Effect.Effect<void>
  /** A peer came up: the next turn saves. */
  readonly changed: () => void
  /** Saves at the node's pace, for ever. */
  readonly run: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(ctx: NodeContext) {
  const store = yield* PeerStore
  const pace = yield* AddressSaverPace
  // A late write must not overtake an earlier one.
  const one = yield* Semaphore.make(1)
  let isChanged = false
  const attempt = one.withPermit(Effect.suspend(() => {
    isChanged = false
    return store.save(addresses(ctx))
  })).pipe(Effect.tapError((error) => Effect.logWarning(error.message)))
  const save = Effect.ignore(attempt)
  const untilSaved = Effect.ignore(Effect.retry(attempt, RetrySchedule.make()))
  return {
    load: Effect.catch(
      store.load,
      (error) => Effect.as(Effect.logWarning(error.message), [] as ReadonlyArray<PeerAddress.PeerAddress>)
    ),
    save,
    changed: () => {
      isChanged = true
    },
    run: Stream.runForEach(Stream.fromSchedule(pace), () => Effect.suspend(() => isChanged ? untilSaved : Effect.void))
  } satisfies AddressSaver
})

/** Connected peers first, then by when they were last good. A stored address that did not come up yet is not lost. */
const addresses = (ctx: NodeContext): ReadonlyArray<PeerAddress.PeerAddress> =>
  [...ctx.table.peers()]
    .filter((peer) => BookEntry.listens(peer.book) && !peer.book.isSelf && goodness(peer) >= 0)
    .toSorted((a, b) => goodness(b) === goodness(a) ? 0 : goodness(b) - goodness(a))
    .slice(0, Limits.storedPeers)
    .map(({ book, ip }) => PeerAddress.make(ip, book.port ?? 0))

const goodness = ({ book, up }: Peer): number =>
  up !== undefined ? Number.POSITIVE_INFINITY : book.lastGoodAt ?? (book.source === "stored" ? 0 : -1)
