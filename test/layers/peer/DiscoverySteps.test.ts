/** What a node makes of addresses it is told, what it tells others and when, step by step. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import * as Discovery from "../../../src/layers/peer/Discovery.ts"
import * as Gate from "../../../src/layers/peer/Gate.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand
const at = (text: string, port = hand.port) => ({ ip: ip(text), port })

const told = ({ connection }: Pick<hand.Connected, "connection">): ReadonlyArray<ReadonlyArray<string>> =>
  connection.sent().flatMap((message) => message._tag === "Peers" ? [message.peers.map((peer) => `${peer.ip}`)] : [])

describe("an address that is learned", () => {
  it("gets a row, is reported once, and is posted to its pair with the rank that our address gives", () => {
    const node = hand.make()
    const { ctx, posted } = node
    assert.isTrue(Discovery.learn(ctx, at("10.0.0.1", 4_001), "gossip"))
    const peer = ctx.table.get(ip("10.0.0.1"))
    assert.deepStrictEqual([peer?.book.source, peer?.book.port], ["gossip", 4_001])
    assert.deepStrictEqual(node.emitted(), [{ _tag: "PeerLearned", ip: ip("10.0.0.1"), port: 4_001, source: "gossip" }])
    assert.deepStrictEqual(posted(), [[ip("10.0.0.1"), { _tag: "Learned", rank: "higher" }]])
    Discovery.learn(ctx, at("10.0.0.200"), "configured")
    assert.deepStrictEqual(posted(), [[ip("10.0.0.200"), { _tag: "Learned", rank: "lower" }]])
    const unknown = hand.make({ own: "any", interfaces: [] })
    Discovery.learn(unknown.ctx, at("10.0.0.1"), "gossip")
    assert.deepStrictEqual(unknown.posted(), [[ip("10.0.0.1"), { _tag: "Learned", rank: undefined }]])
    const advertised = hand.make({ own: "any", interfaces: [], advertise: "10.0.0.50" })
    Discovery.learn(advertised.ctx, at("10.0.0.70"), "gossip")
    assert.deepStrictEqual(advertised.posted(), [[ip("10.0.0.70"), { _tag: "Learned", rank: "lower" }]])
  })

  it("is no peer's if it is special or our own; the operator reads of the latter", () => {
    const node = hand.make()
    const { ctx, posted } = node
    for (const [address, source] of [["224.0.0.1", "configured"], ["10.0.0.100", "gossip"]] as const) {
      assert.isFalse(Discovery.learn(ctx, at(address), source))
      assert.deepStrictEqual(node.emitted(), [])
    }
    assert.isFalse(Discovery.learn(ctx, at("10.0.0.100"), "configured"))
    assert.deepStrictEqual(node.emitted(), [{ _tag: "OwnAddress", ip: ip("10.0.0.100") }])
    node.row("10.0.0.2").note({ isSelf: true })
    assert.isFalse(Discovery.learn(ctx, at("10.0.0.2"), "gossip"))
    hand.fillTable(node, "configured", 1)
    assert.isFalse(Discovery.learn(ctx, at("10.0.0.3"), "gossip"))
    assert.deepStrictEqual(posted(), [])
  })

  it("that a process had left may be its again", () => {
    const { ctx } = hand.make()
    ctx.table.moved.set(ip("10.0.0.1"), ip("10.0.0.2"))
    ctx.table.moved.set(ip("10.0.0.3"), ip("10.0.0.2"))
    Discovery.learn(ctx, at("10.0.0.1"), "gossip")
    assert.deepStrictEqual([...ctx.table.moved.keys()], [ip("10.0.0.3")])
  })

  it("keeps the port that is known unless the operator says another; a first hint is taken", () => {
    const { ctx, row } = hand.make()
    const known = row("10.0.0.1", "stored", { port: 4_000 })
    const port = (source: "gossip" | "configured", port: number) => {
      Discovery.learn(ctx, { ip: known.ip, port }, source)
      return known.book.port
    }
    assert.strictEqual(port("gossip", 5_000), 4_000)
    assert.strictEqual(port("configured", 6_000), 6_000)
    for (const before of [undefined, 0]) {
      known.note({ port: before })
      assert.strictEqual(port("gossip", 7_000), 7_000)
    }
  })

  it("changes how it is known: the operator's word always, gossip only of a socket that said no Hello", () => {
    const { ctx, row } = hand.make()
    const source = (before: "inbound" | "stored", saidHello: boolean, by: "gossip" | "configured") => {
      const text = `10.0.${before.length}.${Number(saidHello) * 2 + by.length}`
      const peer = row(text, before, { saidHello })
      Discovery.learn(ctx, { ip: peer.ip, port: 4_000 }, by)
      return peer.book.source
    }
    assert.strictEqual(source("inbound", false, "gossip"), "gossip")
    assert.strictEqual(source("inbound", true, "gossip"), "inbound")
    assert.strictEqual(source("stored", false, "gossip"), "stored")
    assert.strictEqual(source("stored", true, "configured"), "configured")
  })

  it("of a peer that is dialled already, or has a rank, is no news", () => {
    const node = hand.make()
    const { ctx, posted, row } = node
    const dialled = row("10.0.0.1", "stored", { isStopped: true })
    dialled.pair = { ...PairState.empty, dialable: true }
    assert.isTrue(Discovery.learn(ctx, at("10.0.0.1"), "gossip"))
    assert.deepStrictEqual([posted(), node.emitted(), dialled.book.isStopped], [[], [], true])
    const ranked = row("10.0.0.2", "stored", { isStopped: true })
    ranked.pair = { ...PairState.empty, rank: "lower" }
    assert.isTrue(Discovery.learn(ctx, at("10.0.0.2"), "gossip"))
    assert.deepStrictEqual([node.emitted(), ranked.book.isStopped], [[], false])
    assert.strictEqual(posted().length, 1)
  })
})

describe("a list of addresses from a peer", () => {
  const list = (node: hand.Hand, from: hand.Connected, addresses: ReadonlyArray<string>) =>
    Discovery.peersReceived(node.ctx, from.peer, from.end, addresses, (text) => text === "bad" ? undefined : at(text))

  it("is learned as gossip, into the book too; entries that are no address and those not worth knowing are left out", () => {
    const node = hand.make()
    const from = node.up("10.0.0.1")
    list(node, from, ["10.0.1.1", "bad", "224.0.0.1", "10.0.1.2"])
    assert.deepStrictEqual(node.of("PeerLearned").map((event) => event.ip), [ip("10.0.1.1"), ip("10.0.1.2")])
    assert.strictEqual(node.ctx.book.sizeOf("new"), 3)
    assert.strictEqual(node.ctx.book.get(ip("10.0.1.1"))?.seenAt, node.ctx.nowMs())
    from.end.connection = undefined
    list(node, from, ["10.0.1.3"])
    assert.isUndefined(node.ctx.table.get(ip("10.0.1.3")))
  })

  it("does not give an address a row again whose dials failed, unless it has one or is not in the book", () => {
    const node = hand.make()
    const from = node.up("10.0.0.1")
    for (const text of ["10.0.1.1", "10.0.1.2", "10.0.1.3"]) node.ctx.book.add(at(text), from.peer.ip, node.ctx.nowMs())
    node.ctx.book.failed(ip("10.0.1.1"))
    node.ctx.book.failed(ip("10.0.1.3"))
    node.row("10.0.1.3")
    node.posted()
    list(node, from, ["10.0.1.1", "10.0.1.2", "10.0.1.3"])
    assert.deepStrictEqual(node.posted().map(([peer]) => peer), [ip("10.0.1.2"), ip("10.0.1.3")])
    // Its place in the book is taken: it may still be tried.
    node.ctx.book.add = () => "no-room"
    list(node, from, ["10.0.1.4"])
    assert.deepStrictEqual(node.posted().map(([peer]) => peer), [ip("10.0.1.4")])
  })

  it("gets no rows beyond those of gossip", () => {
    const node = hand.make()
    const from = node.up("10.0.0.1")
    for (let i = 0; i < Limits.candidates - 1; i++) node.row(`10.9.${i >> 8}.${i & 255}`)
    list(node, from, ["10.0.1.1", "10.0.1.2"])
    assert.deepStrictEqual(node.of("PeerLearned").map((event) => event.ip), [ip("10.0.1.1")])
    assert.isDefined(node.ctx.book.get(ip("10.0.1.2")), "the book has it")
  })
})

describe("asking a peer for addresses", () => {
  it("is noted with its time and how often, on either wire", () => {
    const { ctx, pass, up } = hand.make({ network: { ...hand.make().ctx.setup.network } })
    const made = up("10.0.0.1")
    pass(100)
    Discovery.ask(ctx, made.up)
    assert.deepStrictEqual([made.up.asked, made.connection.tags()], [{ at: 100, times: 1 }, ["AskPeers"]])
    pass(100)
    Discovery.ask(ctx, made.up)
    assert.deepStrictEqual(made.up.asked, { at: 200, times: 2 })
    const time = up("10.0.0.2", { wire: "time" })
    Discovery.ask(ctx, time.up)
    assert.deepStrictEqual([time.up.asked?.times, time.connection.tags()], [1, ["GetPeers"]])
  })
})

describe("the answer to a peer that asks", () => {
  it("holds the peers that are up and listen and are of use to it, then handshakes from the book, never its own address", () => {
    const node = hand.make()
    const { ctx, row, up } = node
    const asker = up("10.0.0.1", { process: "11".repeat(8) })
    up("10.0.0.2", { listens: 4_002 })
    up("10.0.0.3", { listens: 0 })
    up("127.0.0.4")
    up("10.0.0.5", { process: "11".repeat(8) })
    row("10.0.0.6", "stored")
    ctx.book.good(ip("10.0.0.7"), { port: 4_007, wire: "native", direction: "outbound" }, ctx.nowMs())
    ctx.book.good(ip("127.0.0.7"), { port: 4_007, wire: "native", direction: "outbound" }, ctx.nowMs())
    ctx.book.good(asker.peer.ip, { port: 4_001, wire: "native", direction: "outbound" }, ctx.nowMs())
    Discovery.asked(ctx, asker.peer, asker.up)
    const [answer] = asker.connection.sent()
    assert.deepStrictEqual(answer, {
      _tag: "Peers",
      peers: [at("10.0.0.2", 4_002), at("10.0.0.7", 4_007)]
    })
    const alone = hand.make().up("10.0.0.1")
    Discovery.asked(hand.make().ctx, alone.peer, alone.up)
    assert.deepStrictEqual(alone.connection.sent(), [], "nothing is sent of nothing")
  })

  it("is given so many times at once, then once per interval", () => {
    const { ctx, pass, up } = hand.make()
    const { peer } = up("10.0.0.1")
    up("10.0.0.2")
    const isAnswered = () => Discovery.answer(ctx, peer).length > 0
    for (let i = 0; i < Limits.peerAnswers; i++) assert.isTrue(isAnswered())
    assert.isFalse(isAnswered())
    pass(Limits.peerAnswerEveryMs - 1)
    assert.isFalse(isAnswered())
    pass(1)
    assert.deepStrictEqual([isAnswered(), isAnswered()], [true, false])
    pass(1_000 * Limits.peerAnswerEveryMs)
    for (let i = 0; i < Limits.peerAnswers; i++) assert.isTrue(isAnswered())
    assert.isFalse(isAnswered(), "no more than at first")
  })

  it("is shorter for a peer that is refused, and none if there is nothing to tell", () => {
    const { ctx, row, up } = hand.make()
    const peer = row("10.0.0.1")
    assert.isUndefined(Discovery.elsewhere(ctx, peer))
    for (let i = 0; i <= Limits.peersOnRefusal; i++) up(`10.1.0.${i}`)
    assert.strictEqual(Discovery.elsewhere(ctx, peer)?.peers.length, Limits.peersOnRefusal)
    assert.strictEqual(Discovery.answer(ctx, peer).length, Limits.peersOnRefusal + 1)
  })

  it("has the same selection from the book all day, unless what it knows has doubled", () => {
    const { ctx, pass, row } = hand.make()
    const good = (text: string) => ctx.book.good(ip(text), { port: 1, wire: "native", direction: "outbound" }, 0)
    const peer = () => row(`10.3.0.${[...ctx.table.peers()].length}`)
    const count = () => Discovery.answer(ctx, peer()).length
    ctx.book.sample = () =>
      Array.from({ length: ctx.book.sizeOf("tried") }, (_, i) => ({ ip: ip(`10.2.0.${i}`) }) as never)
    good("10.2.0.1")
    good("10.2.0.2")
    assert.strictEqual(count(), 2)
    good("10.2.0.3")
    assert.strictEqual(count(), 2)
    good("10.2.0.4")
    assert.strictEqual(count(), 4, "doubled")
    good("10.2.0.5")
    pass(Limits.toldSameMs - 1)
    assert.strictEqual(count(), 4)
    pass(1)
    assert.strictEqual(count(), 5, "the next day")
  })
})

describe("newcomers", () => {
  it("are asked at once, and announced in one message to every peer that was up before, at a bounded pace", () => {
    const node = hand.make()
    const { ctx, pass, up } = node
    const a = up("10.0.0.1")
    const b = up("10.0.0.2")
    Discovery.onUp(ctx, b.up)
    assert.deepStrictEqual(b.connection.tags(), ["AskPeers"])
    const c = up("10.0.0.3")
    Discovery.onUp(ctx, c.up)
    pass(Limits.gossipMs - 1)
    assert.deepStrictEqual(told(a), [])
    pass(1)
    assert.deepStrictEqual([told(a), told(b), told(c)], [[["10.0.0.2", "10.0.0.3"]], [["10.0.0.3"]], []])
    const d = up("10.0.0.4")
    Discovery.onUp(ctx, d.up)
    pass(Limits.gossipEveryMs - 1)
    assert.deepStrictEqual(told(a), [], "the next round waits")
    pass(1)
    assert.deepStrictEqual([told(a), told(d)], [[["10.0.0.4"]], []])
    pass(10_000)
    const e = up("10.0.0.5")
    Discovery.onUp(ctx, e.up)
    pass(Limits.gossipMs)
    assert.deepStrictEqual(told(a), [["10.0.0.5"]], "after a pause there is none to wait for")
  })

  it("that are gone again, do not listen, are of no use to a peer, or are the same process, are not announced", () => {
    const node = hand.make()
    const { ctx, pass, up } = node
    const a = up("10.0.0.1", { process: "11".repeat(8) })
    const gone = up("10.0.0.2")
    const deaf = up("10.0.0.3", { listens: 0 })
    const local = up("127.0.0.4")
    const same = up("10.0.0.5", { process: "11".repeat(8) })
    const fine = up("10.0.0.6")
    for (const { up: one } of [gone, deaf, local, same, fine]) Discovery.onUp(ctx, one)
    gone.end.up = undefined
    pass(Limits.gossipMs)
    assert.deepStrictEqual(told(a), [["10.0.0.6"]])
    assert.deepStrictEqual(told(deaf), [["10.0.0.5", "10.0.0.6"]])
    assert.isTrue(Gate.fits(a.peer, local.peer))
  })
})
