/** A daemon that forgets the session it uses: a dial of its own, lost on the way, fails after it took ours. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../../src/domain/Limits.ts"
import { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"
import * as SimulationLimits from "../../../../src/simulation/plan/Limits.ts"
import { downs, ip } from "../../../harness/mesh.ts"
import { onTimeMesh } from "../../../harness/timed/timeMesh.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

describe("a session that the daemon forgets", () => {
  it.effect("is answered but not used: the node closes it and dials again, once, and nothing is held against it", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const network = yield* MemoryNetwork
        const { timed: daemon } = yield* timed({ ip: low, knows: [high] })
        const used = () => [daemon.uses(high)].filter((conn) => conn !== undefined)
        // The daemon ranks below: it dials after 180 s, and that dial is lost. Ours gets through meanwhile.
        yield* network.block(ip(high), ip(low))
        yield* TestClock.adjust(Limits.timeFallbackMs + 1_000)
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("2 seconds")
        const session = used()
        assert.deepStrictEqual(session.map(({ dir }) => dir), ["in"], "it gives its own dial up for ours")
        yield* network.allow(ip(high), ip(low))
        yield* TestClock.adjust(SimulationLimits.daemonDialMs)
        assert.isEmpty(used())
        assert.deepStrictEqual(daemon.live(high), session)

        yield* TestClock.adjust(Limits.timeUnusedMs)
        assert.deepStrictEqual(downs(ours), ["unused"])
        assert.isEmpty(daemon.live(high))
        yield* TestClock.adjust(Limits.timeDialSpacingMs)
        assert.deepStrictEqual(daemon.live(high), used())
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(downs(ours), ["unused"])
        assert.lengthOf(ours.of("Up"), 2)
        assert.deepStrictEqual(daemon.live(high), used())
        assert.deepStrictEqual(daemon.ledger.entries(ip(high)), [])
      })))
})
