/** Ends that are closed but still read: for how long, how many, and that one which closes by itself leaves nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { Lingering } from "../../../src/layers/peer/Lingering.ts"
import * as HandTimers from "../../harness/handTimers.ts"

const make = () => {
  const hand = HandTimers.make()
  const lingering = new Lingering(hand.timers)
  const destroyed: Array<number> = []
  const end = (id: number) => ({ destroy: () => void destroyed.push(id) })
  return { hand, lingering, destroyed, end }
}

describe("a closed end", () => {
  it("is destroyed after its time, once", () => {
    const { destroyed, end, hand, lingering } = make()
    lingering.begin(end(1), true)
    hand.to(Limits.lingerMs - 1)
    assert.deepStrictEqual([destroyed, lingering.size], [[], 1])
    hand.to(Limits.lingerMs)
    hand.to(3 * Limits.lingerMs)
    assert.deepStrictEqual([destroyed, lingering.size, hand.timers.size()], [[1], 0, 0])
  })

  it("that closes by itself is forgotten, with its timer and its place among newcomers", () => {
    const { destroyed, end, hand, lingering } = make()
    const [one, two] = [end(1), end(2)]
    lingering.begin(one, false)
    lingering.begin(two, true)
    lingering.over(one)
    lingering.over(two)
    lingering.over(two)
    assert.deepStrictEqual([lingering.size, hand.timers.size()], [0, 0])
    for (let id = 3; id < 3 + Limits.lingeringEnds; id++) lingering.begin(end(id), false)
    assert.deepStrictEqual(destroyed, [])
    lingering.begin(end(999), false)
    assert.deepStrictEqual(destroyed, [3], "the oldest of them")
  })

  it("that was up is not destroyed for newcomers", () => {
    const { destroyed, end, lingering } = make()
    lingering.begin(end(1), true)
    for (let id = 2; id < 4 + Limits.lingeringEnds; id++) lingering.begin(end(id), false)
    assert.deepStrictEqual([destroyed, lingering.size], [[2, 3], Limits.lingeringEnds + 1])
  })
})
