/** What the dashboard keeps of answers and events. */
import { assert, describe, it } from "@effect/vitest"
import * as bounds from "../../web/model/bounds.js"
import * as format from "../../web/model/format.js"
import * as Sse from "../../web/model/Sse.js"
import * as State from "../../web/model/State.js"
import * as downs from "../../web/view/downs.js"
import { at, connection, down, page, peer, peers, status } from "./sample.ts"

describe("the dashboard's state", () => {
  it("takes Downs from the node's counters: none is missed, none counted twice, also over a restart", () => {
    let state = page([], {}, status({}, { downsByReason: { EOF: 3 } }))
    assert.deepStrictEqual(state.downs, [])
    state = State.answered(state, status({}, { downsByReason: { EOF: 5, silent: 1 } }), peers([], at + 1_000), 1_000)
    state = State.answered(state, status({}, { downsByReason: { EOF: 5, silent: 1 } }), peers([], at + 2_000), 2_000)
    assert.deepStrictEqual(downs.totals(state.downs), [["EOF", 2], ["silent", 1]])
    // Another process: its counters begin at 0, and what it has counted is new.
    const restarted = status({ startedAt: at + 60_000 }, { downsByReason: { EOF: 1 } })
    state = State.answered(state, restarted, peers([], at + 61_000), 61_000)
    assert.deepStrictEqual(downs.totals(state.downs), [["EOF", 3], ["silent", 1]])
    // An hour later they are out of sight.
    state = State.answered(state, restarted, peers([], at + 3_700_000), 3_700_000)
    assert.deepStrictEqual(state.downs, [])
  })

  it("draws Downs of before the page from events, by the node's own labels, and later ones only from counters", () => {
    const past = [
      down(at - 120_000, { kind: "eof", by: "remote" }),
      down(at - 60_000, { kind: "rejected", by: "remote", reject: "in-use" }),
      down(at - 60_000, { kind: "silent", by: "local" }),
      { at, event: "Up", level: "Info", text: "up" }
    ]
    const early = State.happened(State.initial, past)
    assert.deepStrictEqual(downs.totals(early.downs), [["EOF", 1], ["rejected: in-use", 1], ["silent", 1]])
    // The same when the first answer was faster than the events; what is later is in its counters.
    const late = State.happened(page([]), [...past, down(at + 1, { kind: "eof", by: "remote" })])
    assert.deepStrictEqual(late.downs, early.downs)
    assert.deepStrictEqual([late.events.length, late.events[0]?.at], [5, at + 1])
  })

  it("stacks reasons so that the last one's top is the sum, minute by minute", () => {
    const bins = [
      { minute: Math.floor(at / 60_000) - 1, counts: { EOF: 2, silent: 1 } },
      { minute: Math.floor(at / 60_000), counts: { silent: 4 } }
    ]
    const { minutes, stacks } = downs.stacked(bins, at)
    assert.strictEqual(minutes.length, bounds.downMinutes)
    assert.strictEqual(minutes.at(-1), Math.floor(at / 60_000) * 60)
    assert.deepStrictEqual(stacks.map(({ reason, sums }) => [reason, sums.slice(-2)]), [
      ["EOF", [3, 4]],
      ["silent", [1, 4]]
    ])
  })

  it("keeps no more than its bounds in hours of answers and events", () => {
    let state = State.initial
    for (let i = 0; i < 3_000; i++) {
      const rows = [
        peer(`10.0.0.${i % 250}`, { connection: connection() }),
        peer("10.9.9.9", { connection: connection() })
      ]
      state = State.answered(
        state,
        status({}, { downsByReason: { EOF: i }, blocksAdded: i }),
        peers(rows, at + i * 2_000),
        i * 2_000
      )
      state = State.happened(state, [down(at + i * 2_000, { kind: "eof", by: "remote" })])
    }
    assert.deepStrictEqual(Object.keys(state.rtts), ["10.0.0.249", "10.9.9.9"])
    assert.strictEqual(state.rtts["10.9.9.9"]?.length, bounds.rtts)
    assert.deepStrictEqual([state.growth.length, state.events.length], [bounds.growth, bounds.events])
    assert.isAtMost(state.downs.length, bounds.downMinutes)
    assert.strictEqual(State.rate(state, 30_000), 0.5)
  })

  it("says that the node is lost, keeps what it showed, and wakes with the next answer", () => {
    const state = State.lost(page([peer("10.0.0.1", { connection: connection() })]), "it may be stopped")
    assert.deepStrictEqual([state.link, state.peers?.open], ["lost", 1])
    assert.strictEqual(State.answered(state, status(), peers([]), 5).link, "live")
    assert.strictEqual(State.lost(State.initial, "x").link, "asking")
  })

  it("an answer for an address that is no longer open is not shown", () => {
    const why = { ip: "10.0.0.1", state: "unknown", text: "not known" } as const
    const open = State.selected(page([]), "10.0.0.1")
    assert.strictEqual(State.explained(open, why, ["a"]).why?.text, "not known")
    assert.isUndefined(State.explained(State.selected(open, "10.0.0.2"), why, ["a"]).why)
  })
})

describe("server-sent events", () => {
  const text =
    "id: a-1\nevent: start\ndata: {\"missed\":0}\n\n: beat\n\ndata: one\ndata: two\r\n\r\nevent: beat\ndata: {}\n\n"

  it("are the same however the bytes are cut", () => {
    const whole = Sse.read("", text)
    assert.deepStrictEqual(whole, {
      messages: [
        { id: "a-1", event: "start", data: "{\"missed\":0}" },
        { id: undefined, event: "message", data: "one\ntwo" },
        { id: undefined, event: "beat", data: "{}" }
      ],
      rest: ""
    })
    for (let cut = 0; cut <= text.length; cut++) {
      const first = Sse.read("", text.slice(0, cut))
      const second = Sse.read(first.rest ?? "", text.slice(cut))
      assert.deepStrictEqual([...first.messages, ...second.messages], [...whole.messages], `cut at ${cut}`)
    }
  })

  it("one that never ends is given up", () => {
    assert.isUndefined(Sse.read("", "x".repeat(bounds.eventCharacters + 1)).rest)
  })
})

describe("numbers and times", () => {
  it("are short", () => {
    assert.deepStrictEqual([undefined, 0, 400, 9_960, 61_000, 150_000, 7_200_000, 432_000_000].map(format.age), [
      "–",
      "0.0 s",
      "0.4 s",
      "10 s",
      "61 s",
      "3 min",
      "2.0 h",
      "5 d"
    ])
    assert.deepStrictEqual([0, 999, 1_500, 99_600, 12_345_678].map(format.bytes), [
      "0 B",
      "999 B",
      "1.5 KB",
      "100 KB",
      "12.3 MB"
    ])
    assert.strictEqual(format.clock(at), "12:00:00")
    assert.isTrue(format.ipOrder("10.0.0.9") < format.ipOrder("10.0.0.10"))
  })
})
