/**
 * The rule timers of a pair: armed and disarmed as its machine asks, on the node's timers.
 *
 * **Our own lag** is given back. Each of these timers waits for something the peer sends, and blames the peer if it does not come. While this
 * node's loop was blocked, what the peer sent lay unread in the kernel. So a due timer waits on for as long as the loop was blocked since it
 * was armed, and that data is read first. Only time in which the loop ran counts.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Timer } from "../../domain/pair/PairState.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as Patience from "../time/patience.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import { type Peer, timerKey } from "./Peer.ts"

export const arm = (ctx: NodeContext, peer: Peer, timer: Timer, ms: number): void =>
  armAs(
    ctx,
    peer,
    timerKey(timer),
    ms,
    timer.kind === "redial" ? "dial" : "answer",
    () => post(ctx, peer, { _tag: "Fired", timer })
  )

/** The same for a timer of any of the peer's machines. `fired` is called at most once; for a dial, only when one may begin. */
export const armAs = (
  ctx: NodeContext,
  peer: Peer,
  key: string,
  ms: number,
  what: "dial" | "answer",
  fired: () => void
): void => wait(ctx, peer, { key, what, fired }, ms, false)

interface Waiting {
  readonly key: string
  readonly what: "dial" | "answer"
  readonly fired: () => void
}

const wait = (ctx: NodeContext, peer: Peer, waiting: Waiting, ms: number, isLastLook: boolean): void => {
  const { fired, key, what } = waiting
  disarmAs(ctx, peer, key)
  if (ctx.slots.closed) return
  const { lag } = ctx.timers
  const lagBefore = lag.totalMs
  const fire = (lateMs: number): void => {
    forget(peer, key)
    // While we do not read, the peer may have sent what we wait for.
    if (peer.ends.some((end) => end.connection?.isPaused === true)) {
      return wait(ctx, peer, waiting, Limits.heldLookMs, false)
    }
    const lateAll = Math.max(lateMs, lag.totalMs - lagBefore)
    const owedMs = isLastLook && lateAll <= Limits.lagFloorMs ? 0 : Patience.owedMs(lateAll)
    if (owedMs > 0) return wait(ctx, peer, waiting, owedMs, true)
    // The host has, or had, this address: a dial would reach this node itself, or nothing.
    if (what === "dial" && ctx.table.own.how(peer.ip) !== undefined) return isOwn(ctx, peer)
    const heldBackMs = what === "dial" ? holdBack(ctx, peer) : undefined
    if (heldBackMs !== undefined) return wait(ctx, peer, waiting, heldBackMs, false)
    fired()
  }
  peer.timers ??= new Map()
  peer.timers.set(key, ctx.timers.arm(ms, fire))
}

export const disarm = (ctx: NodeContext, peer: Peer, timer: Timer): void => disarmAs(ctx, peer, timerKey(timer))

export const disarmAs = (ctx: NodeContext, peer: Peer, key: string): void => {
  const armed = peer.timers?.get(key)
  if (armed === undefined) return
  ctx.timers.disarm(armed)
  forget(peer, key)
}

/** A pair at rest has no timers and keeps no map for them. */
const forget = (peer: Peer, key: string): void => {
  peer.timers?.delete(key)
  if (peer.timers?.size === 0) peer.timers = undefined
}

export const disarmAll = (ctx: NodeContext, peer: Peer): void => {
  for (const timer of peer.timers?.values() ?? []) ctx.timers.disarm(timer)
  peer.timers = undefined
}

const isOwn = (ctx: NodeContext, peer: Peer): void => {
  peer.note({ isSelf: true })
  ctx.book.remove(peer.ip)
  ctx.emit({ _tag: "OwnAddress", ip: peer.ip })
  post(ctx, peer, { _tag: "Forgotten" })
}

/** ms that a due dial must still wait; `undefined`: it may begin. */
const holdBack = (ctx: NodeContext, { book, ip, isFeeler }: Peer): number | undefined => {
  if (ctx.table.isolated.has(ip)) return Limits.isolatedRedialMs
  const bannedMs = ctx.protection.bannedMs(ip, ctx.timers.now())
  if (bannedMs !== undefined) return Math.min(bannedMs, Limits.retryMaxMs)
  // The same process is connected at another address.
  if (book.aliasOf !== undefined) return Limits.retryAliasMs
  const toldMs = BookEntry.isGossip(book) ? ctx.toldDials.waitMs(ip, ctx.timers.now()) : 0
  // Jitter: peers learned together are not all dialled at once again.
  if (toldMs > 0) return toldMs + ctx.jitter() * Limits.toldDialSpreadMs
  if (isFeeler) return undefined
  // Every place is taken: the peer stays known, and gets its turn when one is free.
  const isFull = ctx.slots.placesTaken >= ctx.setup.tuning.maxPeers && book.source !== "configured"
  return isFull && !ctx.slots.hasPlace(ip) ? Limits.retryFullMs : undefined
}
