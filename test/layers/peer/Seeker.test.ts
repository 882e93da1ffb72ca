/** Which addresses of the book get a row, when; feelers, and asking peers for more. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Seeker from "../../../src/layers/peer/Seeker.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand

/** A node whose book has so many addresses by gossip, each of a netgroup of its own. */
const withBook = (count: number, options: hand.Options = {}) => {
  const node = hand.make(options)
  // Addresses to pick are drawn by a sequence that repeats: the same in each run.
  let n = 0
  node.random(() => (n = (n * 9_301 + 49_297) % 233_280) / 233_280)
  for (let i = 0; i < count; i++) {
    node.ctx.book.add({ ip: ip(`10.${i >> 8}.${i & 255}.1`), port: 4_000 }, "operator", node.ctx.nowMs())
  }
  return node
}
const good = (
  { ctx }: hand.Hand,
  text: string,
  direction: "inbound" | "outbound" = "outbound",
  wire: "native" | "time" = "native"
) => ctx.book.good(ip(text), { port: 4_000, wire, direction }, ctx.nowMs())

const rows = ({ ctx }: hand.Hand) => [...ctx.table.peers()]
/** Every place is taken. */
const fill = ({ ctx }: hand.Hand) => {
  for (let i = 0; i < ctx.setup.tuning.maxPeers; i++) ctx.slots.takePlace(ip(`12.0.0.${i}`), false)
}

describe("at the start", () => {
  it("the anchors come first, then the latest handshakes, then gossip, as many as there may be rows at first", () => {
    const node = withBook(400)
    for (const [i, text] of ["11.0.0.1", "11.0.0.2", "11.0.0.3"].entries()) {
      node.pass(i)
      good(node, text)
    }
    Seeker.start(node.ctx, [ip("11.0.0.2"), ip("99.0.0.1")])
    const all = rows(node)
    assert.deepStrictEqual(all.slice(0, 3).map((peer) => `${peer.ip}`), ["11.0.0.2", "11.0.0.3", "11.0.0.1"])
    assert.deepStrictEqual(new Set(all.slice(0, 3).map(({ book }) => book.source)), new Set(["stored"]))
    const gossip = all.slice(3)
    // Addresses that are drawn twice make it fewer.
    assert.isAtMost(gossip.length, Limits.seekFirstRows)
    assert.isAbove(gossip.length, 0.75 * Limits.seekFirstRows)
    assert.deepStrictEqual(new Set(gossip.map(({ book }) => book.source)), new Set(["gossip"]))
  })

  it("a higher peer that only we could dial is dialled at once again; one that dialled us is waited for", () => {
    const node = withBook(0, { own: "10.255.0.1" })
    const ranked = (text: string, direction: "inbound" | "outbound") => {
      good(node, text, direction)
      const peer = node.row(text, "stored")
      peer.pair = { ...PairState.empty, rank: "higher" }
      return peer
    }
    const [a, b] = [ranked("11.0.0.1", "outbound"), ranked("11.0.0.2", "inbound")]
    const c = ranked("11.0.0.3", "outbound")
    c.pair = { ...PairState.empty, rank: "lower" }
    Seeker.start(node.ctx, [])
    assert.deepStrictEqual([a, b, c].map(({ book }) => book.onlyWeDial), [true, false, false])
  })

  it("one that spoke TIME is dialled by that network's rules from the first dial on, if its address can be a peer's", () => {
    const node = withBook(0, { network: networks.testnet })
    good(node, "11.0.0.1", "outbound", "time")
    good(node, "11.0.0.2")
    good(node, "10.0.0.100", "outbound", "time")
    Seeker.start(node.ctx, [])
    assert.deepStrictEqual(rows(node).map((peer) => [`${peer.ip}`, peer.speaks, peer.time !== undefined]).toSorted(), [
      ["11.0.0.1", "time", true],
      ["11.0.0.2", "native", false]
    ])
  })
})

describe("later", () => {
  /** A node that has started, with so many addresses in its book. */
  const started = (count: number, options: hand.Options = {}) => {
    const node = withBook(0, options)
    Seeker.start(node.ctx, [])
    for (let i = 0; i < count; i++) {
      node.ctx.book.add({ ip: ip(`10.${i >> 8}.${i & 255}.1`), port: 4_000 }, "operator", node.ctx.nowMs())
    }
    return node
  }

  it("the book gives rows at every interval, until so many wait for their first dial", () => {
    const node = started(200)
    node.pass(Limits.seekEveryMs - 1)
    assert.strictEqual(rows(node).length, 0)
    node.pass(1)
    assert.isAbove(rows(node).length, 0.75 * Limits.seekRows)
    node.pass(5 * Limits.seekEveryMs)
    assert.strictEqual(rows(node).length, Limits.seekRows)
    for (const peer of rows(node).slice(0, 5)) peer.backoff = { failures: Limits.candidateTries }
    node.pass(5 * Limits.seekEveryMs)
    assert.strictEqual(rows(node).length, Limits.seekRows + 5)
  })

  it("none while every place is taken, nor once the node stops", () => {
    const full = started(50)
    fill(full)
    full.pass(Limits.seekEveryMs)
    assert.strictEqual(rows(full).length, 0)
    const stopped = started(50)
    stopped.ctx.slots.close()
    stopped.pass(10 * Limits.feelerEveryMs)
    assert.strictEqual(rows(stopped).length, 0)
    assert.strictEqual(stopped.hand.timers.size(), 0, "its timers end")
  })

  it("none to an address that is banned, was just dialled, or has a row", () => {
    const node = started(3)
    const now = node.ctx.timers.now()
    node.ctx.protection.bans.put({
      subnet: Subnet.ofOne(ip("10.0.0.1")),
      since: now,
      until: now + 1e9,
      by: "operator",
      reason: ""
    })
    node.pass(Limits.seekEveryMs - 1)
    node.ctx.book.dialled(ip("10.0.1.1"), node.ctx.nowMs())
    node.pass(1)
    assert.deepStrictEqual(rows(node).map((peer) => `${peer.ip}`), ["10.0.2.1"])
  })

  it("no more than are missing, whatever the draws give; a book that gives none leaves the table as it is", () => {
    const node = started(200)
    for (const { known } of node.ctx.book.entries()) node.ctx.groups.began(PeerIp.operatorOf(known.ip), 0)
    node.pass(20 * Limits.seekEveryMs)
    assert.strictEqual(rows(node).length, Limits.seekRows)
    const none = started(50)
    none.ctx.book.pick = () => undefined
    none.pass(Limits.seekEveryMs)
    assert.strictEqual(rows(none).length, 0)
    const empty = started(0)
    empty.ctx.book.pick = () => assert.fail("drawn from an empty book")
    empty.pass(Limits.seekEveryMs)
  })

  it("addresses of netgroups that have connections come after those of netgroups without", () => {
    const node = withBook(0)
    const text = (i: number) => `${100 + i % 50}.${i}.0.1`
    for (let i = 0; i < 60; i++) {
      node.ctx.book.add({ ip: ip(text(i)), port: 4_000 }, "operator", node.ctx.nowMs())
      if (i >= 20) node.ctx.groups.began(`${100 + i % 50}.${i}/16`, 0)
    }
    Seeker.start(node.ctx, [])
    const order = rows(node).map((peer) => node.ctx.groups.count(peer.group))
    assert.deepStrictEqual(order, order.toSorted((a, b) => a - b))
    assert.isAbove(order.filter((count) => count === 0).length, 0)
    assert.isAbove(order.filter((count) => count > 0).length, 0)
  })

  it("a peer is asked for addresses when places are free and nothing is left to try: longest ago first, less and less often", () => {
    const node = started(0)
    const [a, b] = [node.up("10.0.0.1"), node.up("10.0.0.2")]
    const asked = () => [a, b].map(({ connection }) => connection.tags().filter((tag) => tag === "AskPeers").length)
    const turns = ([[0, 1], [1, 0], [0, 0], [0, 1], [1, 0]] as const).map((expected) => {
      node.pass(Limits.seekEveryMs)
      return [asked(), expected] as const
    })
    for (const [got, expected] of turns) assert.deepStrictEqual(got, [...expected])
    a.up.asked = { at: node.ctx.timers.now(), times: Limits.askNeedyTimes }
    b.up.asked = { at: node.ctx.timers.now(), times: 3 }
    node.pass(4 * Limits.askNeedyMs - 1)
    assert.deepStrictEqual(asked(), [0, 0])
    node.pass(Limits.seekEveryMs + 1)
    assert.deepStrictEqual(asked(), [0, 1], "never the one that was asked so often")
  })

  it("of several that may be asked, the one that was asked longest ago is, wherever its row stands", () => {
    for (const oldest of [0, 1, 2]) {
      const node = started(0)
      const all = [node.up("10.0.0.1"), node.up("10.0.0.2"), node.up("10.0.0.3")]
      for (const [i, { up }] of all.entries()) up.asked = { at: i === oldest ? 1 : 5 + i, times: 1 }
      node.pass(Limits.askNeedyMs + 10)
      const first = all.map(({ connection }) => connection.tags().filter((tag) => tag === "AskPeers").length)
      node.pass(Limits.seekEveryMs)
      const asked = all.map(({ up }) => up.asked?.at ?? 0)
      const due = all[oldest]?.up.asked?.at ?? 0
      assert.isAbove(due, 10, `${first}`)
      assert.isTrue(asked.every((at) => at < 10 || at >= due), `${asked}`)
    }
  })

  it("no address gets a row where all rows of gossip are in use", () => {
    const node = started(20)
    for (let i = 0; i < Limits.candidates; i++) {
      node.socket(`11.0.${i >> 8}.${i & 255}`, { source: "gossip" }).peer.backoff = { failures: Limits.candidateTries }
    }
    const { length } = rows(node)
    node.pass(2 * Limits.seekEveryMs)
    assert.strictEqual(rows(node).length, length)
  })

  it("a peer that comes up when all others have been asked as often as they may be is asked", () => {
    const node = started(0)
    const a = node.up("10.0.0.1")
    a.up.asked = { at: node.ctx.timers.now(), times: Limits.askNeedyTimes }
    node.pass(2 * Limits.seekEveryMs)
    assert.notInclude(a.connection.tags(), "AskPeers")
    const b = node.up("10.0.0.2")
    node.pass(Limits.seekEveryMs)
    assert.deepStrictEqual(b.connection.tags().filter((tag) => tag === "AskPeers"), ["AskPeers"])
  })

  it("but not while addresses are left to try, nor when every place is taken", () => {
    const node = started(10)
    const a = node.up("10.9.0.1")
    node.pass(5 * Limits.seekEveryMs)
    assert.deepStrictEqual(a.connection.tags(), [])
    const full = started(0)
    const b = full.up("10.9.0.1")
    fill(full)
    full.pass(5 * Limits.seekEveryMs)
    assert.deepStrictEqual(b.connection.tags(), [])
  })

  it("one of the peers, drawn at random, is asked now and then in any case", () => {
    const node = started(0)
    const all = [node.up("10.0.0.1"), node.up("10.0.0.2"), node.up("10.0.0.3")]
    for (const { up } of all) up.asked = { at: 0, times: Limits.askNeedyTimes }
    let asked = 0
    for (let i = 0; i < 40; i++) {
      node.pass(Limits.askEveryMs)
      asked += all.filter(({ connection }) => connection.tags().includes("AskPeers")).length
    }
    assert.approximately(asked, 40, 8)
    assert.isTrue(all.every(({ up }) => (up.asked?.times ?? 0) > Limits.askNeedyTimes), "each had its turn")
  })
})

describe("a feeler", () => {
  const full = (count: number) => {
    const node = withBook(count)
    fill(node)
    Seeker.start(node.ctx, [])
    return node
  }

  it("tests one address now and then while every place is taken, and only then", () => {
    const node = full(5)
    assert.strictEqual(rows(node).length, 0)
    node.pass(1.5 * Limits.feelerEveryMs)
    const [feeler, ...others] = rows(node)
    assert.deepStrictEqual([feeler?.isFeeler, others.length], [true, 0])
    const free = withBook(5)
    Seeker.start(free.ctx, [])
    free.pass(1.5 * Limits.feelerEveryMs)
    assert.isFalse(rows(free).some(({ isFeeler }) => isFeeler))
  })

  it("tests first whose place in the book another wants, and never a peer that is up", () => {
    const node = full(5)
    good(node, "11.0.0.1")
    const holder = node.ctx.book.get(ip("11.0.0.1"))
    node.ctx.book.toTest = () => holder
    node.pass(1.5 * Limits.feelerEveryMs)
    const [feeler] = rows(node)
    assert.deepStrictEqual([feeler?.ip, feeler?.book.source, feeler?.isFeeler], [ip("11.0.0.1"), "stored", true])
    const connected = full(0)
    good(connected, "11.0.0.1")
    const { peer } = connected.up("11.0.0.1", { source: "configured" })
    connected.ctx.book.toTest = () => connected.ctx.book.get(peer.ip)
    connected.pass(1.5 * Limits.feelerEveryMs)
    assert.isFalse(peer.isFeeler)
  })

  it("passes over addresses that are connected or were just dialled", () => {
    const node = full(3)
    node.up("10.0.0.1", { source: "configured" })
    node.ctx.timers.arm(0.4 * Limits.feelerEveryMs, () => {})
    node.pass(0.49 * Limits.feelerEveryMs)
    for (let i = 0; i < 2; i++) node.ctx.book.dialled(ip(`10.0.${i}.1`), node.ctx.nowMs() + 0.5 * Limits.feelerEveryMs)
    node.pass(1.01 * Limits.feelerEveryMs)
    assert.deepStrictEqual(rows(node).filter(({ isFeeler }) => isFeeler).map((peer) => `${peer.ip}`), ["10.0.2.1"])
  })
})
