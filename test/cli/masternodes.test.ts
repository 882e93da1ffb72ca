/** `timemesh masternodes` and the line of `status`, for a person. */
import { assert, describe, it } from "@effect/vitest"
import { masternodesLine, render } from "../../src/cli/masternodes.ts"
import type { Masternodes } from "../../src/layers/http/AdminApi.ts"

const none = { free: 0, bronze: 0, silver: 0, gold: 0 }
const row: Masternodes["masternodes"][number] = {
  ip: "203.0.113.7",
  key: "ab".repeat(32),
  port: 24_100,
  tier: "gold",
  state: "live",
  proof: "proved",
  isConnected: true,
  isSelf: false,
  witnesses: 0,
  announcedAt: 60_000,
  isContested: false
}

describe("masternodes for a person", () => {
  it("the line counts by state, and the live ones by tier, the greatest first", () => {
    assert.strictEqual(
      masternodesLine({ live: { ...none, free: 2, gold: 1 }, known: { ...none, bronze: 1 }, expired: none }),
      "3 live (1 gold, 2 free), 1 known, 0 expired"
    )
    assert.strictEqual(masternodesLine({ live: none, known: none, expired: none }), "0 live, 0 known, 0 expired")
  })

  it("the list has a row each, what speaks for it, and the conflicts", () => {
    const text = render({
      at: 120_000,
      counts: { live: { ...none, gold: 1, free: 1 }, known: { ...none, free: 1 }, expired: none },
      masternodes: [
        row,
        { ...row, ip: "203.0.113.8", tier: "free", isSelf: true },
        {
          ...row,
          ip: "203.0.113.9",
          tier: "free",
          state: "known",
          isConnected: false,
          witnesses: 1,
          port: 0,
          isContested: true
        }
      ],
      conflicts: ["2 keys claim 203.0.113.9: ab, cd"]
    }, undefined)
    const lines = text.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "))
    assert.match(lines[0] ?? "", /^MASTERNODE \| PORT \| TIER \| STATE \| PROOF \| SEEN BY \| ANNOUNCED \| KEY/)
    assert.match(lines[1] ?? "", /^203\.0\.113\.7 \| 24100 \| gold \| live \| proved \| connected \| .*ago \| abab/)
    assert.match(lines[2] ?? "", /\| this node \|/)
    assert.match(lines[3] ?? "", /^203\.0\.113\.9 \| none \| free \| known, contested \| proved \| 1 netgroup \|/)
    assert.include(text, "conflict: 2 keys claim 203.0.113.9: ab, cd")
    assert.match(text, /2 live \(1 gold, 1 free\), 1 known, 0 expired$/)
    assert.strictEqual(
      render({ at: 0, counts: { live: none, known: none, expired: none }, masternodes: [], conflicts: [] }, 80),
      "0 live, 0 known, 0 expired"
    )
  })
})
