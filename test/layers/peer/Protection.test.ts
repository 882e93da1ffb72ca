/** Offences and bans step by step: what counts, who is spared, which sockets come in under a ban, and when it ends. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import * as OwnTrouble from "../../../src/domain/protection/OwnTrouble.ts"
import * as Protection from "../../../src/layers/peer/Protection.ts"
import { recordFlood } from "../../../src/services/PeerSocket.ts"
import * as hand from "../../harness/peerContext.ts"
import { falseBlock, one, withPeers } from "../../harness/protectionHand.ts"

const { ip } = hand

describe("an offence", () => {
  it("is reported with the points that remain, and bans with the one that makes them enough", () => {
    const node = withPeers(Limits.goodPeersLeast)
    const { ctx } = node
    const offence = Offence.make("malformed", "bad")
    const at = ip("10.0.0.1")
    for (let i = 1; i < 5; i++) {
      Protection.report(ctx, at, offence)
      assert.isTrue(ctx.protection.hasChanged, "the next save stores it")
      ctx.protection.ledger.takeChanges()
      assert.isFalse(ctx.protection.hasChanged)
      assert.deepStrictEqual(node.emitted(), [{
        _tag: "Offence",
        ip: at,
        kind: "malformed",
        detail: "bad",
        points: 22 * i
      }])
    }
    node.pass(1)
    Protection.report(ctx, at, offence)
    const [told, banned] = node.emitted()
    assert.deepStrictEqual(told, { _tag: "Offence", ip: at, kind: "malformed", detail: "bad", points: 100 })
    assert.deepStrictEqual(banned, {
      _tag: "Banned",
      subnet: one("10.0.0.1"),
      by: "score",
      detail: "malformed: bad",
      forMs: Limits.scoreBanMs
    })
    Protection.report(ctx, at, offence)
    assert.deepStrictEqual(node.emitted().map(({ _tag }) => _tag), ["Offence"], "it is banned already")
  })

  it("of a peer that the operator named, with few good peers left, or while this node is in trouble, spares", () => {
    const spared = (node: hand.Hand, text = "10.0.0.1") => {
      Protection.report(node.ctx, ip(text), falseBlock)
      const events = node.emitted()
      const [event] = events
      const isBanned = event?._tag === "Offence" && event.spared === undefined
      assert.deepStrictEqual(events.slice(1).map(({ _tag }) => _tag), isBanned ? ["Banned"] : [])
      assert.strictEqual(node.ctx.protection.bannedMs(ip(text), node.ctx.timers.now()) !== undefined, isBanned)
      return event?._tag === "Offence" ? event.spared : assert.fail("no offence")
    }
    assert.isUndefined(spared(withPeers(Limits.goodPeersLeast)))
    assert.strictEqual(spared(withPeers(Limits.goodPeersLeast - 1)), "few-peers")
    assert.strictEqual(spared(withPeers(Limits.goodPeersLeast), "10.1.0.0"), "few-peers", "it does not count itself")
    const named = withPeers(Limits.goodPeersLeast)
    named.row("10.0.0.1", "configured")
    assert.strictEqual(spared(named), "configured")
    const bad = withPeers(Limits.goodPeersLeast)
    for (let i = 0; i < 3; i++) Protection.report(bad.ctx, ip("10.1.0.0"), Offence.make("malformed", "bad"))
    bad.emitted()
    assert.strictEqual(spared(bad), "few-peers", "one of them has many points itself")
    const set = withPeers(Limits.goodPeersLeast)
    Protection.report(set.ctx, ip("10.0.0.2"), Offence.make("flood", "x"))
    set.setClock(3_600_000)
    set.emitted()
    assert.strictEqual(spared(set), "clock")
  })

  it("is seen in a broken frame, a message out of turn and a flood, which also end the connection", () => {
    const node = hand.make()
    const { end } = node.up("10.0.0.1")
    const closes = (f: typeof Protection.malformed) => {
      f(node.ctx, end, "so")
      const [offence] = node.of("Offence")
      const [, posted] = node.posted()[0] ?? []
      return [offence?.kind, offence?.detail, posted?._tag === "Closed" && DisconnectReason.label(posted.reason)]
    }
    node.emitted()
    assert.deepStrictEqual(closes(Protection.malformed), ["malformed", "so", "bad-frame"])
    assert.deepStrictEqual(closes(Protection.violated), ["protocol", "so", "protocol"])
    assert.deepStrictEqual(closes(Protection.flooded), ["flood", "so", "protocol"])
  })

  it("is seen in what the transport ended for records without data, and in nothing else that ends one", () => {
    const node = hand.make()
    const kinds = (reason: DisconnectReason.DisconnectReason) => {
      Protection.transported(node.ctx, ip("10.0.0.1"), reason)
      return node.of("Offence").map(({ kind }) => kind)
    }
    assert.deepStrictEqual(kinds(DisconnectReason.local("protocol", recordFlood)), ["protocol"])
    assert.deepStrictEqual(kinds(DisconnectReason.remote("protocol", recordFlood)), [])
    assert.deepStrictEqual(kinds(DisconnectReason.local("reset", recordFlood)), [])
    assert.deepStrictEqual(kinds(DisconnectReason.local("protocol", "second Hello")), [])
  })
})

describe("the node's own events", () => {
  const trouble = (node: hand.Hand) => OwnTrouble.current(node.ctx.protection.trouble, node.ctx.timers.now())
  const after = (event: object) => {
    const node = hand.make()
    Protection.observe(node.ctx, { at: 0, ...event } as never)
    return trouble(node)
  }

  it("show its own trouble: lag beyond a bound, its store, its own sockets; not a peer that refuses", () => {
    assert.strictEqual(after({ _tag: "LoopLag", ms: Limits.troubleLagMs }), "lag")
    assert.isUndefined(after({ _tag: "LoopLag", ms: Limits.troubleLagMs - 1 }))
    assert.strictEqual(after({ _tag: "StoreFailed" }), "store")
    assert.strictEqual(after({ _tag: "DialFailed", ip: ip("10.0.0.1"), detail: "EMFILE" }), "network")
    assert.isUndefined(after({ _tag: "DialFailed", ip: ip("10.0.0.1"), detail: "ECONNREFUSED" }))
  })

  it("show it when many peers are silent at once, by this node's judgement", () => {
    const timedOut = (count: number, reason: DisconnectReason.DisconnectReason, ups: number) => {
      const node = withPeers(ups)
      for (let i = 0; i < count; i++) {
        Protection.observe(node.ctx, { _tag: "Down", at: 0, ip: ip(`10.2.0.${i}`), reason } as never)
      }
      return trouble(node)
    }
    const many = Limits.troubleTimeouts
    assert.strictEqual(timedOut(many, DisconnectReason.local("silent"), 0), "timeouts")
    assert.strictEqual(timedOut(many, DisconnectReason.local("unanswered"), 0), "timeouts")
    assert.isUndefined(timedOut(many - 1, DisconnectReason.local("silent"), 0))
    assert.isUndefined(timedOut(many, DisconnectReason.local("silent"), 100), "of so many it is no sign")
    assert.isUndefined(timedOut(many, DisconnectReason.remote("silent"), 0))
    assert.isUndefined(timedOut(many, DisconnectReason.local("replaced"), 0))
  })

  it("tell which peer was useful, and which are masternodes", () => {
    const node = hand.make()
    const peer = node.row("10.0.0.1")
    node.pass(70)
    Protection.observe(node.ctx, { _tag: "TipChanged", at: 0, from: undefined } as never)
    Protection.observe(node.ctx, { _tag: "TipChanged", at: 0, from: ip("10.0.0.9") } as never)
    assert.isUndefined(peer.usefulAt)
    Protection.observe(node.ctx, { _tag: "TipChanged", at: 0, from: peer.ip } as never)
    assert.strictEqual(peer.usefulAt, 70)
    Protection.observe(node.ctx, { _tag: "MasternodeLive", at: 0, ip: peer.ip } as never)
    assert.deepStrictEqual([...node.ctx.protection.masternodes], [peer.ip])
    Protection.observe(node.ctx, { _tag: "MasternodeGone", at: 0, ip: peer.ip } as never)
    assert.deepStrictEqual([...node.ctx.protection.masternodes], [])
  })
})
