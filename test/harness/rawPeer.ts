/** The raw peer of `timemesh/testing` on the network and port of the tests' mesh. */
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { networks } from "../../src/domain/Network.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { Hello, Message } from "../../src/domain/wire/Message.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import * as RawPeer from "../../src/testing/RawPeer.ts"
import { port } from "./mesh.ts"

/** Addresses where nobody is, of 10.7.0.0/16 in order. */
export const nowhere = (count: number, from = 0): Array<PeerAddress.PeerAddress> =>
  Array.from(
    { length: count },
    (_, i) => PeerAddress.make(PeerIp.fromStringUnsafe(`10.7.${(from + i) >> 8}.${(from + i) & 255}`), port)
  )

export const hello = (peer: PeerIp.PeerIp, change?: Partial<Hello>): Hello =>
  RawPeer.hello(networks.devnet, peer, change)

export const dial = (sockets: PeerSocket["Service"], to: PeerIp.PeerIp) =>
  RawPeer.dial(sockets, PeerAddress.make(to, port))

/** The next one who dials the host's port. */
export const accept = (sockets: PeerSocket["Service"], at: PeerIp.PeerIp) =>
  RawPeer.accept(sockets, PeerAddress.make(at, port))

/** Runs `body` for each who dials the host's port, until the scope closes. */
export const acceptEach = <E>(
  sockets: PeerSocket["Service"],
  at: PeerIp.PeerIp,
  body: (raw: RawPeer.RawPeer) => Effect.Effect<void, E>
) => RawPeer.acceptEach(sockets, PeerAddress.make(at, port), body)

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
