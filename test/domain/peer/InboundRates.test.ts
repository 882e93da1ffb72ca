import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { InboundRates } from "../../../src/domain/peer/InboundRates.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { long } from "../../harness/long.ts"

const ip = PeerIp.fromStringUnsafe
const { inboundPerIp, inboundPerNetgroup } = Limits

/** How many of `count` connections come in. */
const admitted = (rates: InboundRates, from: (i: number) => string, count: number, now: number, isKnown = false) =>
  Array.from({ length: count }, (_, i) => rates.take(ip(from(i)), isKnown, now)).filter(Boolean).length

describe("InboundRates", () => {
  it("one IP has its burst, then its rate, and takes nothing of another's", () => {
    const rates = new InboundRates()
    assert.strictEqual(admitted(rates, () => "10.0.0.1", 500, 0), inboundPerIp.burst)
    assert.strictEqual(admitted(rates, () => "10.0.0.1", 500, 10_000), 10 * inboundPerIp.perSecond)
    assert.strictEqual(admitted(rates, () => "10.0.0.2", 1, 10_000), 1)
  })

  it("one netgroup has its burst, then its rate; others, and who is known, do not notice", () => {
    const rates = new InboundRates()
    const many = (i: number) => `10.1.${i >> 8}.${i & 255}`
    assert.strictEqual(admitted(rates, many, 5_000, 0), inboundPerNetgroup.burst)
    assert.strictEqual(admitted(rates, (i) => many(10_000 + i), 5_000, 1_000), inboundPerNetgroup.perSecond)
    assert.isTrue(rates.take(ip("10.2.0.1"), false, 1_000))
    assert.isFalse(rates.take(ip("10.1.250.1"), false, 1_000))
    assert.isTrue(rates.take(ip("10.1.250.1"), true, 1_000))
    const six = (i: number) => `2001:db8:${i.toString(16)}::1`
    assert.strictEqual(admitted(rates, six, 5_000, 0), inboundPerNetgroup.burst, "of an IPv6 /32")
  })

  it("a few addresses that come all the time leave room for the others of their netgroup", () => {
    const rates = new InboundRates()
    let newcomers = 0
    for (let now = 0; now < 60_000; now += 100) {
      admitted(rates, (i) => `10.1.0.${i}`, 120, now)
      if (now % 5_000 === 0 && rates.take(ip(`10.1.1.${now / 5_000}`), false, now)) newcomers += 1
    }
    assert.strictEqual(newcomers, 12)
  })

  it("an address has a few connections before its netgroup's reserve is closed to it", () => {
    const rates = new InboundRates()
    admitted(rates, (i) => `10.1.${i >> 8}.${i & 255}`, inboundPerNetgroup.burst / 2 + 1, 0)
    assert.strictEqual(admitted(rates, () => "10.1.200.1", 20, 0), Limits.inboundFew + 1)
  })

  it("remembers each address and each netgroup once", () => {
    const rates = new InboundRates()
    admitted(rates, (i) => `10.1.0.${i % 2}`, 4, 0)
    assert.strictEqual(rates.size, 3)
  })

  it("remembers a bounded number of addresses, and of those it forgets the netgroup still counts", long, () => {
    const rates = new InboundRates()
    for (let i = 0; i < 100_000; i++) {
      rates.take(ip(`${i % 200 + 1}.${(i >> 8) & 255}.${(i >> 4) & 255}.${i & 255}`), false, i)
    }
    assert.isAtMost(rates.size, Limits.inboundIps + Limits.inboundNetgroups)
    const mapped = new InboundRates()
    assert.strictEqual(
      admitted(mapped, (i) => i % 2 === 0 ? "::ffff:10.0.0.1" : "10.0.0.1", 500, 0),
      inboundPerIp.burst
    )
  })
})
