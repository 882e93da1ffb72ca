/** The application's side of the connection manager: channels to receive on, sending with and without waiting. */
import { Cause, Effect, Queue, Stream } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Wire } from "../../domain/wire/Wire.ts"
import {
  ChannelTaken,
  ConnectionLost,
  type ConnectionManager,
  Lagged,
  NotConnected,
  type Received,
  SendError,
  TooLarge
} from "../../services/ConnectionManager.ts"
import type { ChannelHandler, NodeContext } from "./NodeContext.ts"
import * as Outbox from "./Outbox.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Up } from "./PeerEnd.ts"

type Api = ConnectionManager["Service"]

/** What is queued in one go: a frame, or short ones together. */
interface Part {
  readonly frame: Outbox.Frame
  readonly count: number
}

export const make = (ctx: NodeContext): Pick<Api, "send" | "sendAll" | "broadcast" | "receive" | "messages"> => ({
  send: (to, channel, payload) =>
    Effect.suspend(() =>
      withConnection(ctx, to, [payload], (up) => queue(ctx, up, one(up.connection.wire, channel, payload)))
    ),
  sendAll: (to, channel, payloads) =>
    Effect.suspend(() =>
      withConnection(ctx, to, payloads, (up) => queue(ctx, up, parts(up.connection.wire, channel, payloads)))
    ),
  broadcast: (channel, payload, except = []) => Effect.suspend(() => broadcast(ctx, channel, payload, except)),
  receive: (channel, handler) => receive(ctx, channel, handler),
  messages: (channel) => messages(ctx, channel)
})

// --- sending ----------------------------------------------------------------------

const withConnection = (
  ctx: NodeContext,
  to: PeerIp,
  payloads: ReadonlyArray<Uint8Array>,
  use: (up: Up) => Effect.Effect<void, SendError>
): Effect.Effect<void, SendError> => {
  const up = ctx.table.get(to)?.up
  const wrong = tooLarge(up?.connection.wire ?? ctx.wire, payloads)
  if (wrong !== undefined) return Effect.fail(new SendError({ reason: wrong }))
  return up === undefined ? Effect.fail(new SendError({ reason: new NotConnected({ ip: to }) })) : use(up)
}

const tooLarge = ({ limits }: Wire, payloads: ReadonlyArray<Uint8Array>): TooLarge | undefined => {
  for (const { length } of payloads) {
    if (length > limits.payload) return new TooLarge({ bytes: length, max: limits.payload })
  }
  return undefined
}

const one = (wire: Wire, channel: number, payload: Uint8Array) => {
  let isDone = false
  return (): Part | undefined => {
    if (isDone) return undefined
    isDone = true
    return { frame: Outbox.frameOf(wire.encodeData(channel, payload)), count: 1 }
  }
}

/** The payloads as frames, short ones together. */
const parts = (wire: Wire, channel: number, payloads: ReadonlyArray<Uint8Array>) => {
  let from = 0
  return (): Part | undefined => {
    const first = payloads[from]
    if (first === undefined) return undefined
    let to = from
    let bytes = 0
    while (to < payloads.length && bytes < Limits.dataBatchBytes) {
      const length = (payloads[to] as Uint8Array).length
      if (length >= Limits.copyPayloadBytes) break
      bytes += length
      to += 1
    }
    if (to === from) {
      from += 1
      return { frame: Outbox.frameOf(wire.encodeData(channel, first)), count: 1 }
    }
    const batch = from === 0 && to === payloads.length ? payloads : payloads.slice(from, to)
    from = to
    return { frame: wire.encodeDataBatch(channel, batch), count: batch.length }
  }
}

/** Queues what `next` gives, part by part, waiting while the outbox is high. `undefined` ends it. */
const queue = (ctx: NodeContext, up: Up, next: () => Part | undefined): Effect.Effect<void, SendError> =>
  Effect.suspend(() => {
    while (up.end.up === up && !up.connection.high) {
      const part = next()
      if (part === undefined) return Effect.void
      Outgoing.frame(ctx, up, part.frame, part.count)
    }
    return up.end.up === up ? Effect.flatMap(whenLow(up), () => queue(ctx, up, next)) : lost(up)
  })

/** Waits until the peer has read enough, or is gone. */
const whenLow = ({ connection }: Up) =>
  Effect.callback<void>((resume) => {
    const withdraw = connection.whenLow(() => resume(Effect.void))
    return Effect.sync(withdraw)
  })

const lost = ({ end }: Up) =>
  Effect.fail(
    new SendError({
      reason: new ConnectionLost({
        ip: end.ip,
        reason: DisconnectReason.label(end.downReason ?? DisconnectReason.remote("eof"))
      })
    })
  )

const broadcast = (
  ctx: NodeContext,
  channel: number,
  payload: Uint8Array,
  except: ReadonlyArray<PeerIp>
): Effect.Effect<number, TooLarge> => {
  const wrong = tooLarge(ctx.wire, [payload])
  if (wrong !== undefined) return Effect.fail(wrong)
  // Coded once per wire, not per peer.
  const frames = new Map<Wire, Outbox.Frame>()
  let count = 0
  for (const { ip, up } of ctx.table.peers()) {
    if (up === undefined || except.includes(ip)) continue
    const { wire } = up.connection
    const frame = frames.get(wire) ?? Outbox.frameOf(wire.encodeData(channel, payload))
    frames.set(wire, frame)
    if (Outgoing.frame(ctx, up, frame, 1)) count += 1
  }
  return Effect.succeed(count)
}

// --- receiving --------------------------------------------------------------------

const receive = (ctx: NodeContext, channel: number, handler: ChannelHandler) =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      if (ctx.channels.has(channel)) return Effect.fail(new ChannelTaken({ channel }))
      ctx.channels.set(channel, handler)
      return Effect.void
    }),
    () => Effect.sync(() => ctx.channels.delete(channel))
  )

const messages: (ctx: NodeContext, channel: number) => ReturnType<Api["messages"]> = (ctx, channel) =>
  Stream.unwrap(Effect.gen(function*() {
    const queue = yield* Queue.dropping<Received, Lagged>(Limits.streamBuffer)
    yield* receive(ctx, channel, (from, payloads) => {
      for (const payload of payloads) {
        if (Queue.offerUnsafe(queue, { from, channel, payload: payload.slice() })) continue
        Queue.failCauseUnsafe(queue, Cause.fail(new Lagged({ channel, buffered: Limits.streamBuffer })))
        return
      }
    })
    return Stream.fromQueue(queue)
  }))
