/** The short version of `main.ts`, and the proof that a census sees what it is asked about. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import { until } from "../../src/testing/Await.ts"
import * as Census from "./Census.ts"
import { leaksOf } from "./Judge.ts"
import { isUp, start } from "./Nodes.ts"
import * as Phases from "./Phases.ts"

const lanes = 4

describe("nothing is left of connections and nodes that are gone", () => {
  it.live("a census sees a connection, and what belongs to it", () =>
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      const node = (text: string) => start(network.host(Result.getOrThrow(PeerIp.fromString(text))), text)
      const a = yield* node("10.0.0.1")
      const b = yield* node("10.0.0.2")
      const c = yield* node("10.0.0.3")
      const before = yield* Census.take
      yield* a.manager.connect(b.address)
      yield* until("Up", [a, b], () => isUp(a, b))
      const after = yield* Census.take
      assert.strictEqual(after.connections - before.connections, 2)
      assert.strictEqual(after.rows - before.rows, 2)
      assert.strictEqual(after.ends - before.ends, 2)
      assert.isAtLeast(after.fibers - before.fibers, 2, "one reads at each end")
      assert.isAbove(after.entries, before.entries)
      const leaks = leaksOf(before, after, 1, 0)
      for (const what of ["connections", "rows", "ends", "fibers"]) {
        assert.isTrue(leaks.some((leak) => leak.startsWith(`${what}:`)), what)
      }
      // The node's beat looks after idle connections. A node that came up has a timer, to count what its peers see; a connection has none.
      yield* Effect.forEach([a, b], (node) => node.manager.connect(c.address))
      yield* until("Up", [a, b, c], () => isUp(a, c) && isUp(b, c))
      const more = yield* Census.take
      assert.strictEqual(more.connections - after.connections, 4)
      assert.isAtMost(more.timers - before.timers, 3, "at most one of each node, for the six ends none")
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))

  const phase = (
    name: string,
    run: (options: Phases.Options) => ReturnType<typeof Phases.memory>,
    options: Phases.Options
  ) =>
    it.live(name, () =>
      Effect.gen(function*() {
        const result = yield* run(options)
        assert.deepStrictEqual(result.leaks, [])
        // Every way to end a connection was taken.
        assert.isAbove(result.reasons["operator"] ?? result.reasons["shutdown"] ?? 0, 0)
        assert.isAbove(result.reasons["EOF"] ?? 0, 0)
      }))

  phase("2,000 connections on the memory network", Phases.memory, { cycles: 2_000, warmUp: 1_500, lanes })
  phase("120 connections on real sockets", Phases.sockets, { cycles: 120, warmUp: 200, lanes })
  phase("48 nodes", Phases.lifetimes, { cycles: 48, warmUp: 32, lanes })
})
