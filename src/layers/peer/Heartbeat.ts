/**
 * The node's heartbeat, one for all connections. Each beat takes the connections that are due: each is pinged, or closed because it was
 * silent too long (`domain/peer/Liveness`). A late beat is this node's own lag, and does not count as a peer's silence.
 */
import { Effect, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import { HeartbeatPace } from "../../services/Cadence.ts"
import { beats } from "../time/beats.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Up } from "./PeerEnd.ts"

/** Beats until interrupted. Fork it in the node's scope. */
export const run = Effect.fnUntraced(function*(ctx: NodeContext) {
  const { timers } = ctx
  let last = timers.now()
  yield* Stream.runDrain(beats(ctx.io.fork, yield* HeartbeatPace, (waitMs) => {
    const now = timers.now()
    timers.lag.ran(last + waitMs, now)
    last = now
    for (const up of ctx.due.takeUpTo(now)) look(ctx, up, now)
    ctx.io.waiting.beat(now)
    return undefined
  }))
})

/** The connection came up: pings at once, then at the pace of the liveness rules. */
export const start = (ctx: NodeContext, up: Up): void => look(ctx, up, ctx.timers.now())

/** A batch of bytes arrived that completed `frames` frames. `arriving`: another frame is incomplete. */
export const heard = (ctx: NodeContext, up: Up, frames: number, arriving: boolean): void => {
  up.lagSeenMs = ctx.timers.lag.totalMs
  up.liveness = Liveness.heard(up.liveness, ctx.timers.now(), frames, arriving)
}

/** The peer's ping was answered: ours goes out in the same write if it is nearly due. */
export const answered = (ctx: NodeContext, up: Up): void => {
  const liveness = Liveness.withAnswer(up.liveness, ctx.timers.now(), ctx.liveness)
  if (liveness === undefined) return
  up.liveness = liveness
  Outgoing.ping(ctx, up, ctx.entropy.nonce())
}

const look = (ctx: NodeContext, up: Up, now: number): void => {
  const { connection, end } = up
  if (end.up !== up) return
  // A peer may take as long to read our frame as to send us one.
  const waits = connection.writeWaitMs(now)
  if (waits > Limits.frameMs) {
    return Outgoing.close(ctx, end, "outbox-full", `peer has not read for ${Math.round(waits)} ms`)
  }
  const due = Liveness.nextDue(up.liveness, ctx.liveness)
  // Bytes arrived or the ping went out in the meantime, or it is due later within this beat.
  if (due > now) {
    connection.rest()
    return ctx.due.put(up, due)
  }
  // While we do not read, the peer's silence is ours: count it like our own lag.
  const heldMs = connection.isPaused ? ctx.liveness.pingMs + Limits.beatMs : 0
  const lagMs = Math.max(heldMs, ctx.timers.lag.totalMs - up.lagSeenMs)
  up.lagSeenMs = ctx.timers.lag.totalMs
  const [liveness, action] = Liveness.tick(up.liveness, now, ctx.liveness, lagMs)
  up.liveness = liveness
  switch (action._tag) {
    case "SendPing":
      connection.rest()
      Outgoing.ping(ctx, up, ctx.entropy.nonce())
      break
    case "Dead":
      return Outgoing.close(ctx, end, "silent", `no byte for ${Math.round(action.silentForMs)} ms`)
    case "Stalled":
      return Outgoing.close(ctx, end, "silent", `frame not complete after ${Math.round(action.frameForMs)} ms`)
    case "None":
      break
  }
  ctx.due.put(up, Liveness.nextDue(up.liveness, ctx.liveness))
}
