/** How fast this node dials into one netgroup: the more it has there, the slower; others are untouched. */
import { assert, describe, it } from "@effect/vitest"
import { sameGroupMs } from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip, operatorOf } from "../../../src/domain/peer/PeerIp.ts"
import { GroupPace } from "../../../src/layers/peer/GroupPace.ts"

const [group, elsewhere] = ["50.1.0.1", "60.1.0.1"].map((text) => operatorOf(ip(text))) as [string, string]

describe("dials into a netgroup", () => {
  it("wait longer with each that is there, counted from the last; another netgroup is free", () => {
    const pace = new GroupPace()
    assert.strictEqual(pace.waitMs(group, 0), 0)
    pace.began(group, 1_000)
    assert.strictEqual(pace.waitMs(group, 1_000), sameGroupMs)
    assert.strictEqual(pace.waitMs(group, 1_000 + sameGroupMs - 1), 1)
    assert.strictEqual(pace.waitMs(group, 1_000 + 2 * sameGroupMs), 0)
    pace.began(group, 5_000)
    assert.deepStrictEqual([pace.count(group), pace.waitMs(group, 5_000)], [2, 2 * sameGroupMs])
    assert.deepStrictEqual([pace.count(elsewhere), pace.waitMs(elsewhere, 5_000)], [0, 0])
  })

  it("are as free as at first when all that were there are gone; an end that was not counted changes nothing", () => {
    const pace = new GroupPace()
    pace.began(group, 1_000)
    pace.began(group, 1_000)
    pace.ended(group)
    assert.deepStrictEqual([pace.count(group), pace.waitMs(group, 1_000)], [1, sameGroupMs])
    pace.ended(elsewhere)
    pace.ended(group)
    assert.deepStrictEqual([pace.count(group), pace.waitMs(group, 1_000)], [0, 0])
    pace.ended(group)
    assert.strictEqual(pace.count(group), 0)
  })
})
