/** Restarts waits before dials that have become void (`domain/peer/Recovery`): a peer came back, or the last peer was lost. */
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as Recovery from "../../domain/peer/Recovery.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as PairTimers from "./PairTimers.ts"
import { type Peer, redialKey } from "./Peer.ts"

const redial = { kind: "redial", end: 0 } as const

export const known = ({ backoff, book }: Peer): Recovery.Known => ({
  isConfigured: book.source === "configured",
  lostAt: book.lastGoodAt,
  failures: backoff.failures
})

/** How long the peer's next dial still waits, if the wait was this node's own decision. */
const waitsMs = (ctx: NodeContext, { book, timers }: Peer): number | undefined => {
  const timer = timers?.get(redialKey)
  // The peer asked for this wait.
  if (timer === undefined || BookEntry.last(book)?.reason.reject !== undefined) return undefined
  return timer.dueMs - ctx.timers.now()
}

/** The peer came up, and is counted. Peers that were lost with it are dialled soon, at most `Limits.redialsPerSecond`. */
export const onUp = (ctx: NodeContext, peer: Peer): void => {
  const wasAlone = ctx.slots.upCount === 1
  if (peer.backoff.failures === 0 && !wasAlone) return
  const returned = { lostAt: peer.book.lastGoodAt, wasAlone }
  let place = 0
  for (const other of ctx.table.peers()) {
    if (other === peer) continue
    const waits = waitsMs(ctx, other)
    if (waits === undefined || !Recovery.isVoid(returned, known(other))) continue
    const ms = Recovery.restartMs(place, ctx.jitter())
    if (ms >= waits) continue
    place += 1
    other.backoff = Backoff.start
    PairTimers.arm(ctx, other, redial, ms)
  }
}

/** The last peer was lost: waits longer than an isolated node may have are shortened. */
export const onAlone = (ctx: NodeContext): void => {
  const { backoffMaxMs } = ctx.setup.tuning
  for (const peer of ctx.table.peers()) {
    const waits = waitsMs(ctx, peer)
    if (waits === undefined) continue
    const most = Recovery.longestWaitMs(known(peer), true, backoffMaxMs, ctx.timers.now())
    if (waits > most) PairTimers.arm(ctx, peer, redial, most * ctx.jitter())
  }
}

/** Whatever kept the peer away is over: dials it soon. */
export const soon = (ctx: NodeContext, peer: Peer): void => {
  if (peer.timers?.get(redialKey) === undefined) return
  peer.backoff = Backoff.start
  PairTimers.arm(ctx, peer, redial, Recovery.restartMs(0, ctx.jitter()))
}

/** The peer dialled us: its earlier unreachability counts as one failure at most. */
export const onHello = (peer: Peer): void => {
  if (peer.backoff.failures > 1) peer.backoff = Backoff.failed(Backoff.start)
}
