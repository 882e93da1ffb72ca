/** Points that halve in an hour. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Score from "../../../src/domain/protection/Score.ts"

const hour = Limits.scoreHalfLifeMs

describe("a score", () => {
  it("halves every hour, and is enough at a hundred points", () => {
    const score = Score.add(Score.none, 80, 1_000)
    assert.deepStrictEqual([0, 1, 2].map((n) => Score.pointsAt(score, 1_000 + n * hour)), [80, 40, 20])
    assert.deepStrictEqual(Score.add(score, 30, 1_000 + hour), { points: 70, at: 1_000 + hour })
    assert.isFalse(Score.isEnough(Score.add(score, 19, 1_000), 1_000))
    assert.isTrue(Score.isEnough(Score.add(score, 20, 1_000), 1_000))
    assert.isFalse(Score.isEnough(Score.add(score, 20, 1_000), 1_001), "a moment later")
  })

  it("counts no more than a ban needs, so that it decays from there", () => {
    const much = Score.add(Score.add(Score.none, 100, 0), 100, 0)
    assert.strictEqual(Score.pointsAt(much, hour), Limits.banScore / 2)
  })

  it("gives nothing back, and takes nothing, when the clock goes back", () => {
    const score = Score.add(Score.none, 40, hour)
    assert.strictEqual(Score.pointsAt(score, 0), 40)
    assert.deepStrictEqual(Score.add(score, 10, 0), { points: 50, at: hour })
  })
})
