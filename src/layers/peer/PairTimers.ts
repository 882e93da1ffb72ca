/** The rule timers of a pair: armed and disarmed as its machine asks, on the node's timers. */
import * as Limits from "../../domain/Limits.ts"
import type { Timer } from "../../domain/pair/PairState.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import { type Peer, timerKey } from "./Peer.ts"

export const arm = (ctx: NodeContext, peer: Peer, timer: Timer, ms: number): void => {
  disarm(ctx, peer, timer)
  if (ctx.slots.closed) return
  const key = timerKey(timer)
  const lagBefore = ctx.timers.lag.totalMs
  peer.timers ??= new Map()
  peer.timers.set(
    key,
    ctx.timers.arm(ms, () => {
      peer.timers?.delete(key)
      const again = putOff(ctx, peer, timer, ctx.timers.lag.totalMs - lagBefore)
      if (again === undefined) post(ctx, peer, { _tag: "Fired", timer })
      else arm(ctx, peer, timer, again)
    })
  )
}

export const disarm = (ctx: NodeContext, peer: Peer, timer: Timer): void => {
  const key = timerKey(timer)
  const armed = peer.timers?.get(key)
  if (armed === undefined) return
  ctx.timers.disarm(armed)
  peer.timers?.delete(key)
}

export const disarmAll = (ctx: NodeContext, peer: Peer): void => {
  for (const timer of peer.timers?.values() ?? []) ctx.timers.disarm(timer)
  peer.timers = undefined
}

/** ms by which a timer that is due waits on; `undefined`: it has fired. */
const putOff = (ctx: NodeContext, peer: Peer, { kind }: Timer, lagMs: number): number | undefined => {
  if (kind !== "redial") return undefined
  // While this node stood still the peer may have dialled, and its dial is waiting to be accepted: give it the time back.
  if (lagMs > Limits.lagFloorMs) return lagMs
  if (ctx.isolated.has(peer.ip)) return Limits.isolatedRedialMs
  // Every place is taken: the peer stays known, and gets its turn when one is free.
  return ctx.slots.upCount >= ctx.setup.tuning.maxPeers ? Limits.retryFullMs : undefined
}
