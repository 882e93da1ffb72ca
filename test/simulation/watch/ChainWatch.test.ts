/** How long a node may be behind a peer, by how many blocks. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Fault } from "../../../src/simulation/plan/Fault.ts"
import * as SimulationLimits from "../../../src/simulation/plan/Limits.ts"
import { ChainWatch, type Watched } from "../../../src/simulation/watch/ChainWatch.ts"
import { FutureChains } from "../../../src/simulation/watch/FutureChains.ts"

/** Nodes 0 and 1, connected for long, 1 at a fixed height above 0 from moment 0 on; checked every `checkMs`. */
const run = (
  blocksBehind: number,
  forMs: number,
  { fault, healthy = true }: { readonly fault?: Fault; readonly healthy?: boolean } = {}
) => {
  const violations: Array<string> = []
  const time = { now: 0 }
  const tips = new Map([[0, { height: 100, hash: "a" }], [1, { height: 100 + blocksBehind, hash: "b" }]])
  const pair = { a: 0, b: 1 } as Watched["pairs"]["all"][number]
  const future = new FutureChains(tips)
  const watch = new ChainWatch({
    pairs: { all: [pair], healthy: () => healthy },
    tips,
    time,
    nodes: tips,
    violated: (invariant) => void violations.push(invariant)
  }, future)
  for (; time.now <= forMs; time.now += SimulationLimits.checkMs) {
    const underWay = fault === undefined ? [] : [fault]
    future.check(underWay)
    watch.check(underWay)
  }
  return violations
}

const late = ["a connected node follows"]

describe("ChainWatch", () => {
  it("a few blocks behind: a minute", () => {
    for (const blocks of [1, Limits.liarsHoldUpBlocks]) {
      assert.deepStrictEqual(run(blocks, SimulationLimits.followMs), [])
      assert.deepStrictEqual(run(blocks, SimulationLimits.followMs + SimulationLimits.checkMs), late)
    }
  })

  it("more than liars may hold a node up: 15 s", () => {
    const blocks = Limits.liarsHoldUpBlocks + 1
    assert.deepStrictEqual(run(blocks, SimulationLimits.heldUpMs), [])
    assert.deepStrictEqual(run(blocks, SimulationLimits.heldUpMs + SimulationLimits.checkMs), late)
  })

  it("not behind, disturbed, or with a wrong clock: nothing is demanded", () => {
    assert.deepStrictEqual(run(0, 9 * SimulationLimits.followMs), [])
    assert.deepStrictEqual(run(9, 9 * SimulationLimits.followMs, { healthy: false }), [])
    const jump: Fault = { kind: "jump", id: 0, atMs: 0, endMs: 1, node: 0, ms: -600_000 }
    assert.deepStrictEqual(run(9, 9 * SimulationLimits.followMs, { fault: jump }), [])
    assert.deepStrictEqual(run(9, 9 * SimulationLimits.followMs, { fault: { ...jump, node: 1 } }), [], "its peer's")
  })
})
