import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip, type PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import { PinTable } from "../../../src/domain/peer/PinTable.ts"

const peer = ip("203.0.113.7")
const key = "aa".repeat(32)
/** Each of another /16 than the next. */
const spread = (n: number): PeerIp => ip(`${1 + n % 99}.${(n / 99) & 255}.${n & 255}.1`)
/** All of one /16. */
const crowd = (n: number): PeerIp => ip(`198.51.${(n >> 8) & 255}.${n & 255}`)
const ips = (pins: PinTable): ReadonlyArray<PeerIp> => [...pins.entries()].map(([at]) => at)
const flood = (pins: PinTable, address: (n: number) => PeerIp, now: number, count = Limits.pins + 1) => {
  const left: Array<PeerIp> = []
  for (let n = 0; n < count; n++) left.push(...[pins.shown(address(n), key, now, false) ?? []].flat())
  return left
}

describe("PinTable", () => {
  it("a key shown again keeps its date, and is the last", () => {
    const pins = new PinTable()
    const other = ip("203.0.113.8")
    for (const [at, now] of [[peer, 1_000], [other, 2_000], [peer, 5_000]] as const) pins.shown(at, key, now, false)
    assert.deepStrictEqual(ips(pins), [other, peer])
    assert.deepStrictEqual(pins.get(peer), { key, since: 1_000, seenAt: 5_000 })
  })

  it("one that is deleted leaves the others, and only what was there is deleted", () => {
    const pins = new PinTable()
    for (const at of [peer, spread(1)]) pins.shown(at, key, 0, false)
    assert.deepStrictEqual([pins.delete(spread(2)), pins.delete(spread(1)), ips(pins)], [false, true, [peer]])
  })

  it("never holds more than its bound, and says which made room", () => {
    const pins = new PinTable()
    const left = flood(pins, spread, 0)
    assert.strictEqual(pins.size, Limits.pins)
    assert.strictEqual(left.length, 1)
    assert.isUndefined(pins.get(left[0] ?? peer))
  })

  it("a flood of new keys displaces no peer that is known, or came back an hour later", () => {
    const pins = new PinTable()
    pins.shown(peer, key, 0, true)
    const returned = ip("192.0.2.1")
    pins.shown(returned, key, 0, false)
    pins.shown(returned, key, Limits.pinLastingMs, false)
    flood(pins, spread, Limits.pinLastingMs + 1)
    flood(pins, crowd, Limits.pinLastingMs + 2)
    assert.deepStrictEqual([pins.size, ips(pins).slice(-2)], [Limits.pins, [peer, returned]])
  })

  it("a flood from one network displaces itself, not a stranger that was met once", () => {
    const pins = new PinTable()
    pins.shown(peer, key, 0, false)
    const left = flood(pins, crowd, 1, 2 * Limits.pins)
    assert.isDefined(pins.get(peer))
    assert.isAbove(left.length, 0)
  })

  it("lasting keys of one network displace each other too", () => {
    const pins = new PinTable()
    pins.shown(peer, key, 0, true)
    for (const now of [1, Limits.pinLastingMs + 1]) flood(pins, crowd, now, Limits.pins - 1)
    pins.shown(spread(1), key, Limits.pinLastingMs + 2, true)
    assert.isDefined(pins.get(peer))
    assert.isUndefined(pins.get(crowd(0)))
  })

  it("as stored: what lasted lasts, and of too many the last are kept", () => {
    const pins = new PinTable()
    const returned = ip("192.0.2.1")
    pins.shown(returned, key, 0, false)
    pins.shown(returned, key, Limits.pinLastingMs, false)
    flood(pins, spread, 5, Limits.pins - 1)
    const again = new PinTable([[crowd(1), { key, since: 0, seenAt: 0 }], ...pins.entries()])
    assert.deepStrictEqual([...again.entries()], [...pins.entries()])
    flood(again, crowd, Limits.pinLastingMs + 1)
    assert.isDefined(again.get(returned))
  })

  it("its revision changes with every change", () => {
    const pins = new PinTable()
    const before = pins.revision
    pins.shown(peer, key, 0, false)
    const after = pins.revision
    pins.delete(peer)
    assert.strictEqual(new Set([before, after, pins.revision]).size, 3)
  })
})
