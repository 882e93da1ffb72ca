/** The screen of `timemesh watch` fits every terminal, and nothing that a peer says leaves its place. */
import { assert, describe, it } from "@effect/vitest"
import { widthOf } from "../../../src/cli/terminalText.ts"
import * as Model from "../../../src/cli/watch/Model.ts"
import * as screen from "../../../src/cli/watch/screen.ts"
import { frame } from "../../../src/cli/watch/terminal.ts"
import { answer, down, happened, started, up } from "./node.ts"

const hostile = "\u001b[2J\u009b31m\u202E日本語🦀\r\nOK: 99 peers"
const ip = (i: number) => i % 2 === 0 ? `203.0.113.${i}` : `2001:db8:aaaa:bbbb:cccc:dddd:eeee:${i.toString(16)}`

const modelOf = (peers: ReadonlyArray<ReturnType<typeof up>>, events = 30, status = {}): Model.Model =>
  Array.from({ length: events }, (_, i) => happened(i + 1, `${hostile} ${i + 1}`)).reduce(
    Model.heard,
    Model.answered(Model.heard(Model.start, started(false)), answer(peers, status), 5_000)
  )

const many = [
  ...Array.from({ length: 40 }, (_, i) => up(ip(i), { software: hostile, ...i === 7 ? { situation: "flaps" } : {} })),
  ...Array.from({ length: 20 }, (_, i) => down(ip(100 + i), hostile))
]

const show = (model: Model.Model, columns: number, rows: number, now = 5_000) =>
  screen.render(model, { columns, rows }, now)

describe("the screen of timemesh watch", () => {
  it("fits terminals of 1 to 250 columns and 1 to 80 rows, whatever peers call themselves", () => {
    const models = [
      Model.start,
      modelOf([], 0),
      modelOf(many),
      modelOf(many.slice(0, 1), 1),
      Model.failed(modelOf(many), hostile),
      modelOf(many, 30, { verdict: { ok: false, ready: false, text: `PROBLEM: ${"long ".repeat(60)}`, problems: [] } })
    ]
    for (const model of models) {
      for (const columns of [1, 2, 10, 40, 41, 60, 80, 200, 250]) {
        for (const rows of [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 24, 80]) {
          const lines = show(model, columns, rows)
          assert.isAtLeast(lines.length, 1)
          assert.isAtMost(lines.length, rows, `${columns} x ${rows}`)
          for (const line of lines) {
            assert.isAtMost(widthOf(line), Math.max(1, columns - 1), `${columns} x ${rows}: ${line}`)
            assert.notMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
          }
        }
      }
    }
  })

  it("has at 60 columns what matters most", () => {
    assert.deepStrictEqual(
      show(modelOf([up("10.0.0.2"), up("10.0.0.3", { situation: "flaps" }), down("10.0.0.9", "refused")], 2), 60, 14),
      [
        "OK: 2 peers (2 in, 0 out), height 19 = best peer",
        "height 19, 2 peers, in sync, 1 reorg",
        "timemesh/0.1.0 on devnet at 127.0.0.1:24200, process 4711,…",
        "",
        "PEER      DIR  HEIGHT  UP FOR     STATE",
        "10.0.0.3  in   19      1 min 1 s  up, flaps",
        "10.0.0.2  in   19      1 min 1 s  up",
        "10.0.0.9                          down: refused, we dial i…",
        "",
        "EVENTS",
        "00:00:01  ?[2J?31m?日本語🦀 OK: 99 peers 1",
        "00:00:02  ?[2J?31m?日本語🦀 OK: 99 peers 2"
      ]
    )
  })

  it("has at 200 columns all of it", () => {
    const lines = show(modelOf([up("10.0.0.2"), down("10.0.0.9", "refused")], 1), 200, 14)
    assert.strictEqual(
      lines[4],
      "PEER      PORT   DIR  HEIGHT  RTT     LAST BYTE  UP FOR     WIRE                     RECEIVED  SENT    SOFTWARE        STATE"
    )
    assert.strictEqual(
      lines[5],
      "10.0.0.2  24200  in   19      1.2 ms  2 s        1 min 1 s  native, TLSv1.3, pinned  2.0 KiB   1000 B  timemesh/0.1.0  up"
    )
    assert.match(lines[6] ?? "", /^10\.0\.0\.9 {2}24200 .* down: refused, we dial in 4 s$/)
  })

  it("the less room, the less of it: the verdict stays to the last, and what is left out is counted", () => {
    const model = modelOf(many)
    assert.deepStrictEqual(show(model, 80, 1), ["OK: 40 peers (40 in, 0 out), height 19 = best peer"])
    assert.strictEqual(show(model, 80, 2)[1], "height 19, 40 peers, in sync, 1 reorg")
    const five = show(model, 80, 5)
    assert.match(five[3] ?? "", /^PEER/)
    assert.strictEqual(five[4], "and 60 more, 40 of them up")
    const ten = show(model, 80, 10)
    assert.include(ten.join("\n"), "up, flaps", "a peer in trouble comes first")
    assert.match(ten.at(-1) ?? "", /peers 30$/, "the latest event is the last line")
  })

  it("says for how long there is no answer, and what was known before", () => {
    const lines = show(Model.failed(modelOf([up("10.0.0.2")]), "connection refused"), 80, 24, 17_000)
    assert.strictEqual(lines[0], "NO ANSWER for 12 s, trying again: connection refused")
    assert.match(lines.join("\n"), /\n10\.0\.0\.2 /)
  })

  it("shows how far sync is, and how fast", () => {
    const syncing = (height: number) =>
      answer([up("10.0.0.2")], {
        chain: {
          height,
          hash: "00",
          headers: 100,
          synced: false,
          line: `height ${height} of 100`,
          reorgs: 0,
          waiting: { blocks: 7, bytes: 70 },
          peers: [{ ip: "10.0.0.2", height: 100, blocks: height, use: "sending blocks" }]
        }
      })
    const model = Model.answered(Model.answered(Model.start, syncing(5), 1_000), syncing(55), 3_000)
    assert.strictEqual(
      show(model, 120, 24, 3_000)[1],
      "[###########.........] height 55 of 100, 25 blocks/s, 1 source, 7 blocks waiting"
    )
  })

  it("notes a restart and lost events, and keeps a bounded number of events", () => {
    const before = modelOf([up("10.0.0.2")])
    const same = Model.answered(before, answer([], { uptimeMs: 11_000, startedAt: 999 }), 7_000)
    assert.strictEqual(
      same.events,
      before.events,
      "its start is counted back from now, and may differ by a millisecond"
    )
    const after = Model.answered(before, answer([], { pid: 4712, startedAt: 20_000, uptimeMs: 5 }), 20_000)
    assert.deepStrictEqual(after.events.at(-1), { at: 20_000, text: "the node was started anew, as process 4712" })
    const container = Model.answered(before, answer([], { startedAt: 20_000, uptimeMs: 5 }), 20_000)
    assert.match(container.events.at(-1)?.text ?? "", /anew/)
    assert.match(Model.heard(before, started(true, 9)).events.at(-1)?.text ?? "", /^9 events were missed$/)
    assert.strictEqual(Model.heard(before, started(false, 0)).events.length, before.events.length)
    const full = modelOf([], 1_000)
    assert.strictEqual(full.events.length, 200)
    assert.match(full.events.at(-1)?.text ?? "", /1000$/)
  })

  it("a frame begins at the top, erases what it does not cover, and has no line break at its end", () => {
    assert.strictEqual(frame(["a", "b"], false), "\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J")
    assert.strictEqual(frame(["a"], true), "\u001b[H\u001b[1ma\u001b[0m\u001b[K\u001b[J")
  })

  it("a snapshot has the events that the one before had not", () => {
    const before = modelOf([up("10.0.0.2")], 3)
    const after = Model.heard(before, happened(4, "the fourth"))
    assert.match(
      screen.snapshot(before, [], 0),
      /^OK: 1 peers.*\n.*\n.*\nPEER .*\n10\.0\.0\.2 .*\n00:00:01 .*1\n.*2\n.*3\n$/
    )
    const second = screen.snapshot(after, before.events, 0).split("\n")
    assert.deepStrictEqual(second.slice(5), ["00:00:04  the fourth", ""])
  })
})
