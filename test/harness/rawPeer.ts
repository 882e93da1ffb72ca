/** A peer written by hand on a bare socket: it says what a test wants, when it wants. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import type { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { networks } from "../../src/domain/Network.ts"
import * as Handshake from "../../src/domain/pair/Handshake.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { FrameReader } from "../../src/domain/wire/Frame.ts"
import type { Hello, Message } from "../../src/domain/wire/Message.ts"
import * as NativeDecoder from "../../src/domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../../src/domain/wire/native/NativeEncoder.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import { port } from "./mesh.ts"

export interface RawPeer {
  readonly say: (message: Message) => Effect.Effect<void>
  readonly bytes: (bytes: Uint8Array) => Effect.Effect<void>
  /** The next message, whatever it is; fails when the connection has ended. */
  readonly next: Effect.Effect<NativeDecoder.Decoded, string>
  /** Messages up to and including the first with this tag. */
  readonly until: <Tag extends NativeDecoder.Decoded["_tag"]>(
    tag: Tag
  ) => Effect.Effect<Extract<NativeDecoder.Decoded, { readonly _tag: Tag }>, string>
  readonly close: Effect.Effect<void>
}

/** Addresses where nobody is, of 10.7.0.0/16 in order. */
export const nowhere = (count: number, from = 0): Array<PeerAddress.PeerAddress> =>
  Array.from(
    { length: count },
    (_, i) => PeerAddress.make(PeerIp.fromStringUnsafe(`10.7.${(from + i) >> 8}.${(from + i) & 255}`), port)
  )

/** A Hello that a node on the test network accepts. */
export const hello = (peer: PeerIp.PeerIp, change: Partial<Hello> = {}): Hello => ({
  _tag: "Hello",
  protocol: Handshake.protocolVersion,
  rule: Handshake.ruleVersion,
  network: networks.devnet.name,
  genesis: networks.devnet.genesis,
  nonce: 1n,
  tag: "ab".repeat(16),
  process: "cd".repeat(8),
  peer,
  listens: 0,
  software: "raw",
  tipHeight: 0,
  tipHash: networks.devnet.genesis,
  capabilities: Handshake.capabilities,
  extensions: [],
  ...change
})

/** Dials a node from a host of the network. Nothing is read until the test asks. */
export const dial = (sockets: PeerSocket["Service"], to: PeerIp.PeerIp) =>
  Effect.flatMap(sockets.dial(PeerAddress.make(to, port)), ({ socket }) => over(socket))

/** The next one who dials the host's port. */
export const accept = Effect.fnUntraced(function*(sockets: PeerSocket["Service"], at: PeerIp.PeerIp) {
  const accepted = yield* Deferred.make<Socket.Socket>()
  const listener = yield* sockets.listen(PeerAddress.make(at, port))
  yield* Effect.forkScoped(
    listener.run(({ socket }) => Effect.andThen(Deferred.succeed(accepted, socket), Effect.never))
  )
  return Effect.flatMap(Deferred.await(accepted), over)
})

/** Runs `body` for each who dials the host's port, until the scope closes. */
export const acceptEach = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  at: PeerIp.PeerIp,
  body: (raw: RawPeer) => Effect.Effect<void, string>
) {
  const listener = yield* sockets.listen(PeerAddress.make(at, port))
  yield* Effect.forkScoped(listener.run(({ socket }) => Effect.ignore(Effect.flatMap(over(socket), body))))
})

const over = Effect.fnUntraced(function*(socket: Socket.Socket) {
  const scope = yield* Scope.make()
  const open = yield* Deferred.make<Effect.Effect<ReadonlyArray<Uint8Array | string>, unknown>>()
  const { write } = yield* Scope.provide(socket.writer, scope)
  yield* Effect.forkChild(
    Effect.flatMap(Scope.provide(socket.reader, scope), ({ pull }) => Deferred.succeed(open, pull))
  )
  const reader = new FrameReader()
  const next = Effect.gen(function*() {
    const pull = yield* Deferred.await(open)
    while (true) {
      const found = reader.next(64 * 1024 * 1024)
      assert(found !== "bad")
      if (found === "frame") return NativeDecoder.decode(reader.kind, reader.buffer, reader.start, reader.end)
      const batch = yield* Effect.mapError(pull, String)
      for (const chunk of batch) if (typeof chunk !== "string") reader.push(chunk)
    }
  })
  const bytes = (bytes: Uint8Array) => Effect.ignore(write(bytes))
  return {
    bytes,
    say: (message) => Effect.forEach(NativeEncoder.encode(message), bytes, { discard: true }),
    next,
    until: <Tag extends NativeDecoder.Decoded["_tag"]>(tag: Tag) =>
      Effect.gen(function*() {
        while (true) {
          const message = yield* next
          if (message._tag === tag) return message as Extract<NativeDecoder.Decoded, { readonly _tag: Tag }>
        }
      }),
    close: Scope.close(scope, Exit.void)
  } satisfies RawPeer
})

/**
 * Dials as a peer that ranks higher than `to`, or lower and is at `lower`, and completes the handshake; `then` goes out behind the `Ack`. Afterwards nothing is read any more unless the test does. Moves the clock by a second.
 */
export const join = (
  sockets: PeerSocket["Service"],
  to: PeerIp.PeerIp,
  then: ReadonlyArray<Message> = [],
  change: Partial<Hello> = {},
  lower?: PeerIp.PeerIp
) =>
  Effect.gen(function*() {
    const raw = yield* dial(sockets, to)
    const talk = yield* Effect.forkChild(Effect.gen(function*() {
      yield* raw.say(hello(to, change))
      if (lower === undefined) {
        yield* raw.until("Commit")
        yield* raw.say({ _tag: "Ack" })
      } else {
        yield* raw.say({ _tag: "Commit", lower, higher: change.peer ?? to })
        yield* raw.until("Ack")
      }
      yield* Effect.forEach(then, raw.say, { discard: true })
    }))
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(talk)
    return raw
  })
