/** Whose chain may be in the future, during a clock's fault and after it. */
import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../../src/simulation/plan/Fault.ts"
import { FutureChains } from "../../../src/simulation/watch/FutureChains.ts"

const jump = (node: number): Fault => ({ kind: "jump", id: node, atMs: 0, endMs: 1, node, ms: 900_000 })
const tip = (hash: string) => ({ height: 1, hash })

describe("FutureChains", () => {
  it("the clock of a node is wrong: its chain may be in the future, and stay so when the clock is right", () => {
    const tips = new Map([[0, tip("a")], [1, tip("a")]])
    const future = new FutureChains(tips)
    future.check([jump(1)])
    assert.isTrue(future.has(1), "though it has the tip of the others so far")
    assert.isFalse(future.has(0))
    tips.set(1, tip("early"))
    future.check([])
    assert.isTrue(future.has(1), "what it made is still early")
    tips.set(0, tip("early"))
    future.check([])
    assert.isFalse(future.has(1), "a node with a right clock has taken it")
  })

  it("two such nodes with the same tip do not prove one another right", () => {
    const future = new FutureChains(new Map([[0, tip("a")], [1, tip("early")], [2, tip("early")]]))
    future.check([jump(1), jump(2)])
    future.check([])
    assert.deepStrictEqual([0, 1, 2].map((node) => future.has(node)), [false, true, true])
  })
})
