/** What comes in, what it displaces, and what a place costs: each check of the gate at its bounds. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Gate from "../../../src/layers/peer/Gate.ts"
import type { Peer } from "../../../src/layers/peer/Peer.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"

const { ip } = hand

const banned = ({ ctx }: hand.Hand, at: string, ms = 60_000): void => {
  const now = ctx.timers.now()
  ctx.protection.bans.put({ subnet: Subnet.ofOne(ip(at)), since: now, until: now + ms, by: "operator", reason: "" })
}

const dialable = (peer: Peer): void => {
  peer.pair = { ...PairState.empty, dialable: true }
}

describe("a socket", () => {
  it("gets its peer's row, the one that is there or a new one", () => {
    const { ctx, row } = hand.make()
    const known = row("10.0.0.1", "stored")
    assert.strictEqual(Gate.socket(ctx, ip("10.0.0.1")), known)
    const fresh = Gate.socket(ctx, ip("10.0.0.2"))
    assert.deepStrictEqual([fresh?.book.source, fresh?.book.port], ["inbound", undefined])
    assert.strictEqual(ctx.table.get(ip("10.0.0.2")), fresh)
  })

  it("is closed while the node stops, from an isolated address, and from a banned one that has had its word", () => {
    const node = hand.make()
    const { ctx } = node
    ctx.table.isolated.add(ip("10.0.0.1"))
    assert.isUndefined(Gate.socket(ctx, ip("10.0.0.1")))
    assert.isDefined(Gate.socket(ctx, ip("10.0.0.2")))
    banned(node, "10.0.0.3")
    assert.isDefined(Gate.socket(ctx, ip("10.0.0.3")), "which is told why")
    assert.isUndefined(Gate.socket(ctx, ip("10.0.0.3")))
    ctx.slots.close()
    assert.isUndefined(Gate.socket(ctx, ip("10.0.0.4")))
  })

  it("is of a known peer if that is configured, was well connected, has a place, or is tried in the book; never if banned", () => {
    const node = hand.make()
    const { ctx, row } = node
    assert.isFalse(Gate.isKnown(ctx, ip("10.0.0.1")))
    row("10.0.0.1", "inbound")
    assert.isFalse(Gate.isKnown(ctx, ip("10.0.0.1")))
    row("10.0.0.2", "configured")
    row("10.0.0.3", "inbound", { lastGoodAt: 0 })
    ctx.slots.takePlace(ip("10.0.0.4"), false)
    ctx.book.good(ip("10.0.0.5"), { port: 1, wire: "native", direction: "outbound" }, ctx.nowMs())
    ctx.book.add({ ip: ip("10.0.0.6"), port: 24_200 }, ip("10.0.0.1"), ctx.nowMs())
    const all = [2, 3, 4, 5].map((i) => `10.0.0.${i}`)
    for (const at of all) assert.isTrue(Gate.isKnown(ctx, ip(at)), at)
    assert.isFalse(Gate.isKnown(ctx, ip("10.0.0.6")), "known by gossip alone")
    for (const at of all) {
      banned(node, at)
      assert.isFalse(Gate.isKnown(ctx, ip(at)), at)
    }
  })

  it("displaces the oldest stranger once so many have said nothing, a known peer's only if it is known itself", () => {
    const { ctx, socket } = hand.make()
    const ends = Array.from({ length: Limits.endsWithoutHello }, (_, i) => {
      const { end } = socket(`10.0.1.${i}`)
      end.isKnown = i !== 5
      assert.deepStrictEqual(Gate.crowd(ctx, false), { mayCome: true })
      ctx.slots.accepted(end)
      return end
    })
    assert.deepStrictEqual(Gate.crowd(ctx, false), { mayCome: true, leaves: ends[5] })
    assert.deepStrictEqual(Gate.crowd(ctx, true), { mayCome: true, leaves: ends[5] })
    const [first, , , , , stranger] = ends
    if (stranger !== undefined) stranger.isKnown = true
    assert.deepStrictEqual(Gate.crowd(ctx, false), { mayCome: false })
    assert.deepStrictEqual(Gate.crowd(ctx, true), { mayCome: true, leaves: first })
  })
})

describe("a Hello", () => {
  it("is judged by this node's network, the socket's direction and address, bans, and places", () => {
    const node = hand.make({ tuning: { maxPeers: 8 } })
    const { ctx, socket } = node
    const own = ip("10.0.0.100")
    const { end, peer } = socket("10.0.0.1", { direction: "outbound" })
    const inbound = socket("10.0.0.2")
    const verdict = (a: Pick<hand.Connected, "peer" | "end">, change: Parameters<typeof hello>[1] = {}) => {
      const made = Gate.hello(ctx, a.peer, a.end, hello(own, change))
      return made._tag === "Refused" ? made.reject : made.role
    }
    assert.strictEqual(verdict({ end, peer }), "higher")
    assert.strictEqual(verdict({ end, peer }, { protocol: 2 }), "incompatible")
    assert.strictEqual(verdict({ end, peer }, { rule: 2 }), "incompatible")
    assert.strictEqual(verdict({ end, peer }, { network: "testnet" }), "incompatible")
    assert.strictEqual(verdict({ end, peer }, { genesis: "00".repeat(32) }), "incompatible")
    // Our own dial's nonce comes in at a socket that we accepted.
    assert.strictEqual(verdict(inbound, { nonce: end.helloNonce }), "self")
    assert.strictEqual(verdict({ end, peer }, { nonce: end.helloNonce }), "higher")
    assert.strictEqual(verdict(inbound, { nonce: 99n }), "higher")
    const third = socket("10.0.0.3")
    banned(node, "10.0.0.3", 7_000)
    const told = Gate.hello(ctx, third.peer, third.end, hello(own))
    assert.deepStrictEqual([told._tag === "Refused" && told.reject, told._tag === "Refused" && told.retryAfterMs], [
      "banned",
      7_000
    ])
    for (let i = 0; i < 7; i++) ctx.slots.takePlace(ip(`10.0.2.${i}`), false)
    assert.strictEqual(verdict({ end, peer }), "higher", "one place is left, and kept for a dial")
    assert.strictEqual(verdict(inbound), "full")
    ctx.slots.takePlace(ip("10.0.2.7"), false)
    assert.strictEqual(verdict({ end, peer }), "full")
    ctx.slots.takePlace(peer.ip, false)
    assert.strictEqual(verdict({ end, peer }), "higher", "it has its place already")
  })

  it("places are fewer for those that dial us, by the outbound places still empty; configured peers come in beyond", () => {
    const { ctx, socket } = hand.make({ tuning: { maxPeers: 125 } })
    const inbound = socket("10.0.0.1")
    const outbound = socket("10.0.0.2", { direction: "outbound" })
    const configured = socket("10.0.0.3", { source: "configured" })
    const places = ({ end, peer }: Pick<hand.Connected, "peer" | "end">) => Gate.placesFor(ctx, peer, end)
    assert.deepStrictEqual([inbound, outbound, configured].map(places), [117, 125, 125 + Limits.configuredPeers])
    for (let i = 0; i < 7; i++) ctx.slots.takePlace(ip(`10.0.2.${i}`), true)
    assert.strictEqual(places(inbound), 124)
    ctx.slots.takePlace(ip("10.0.2.7"), true)
    ctx.slots.takePlace(ip("10.0.2.8"), true)
    assert.strictEqual(places(inbound), 125, "never more than all")
    const small = hand.make({ tuning: { maxPeers: 16 } })
    const of = small.socket("10.0.0.1")
    assert.strictEqual(Gate.placesFor(small.ctx, of.peer, of.end), 14)
    const tiny = hand.make({ tuning: { maxPeers: 7 } })
    const ofTiny = tiny.socket("10.0.0.1")
    assert.strictEqual(Gate.placesFor(tiny.ctx, ofTiny.peer, ofTiny.end), 7)
  })

  it("takes a place that counts as chosen only for our dial to a peer that the operator did not name", () => {
    const { ctx, socket } = hand.make()
    const all = [
      socket("10.0.0.1"),
      socket("10.0.0.2", { direction: "outbound", source: "gossip" }),
      socket("10.0.0.3", { direction: "outbound", source: "configured" })
    ]
    const chosen = all.map(({ end, peer }) => {
      Gate.takePlace(ctx, peer, end)
      assert.isTrue(ctx.slots.hasPlace(peer.ip))
      return ctx.slots.chosenPlaces
    })
    assert.deepStrictEqual(chosen, [0, 1, 1])
  })

  it("of a stranger that comes in is noted as its netgroup's turn, once; of a known peer, of our dial and of one with a place it is not", () => {
    const { ctx, socket } = hand.make()
    const noted: Array<string> = []
    ctx.protection.newcomers.cameIn = (group) => void noted.push(group)
    const stranger = socket("11.1.0.1")
    Gate.takePlace(ctx, stranger.peer, stranger.end)
    assert.deepStrictEqual(noted, ["11.1/16"])
    Gate.takePlace(ctx, stranger.peer, stranger.end)
    const known = socket("11.2.0.1")
    known.end.isKnown = true
    Gate.takePlace(ctx, known.peer, known.end)
    const dialled = socket("11.3.0.1", { direction: "outbound" })
    Gate.takePlace(ctx, dialled.peer, dialled.end)
    assert.deepStrictEqual(noted, ["11.1/16"])
  })

  it("finds every place taken, and says how many there are", () => {
    const { ctx, socket } = hand.make({ tuning: { maxPeers: 2 } })
    const { end, peer } = socket("10.0.0.1", { direction: "outbound" })
    ctx.slots.takePlace(ip("10.0.0.2"), false)
    assert.isUndefined(Gate.full(ctx, peer, end))
    ctx.slots.takePlace(ip("10.0.0.3"), false)
    assert.strictEqual(Gate.full(ctx, peer, end), "peer limit reached (2)")
    ctx.slots.takePlace(peer.ip, false)
    assert.isUndefined(Gate.full(ctx, peer, end))
  })
})

describe("a message", () => {
  it("of the application is out of turn until the connection is up", () => {
    const { socket, up } = hand.make()
    assert.strictEqual(Gate.message(socket("10.0.0.1").end, "Data"), "Data before the connection is up")
    assert.isUndefined(Gate.message(up("10.0.0.2").end, "Data"))
  })
})

describe("a gossiped address", () => {
  const from = (node: hand.Hand, at = "10.0.0.1") => node.row(at, "inbound")
  const at = (text: string, port = hand.port) => ({ ip: ip(text), port })

  it("is worth knowing where peers can be, at a port that is not privileged", () => {
    const node = hand.make()
    const { ctx } = node
    const peer = from(node)
    assert.isTrue(Gate.gossip(ctx, peer, at("10.0.0.2")))
    assert.isTrue(Gate.gossip(ctx, peer, at("10.0.0.2", Limits.toldPortLeast)))
    assert.isFalse(Gate.gossip(ctx, peer, at("10.0.0.2", Limits.toldPortLeast - 1)))
    assert.isTrue(Gate.gossip(ctx, peer, at("203.0.114.7")))
    assert.isFalse(Gate.gossip(ctx, peer, at("127.0.0.2")), "loopback, from a private network")
    assert.isFalse(Gate.gossip(ctx, peer, at("224.0.0.1")))
    assert.isFalse(Gate.gossip(ctx, peer, at("10.0.0.100")), "our own")
    banned(node, "10.0.0.3")
    assert.isFalse(Gate.gossip(ctx, peer, at("10.0.0.3")))
    const known = node.row("10.0.0.4", "stored")
    assert.isTrue(Gate.gossip(ctx, peer, at("10.0.0.4")))
    dialable(known)
    assert.isFalse(Gate.gossip(ctx, peer, at("10.0.0.4")), "dialled already")
    const outside = from(node, "198.51.101.1")
    assert.isFalse(Gate.gossip(ctx, outside, at("10.0.0.5")), "a private address from a public peer")
  })

  it("that is new counts against the peer that sent it: so many at once, a few more with time; known ones cost nothing", () => {
    const node = hand.make()
    const { ctx, pass, row } = node
    const peer = from(node)
    const fresh = (i: number) => Gate.gossip(ctx, peer, at(`10.9.${i >> 8}.${i & 255}`))
    for (let i = 0; i < Limits.newAddresses; i++) assert.isTrue(fresh(i), `${i}`)
    assert.isFalse(fresh(1_000))
    row("10.0.0.2", "inbound")
    assert.isTrue(Gate.gossip(ctx, peer, at("10.0.0.2")))
    ctx.book.add(at("10.0.0.3"), peer.ip, ctx.nowMs())
    assert.isTrue(Gate.gossip(ctx, peer, at("10.0.0.3")))
    assert.isTrue(Gate.gossip(ctx, from(node, "10.0.0.9"), at("10.9.4.0")), "another peer has its own")
    pass(9_000)
    assert.isFalse(fresh(1_001))
    pass(1_000)
    assert.isTrue(fresh(1_001))
    assert.isFalse(fresh(1_002))
    pass(3_600_000)
    for (let i = 0; i < Limits.newAddresses; i++) assert.isTrue(fresh(2_000 + i), `${i}`)
    assert.isFalse(fresh(1_003), "no more than at first")
  })

  it("fits whom it can be of use to", () => {
    const { row } = hand.make()
    const [near, far] = [row("10.0.0.1"), row("198.51.101.1")]
    assert.deepStrictEqual([Gate.fits(near, far), Gate.fits(far, near), Gate.fits(near, near)], [false, true, true])
    assert.isFalse(Gate.fitsIp(ip("10.0.0.2"), far))
    assert.isTrue(Gate.fitsIp(ip("203.0.114.7"), near))
  })
})
