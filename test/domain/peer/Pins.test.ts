import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as Pins from "../../../src/domain/peer/Pins.ts"

const peer = ip("203.0.113.7")
const [a, b] = ["aa".repeat(32), "bb".repeat(32)] as const

describe("Pins", () => {
  it("the first key is trusted, then only that one, and none is not one", () => {
    assert.deepStrictEqual(Pins.judge(Pins.none, peer, a), { _tag: "First" })
    const pins = Pins.shown(Pins.none, peer, a, 1_000)
    assert.deepStrictEqual(Pins.judge(pins, peer, a), { _tag: "Known" })
    assert.deepStrictEqual(Pins.judge(pins, peer, b), { _tag: "OtherKey", since: 1_000 })
    assert.deepStrictEqual(Pins.judge(pins, peer, undefined), { _tag: "NoKey", since: 1_000 })
    assert.deepStrictEqual(Pins.judge(pins, ip("203.0.113.8"), b), { _tag: "First" })
    assert.deepStrictEqual(Pins.judge(Pins.forgotten(pins, peer), peer, b), { _tag: "First" })
  })

  it("a key shown again keeps its date", () => {
    const pins = Pins.shown(Pins.shown(Pins.none, peer, a, 1_000), peer, a, 5_000)
    assert.deepStrictEqual([...pins], [[peer, { key: a, since: 1_000, seenAt: 5_000 }]])
  })

  it("a peer that was never seen without a key may come without one", () => {
    assert.isUndefined(Pins.refusal(Pins.judge(Pins.none, peer, undefined), peer))
  })

  it("when it is full, the one not shown for the longest gives way", () => {
    const address = (n: number) => ip(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
    let pins: Pins.Pins = new Map(
      Array.from({ length: Limits.pins }, (_, n) => [address(n), { key: a, since: n, seenAt: n }])
    )
    pins = Pins.shown(pins, address(0), a, 9_000)
    pins = Pins.shown(pins, peer, a, 9_001)
    assert.strictEqual(pins.size, Limits.pins)
    assert.isTrue(pins.has(address(0)))
    assert.isFalse(pins.has(address(1)))
  })

  it("a refusal names the address and says what to do", () => {
    const since = Date.parse("2026-01-02T00:00:00Z")
    const advice =
      "another host answers there, or the node was set up anew. If it was: timemesh peers trust 203.0.113.7"
    assert.strictEqual(
      Pins.refusal({ _tag: "OtherKey", since }, peer),
      `203.0.113.7 shows another key than the one it has been known by since 2026-01-02: ${advice}`
    )
    assert.strictEqual(
      Pins.refusal({ _tag: "NoKey", since }, peer),
      `203.0.113.7 connects without the key it has been known by since 2026-01-02: ${advice}`
    )
    assert.isUndefined(Pins.refusal({ _tag: "Known" }, peer))
  })

  it("are told in one line each, with the date where there is one", () => {
    const since = Date.parse("2026-01-02T00:00:00Z")
    const told = (["pinned", "other-key", "no-key", "not-pinned"] as const).map((state) =>
      Pins.pinText({ state, since })
    )
    assert.deepStrictEqual(told, [
      "pinned since 2026-01-02",
      "shows another key than the one pinned since 2026-01-02",
      "comes without the key pinned since 2026-01-02",
      "not pinned: a TIME daemon makes a new certificate at each start"
    ])
    assert.strictEqual(Pins.pinText({ state: "pinned" }), "pinned")
  })

  it("a key shown again is the last, and one forgotten leaves the others", () => {
    const [other, third] = [ip("203.0.113.8"), ip("203.0.113.9")]
    let pins = [peer, other, third].reduce((all, address) => Pins.shown(all, address, a, 1), Pins.none)
    pins = Pins.shown(pins, peer, a, 2)
    assert.deepStrictEqual([...pins.keys()], [other, third, peer])
    assert.deepStrictEqual([...Pins.forgotten(pins, third).keys()], [other, peer])
  })
})
