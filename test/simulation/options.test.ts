/** Options made by code are held to the rules that flags are held to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { networks } from "../../src/domain/Network.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ChainStoreMemory from "../../src/layers/chain/ChainStoreMemory.ts"
import * as ChainNode from "../../src/layers/node/ChainNode.ts"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import * as PeerStoreMemory from "../../src/layers/store/PeerStoreMemory.ts"
import * as Producer from "../../src/layers/sync/Producer.ts"
import { defaultTuning } from "../../src/services/NodeConfig.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"
import { problem } from "../../src/simulation/plan/SimulationOptions.ts"
import type { SimulationOptions } from "../../src/simulation/plan/SimulationReport.ts"
import * as Simulation from "../../src/simulation/Simulation.ts"
import { devnet, genesis } from "../harness/syntheticChain.ts"

const good: SimulationOptions = { seed: 1, nodes: 3, hours: 0.01, mode: "safety", faults: [] }
const odd = [Number.NaN, -1, Infinity, -Infinity]

const bad: ReadonlyArray<readonly [option: string, change: object]> = [
  ...[...odd, 1.5, 2 ** 60].map((seed) => ["seed", { seed }] as const),
  ...[...odd, 0, 1, 2.5, 1e9].map((nodes) => ["nodes", { nodes }] as const),
  ...[...odd, 0, 1e9].map((hours) => ["hours", { hours }] as const),
  ...[...odd, 0, 1e12].map((untilMs) => ["untilMs", { untilMs }] as const),
  ...[...odd, 0.5].map((id) => ["keepFaults", { keepFaults: [id] }] as const),
  ...[...odd, 0.5, 3].map((node) => ["keepNodes", { keepNodes: [node] }] as const),
  ["keepNodes", { keepNodes: [] }],
  ["mode", { mode: "both" }],
  ["faults", { faults: ["earthquake"] }],
  ["store", { store: "tape" }]
]

describe("options of a simulation", () => {
  it("are accepted when they break no rule", () => {
    assert.isUndefined(problem(good))
    assert.isUndefined(
      problem({ ...good, faults: ["pause"], store: "sqlite", keepFaults: [], keepNodes: [2], untilMs: 1 })
    )
  })

  it.effect("are refused with the option and its value, before anything runs", () =>
    Effect.gen(function*() {
      for (const [option, change] of bad) {
        const error = yield* Effect.flip(Simulation.run({ ...good, ...change } as SimulationOptions))
        assert.deepStrictEqual([error._tag, error.option], ["InvalidSimulation", option], JSON.stringify(change))
        assert.match(error.message, /^simulation option \w+: ".*" (?:is|leaves) /)
      }
    }))
})

describe("options of a producer", () => {
  const ip = PeerIp.fromStringUnsafe("10.0.0.1")
  const node = ChainNode.layer({
    network: networks.devnet,
    listen: { ip, port: 24_200 },
    advertise: undefined,
    peers: [],
    software: "test",
    tuning: defaultTuning
  })
  for (const everyMs of [...odd, 0, 99]) {
    it.effect(`a turn of ${everyMs} ms is refused`, () =>
      Effect.gen(function*() {
        const network = yield* MemoryNetwork
        const layer = Producer.layer({ everyMs }).pipe(
          Layer.provide(node),
          Layer.provide([
            Layer.succeed(PeerSocket, network.host(ip)),
            PeerStoreMemory.layer(),
            ChainStoreMemory.layer({ genesis: genesis(devnet) })
          ])
        )
        const error = yield* Effect.flip(Layer.build(layer))
        assert.deepStrictEqual([error._tag, "field" in error ? error.field : ""], ["NodeSetupError", "everyMs"])
      }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer)))
  }
})
