/** What a peer wrote, on a terminal: it moves nothing, and takes the columns that it is given. */
import { assert, describe, it } from "@effect/vitest"
import { cut, hang, harmless, padded, widthOf } from "../../src/cli/terminalText.ts"

describe("text on a terminal", () => {
  it("has no character that a terminal obeys, or that turns text about", () => {
    const hostile = [
      "\u001b[2J\u001b]0;owned\u0007",
      "\u009b31m",
      "a\r\nb\tc",
      "\u202Egnp.exe",
      "\u2066x\u2069",
      "z\u200Dw\u200B",
      "\uD800",
      "\u2028\u2029",
      "\u0000\u007f",
      "\uE000"
    ]
    for (const text of hostile) {
      assert.notMatch(harmless(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u, JSON.stringify(text))
    }
    assert.strictEqual(harmless("a\r\n b\t c"), "a b c")
    assert.strictEqual(harmless(`e${"\u0301".repeat(100)}`), "e\u0301\u0301")
    assert.strictEqual(harmless("timemesh/0.1.0 — ok"), "timemesh/0.1.0 — ok")
  })

  it("is as wide as a terminal shows it", () => {
    assert.deepStrictEqual(["abc", "日本語", "한글", "e\u0301", "🦀", "ﾊﾝ", "ＡＢ", "—…"].map(widthOf), [
      3,
      6,
      4,
      1,
      2,
      2,
      4,
      2
    ])
    assert.strictEqual(padded("日本", 6), "日本  ")
    assert.strictEqual(padded("long", 2), "long")
  })

  it("is cut at a whole character, never wider than it may be", () => {
    assert.deepStrictEqual([
      cut("abcdef", 4),
      cut("abcd", 4),
      cut("日本語", 4),
      cut("日本語", 6),
      cut("ab", 1),
      cut("ab", 0)
    ], [
      "abc…",
      "abcd",
      "日…",
      "日本語",
      "…",
      ""
    ])
    for (let columns = 0; columns < 12; columns++) assert.isAtMost(widthOf(cut("a日b本c語🦀d", columns)), columns)
  })

  it("hangs below the last column of its line, and keeps every word and colour", () => {
    assert.strictEqual(hang("as it is", undefined), "as it is")
    assert.strictEqual(
      hang("  --ping DURATION    one two three four five six", 36),
      "  --ping DURATION    one two three\n                     four five six"
    )
    assert.strictEqual(hang("one two three four", 9), "one two\nthree\nfour")
    const coloured = hang("\u001b[1mlabel\u001b[0m  one two three four", 16)
    assert.strictEqual(coloured, "\u001b[1mlabel\u001b[0m  one two\n       three\n       four")
    // A word that is longer than the line stays whole: it may be an address.
    assert.strictEqual(hang("see http://example.org/long now", 10), "see\nhttp://example.org/long\nnow")
    // Where the last column begins too far to the right, the text stands below the first.
    assert.strictEqual(hang(`${"x".repeat(18)}  one two three`, 24), `${"x".repeat(18)}  one\n  two three`)
  })
})
