/** Two hosts and a line between them on a `MemoryNetwork`: what its own tests share. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import type { Accepted, DialOptions } from "../../src/services/PeerSocket.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import type { Line } from "./peerSocketHarness.ts"

import { at, ip, line } from "./peerSocketHarness.ts"

export const a = ip("10.0.0.1")
export const b = ip("10.0.0.2")
export const c = ip("10.0.0.3")

export const net = (name: string, effect: Effect.Effect<void, unknown, MemoryNetwork | Scope.Scope>) =>
  it.effect(name, () => effect.pipe(Effect.provide(MemoryNetwork.layer)))

/** Starts now; the result is there once it is done. */
export const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })
/** Runs `effect` while `ms` pass. */
export const during = <A, E, R>(ms: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* start(effect)
    yield* TestClock.adjust(ms)
    return yield* Fiber.join(fiber)
  })
/** The outcome of `effect` and when it came, or `undefined` if it is still waiting. Interrupts what waits. */
export const soon = <A, E, R>(ms: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* start(effect)
    yield* TestClock.adjust(ms)
    const exit = fiber.pollUnsafe()
    if (exit === undefined) yield* Fiber.interrupt(fiber)
    return exit
  })
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zip(effect, Clock.currentTimeMillis)

/** Everything `from` accepts, in order, read by nobody. */
export const accepting = (sockets: PeerSocket["Service"], port: number, where = "0.0.0.0") =>
  Effect.gen(function*() {
    const arrived: Array<Accepted & Line & { readonly time: number }> = []
    const listener = yield* sockets.listen(at(where, port))
    yield* Effect.forkScoped(
      listener.run((accepted) =>
        Effect.scoped(Effect.gen(function*() {
          const opened = yield* line(accepted.socket)
          arrived.push({ ...accepted, ...opened, time: yield* Clock.currentTimeMillis })
          return yield* Effect.never
        }))
      ),
      { startImmediately: true }
    )
    return arrived
  })

/** Connects. Accepting takes a turn of the listener's event loop. */
export const dialling = (sockets: PeerSocket["Service"], to: string, port: number, options?: DialOptions) =>
  Effect.flatMap(sockets.dial(at(to, port), options), ({ socket }) => Effect.tap(line(socket), Effect.yieldNow))

/** A connection from `a` to `b`, made while the links are perfect. */
export const joined = Effect.gen(function*() {
  const network = yield* MemoryNetwork
  const [hostA, hostB] = [network.host(a), network.host(b)]
  const arrived = yield* accepting(hostB, 1)
  const near = yield* dialling(hostA, b, 1)
  const far = arrived[0]
  assert(far !== undefined)
  return { network, near, far, arrived, hostA, hostB }
})
