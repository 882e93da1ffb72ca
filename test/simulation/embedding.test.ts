/** An embedder's own program on simulated nodes: a counter that every node raises and tells the others of. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random } from "effect"
import { ConnectionManager, PeerState, Subnet } from "../../src/index.ts"
import { FailureSearch, Simulation, type SimulationReport } from "../../src/simulation/index.ts"

const channel = 9

/** Tells all peers of the node's count every 10 s or so. What a peer tells must grow. `forgets`: it does not keep its count. */
const counter = (forgets: boolean, starts: Array<number> = []) => {
  const disks = new Map<number, number>()
  const app: Simulation.App = ({ index, violated }) =>
    Layer.effectDiscard(Effect.gen(function*() {
      starts.push(index)
      const manager = yield* ConnectionManager.ConnectionManager
      const peers = yield* PeerState.PeerState
      const heard = new Map<string, number>()
      yield* Effect.orDie(manager.receive(channel, (from, payloads) => {
        for (const payload of payloads) {
          const count = new DataView(payload.buffer, payload.byteOffset).getUint32(0)
          const before = heard.get(from.ip) ?? 0
          if (count <= before) violated("counts grow", `${count} after ${before} from ${from.ip}`)
          heard.set(from.ip, count)
        }
      }))
      let count = forgets ? 0 : disks.get(index) ?? 0
      yield* Effect.forkScoped(Effect.gen(function*() {
        while (true) {
          yield* Effect.sleep(5_000 + 10_000 * (yield* Random.next))
          count += 1
          disks.set(index, count)
          const payload = new Uint8Array(4)
          new DataView(payload.buffer).setUint32(0, count)
          for (const { connection, ip } of yield* peers.peers) {
            if (connection !== undefined) yield* Effect.ignore(manager.send(ip, channel, payload))
          }
        }
      }))
    }))
  return app
}

const given: SimulationReport.SimulationOptions = {
  seed: 3,
  nodes: 4,
  hours: 0.5,
  mode: "safety",
  faults: ["kill", "cut", "readdress"]
}

describe("an embedder's program in a simulation", () => {
  it.live("runs on every node and in every process of it, and the same way again", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const report = yield* Simulation.run(given, { app: counter(false, starts) })
      assert.deepStrictEqual(report.violations, [])
      assert.sameMembers([...new Set(starts)], [0, 1, 2, 3])
      const killed = (report.faults["kill"] ?? 0) + (report.faults["readdress"] ?? 0)
      assert.isAbove(killed, 0)
      assert.isAbove(starts.length, 4)
      assert.deepStrictEqual(yield* Simulation.run(given, { app: counter(false) }), report)
      assert.notStrictEqual((yield* Simulation.run(given)).traceHash, report.traceHash)
    }))

  it.live("what breaks its promises is found and made shorter", () =>
    Effect.gen(function*() {
      const run: FailureSearch.Run = (options) => Simulation.run(options, { app: counter(true) })
      const report = yield* run(given)
      assert.strictEqual(report.violations[0]?.invariant, "counts grow")
      const shrunk = yield* FailureSearch.shrink(run, given, report)
      assert.strictEqual(shrunk?.nodes.length, 2)
      assert.strictEqual(shrunk?.faults.length, 1)
    }))

  it.live("a node that bans an honest peer is found, in every seed and whatever else goes wrong", () =>
    Effect.gen(function*() {
      const bans: Simulation.App = ({ index }) =>
        Layer.effectDiscard(Effect.gen(function*() {
          const manager = yield* ConnectionManager.ConnectionManager
          const peers = yield* PeerState.PeerState
          if (index !== 1) return
          yield* Effect.forkScoped(Effect.gen(function*() {
            yield* Effect.sleep("1 minute")
            const [other] = yield* peers.connected
            if (other !== undefined) yield* Effect.ignore(manager.ban(Subnet.ofOne(other.ip)))
          }))
        }))
      const report = yield* Simulation.run({ ...given, faults: ["hostile"], hours: 0.1 }, { app: bans })
      assert.strictEqual(report.violations[0]?.invariant, "no honest peer is banned")
    }))

  it.live("what it leaves behind is found, and that it cannot be built", () =>
    Effect.gen(function*() {
      const quiet = { ...given, faults: [], hours: 0.05 }
      const app = (effect: Effect.Effect<void>): Simulation.App => () => Layer.effectDiscard(effect)
      const leaving = yield* Simulation.run(quiet, { app: app(Effect.asVoid(Effect.forkDetach(Effect.never))) })
      assert.strictEqual(leaving.violations[0]?.invariant, "nothing is left of a closed node")
      const failing = yield* Simulation.run(quiet, { app: () => Layer.effectDiscard(Effect.die("no")) })
      assert.strictEqual(failing.violations[0]?.invariant, "a node starts")
      const logging = yield* Simulation.run(quiet, { app: app(Effect.logError("oh")) })
      assert.strictEqual(logging.violations[0]?.invariant, "no node has a defect")
    }))
})
