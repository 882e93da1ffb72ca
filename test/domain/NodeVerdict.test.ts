/** The verdict: one sentence, what to do, and whether the node is ready. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeVerdict from "../../src/domain/NodeVerdict.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { PeerSummary } from "../../src/domain/peer/PeerSummary.ts"

const peers: PeerSummary = { known: 4, connected: 4, missing: [], troubled: {}, apart: {}, sentence: "" }
const chain = { height: 19, target: 19, synced: true }
const facts: NodeVerdict.Facts = { peers, inbound: 3, outbound: 1, chain, notices: [] }
const missing = {
  situation: "refused",
  peers: 1,
  example: PeerIp.fromStringUnsafe("10.0.0.9"),
  cause: "the host refuses connections at port 24200",
  fix: "start the node there"
} as const

const of = (change: Partial<NodeVerdict.Facts>) => NodeVerdict.of({ ...facts, ...change })
const none = { ...peers, known: 1, connected: 0, missing: [missing] }

describe("verdict", () => {
  it("is OK: peers and height", () => {
    assert.deepStrictEqual(of({}), {
      isOk: true,
      isReady: true,
      text: "OK: 4 peers (3 in, 1 out), height 19 = best peer",
      problems: []
    })
    assert.strictEqual(of({ chain: undefined }).text, "OK: 4 peers (3 in, 1 out)")
    const one = of({ peers: { ...peers, known: 1, connected: 1 }, inbound: 0, outbound: 1 })
    assert.strictEqual(one.text, "OK: 1 peer (0 in, 1 out), height 19 = best peer")
  })

  it("of a node that syncs is OK, but not ready", () => {
    const { isOk, isReady, text } = of({ chain: { height: 5, target: 100, synced: false } })
    assert.deepStrictEqual([isOk, isReady], [true, false])
    assert.strictEqual(text, "OK: 4 peers (3 in, 1 out), syncing: height 5 of 100")
  })

  it("of a node that cannot store blocks is a problem, before all others", () => {
    const fix = "free some space (the stored chain is intact)"
    const halted = { what: "chain.db cannot grow: database or disk is full", fix }
    const { isOk, isReady, text } = of({ peers: none, chain: { height: 5, target: 100, synced: false, halted } })
    assert.deepStrictEqual([isOk, isReady], [false, false])
    assert.strictEqual(
      text,
      "PROBLEM: height 5, not storing: chain.db cannot grow: database or disk is full; free some space (the stored chain is " +
        "intact) (and 1 more)"
    )
  })

  it("of a store keeps problem and fix apart as the store gave them, whatever they say", () => {
    const halted = { what: "server says: \"locked; try later\"", fix: "stop the other program; then start the node" }
    const { problems } = of({ chain: { height: 5, target: 100, synced: false, halted } })
    assert.deepStrictEqual(problems, [{ what: `height 5, not storing: ${halted.what}`, fix: halted.fix }])
    const [alone] = of({ chain: { height: 5, target: 5, synced: true, halted: { what: "gone" } } }).problems
    assert.deepStrictEqual(alone, { what: "height 5, not storing: gone" })
  })

  it("of a node that cannot store its peer book and bans is a problem, whatever its chain does", () => {
    const { isOk, isReady, text } = of({
      book: "/data/peers.db: disk is full; the peer book and the bans are not stored"
    })
    assert.deepStrictEqual([isOk, isReady], [false, true])
    assert.strictEqual(
      text,
      "PROBLEM: /data/peers.db: disk is full; the peer book and the bans are not stored; make room on that disk, or mend it: " +
        "they are stored by themselves then"
    )
  })

  it("of a node without peers says why, and what to do", () => {
    const alone = of({ peers: none, inbound: 0, outbound: 0 })
    assert.deepStrictEqual([alone.isOk, alone.isReady], [false, false])
    assert.strictEqual(
      alone.text,
      "PROBLEM: none of 1 known peers is connected: 10.0.0.9: the host refuses connections at port 24200; start the node there"
    )
    const unknown = of({ peers: { ...peers, known: 0, connected: 0 } })
    assert.strictEqual(
      unknown.text,
      "PROBLEM: no peers known; name one with --peer IP:PORT, or wait for an inbound connection"
    )
    const many = of({ peers: { ...none, missing: [{ ...missing, peers: 7 }] } })
    assert.include(many.text, "7 such as 10.0.0.9: ")
  })

  it("names connections that flap, a clock that is wrong, and a second node behind the address", () => {
    const flaps = of({ peers: { ...peers, troubled: { flaps: 2, clock: 1 } } })
    assert.strictEqual(flaps.isReady, true)
    assert.deepStrictEqual(flaps.problems.map(({ what }) => what), [
      "this node's clock is behind its peers'",
      "2 of 4 connections drop again and again"
    ])
    assert.match(
      flaps.text,
      /^PROBLEM: this node's clock is behind its peers'; set this host's clock \(NTP\) \(and 1 more\)$/
    )
    const cause = "another node answers at its address"
    const second = of({ notices: [{ notice: "second-node", cause, fix: "run one node per public IP" }] })
    assert.strictEqual(second.text, `PROBLEM: ${cause}; run one node per public IP`)
    assert.isTrue(
      of({ notices: [{ notice: "unreachable", cause, fix: "open the port" }] }).isOk,
      "a node behind NAT is well"
    )
    assert.isTrue(of({ peers: { ...peers, troubled: { quiet: 1 } } }).isOk, "a quiet line is watched by the heartbeat")
  })
})
