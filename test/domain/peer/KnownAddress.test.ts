/** Which addresses are worth a dial and a place in the book, at each bound. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as KnownAddress from "../../../src/domain/peer/KnownAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"

const now = 1_800_000_000_000
const peer = { ip: PeerIp.fromStringUnsafe("203.0.113.7"), port: 24_100 }
const known = (change: Partial<KnownAddress.KnownAddress> = {}) => ({ ...KnownAddress.make(peer, now), ...change })

describe("a known address", () => {
  it("is new: seen then, never dialled, never good", () => {
    assert.deepStrictEqual(KnownAddress.make(peer, 5), {
      ...peer,
      wire: "native",
      direction: undefined,
      seenAt: 5,
      dialledAt: 0,
      goodAt: 0,
      failures: 0
    })
  })

  it("has no times in the future", () => {
    const future = known({ seenAt: now + 1, dialledAt: now + 2, goodAt: now + 3 })
    assert.deepStrictEqual(KnownAddress.upTo(future, now), known({ seenAt: now, dialledAt: now, goodAt: now }))
    const past = known({ seenAt: 1, dialledAt: 2, goodAt: 3 })
    assert.deepStrictEqual(KnownAddress.upTo(past, now), past)
  })

  it("is just dialled for a minute, before and after it on a clock that was set, and never if it was not dialled", () => {
    const isJustDialled = (dialledAt: number, at = now) => KnownAddress.isJustDialled(known({ dialledAt }), at)
    const most = Limits.bookJustTriedMs
    assert.deepStrictEqual(
      [isJustDialled(now), isJustDialled(now - most), isJustDialled(now - most - 1)],
      [true, true, false]
    )
    assert.deepStrictEqual([isJustDialled(now + most), isJustDialled(now + most + 1)], [true, false])
    assert.isFalse(isJustDialled(0, 0))
  })

  it("is terrible when it was not seen for long, or failed too often", () => {
    const isTerrible = (change: Partial<KnownAddress.KnownAddress>) => KnownAddress.isTerrible(known(change), now)
    const old = now - Limits.bookHorizonMs
    assert.deepStrictEqual([isTerrible({}), isTerrible({ seenAt: old }), isTerrible({ seenAt: old - 1 })], [
      false,
      false,
      true
    ])
    assert.isFalse(isTerrible({ seenAt: old - 1, dialledAt: now }), "its dial may be under way")
    const first = Limits.bookFirstFailures
    assert.deepStrictEqual([isTerrible({ failures: first - 1 }), isTerrible({ failures: first })], [false, true])
    const failures = Limits.bookFailures
    const goodAt = now - Limits.bookFailuresMs - 1
    assert.deepStrictEqual(
      [
        isTerrible({ failures, goodAt }),
        isTerrible({ failures: failures - 1, goodAt }),
        isTerrible({ failures, goodAt: goodAt + 1 })
      ],
      [true, false, false]
    )
  })

  it("is drawn less often the more it failed, and hardly ever soon after a dial", () => {
    const chance = (change: Partial<KnownAddress.KnownAddress>) => KnownAddress.chance(known(change), now)
    assert.strictEqual(chance({}), 1)
    assert.strictEqual(chance({ failures: 1 }), 0.66)
    assert.strictEqual(chance({ failures: 8 }), 0.66 ** 8)
    assert.strictEqual(chance({ failures: 9 }), 0.66 ** 8)
    assert.strictEqual(chance({ dialledAt: now - Limits.bookRecentMs }), 1)
    assert.strictEqual(chance({ dialledAt: now - Limits.bookRecentMs + 1 }), 0.01)
    assert.strictEqual(KnownAddress.chance(known(), Limits.bookRecentMs - 1), 1, "0 is never")
  })
})
