/** What counts as this node's own trouble, and for how long. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as OwnTrouble from "../../../src/domain/protection/OwnTrouble.ts"

const peer = (n: number) => PeerIp.fromStringUnsafe(`10.0.0.${n}`)

describe("this node's own trouble", () => {
  it("lasts for a minute after it was last seen", () => {
    const once = OwnTrouble.noted(OwnTrouble.none, "lag", 1_000)
    assert.strictEqual(OwnTrouble.current(once, 1_000 + Limits.troubleMs - 1), "lag")
    assert.isUndefined(OwnTrouble.current(once, 1_000 + Limits.troubleMs))
    const again = OwnTrouble.noted(once, "lag", 30_000)
    assert.strictEqual(OwnTrouble.current(again, 30_000 + Limits.troubleMs - 1), "lag")
    assert.isUndefined(OwnTrouble.current(OwnTrouble.none, 0))
  })

  it("of several is over when the last is", () => {
    const both = OwnTrouble.noted(OwnTrouble.noted(OwnTrouble.none, "store", 0), "network", 5_000)
    assert.strictEqual(OwnTrouble.current(both, Limits.troubleMs), "network")
    assert.isUndefined(OwnTrouble.current(both, 5_000 + Limits.troubleMs))
  })

  describe("the wall clock", () => {
    /** Looks at these wall times, 1 s apart. */
    const looks = (...walls: ReadonlyArray<number>) =>
      walls.reduce((state, wall, i) => OwnTrouble.looked(state, wall, i * 1_000), OwnTrouble.none)
    const most = Limits.troubleClockMs

    it("was set if it moved by more than 5 s against the monotonic clock, in either direction", () => {
      for (const sign of [1, -1]) {
        assert.isUndefined(OwnTrouble.current(looks(0, 1_000 + sign * most), 1_000))
        assert.strictEqual(OwnTrouble.current(looks(0, 1_000 + sign * (most + 1)), 1_000), "clock")
      }
    })

    it("was set in small steps too: they add up", () => {
      const step = most / 2
      assert.isUndefined(OwnTrouble.current(looks(0, 1_000 + step, 2_000 + 2 * step), 2_000))
      assert.strictEqual(OwnTrouble.current(looks(0, 1_000 + step, 2_000 + 2 * step, 3_001 + 2 * step), 3_000), "clock")
    })

    it("is compared with what it was set to from then on", () => {
      const set = looks(0, 1_000 + 90_000)
      assert.strictEqual(set.seen.get("clock"), 1_000)
      const later = OwnTrouble.looked(set, 90_000 + 80_000 + most, 80_000)
      assert.isUndefined(OwnTrouble.current(later, 80_000))
      assert.strictEqual(OwnTrouble.current(OwnTrouble.looked(later, 81_000, 81_000), 81_000), "clock", "set back")
    })
  })

  describe("silent peers", () => {
    /** These peers fall silent, 1 s apart; `ups` others stay. */
    const lost = (peers: ReadonlyArray<number>, ups: number, everyMs = 1_000) =>
      peers.reduce((state, n, i) => OwnTrouble.timedOut(state, peer(n), ups, i * everyMs), OwnTrouble.none)

    it("are no coincidence when they are three, and a quarter of all", () => {
      assert.isUndefined(OwnTrouble.current(lost([1, 2], 0), 2_000))
      assert.strictEqual(OwnTrouble.current(lost([1, 2, 3], 9), 3_000), "timeouts")
      assert.isUndefined(OwnTrouble.current(lost([1, 2, 3], 10), 3_000))
      assert.strictEqual(OwnTrouble.current(lost([1, 2, 3, 4], 10), 4_000), "timeouts")
    })

    it("count once each, and for a minute", () => {
      assert.isUndefined(OwnTrouble.current(lost([1, 1, 1, 1], 0), 4_000))
      assert.isUndefined(OwnTrouble.current(lost([1, 2, 3], 0, Limits.troubleMs / 2), Limits.troubleMs))
      assert.strictEqual(
        OwnTrouble.current(lost([1, 2, 3], 0, Limits.troubleMs / 2 - 1), Limits.troubleMs - 2),
        "timeouts"
      )
      assert.strictEqual(lost([1, 2, 3], 0, Limits.troubleMs).timeouts.size, 1)
    })
  })
})
