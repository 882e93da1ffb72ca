/**
 * A peer without rules on one socket: it sends what a test wants, when it wants, and reads only when the test asks. Use it to see how a
 * node treats a peer that is late, silent, wrong or hostile.
 */
import { Data, Deferred, Effect, Exit, Scope } from "effect"
import type { Socket } from "effect/socket"
import * as Limits from "../domain/Limits.ts"
import type { Network } from "../domain/Network.ts"
import * as Handshake from "../domain/pair/Handshake.ts"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import { FrameReader } from "../domain/wire/Frame.ts"
import type { Hello, Message } from "../domain/wire/Message.ts"
import * as NativeDecoder from "../domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../domain/wire/native/NativeEncoder.ts"
import type { Decoded } from "../domain/wire/Wire.ts"
import type { PeerSocket } from "../services/PeerSocket.ts"

// Re-exported so that a test kit that exports these functions can name their types.
export type { BadBody, Decoded, Unknown } from "../domain/wire/Wire.ts"

/** The connection has ended, or the node sent an invalid frame. `detail` says which, for a person. */
export class RawPeerEnded extends Data.TaggedError("RawPeerEnded")<{ readonly detail: string }> {
  override get message() {
    return `the connection ended: ${this.detail}`
  }
}

/** **Concurrency**: one fiber reads, any number write. Writes to an ended connection are dropped. */
export interface RawPeer {
  readonly say: (message: Message) => Effect.Effect<void>
  /** Writes any bytes, frames or not. */
  readonly bytes: (bytes: Uint8Array) => Effect.Effect<void>
  /** Reads the next message of any kind. */
  readonly next: Effect.Effect<Decoded, RawPeerEnded>
  /** Reads up to and including the first message with this tag. */
  readonly until: <Tag extends Decoded["_tag"]>(
    tag: Tag
  ) => Effect.Effect<Extract<Decoded, { readonly _tag: Tag }>, RawPeerEnded>
  /** Closes the connection: with a FIN if everything was read. */
  readonly close: Effect.Effect<void>
}

type Pull = Effect.Effect<ReadonlyArray<Uint8Array | string>, { readonly message: string }>

const ended = (error: { readonly message: string }) => new RawPeerEnded({ detail: error.message })

/** The messages of a socket, one at a time: frames of at most `maxBytes`. */
export const messages = (pull: Pull, maxBytes: number): Effect.Effect<Decoded, RawPeerEnded> => {
  const frames = new FrameReader()
  return Effect.gen(function*() {
    while (true) {
      const found = frames.next(maxBytes)
      if (found === "bad") return yield* new RawPeerEnded({ detail: "the other end sent what is no frame" })
      if (found === "frame") return NativeDecoder.decode(frames.kind, frames.buffer, frames.start, frames.end)
      for (const chunk of yield* Effect.mapError(pull, ended)) if (typeof chunk !== "string") frames.push(chunk)
    }
  })
}

/** Takes over a socket. It stays open until `close`, or until the node ends it. */
export const over = (socket: Socket.Socket): Effect.Effect<RawPeer> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const open = yield* Deferred.make<Pull>()
    const { write } = yield* Scope.provide(socket.writer, scope)
    yield* Effect.forkChild(
      Effect.flatMap(Scope.provide(socket.reader, scope), ({ pull }) => Deferred.succeed(open, pull))
    )
    const next = messages(Effect.flatten(Deferred.await(open)), Limits.frameBytes)
    const bytes = (bytes: Uint8Array) => Effect.ignore(write(bytes))
    return {
      bytes,
      say: (message) => Effect.forEach(NativeEncoder.encode(message), bytes, { discard: true }),
      next,
      until: <Tag extends Decoded["_tag"]>(tag: Tag) =>
        Effect.gen(function*() {
          while (true) {
            const message = yield* next
            if (message._tag === tag) return message as Extract<Decoded, { readonly _tag: Tag }>
          }
        }),
      close: Scope.close(scope, Exit.void)
    }
  })

/** Dials a node. Sends nothing yet. */
export const dial = (sockets: PeerSocket["Service"], to: PeerAddress) =>
  Effect.flatMap(sockets.dial(to), ({ socket }) => over(socket))

/** Listens until the scope closes, and returns the next inbound connection; further ones are left waiting. */
export const accept = Effect.fnUntraced(function*(sockets: PeerSocket["Service"], at: PeerAddress) {
  const accepted = yield* Deferred.make<Socket.Socket>()
  const listener = yield* sockets.listen(at)
  yield* Effect.forkScoped(
    listener.run(({ socket }) => Effect.andThen(Deferred.succeed(accepted, socket), Effect.never))
  )
  return Effect.flatMap(Deferred.await(accepted), over)
})

/** Runs `body` for each inbound connection, until the scope closes. A failure of `body` ends that connection. */
export const acceptEach = Effect.fnUntraced(function*<E>(
  sockets: PeerSocket["Service"],
  at: PeerAddress,
  body: (raw: RawPeer) => Effect.Effect<void, E>
) {
  const listener = yield* sockets.listen(at)
  yield* Effect.forkScoped(listener.run(({ socket }) => Effect.ignore(Effect.flatMap(over(socket), body))))
})

/** A Hello that a node of the network accepts from an unknown peer without a chain. `peer`: the node's address, as its dialler knows it. */
export const hello = (network: Network, peer: PeerIp, change: Partial<Hello> = {}): Hello => ({
  _tag: "Hello",
  protocol: Handshake.protocolVersion,
  rule: Handshake.ruleVersion,
  network: network.name,
  genesis: network.genesis,
  nonce: 1n,
  tag: "ab".repeat(16),
  process: "cd".repeat(8),
  peer,
  listens: 0,
  software: "raw",
  tipHeight: 0,
  tipHash: network.genesis,
  capabilities: Handshake.capabilities,
  extensions: [],
  ...change
})
