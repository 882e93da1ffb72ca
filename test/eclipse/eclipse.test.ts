/** What an attacker with few netgroups has of the peer book and of the connections: small runs of `npm run eclipse`. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../src/domain/Limits.ts"
import * as Eclipse from "./Eclipse.ts"

const runs = new Map<number, Eclipse.Result>()

/** One run for each number of netgroups, whichever test comes first. */
const run = (attackers: number, seed: number): Eclipse.Result => {
  const result = runs.get(attackers) ?? Eclipse.run({ netgroups: 256, attackers, honest: 2_000, days: 1, seed })
  runs.set(attackers, result)
  return result
}

describe("an attacker that gossips any number of addresses", () => {
  for (const [attackers, seed] of [[1, 1], [4, 2]] as const) {
    it(`with ${attackers} of 256 netgroups has little of the tried entries and of the connections (seed ${seed})`, () => {
      const { firstShare, honestTried, outbound, outboundShare, triedShare } = run(attackers, seed)
      // The slots that its netgroups reach, beside the honest entries.
      const slots = Eclipse.reached(attackers, Limits.bookBucketsPerGroup, Limits.bookTriedBuckets) *
        Limits.bookTriedBuckets * Limits.bookBucketSlots
      assert.isAtMost(triedShare, slots / (slots + honestTried[1]))
      assert.isAtLeast(honestTried[1], honestTried[0], "no honest entry is lost to it")
      assert.isAtMost(firstShare, 0.25)
      assert.strictEqual(outbound, Limits.maxPeers)
      // Two per netgroup of its own, of 125.
      assert.isAtMost(outboundShare, 2 * attackers / outbound)
    })
  }

  it("would have several times as many connections without the pace by netgroup", () => {
    const { outboundShare, unpacedShare } = run(4, 2)
    assert.isAbove(unpacedShare, 2 * outboundShare)
  })
})
