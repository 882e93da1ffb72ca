import { assert, describe, it } from "@effect/vitest"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as Pins from "../../../src/domain/peer/Pins.ts"

const peer = ip("203.0.113.7")
const [a, b] = ["aa".repeat(32), "bb".repeat(32)] as const

describe("Pins", () => {
  it("the first key is trusted, then only that one, and none is not one", () => {
    const pin = { key: a, since: 1_000, seenAt: 2_000 }
    assert.deepStrictEqual(Pins.judge(undefined, a), { _tag: "First" })
    assert.deepStrictEqual(Pins.judge(pin, a), { _tag: "Known" })
    assert.deepStrictEqual(Pins.judge(pin, b), { _tag: "OtherKey", since: 1_000 })
    assert.deepStrictEqual(Pins.judge(pin, undefined), { _tag: "NoKey", since: 1_000 })
  })

  it("a peer that was never seen without a key may come without one", () => {
    assert.isUndefined(Pins.refusal(Pins.judge(undefined, undefined), peer))
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
})
