/** Who goes when a full node makes room, for whom, and for whom a free place is kept. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import * as Evictions from "../../../src/layers/peer/Evictions.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"

const { ip } = hand

/** A node that inbound peers of one netgroup have filled, each a second after the one before. */
const full = (maxPeers: number, source: hand.UpOptions["source"] = "inbound") => {
  const node = hand.make({ tuning: { maxPeers } })
  const taken = maxPeers - Math.floor(maxPeers * Limits.outboundShare)
  const all = Array.from({ length: taken }, (_, i) => {
    node.pass(1_000)
    return node.up(`11.1.${i >> 8}.${i & 255}`, { source })
  })
  node.emitted()
  return { node, all }
}

/** Asks for a place as a peer that has so many. */
const ask = (node: hand.Hand, at = "12.1.0.1", peers: number | "unsaid" = 0) => {
  const { end, peer } = node.socket(at)
  const said = hello(ip("10.0.0.100"), { extensions: peers === "unsaid" ? [] : Handshake.extensions(1, peers) })
  Evictions.makeRoom(node.ctx, peer, end, said)
  return node.of("Evicted").map((event) => [`${event.ip}`, `${event.other}`] as const)
}

/** Full but for the place that is kept: peers of as many netgroups, past their grace. */
const diverse = () => {
  const node = hand.make({ tuning: { maxPeers: 64 } })
  for (let i = 0; i < 56; i++) {
    node.pass(1_000)
    node.up(`${20 + i}.1.0.1`)
  }
  node.pass(Limits.evictionGraceMs)
  node.emitted()
  return node
}

describe("a full node", () => {
  it("evicts one of the netgroup that has most, after its grace, tells it why and for how long to stay away", () => {
    const { all, node } = full(64)
    node.draw(0)
    node.pass(Limits.evictionGraceMs)
    const [[gone, comer] = [], ...more] = ask(node)
    assert.deepStrictEqual([comer, more], ["12.1.0.1", []])
    const victim = all.find(({ peer }) => peer.ip === gone)
    assert.isDefined(victim)
    assert.deepStrictEqual(node.posted(), [[victim?.peer.ip, {
      _tag: "Stopped",
      reject: "evicted",
      detail: "this node is full, and another peer needs the place",
      retryMs: Handshake.clampRetry(Limits.retryEvictedMs, 0)
    }]])
  })

  it("evicts none while all are young, none that we dialled or the operator named", () => {
    const young = full(64)
    assert.strictEqual(ask(young.node).length, 1, "those that came first have had their grace")
    const fresh = hand.make({ tuning: { maxPeers: 64 } })
    for (let i = 0; i < 56; i++) fresh.up(`11.1.0.${i}`)
    assert.deepStrictEqual(ask(fresh), [])
    const named = full(64, "configured")
    named.node.pass(Limits.evictionGraceMs)
    assert.deepStrictEqual(ask(named.node), [])
    const dialled = hand.make({ tuning: { maxPeers: 40 } })
    for (let i = 0; i < 40; i++) dialled.up(`11.1.0.${i}`, { direction: "outbound", source: "gossip" })
    dialled.pass(Limits.evictionGraceMs)
    assert.deepStrictEqual(ask(dialled), [])
  })

  it("keeps the nearest, the useful, masternodes and those that were there first", () => {
    const { all, node } = full(64)
    node.pass(Limits.evictionGraceMs)
    // All but the oldest half are kept for a reason of their own, but one.
    const late = all.slice(28)
    for (const [i, { peer, up }] of late.entries()) {
      if (i < 8) up.liveness = { ...up.liveness, rtt: { leastMs: 1, smoothedMs: 1, lastMs: 1 } }
      else if (i < 12) peer.usefulAt = node.ctx.timers.now() - i
      else if (i < 16) node.ctx.protection.masternodes.add(peer.ip)
    }
    const kept = new Set(late.slice(0, 16).map(({ peer }) => `${peer.ip}`))
    for (let i = 0; i < 6; i++) {
      const [[gone] = []] = ask(node, `12.${i + 1}.0.1`)
      assert.isFalse(kept.has(gone ?? ""), `${gone}`)
      const peer = node.ctx.table.get(ip(gone ?? "11.1.0.0"))
      if (peer !== undefined) peer.ends = []
      node.ctx.slots.givePlaceBack(ip(gone ?? "11.1.0.0"))
      node.ctx.slots.takePlace(ip(`12.9.0.${i}`), false)
    }
  })

  it("evicts as many as there are too many, or none if so many cannot go", () => {
    const { all, node } = full(64)
    node.pass(Limits.evictionGraceMs)
    for (const text of ["13.0.0.1", "13.0.0.2"]) node.ctx.slots.takePlace(ip(text), false)
    const gone = ask(node)
    assert.deepStrictEqual([gone.length, new Set(gone.map(([who]) => who)).size], [3, 3])
    assert.strictEqual(node.posted().length, 3)
    for (let i = 0; i < all.length; i++) node.ctx.slots.takePlace(ip(`13.1.0.${i}`), false)
    assert.deepStrictEqual([ask(node, "12.2.0.1"), node.posted()], [[], []])
  })

  it("evicts none while no peer may go: there are no candidates but the peers that are up", () => {
    const node = hand.make({ tuning: { maxPeers: 2 } })
    for (const text of ["10.0.0.1", "10.0.0.2"]) node.ctx.slots.takePlace(ip(text), false)
    node.row("10.0.0.3")
    node.pass(Limits.evictionGraceMs)
    assert.deepStrictEqual([ask(node), node.posted()], [[], []])
  })

  it("evicts no peer where a place is free", () => {
    const { all, node } = full(64)
    node.pass(Limits.evictionGraceMs)
    node.ctx.slots.givePlaceBack(all[3]?.peer.ip ?? ip("1.1.1.1"))
    assert.deepStrictEqual(ask(node), [])
  })

  it("helps a peer that has few peers once per netgroup and while, others only where that makes it more diverse", () => {
    const node = diverse()
    assert.deepStrictEqual(ask(node, "12.1.0.1", "unsaid"), [])
    assert.deepStrictEqual(ask(node, "12.1.0.1", Limits.enoughPeers), [])
    assert.deepStrictEqual(ask(node, "12.1.0.1", Limits.enoughPeers - 1).length, 1)
    assert.deepStrictEqual([...node.ctx.protection.helped], [["12.1/16", node.ctx.timers.now()]])
    assert.deepStrictEqual(ask(node, "12.1.0.2"), [], "its netgroup was helped just now")
    node.pass(Limits.evictionEveryMs)
    assert.strictEqual(ask(node, "12.1.0.2").length, 1)
    const { node: alike } = full(64)
    alike.pass(Limits.evictionGraceMs)
    assert.strictEqual(ask(alike, "12.1.0.1", 99).length, 1, "one netgroup holds all places")
    assert.strictEqual(alike.ctx.protection.helped.size, 0, "that is no help")
  })

  it("lets strangers have their turn one netgroup after the other, whichever asks more often; a known peer comes first", () => {
    const node = diverse()
    const now = node.ctx.timers.now()
    const [first, second] = ["12.1", "12.2"].toSorted((a, b) =>
      node.ctx.book.groupOrder(ip(`${a}.0.1`)) - node.ctx.book.groupOrder(ip(`${b}.0.1`))
    )
    // The one that goes first is present.
    assert.isTrue(
      node.ctx.protection.newcomers.isNext(`${first}/16`, node.ctx.book.groupOrder(ip(`${first}.0.1`)), now)
    )
    assert.deepStrictEqual(ask(node, `${second}.0.1`), [])
    node.ctx.book.good(ip("12.3.0.1"), { port: 1, wire: "native", direction: "outbound" }, 0)
    assert.strictEqual(ask(node, "12.3.0.1").length, 1, "a known peer")
    assert.strictEqual(ask(node, `${first}.0.1`).length, 1)
  })
})

describe("a free place", () => {
  const kept = (node: hand.Hand, at: string, direction: "inbound" | "outbound" = "inbound") => {
    const { end, peer } = node.socket(at, { direction })
    return Evictions.isKeptFrom(
      node.ctx,
      peer,
      end,
      hello(ip("10.0.0.100"), { extensions: Handshake.extensions(1, 0) })
    )
  }

  it("is kept for those that asked before, from strangers that dial us and have no place", () => {
    const node = hand.make()
    const { ctx } = node
    assert.isFalse(kept(node, "12.1.0.1"), "none has asked")
    const [first, second] = ["12.1", "12.2"].toSorted((a, b) =>
      ctx.book.groupOrder(ip(`${a}.0.1`)) - ctx.book.groupOrder(ip(`${b}.0.1`))
    )
    ctx.protection.newcomers.isNext(`${first}/16`, ctx.book.groupOrder(ip(`${first}.0.1`)), ctx.timers.now())
    assert.isTrue(kept(node, `${second}.0.2`))
    assert.isFalse(kept(node, `${first}.0.2`), "it is its turn")
    assert.isFalse(kept(node, `${second}.0.3`, "outbound"))
    ctx.slots.takePlace(ip(`${second}.0.4`), false)
    assert.isFalse(kept(node, `${second}.0.4`))
    ctx.book.good(ip(`${second}.0.5`), { port: 1, wire: "native", direction: "outbound" }, 0)
    assert.isFalse(kept(node, `${second}.0.5`), "a known peer")
    node.pass(Limits.newcomerWaitMs + 1)
    assert.isFalse(kept(node, `${second}.0.6`), "they ask no more")
  })
})
