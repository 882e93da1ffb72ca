import { assert, describe, it } from "@effect/vitest"
import { render } from "../../src/cli/bans.ts"

const bans = (...reasons: ReadonlyArray<string>) => ({
  at: 10_000_000,
  bans: reasons.map((reason, i) => ({
    subnet: i === 0 ? "2001:db8:ffff:ffff::/64" : `10.0.0.${i}`,
    since: 6_400_000,
    until: 20_000_000,
    leftMs: 10_000_000,
    by: "score" as const,
    reason
  }))
})

describe("the table of bans", () => {
  it("fits the terminal: long reasons are cut, short ones are not, and without a terminal none is", () => {
    const all = bans("false-block: block 7 of a very long story", "short", "")
    const wide = render(all, undefined).split("\n")
    assert.strictEqual(
      wide[1],
      "2001:db8:ffff:ffff::/64  score  1 h 0 min ago  2 h 46 min  false-block: block 7 of a very long story"
    )
    for (const width of [70, 80, 100]) {
      const lines = render(all, width).split("\n")
      assert.isAtMost(Math.max(...lines.map((line) => line.length)), width)
      assert.match(lines[1] ?? "", width < 100 ? /false-.*…$/ : /2 h 46 min {2}false-block.*/)
      assert.match(lines[2] ?? "", /short$/)
    }
    assert.include(render(all, 10), "2001:db8:ffff:ffff::/64", "what identifies a ban is never cut")
    assert.strictEqual(render({ at: 0, bans: [] }, 80), "No bans")
    assert.notInclude(render(bans("two\nlines"), 200).split("\n")[1] ?? "", "\n")
  })
})
