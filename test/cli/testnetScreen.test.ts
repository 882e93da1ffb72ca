import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as testnetScreen from "../../src/cli/testnetScreen.ts"

const sample = (nodes: number): testnetScreen.Sample => ({
  _tag: "Sample",
  elapsedMs: 12_345,
  connected: nodes * (nodes - 1) / 2,
  pairs: nodes * (nodes - 1) / 2,
  nodes: Array.from({ length: nodes }, (_, i) => ({
    ip: `127.0.0.${i + 1}`,
    pid: 4_194_303,
    state: "running",
    status: undefined,
    peers: undefined
  }))
})

const lines = (text: string) => text.split("\n")

/** What a terminal of that width shows after all that was written: cursor movements and the wrapping of long lines included. */
const screenOf = (written: ReadonlyArray<string>, columns: number): ReadonlyArray<string> => {
  let rows: Array<string> = [""]
  for (const text of written) {
    const [, before = "", after = text] = text.split("\u001b[", 3).length === 3 ? text.split("\u001b[") : []
    const rest = before === "" ? text : after.slice(1)
    if (before !== "") rows = [...rows.slice(0, rows.length - 1 - Number.parseInt(before, 10)), ""]
    for (const line of lines(rest)) {
      const parts = line.match(new RegExp(`.{1,${columns}}`, "g")) ?? [""]
      rows.splice(-1, 1, ...parts, "")
    }
  }
  return rows.slice(0, -1)
}

describe("the testnet's screen", () => {
  for (const columns of [20, 40, 60, 80, 200]) {
    for (const nodes of [2, 5, 100]) {
      it(`${nodes} nodes fit ${columns} columns and 24 rows`, () => {
        const text = lines(testnetScreen.render(sample(nodes), { columns, rows: 24 }))
        assert.isBelow(Math.max(...text.map((line) => line.length)), columns)
        assert.isBelow(text.length, 24)
        assert.match(text[0] ?? "", /^NODE/)
        assert.match(text.at(-1) ?? "", /^12 s: /)
      })
    }
  }

  it("the narrower, the fewer columns: the most telling ones stay", () => {
    const heading = (columns: number) => lines(testnetScreen.render(sample(5), { columns, rows: 24 }))[0]?.split(/ +/)
    assert.deepStrictEqual(heading(200), [
      "NODE",
      "PID",
      "STATE",
      "PEERS",
      "DIRECTION",
      "DIALS",
      "DOWNS",
      "RTT",
      "HEIGHT"
    ])
    assert.deepStrictEqual(heading(40), ["NODE", "STATE", "PEERS", "HEIGHT"])
    assert.deepStrictEqual(heading(12), ["NODE"])
  })

  it("redraws in place, also after the terminal became narrower", () => {
    let columns = 120
    const written: Array<string> = []
    const tell = testnetScreen.makeTell(
      (text) => Effect.sync(() => void written.push(text)),
      () => ({ columns, rows: 24 })
    )
    Effect.runSync(tell(sample(5)))
    Effect.runSync(tell(sample(5)))
    assert.strictEqual(screenOf(written, columns).length, 7)
    Effect.runSync(tell({ _tag: "Killed", ip: "127.0.0.2", pid: 7 }))
    Effect.runSync(tell(sample(5)))
    const screen = screenOf(written, columns)
    assert.strictEqual(screen.length, 7 + 1 + 7)
    assert.strictEqual(screen[7], "killed 127.0.0.2 (process 7)")
    // The terminal wraps what it shows already.
    columns = 30
    Effect.runSync(tell(sample(5)))
    assert.strictEqual(screenOf(written, columns).filter((line) => line.startsWith("12 s")).length, 2)
  })

  it("without a terminal there is a line per change", () => {
    const written: Array<string> = []
    const tell = testnetScreen.makeTell((text) => Effect.sync(() => void written.push(text)), undefined)
    Effect.runSync(tell(sample(3)))
    Effect.runSync(tell(sample(3)))
    assert.deepStrictEqual(written, ["12 s: 3 of 3 pairs connected, no height yet"])
  })
})
