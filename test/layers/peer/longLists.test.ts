/** Long lists of configured peers: a bound that is said, a pace of dials, and dead addresses behind the living. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { longEffect } from "../../harness/long.ts"
import { assertConnected, ip, onMesh } from "../../harness/mesh.ts"

const node = "10.0.0.1"
const dead = (count: number) => Array.from({ length: count }, (_, i) => `10.7.${i >> 8}.${i & 255}`)

describe("a long list of peers", () => {
  longEffect(
    "of addresses that refuse at once is dialled at a bounded pace",
    () =>
      onMesh(1, ({ network, start }) =>
        Effect.gen(function*() {
          const peers = dead(1_000)
          for (const peer of peers) network.host(ip(peer))
          const n = yield* start(node, { peers })
          yield* TestClock.adjust("5 seconds")
          const before = n.of("Dialling").length
          assert.isAtLeast(before, Limits.dialBurst)
          assert.isAtMost(before, Limits.dialBurst + 5 * Limits.dialsPerSecond)
          yield* TestClock.adjust("60 seconds")
          assert.isAtMost(n.of("Dialling").length - before, 60 * Limits.dialsPerSecond + 1)
        }))
  )

  longEffect(
    "of dead addresses does not keep a living one waiting once each was tried",
    () =>
      onMesh(1, ({ network, start }) =>
        Effect.gen(function*() {
          const peers = dead(300)
          for (const peer of peers) network.host(ip(peer))
          const n = yield* start(node, { peers })
          yield* TestClock.adjust("2 minutes")
          const living = yield* start("10.0.0.2")
          yield* n.manager.connect({ ip: ip("10.0.0.2"), port: 24_200 })
          yield* TestClock.adjust("3 seconds")
          yield* assertConnected(n, node, living, "10.0.0.2")
        }))
  )

  it.effect("over the bound is an error that names it", () =>
    onMesh(1, ({ start }) =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(start(node, { peers: dead(Limits.configuredPeers + 1) }))
        assert(Exit.isFailure(exit))
        assert.include(Cause.pretty(exit.cause), `exceeds the limit of ${Limits.configuredPeers} configured peers`)
      })))
})
