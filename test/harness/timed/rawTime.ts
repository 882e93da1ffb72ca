/** A peer without rules on the TIME wire: it says what a test wants, and remembers what it hears. */
import { Effect, Fiber } from "effect"
import type { Scope } from "effect"
import type { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as TimeEncoder from "../../../src/domain/wire/time/TimeEncoder.ts"
import type { Message, TimeMessage } from "../../../src/domain/wire/time/TimeMessage.ts"
import { TimeReader } from "../../../src/domain/wire/time/TimeReader.ts"
import { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import { ip } from "../mesh.ts"
import { port } from "./timeMesh.ts"

/** What a daemon of testnet begins with: the first line of every conversation. */
export const handshake: Message<"Handshake"> = {
  _tag: "Handshake",
  magic: Uint8Array.of(0x54, 0x49, 0x4d, 0x45),
  version: 2,
  network: "testnet",
  commitCount: 2_344
}

export interface RawTime {
  readonly say: (message: TimeMessage) => Effect.Effect<void>
  readonly bytes: (bytes: Uint8Array) => Effect.Effect<void>
  /** What it heard so far, in order. */
  readonly heard: ReadonlyArray<TimeMessage>
  /** Numbers of the variants that it heard and this project does not read. */
  readonly others: ReadonlyArray<number>
  /** The node has closed the connection. */
  readonly isClosed: () => boolean
}

/** Takes a socket over, until the scope closes. */
export const over = (socket: Socket.Socket): Effect.Effect<RawTime, Socket.SocketError, Scope.Scope> =>
  Effect.gen(function*() {
    const reader = yield* socket.reader
    const { write } = yield* socket.writer
    const frames = new TimeReader()
    const heard: Array<TimeMessage> = []
    const others: Array<number> = []
    let closed = false
    const pulled = (batch: ReadonlyArray<Uint8Array | string>) => {
      for (const chunk of batch) if (typeof chunk !== "string") frames.push(chunk)
      while (frames.read(8 * 1024 * 1024) === "message") {
        const message = frames.message()
        if (message._tag === "Unknown" || message._tag === "BadBody") others.push(message.kind)
        else heard.push(message)
      }
    }
    yield* Effect.forkScoped(
      Effect.forever(Effect.map(reader.pull, pulled)).pipe(
        Effect.ignoreCause,
        Effect.ensuring(Effect.sync(() => {
          closed = true
        }))
      ),
      { startImmediately: true }
    )
    const bytes = (bytes: Uint8Array) => Effect.ignore(write(bytes))
    return {
      bytes,
      say: (message) => bytes(TimeEncoder.encode(message) ?? new Uint8Array(0)),
      heard,
      others,
      isClosed: () => closed
    }
  })

/** Dials a node from a host that speaks TIME; the clock moves on by 50 ms. */
export const dial = (from: string, to: string) =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    const sockets = network.host(ip(from))
    yield* network.secure(ip(from), {})
    const { socket } = yield* sockets.dial(PeerAddress.make(ip(to), port))
    const opening = yield* Effect.forkChild(over(socket), { startImmediately: true })
    yield* TestClock.adjust(50)
    return yield* Fiber.join(opening)
  })

/** Dials a node and says the Handshake; 100 ms later the node has answered it. */
export const up = Effect.fnUntraced(function*(from: string, to: string) {
  const raw = yield* dial(from, to)
  yield* raw.say(handshake)
  yield* TestClock.adjust(100)
  return raw
})

/** Listens on a host that speaks TIME; each that dials is a raw peer, in order. */
export const accept = (at: string) =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    const sockets = network.host(ip(at))
    yield* network.secure(ip(at), {})
    const listener = yield* sockets.listen(PeerAddress.make(ip(at), port))
    const peers: Array<RawTime> = []
    yield* Effect.forkScoped(
      listener.run(({ socket }) =>
        Effect.scoped(Effect.flatMap(over(socket), (raw) => {
          peers.push(raw)
          return Effect.never
        }))
      ),
      { startImmediately: true }
    )
    return peers
  })
