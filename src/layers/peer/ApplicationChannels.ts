/** The application's side of the connection manager: channels to receive on, and sending with or without waiting. */
import { Cause, Effect, Queue, Stream } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Wire } from "../../domain/wire/Wire.ts"
import {
  ChannelTaken,
  ConnectionLost,
  type ConnectionManager,
  InvalidChannel,
  Lagged,
  NotConnected,
  type Received,
  SendError,
  TooLarge
} from "../../services/ConnectionManager.ts"
import type { ChannelHandler, Trouble } from "./ApplicationInbox.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import * as Outbox from "./Outbox.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Up } from "./PeerEnd.ts"

type Api = ConnectionManager["Service"]

/** Greatest channel number: 16 bits on the wire. */
const maxChannel = 0xffff

/** What is queued at once: one frame, or several short ones together. */
interface Part {
  readonly frame: Outbox.Frame
  readonly count: number
}

export const make = (ctx: NodeContext): Pick<Api, "send" | "sendAll" | "broadcast" | "receive" | "messages"> => ({
  send: (to, channel, payload) =>
    Effect.suspend(() =>
      withConnection(ctx, to, channel, [payload], (up) => queue(ctx, up, one(up.connection.wire, channel, payload)))
    ),
  sendAll: (to, channel, payloads) =>
    Effect.suspend(() =>
      withConnection(ctx, to, channel, payloads, (up) => queue(ctx, up, parts(up.connection, channel, payloads)))
    ),
  broadcast: (channel, payload, except = []) => Effect.suspend(() => broadcast(ctx, channel, payload, except)),
  receive: (channel, handler) => receive(ctx, channel, handler),
  messages: (channel) => messages(ctx, channel)
})

// --- sending ----------------------------------------------------------------------

const withConnection = (
  ctx: NodeContext,
  to: PeerIp,
  channel: number,
  payloads: ReadonlyArray<Uint8Array>,
  use: (up: Up) => Effect.Effect<void, SendError>
): Effect.Effect<void, SendError> => {
  const found = ctx.table.get(to)?.up
  // A TIME-network peer has no application channels: to an application it is not connected.
  const up = found?.end.wire === "native" ? found : undefined
  const wrong = invalid(channel) ?? tooLarge(up?.connection.wire ?? ctx.wire, payloads)
  if (wrong !== undefined) return Effect.fail(new SendError({ reason: wrong }))
  return up === undefined ? Effect.fail(new SendError({ reason: new NotConnected({ ip: to }) })) : use(up)
}

/** A number beyond 16 bits would be encoded as another channel's. */
const invalid = (channel: number): InvalidChannel | undefined =>
  Number.isInteger(channel) && channel >= 0 && channel <= maxChannel
    ? undefined
    : new InvalidChannel({ channel: String(channel) })

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

/** The payloads as frames; short ones share one buffer. */
const parts = (connection: Up["connection"], channel: number, payloads: ReadonlyArray<Uint8Array>) => {
  const { wire } = connection
  let from = 0
  return (): Part | undefined => {
    const first = payloads[from]
    if (first === undefined) return undefined
    const part = first.length < Limits.copyPayloadBytes
      ? wire.encodeDataBatch(channel, payloads, from, connection)
      : { frame: Outbox.frameOf(wire.encodeData(channel, first)), count: 1 }
    from += part.count
    return part
  }
}

/** Queues the parts that `next` returns until it returns `undefined`. Waits before a part while the outbox is above its high mark. */
const queue = (ctx: NodeContext, up: Up, next: () => Part | undefined, first?: Part): Effect.Effect<void, SendError> =>
  Effect.suspend(() => {
    let part = first ?? next()
    while (part !== undefined && up.end.up === up && !up.connection.high) {
      Outgoing.frame(ctx, up, part.frame, part.count, "Data")
      part = next()
    }
    if (up.end.up !== up) return lost(up)
    return part === undefined ? Effect.void : Effect.flatMap(whenLow(up), () => queue(ctx, up, next, part))
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
): Effect.Effect<number, TooLarge | InvalidChannel> => {
  const wrong = invalid(channel) ?? tooLarge(ctx.wire, [payload])
  if (wrong !== undefined) return Effect.fail(wrong)
  // Encoded once per wire, not once per peer.
  const frames = new Map<Wire, Outbox.Frame>()
  let count = 0
  for (const { ip, up } of ctx.table.peers()) {
    if (up === undefined || except.includes(ip)) continue
    const { wire } = up.connection
    const frame = frames.get(wire) ?? Outbox.frameOf(wire.encodeData(channel, payload))
    frames.set(wire, frame)
    if (Outgoing.frame(ctx, up, frame, 1, "Data")) count += 1
  }
  return Effect.succeed(count)
}

// --- receiving --------------------------------------------------------------------

const receive = (ctx: NodeContext, channel: number, handler: ChannelHandler) =>
  Effect.acquireRelease(
    Effect.suspend((): Effect.Effect<void, ChannelTaken | InvalidChannel> => {
      const wrong = invalid(channel)
      if (wrong !== undefined) return Effect.fail(wrong)
      return ctx.inbox.open(channel, handler, (trouble) => report(ctx, trouble))
        ? Effect.void
        : Effect.fail(new ChannelTaken({ channel }))
    }),
    () => Effect.sync(() => ctx.inbox.close(channel))
  )

/** Reports messages that were not delivered. If the receiver threw, the connection ends too, until `Limits.handlerFailures` in a row. */
export const report = (ctx: NodeContext, trouble: Trouble): void => {
  const { channel, from } = trouble
  if (trouble._tag === "Dropped") {
    const { messages, why } = trouble
    return ctx.emit({ _tag: "MessagesDropped", ip: from.ip, channel, messages, why })
  }
  const { cause, failures } = trouble
  ctx.io.fork(
    Effect.logError(`the application failed on a message of ${from.ip} on channel ${channel}`, Cause.die(cause))
  )
  ctx.emit({ _tag: "ReceiverFailed", ip: from.ip, channel, failures, detail: String(cause) })
  const peer = ctx.table.get(from.ip)
  if (failures >= Limits.handlerFailures || peer?.up?.end.id !== from.connection) return
  post(ctx, peer, {
    _tag: "Refused",
    end: from.connection,
    reject: "application",
    detail: `the application failed on a message on channel ${channel}`,
    retryMs: Handshake.clampRetry(Handshake.retryAfterMs("application"), ctx.jitter())
  })
}

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
