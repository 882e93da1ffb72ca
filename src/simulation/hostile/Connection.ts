/**
 * One connection as a misbehaving peer uses it: raw bytes and single messages, at any time.
 *
 * **Errors**: everything that ends the connection is `ConnectionEnded`. **Concurrency**: one fiber reads, any number write.
 */
import { Data, Effect, Option } from "effect"
import type { Scope } from "effect"
import type { Socket } from "effect/socket"
import { concat } from "../../domain/bytes.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Hello, Message } from "../../domain/wire/Message.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import type { Decoded } from "../../domain/wire/Wire.ts"
import * as RawPeer from "../../testing/RawPeer.ts"
import type { Rng } from "../plan/Rng.ts"
import type { Pace } from "./Pace.ts"

/** The connection is over, or not worth continuing. */
export class ConnectionEnded extends Data.TaggedError("ConnectionEnded")<{ readonly detail: string }> {
  override get message() {
    return `the connection ended: ${this.detail}`
  }
}

export interface Connection {
  /** The remote address, as the socket shows it. */
  readonly remote: PeerIp
  /** The other end's Hello, once `next` has returned it. */
  hello: Hello | undefined
  /** Writes one piece that counts as this many frames, when the pace allows it. */
  readonly send: (bytes: Uint8Array, frames?: number) => Effect.Effect<void, ConnectionEnded>
  /** The messages in one piece. */
  readonly say: (...messages: ReadonlyArray<Message>) => Effect.Effect<void, ConnectionEnded>
  /** Sends at once: for the answers that keep a connection alive. */
  readonly reply: (message: Message) => Effect.Effect<void, ConnectionEnded>
  /** One byte at a time, `everyMs` apart. */
  readonly drip: (bytes: Uint8Array, everyMs: number) => Effect.Effect<void, ConnectionEnded>
  /** The next message, whatever it is. */
  readonly next: Effect.Effect<Decoded, ConnectionEnded>
  /** `next`, but fails after this many ms. */
  readonly within: (ms: number) => Effect.Effect<Decoded, ConnectionEnded>
}

const ended = (error: { readonly message: string }) => new ConnectionEnded({ detail: error.message })

export const encode = (...messages: ReadonlyArray<Message>): Uint8Array =>
  concat(...messages.flatMap((message): ReadonlyArray<Uint8Array> => NativeEncoder.encode(message)))

/** The connection lives as long as the scope; whether it ends with a FIN or abruptly is drawn. */
export const open = (
  socket: Socket.Socket,
  remote: PeerIp,
  random: Rng,
  pace: Pace
): Effect.Effect<Connection, ConnectionEnded, Scope.Scope> =>
  Effect.gen(function*() {
    yield* pace.pay(1, 0)
    const politely = random.happens(0.5)
    // Resources are released in reverse order: the writer, which sends FIN, or the reader, which closes at once.
    const early = politely ? undefined : yield* socket.writer
    const { pull } = yield* Effect.mapError(socket.reader, ended)
    const { write } = early ?? (yield* socket.writer)
    const put = (bytes: Uint8Array) => Effect.mapError(Effect.suspend(() => write(bytes)), ended)

    const take = Effect.mapError(RawPeer.messages(pull, Limits.frameBytes), ({ detail }) =>
      new ConnectionEnded({ detail }))
    const next = Effect.map(take, (message) => {
      if (message._tag === "Hello") {
        connection.hello = message
      }
      return message
    })
    const connection: Connection = {
      remote,
      hello: undefined,
      send: (bytes, count = 1) =>
        Effect.andThen(pace.pay(count, bytes.length), put(bytes)),
      say: (...messages) => Effect.suspend(() => connection.send(encode(...messages), messages.length)),
      reply: (message) =>
        Effect.suspend(() => {
          const bytes = encode(message)
          pace.owe(1, bytes.length)
          return put(bytes)
        }),
      drip: (bytes, everyMs) =>
        Effect.forEach(bytes, (byte) => Effect.delay(connection.send(Uint8Array.of(byte), 0.1), everyMs), {
          discard: true
        }),
      next,
      within: (ms) =>
        Effect.flatMap(
          Effect.timeoutOption(next, ms),
          Option.match({
            onNone: () => Effect.fail(new ConnectionEnded({ detail: "it kept us waiting" })),
            onSome: (message) => Effect.succeed(message)
          })
        )
    }
    return connection
  })
