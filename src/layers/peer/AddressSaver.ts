/**
 * Keeps the peer book in the `PeerStore`. It saves at the node's pace after a peer came up or an address was learned, and when the node
 * stops. The anchors are saved with it: peers that are up, or were up last, which the node dials first when it starts again.
 */
import { Effect, Semaphore, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import { PeerBook } from "../../domain/peer/PeerBook.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SipHash from "../../domain/peer/SipHash.ts"
import { AddressSaverPace } from "../../services/Cadence.ts"
import { Entropy } from "../../services/Entropy.ts"
import { PeerStore, type StoredBan, type StoredOffender } from "../../services/PeerStore.ts"
import { beats } from "../time/beats.ts"
import * as RetrySchedule from "../time/RetrySchedule.ts"
import type { NodeContext } from "./NodeContext.ts"
import type { Up } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"

/** What was stored when the node started. */
export interface Loaded {
  readonly key: Uint8Array
  readonly book: PeerBook
  readonly anchors: ReadonlyArray<PeerIp>
  readonly bans: ReadonlyArray<StoredBan>
  readonly offenders: ReadonlyArray<StoredOffender>
}

/** No effect here fails: a store that does not work only logs a warning. */
export interface AddressSaver {
  readonly save: Effect.Effect<void>
  /** The book has changed: the next turn saves it. */
  readonly changed: () => void
  /** Saves at the node's pace, until interrupted. */
  readonly run: Effect.Effect<void>
}

const newKey = (nonce: () => bigint): Uint8Array => {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, nonce())
  view.setBigUint64(8, nonce())
  return bytes
}

/** The stored book, or an empty one. `now`: wall time, ms. */
export const load = Effect.fnUntraced(function*(now: number): Effect.fn.Return<Loaded, never, PeerStore | Entropy> {
  const store = yield* PeerStore
  const entropy = yield* Entropy
  const stored = yield* Effect.catch(store.load, (error) => Effect.as(Effect.logWarning(error.message), undefined))
  const given = stored?.key === undefined ? undefined : SipHash.keyOf(stored.key)
  const bytes = given === undefined || stored?.key === undefined ? newKey(entropy.nonce) : stored.key
  const book = new PeerBook(given ?? SipHash.keyOf(bytes) ?? [0, 0, 0, 0])
  book.restore(stored?.book ?? [], now)
  const { anchors = [], bans = [], offenders = [] } = stored ?? {}
  return { key: bytes, book, anchors, bans, offenders }
})

export const make = Effect.fnUntraced(function*(ctx: NodeContext, { anchors: before, key }: Loaded) {
  const store = yield* PeerStore
  const pace = yield* AddressSaverPace
  // A late write must not overtake an earlier one.
  const one = yield* Semaphore.make(1)
  let isChanged = false
  /** When the next inbound peer has been up long enough to be noted, monotonic ms. It saves walking all peers at every turn. */
  let noteAt = Number.POSITIVE_INFINITY
  const attempt = one.withPermit(Effect.suspend(() => {
    isChanged = false
    const changes = ctx.book.takeChanges()
    const wholeBans = () => Protection.toStore(ctx)
    const bans = ctx.protection.isUnsaved ? wholeBans() : undefined
    ctx.protection.isUnsaved = false
    const whole = () => ctx.book.entries()
    const ledger = ctx.protection.ledger.takeChanges()
    return store.save({
      ...changes,
      key,
      anchors: anchors(ctx, before),
      bans,
      offenders: Protection.inWallTime(ctx, ledger.offenders),
      forgotten: ledger.forgotten,
      whole,
      wholeBans,
      wholeOffenders: () => Protection.inWallTime(ctx, [...ctx.protection.ledger.all()])
    }).pipe(
      Effect.tapError((error) =>
        Effect.andThen(
          Effect.sync(() => {
            ctx.book.giveBack(changes)
            ctx.protection.ledger.giveBack(ledger)
            ctx.protection.isUnsaved ||= bans !== undefined
            ctx.table.unsaved = error.message
          }),
          Effect.logWarning(error.message)
        )
      ),
      Effect.tap(() =>
        Effect.sync(() => {
          ctx.table.unsaved = undefined
        })
      )
    )
  }))
  const untilSaved = Effect.ignore(Effect.retry(attempt, RetrySchedule.make()))
  return {
    save: Effect.suspend(() => {
      noteInbound(ctx)
      return Effect.ignore(attempt)
    }),
    changed: () => {
      isChanged = true
    },
    run: Stream.runDrain(beats(ctx.io.fork, pace, () => {
      let isNews = isChanged || ctx.protection.hasChanged
      if (isNews || ctx.timers.now() >= noteAt) {
        const noted = noteInbound(ctx)
        noteAt = noted.nextAt
        isNews ||= noted.isNews
      }
      return isNews || ctx.book.unsaved >= Limits.bookUnsaved ? untilSaved : undefined
    }))
  } satisfies AddressSaver
})

/** Counts inbound peers as tried once they have been up long enough. `isNews`: some were counted now. `nextAt`: when the next may be. */
const noteInbound = (ctx: NodeContext): { readonly isNews: boolean; readonly nextAt: number } => {
  let isNews = false
  let nextAt = Number.POSITIVE_INFINITY
  const now = ctx.timers.now()
  for (const peer of ctx.table.peers()) {
    const { up } = peer
    if (up === undefined || up.end.direction === "outbound" || !BookEntry.listens(peer.book)) continue
    if (ctx.book.tableOf(peer.ip) === "tried") continue
    const dueAt = up.at + Limits.bookInboundMs
    if (now < dueAt) {
      nextAt = Math.min(nextAt, dueAt)
      continue
    }
    ctx.book.good(peer.ip, { port: peer.book.port ?? 0, wire: "native", direction: "inbound" }, ctx.nowMs())
    isNews = true
  }
  return { isNews, nextAt }
}

/** Peers that are up first: those we dialled, then the longest up. Then peers that were up before, then the stored anchors. */
const anchors = (ctx: NodeContext, before: ReadonlyArray<PeerIp>): ReadonlyArray<PeerIp> => {
  const ups = [...ctx.table.peers()].flatMap(({ book, up }) => up === undefined || !BookEntry.listens(book) ? [] : [up])
  const last = [...ctx.table.peers()].filter((peer) => peer.up === undefined && peer.book.lastGoodAt !== undefined)
  return [
    ...new Set([
      ...ups.toSorted(byWorth).map(({ end }) => end.ip),
      ...last.toSorted((a, b) => (b.book.lastGoodAt ?? 0) - (a.book.lastGoodAt ?? 0)).map(({ ip }) => ip),
      ...before
    ])
  ].filter((ip) => ctx.book.get(ip) !== undefined).slice(0, Limits.anchors)
}

/** Those that we dialled first, then the longest up. */
const byWorth = (a: Up, b: Up): number =>
  Number(a.end.direction === "inbound") - Number(b.end.direction === "inbound") || a.order - b.order
