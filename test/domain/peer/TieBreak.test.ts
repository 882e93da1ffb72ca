import { assert, describe, it } from "@effect/vitest"
import { fromStringUnsafe } from "../../../src/domain/peer/PeerIp.ts"
import * as TieBreak from "../../../src/domain/peer/TieBreak.ts"
import * as arb from "../../harness/arbitraries.ts"

describe("TieBreak", () => {
  for (
    const [lower, higher] of [
      ["50.28.104.50", "69.167.168.176"],
      // Pairs that text order gets wrong.
      ["10.0.0.9", "10.0.0.10"],
      ["2.0.0.1", "100.0.0.1"],
      ["9.9.9.9", "10.0.0.1"],
      ["::ffff:9.0.0.1", "10.0.0.1"],
      ["2001:db8::a", "2001:db8::10"],
      ["255.0.0.1", "2001:db8::1"]
    ] as const
  ) {
    it(`${lower} dials ${higher}`, () => {
      const [l, h] = [fromStringUnsafe(lower), fromStringUnsafe(higher)]
      assert.strictEqual(TieBreak.rank(l, h), "lower")
      assert.strictEqual(TieBreak.rank(h, l), "higher")
      assert.isTrue(TieBreak.shouldInitiate(l, h))
      assert.isFalse(TieBreak.shouldInitiate(h, l))
    })
  }

  it.prop("exactly one of two peers initiates, none of one", [arb.peerIp, arb.peerIp], ([a, b]) => {
    assert.strictEqual(TieBreak.shouldInitiate(a, b) !== TieBreak.shouldInitiate(b, a), a !== b)
    assert.strictEqual(TieBreak.rank(a, a), "same")
    assert.isFalse(TieBreak.shouldInitiate(a, a))
  }, { arbitrary: { runs: 300 } })
})
