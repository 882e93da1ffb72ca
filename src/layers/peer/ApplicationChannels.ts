/** The application's side of the connection manager: channels to receive on, sending with and without waiting. */
import { Cause, Effect, Queue, Stream } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import { maxPayloadBytes } from "../../domain/wire/native/NativeLayout.ts"
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
import type { NodeCore } from "./NodeContext.ts"
import * as Outbox from "./Outbox.ts"
import { overflow } from "./PairDriver.ts"
import type { PeerConnection } from "./PeerConnection.ts"

type Api = ConnectionManager["Service"]

/** Short payloads sent together become one buffer of about this many bytes. */
const batchBytes = 64 * 1_024

const tooLarge = (payload: Uint8Array) =>
  payload.length > maxPayloadBytes ? new TooLarge({ bytes: payload.length, max: maxPayloadBytes }) : undefined

const frameOf = (channel: number, payload: Uint8Array): Outbox.Frame =>
  Outbox.frameOf(NativeEncoder.encodeData(channel, payload))

/** Waits until the peer has read enough, or is gone. */
const whenLow = (connection: PeerConnection) =>
  Effect.callback<void>((resume) => {
    const withdraw = connection.outbox.whenLow(() => resume(Effect.void))
    return Effect.sync(withdraw)
  })

const lost = (connection: PeerConnection) =>
  Effect.fail(
    new SendError({
      reason: new ConnectionLost({
        ip: connection.ip,
        reason: DisconnectReason.label(connection.downReason ?? DisconnectReason.remote("eof"))
      })
    })
  )

/** Built once per node, on its core. */
export const make = (
  core: NodeCore
): Pick<Api, "send" | "sendAll" | "broadcast" | "receive" | "messages"> => {
  /** Queues what `next` gives, part by part, waiting while the outbox is high. `undefined` ends it. */
  const queue = (
    connection: PeerConnection,
    next: () => { readonly frame: Outbox.Frame; readonly count: number } | undefined
  ): Effect.Effect<void, SendError> =>
    Effect.suspend(() => {
      while (connection.upAt !== undefined && !connection.outbox.high) {
        const part = next()
        if (part === undefined) return Effect.void
        if (!connection.sendBulk(part.frame, part.count)) {
          const row = core.table.get(connection.ip)
          if (row !== undefined) overflow(core, row, connection)
        }
      }
      return connection.upAt === undefined
        ? lost(connection)
        : Effect.flatMap(whenLow(connection), () => queue(connection, next))
    })

  const withConnection = (
    to: PeerIp,
    wrong: TooLarge | undefined,
    use: (connection: PeerConnection) => Effect.Effect<void, SendError>
  ) => {
    if (wrong !== undefined) return Effect.fail(new SendError({ reason: wrong }))
    const connection = core.table.get(to)?.up
    return connection === undefined
      ? Effect.fail(new SendError({ reason: new NotConnected({ ip: to }) }))
      : use(connection)
  }

  /** The payloads as frames, short ones together. */
  const parts = (channel: number, payloads: ReadonlyArray<Uint8Array>) => {
    let from = 0
    return () => {
      const first = payloads[from]
      if (first === undefined) return undefined
      let to = from
      let bytes = 0
      while (to < payloads.length && bytes < batchBytes) {
        const length = (payloads[to] as Uint8Array).length
        if (length >= Limits.copyPayloadBytes) break
        bytes += length
        to += 1
      }
      if (to === from) {
        from += 1
        return { frame: frameOf(channel, first), count: 1 }
      }
      const batch = from === 0 && to === payloads.length ? payloads : payloads.slice(from, to)
      from = to
      return { frame: NativeEncoder.encodeDataBatch(channel, batch), count: batch.length }
    }
  }

  const receive: Api["receive"] = (channel, handler) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (core.channels.has(channel)) return Effect.fail(new ChannelTaken({ channel }))
        core.channels.set(channel, handler)
        return Effect.void
      }),
      () => Effect.sync(() => core.channels.delete(channel))
    )

  return {
    send: (to, channel, payload) =>
      Effect.suspend(() =>
        withConnection(to, tooLarge(payload), (connection) => {
          let sent = false
          return queue(connection, () => {
            if (sent) return undefined
            sent = true
            return { frame: frameOf(channel, payload), count: 1 }
          })
        })
      ),
    sendAll: (to, channel, payloads) =>
      Effect.suspend(() =>
        withConnection(
          to,
          payloads.map(tooLarge).find((wrong) => wrong !== undefined),
          (connection) => queue(connection, parts(channel, payloads))
        )
      ),
    broadcast: (channel, payload, except = []) =>
      Effect.suspend(() => {
        const wrong = tooLarge(payload)
        if (wrong !== undefined) return Effect.fail(wrong)
        const frame = frameOf(channel, payload)
        let count = 0
        for (const row of core.table.rows()) {
          const connection = row.up
          if (connection === undefined || except.includes(row.ip)) continue
          if (connection.sendBulk(frame)) count += 1
          else overflow(core, row, connection)
        }
        return Effect.succeed(count)
      }),
    receive,
    messages: (channel) =>
      Stream.unwrap(Effect.gen(function*() {
        const queue = yield* Queue.dropping<Received, Lagged>(Limits.streamBuffer)
        yield* receive(channel, (from, payloads) => {
          for (const payload of payloads) {
            if (Queue.offerUnsafe(queue, { from, channel, payload: payload.slice() })) continue
            Queue.failCauseUnsafe(queue, Cause.fail(new Lagged({ channel, buffered: Limits.streamBuffer })))
            return
          }
        })
        return Stream.fromQueue(queue)
      }))
  }
}
