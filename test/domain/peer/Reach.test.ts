/** Whether others reach this node: what peers answer that were asked to dial back. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Reach from "../../../src/domain/peer/Reach.ts"

const answers = (...results: ReadonlyArray<Reach.DialBackResult>): Reach.Reach =>
  results.reduce((reach, result, i) => Reach.answered(reach, `group ${i}`, { result, at: i }), Reach.none)

describe("reachability", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<Reach.DialBackResult>, Reach.Reachable]> = [
    [[], "unknown"],
    [["reached"], "yes"],
    [["no-answer"], "unknown"],
    [["no-answer", "refused"], "no"],
    [["reached", "no-answer"], "unknown"],
    [["reached", "no-answer", "reached"], "yes"],
    [["reached", "no-answer", "not-a-node", "another-node"], "no"]
  ]
  for (const [results, expected] of cases) {
    it(`${results.join(", ") || "no answer"}: ${expected}`, () => {
      assert.strictEqual(Reach.verdict(answers(...results), false, 10), expected)
      assert.strictEqual(Reach.verdict(answers(...results), true, 10), "yes", "a peer that came in shows it")
    })
  }

  it("counts the latest answer of a netgroup, and none that is old", () => {
    const reach = Reach.answered(answers("no-answer", "refused"), "group 1", { result: "reached", at: 5 })
    assert.strictEqual(Reach.verdict(reach, false, 10), "unknown")
    assert.strictEqual(Reach.verdict(answers("no-answer", "refused"), false, Limits.dialBackFreshMs + 2), "unknown")
  })

  it("is bounded", () => {
    const many = answers(...Array.from({ length: 100 }, () => "refused" as const))
    assert.strictEqual(many.size, Limits.dialBackAnswers)
    assert.isTrue(many.has("group 99"))
  })

  it("names what most of them met", () => {
    assert.strictEqual(Reach.commonFailure(answers("reached", "refused", "no-answer", "refused"), 10), "refused")
    assert.strictEqual(Reach.commonFailure(answers("reached"), 10), undefined)
    assert.isTrue(Reach.foundAnother(answers("reached", "another-node"), 10))
    assert.isFalse(Reach.foundAnother(answers("reached"), 10))
  })

  it("counts an answer up to the bound, by its age at any time", () => {
    const at = 5_000
    const two = [0, 1].reduce((reach, i) => Reach.answered(reach, `group ${i}`, { result: "refused", at }), Reach.none)
    assert.strictEqual(Reach.verdict(two, false, at + Limits.dialBackFreshMs), "no")
    assert.strictEqual(Reach.verdict(two, false, at + Limits.dialBackFreshMs + 1), "unknown")
    const later = 10 * Limits.dialBackFreshMs
    const fresh = Reach.answered(Reach.none, "a", { result: "reached", at: later })
    assert.strictEqual(Reach.verdict(fresh, false, later), "yes")
  })

  it("is not known where as many reached this node as did not", () => {
    assert.strictEqual(Reach.verdict(answers("reached", "refused", "reached", "no-answer"), false, 10), "unknown")
  })

  it("names the most frequent failure, whichever came first", () => {
    assert.strictEqual(Reach.commonFailure(answers("no-answer", "refused", "refused"), 10), "refused")
    assert.strictEqual(Reach.commonFailure(answers("refused", "refused", "no-answer", "refused"), 10), "refused")
  })
})
