/** A node of ours and twins of the daemon on one network, under the test's clock. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { networks } from "../../../src/domain/Network.ts"
import { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import { Timed } from "../../../src/simulation/timed/Timed.ts"
import type { TimedOptions } from "../../../src/simulation/timed/TimedOptions.ts"
import { hasher } from "../hasher.ts"
import { ip, type make, type NodeOptions, onMesh, type Running } from "../mesh.ts"

export const port = networks.testnet.port

/** ms since 1970: when these tests begin. The daemon's synthetic chain of 120 blocks is due by then, and 5,000 more. */
export const startOfTime = (1_764_547_200 + 600 * 5_120) * 1_000

type Mesh = Effect.Success<typeof make>

/** A twin that runs. `stop`: it is gone as a process that is killed. */
export interface RunningTimed {
  readonly timed: Timed
  readonly stop: Effect.Effect<void>
}

const starting = (options: Omit<TimedOptions, "hasher">) =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    const timed = new Timed({ hasher, ...options })
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    yield* timed.start(network).pipe(Scope.provide(scope))
    return { timed, stop: Scope.close(scope, Exit.void) } satisfies RunningTimed
  })

const startingNode = (mesh: Mesh) => (text: string, options: NodeOptions = {}) =>
  Effect.gen(function*() {
    yield* mesh.network.secure(ip(text), { protocol: "timemesh/1", key: text })
    return yield* mesh.start(text, {
      network: networks.testnet,
      ...options,
      peers: (options.peers ?? []).map((peer) => peer.includes(":") ? peer : `${peer}:${port}`)
    })
  })

/** The daemon holds nothing against the node. */
export const assertClean = (node: Running, timed: Timed) => {
  assert.deepStrictEqual(timed.ledger.entries(node.ip), [])
  assert.deepStrictEqual(timed.ledger.bans(node.ip), [])
  assert.deepStrictEqual(timed.live(node.ip).flatMap(({ rates }) => rates.dropped), [])
}

/** Runs a test on a fresh network, whose links have `latencyMs` one way. */
export const onTimeMesh = <A, E>(
  latencyMs: number,
  body: (given: {
    readonly mesh: Mesh
    /** A node of ours on testnet, over TLS. Peers without a port are on the network's. */
    readonly node: ReturnType<typeof startingNode>
    readonly timed: typeof starting
  }) => Effect.Effect<A, E, Scope.Scope | MemoryNetwork>
) =>
  onMesh(
    latencyMs,
    (mesh) => Effect.andThen(TestClock.setTime(startOfTime), body({ mesh, node: startingNode(mesh), timed: starting }))
  )
