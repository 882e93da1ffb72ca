/** When a score leads to no ban, and how long a ban lasts. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as IsolationFloor from "../../../src/domain/protection/IsolationFloor.ts"

describe("a score", () => {
  const standing = { isConfigured: false, goodPeersLeft: Limits.goodPeersLeast, trouble: undefined }

  it("bans while three good peers are left", () => {
    assert.isUndefined(IsolationFloor.spared(standing))
    assert.strictEqual(IsolationFloor.spared({ ...standing, goodPeersLeft: 2 }), "few-peers")
  })

  it("bans no peer that the operator named, and none while the node is in trouble, whichever of these is said first", () => {
    assert.strictEqual(IsolationFloor.spared({ ...standing, isConfigured: true, trouble: "lag" }), "configured")
    assert.strictEqual(IsolationFloor.spared({ ...standing, goodPeersLeft: 0, trouble: "clock" }), "clock")
  })
})

it("a ban by score lasts an hour, twice as long each time, a day at most", () => {
  const hours = (nth: number) => IsolationFloor.banMs(nth) / 3_600_000
  assert.deepStrictEqual([0, 1, 2, 3, 4, 5, 6, 99].map(hours), [1, 1, 2, 4, 8, 16, 24, 24])
})
