import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PairState from "../../../src/domain/pair/PairState.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import type { Ban } from "../../../src/domain/protection/BanList.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import * as OwnTrouble from "../../../src/domain/protection/OwnTrouble.ts"
import * as OperatorBans from "../../../src/layers/peer/OperatorBans.ts"
import * as Protection from "../../../src/layers/peer/Protection.ts"
import * as hand from "../../harness/peerContext.ts"
import { falseBlock, one, withPeers } from "../../harness/protectionHand.ts"

const { ip } = hand

const banOf = (node: hand.Hand, text: string, ms: number, change: Partial<Ban> = {}): Ban => ({
  subnet: Subnet.fromStringUnsafe(text),
  since: node.ctx.timers.now(),
  until: node.ctx.timers.now() + ms,
  by: "operator",
  reason: "why",
  ...change
})

describe("a ban", () => {
  it("stops the peers that it covers for as long as it lasts, and no others", () => {
    const node = hand.make()
    const { ctx, row } = node
    row("10.0.0.1")
    row("10.0.1.1")
    row("10.1.0.1")
    assert.isTrue(Protection.ban(ctx, banOf(node, "10.0.0.0/16", 9_000.4)))
    assert.deepStrictEqual(node.emitted(), [{
      _tag: "Banned",
      subnet: Subnet.fromStringUnsafe("10.0.0.0/16"),
      by: "operator",
      detail: "why",
      forMs: 9_000
    }])
    assert.deepStrictEqual(
      node.posted(),
      ["10.0.0.1", "10.0.1.1"].map((text) => [ip(text), {
        _tag: "Stopped",
        reject: "banned",
        detail: "why",
        retryMs: 9_000.4
      }])
    )
    assert.isTrue(Protection.ban(ctx, banOf(node, "10.1.0.1", 10 * Limits.retryMaxMs)))
    const [first, ...rest] = node.posted()
    assert.deepStrictEqual([first?.[0], rest], [ip("10.1.0.1"), []])
    assert.deepStrictEqual(
      first?.[1]._tag === "Stopped" && "retryMs" in first[1] && first[1].retryMs,
      Limits.retryMaxMs
    )
    Protection.ban(ctx, banOf(node, "10.9.0.1", 1))
    assert.deepStrictEqual(node.posted(), [])
  })

  it("that is not needed changes nothing", () => {
    const node = hand.make()
    Protection.ban(node.ctx, banOf(node, "10.0.0.1", 9_000))
    node.emitted()
    node.ctx.protection.isUnsaved = false
    assert.isFalse(Protection.ban(node.ctx, banOf(node, "10.0.0.1", 99_000, { by: "score" })))
    assert.deepStrictEqual([node.emitted(), node.posted(), node.ctx.protection.isUnsaved], [[], [], false])
  })

  it("ends by its time, each at its own: reported, forgiven, and its peers are dialled soon, one after the other", () => {
    const node = withPeers(Limits.goodPeersLeast)
    const { ctx, pass, row } = node
    Protection.report(ctx, ip("10.0.0.1"), Offence.make("malformed", "x"))
    const waits = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((text) => {
      const peer = row(text)
      peer.timers = new Map([["redial:0", ctx.timers.arm(3_000_000, () => {})]])
      return () => peer.timers?.get("redial:0")?.dueMs
    })
    row("10.0.0.4")
    Protection.ban(ctx, banOf(node, "10.0.0.0/24", 5_000))
    Protection.ban(ctx, banOf(node, "10.0.0.2", 90_000))
    Protection.ban(ctx, banOf(node, "10.9.0.0/16", 50_000))
    node.emitted()
    ctx.protection.isUnsaved = false
    pass(4_999)
    assert.deepStrictEqual(node.emitted(), [])
    pass(1)
    assert.deepStrictEqual(node.emitted(), [{
      _tag: "Unbanned",
      subnet: Subnet.fromStringUnsafe("10.0.0.0/24"),
      by: "time"
    }])
    assert.deepStrictEqual(waits.map((wait) => wait()), [5_031.25, 3_000_000, 5_093.75], "one is banned still")
    assert.strictEqual(ctx.protection.ledger.points(ip("10.0.0.1"), ctx.timers.now()), 0)
    assert.isTrue(ctx.protection.isUnsaved)
    pass(45_000)
    assert.deepStrictEqual(node.of("Unbanned").map(({ subnet }) => `${subnet}`), ["10.9.0.0/16"])
    pass(40_000)
    assert.deepStrictEqual(node.of("Unbanned").map(({ subnet }) => `${subnet}`), ["10.0.0.2"])
    assert.isUndefined(ctx.protection.expiry)
  })

  it("that the operator lifts ends at once, exactly that one; its timer does not fire later", () => {
    const node = hand.make()
    const { ctx, pass } = node
    Protection.ban(ctx, banOf(node, "10.0.0.0/24", 5_000))
    assert.isFalse(Protection.unban(ctx, one("10.0.0.1")))
    node.emitted()
    assert.isTrue(Protection.unban(ctx, Subnet.fromStringUnsafe("10.0.0.0/24")))
    assert.deepStrictEqual(node.of("Unbanned").map(({ by }) => by), ["operator"])
    assert.strictEqual(node.hand.timers.size(), 0)
    pass(9_000)
    assert.deepStrictEqual(node.emitted(), [])
  })

  it("tells its peer the rest of it; one that we cannot dial may ask now and then", () => {
    const node = hand.make()
    const { ctx, row } = node
    const peer = row("10.0.0.1")
    assert.isUndefined(Protection.toldMs(ctx, peer))
    Protection.ban(ctx, banOf(node, "10.0.0.1", 10 * Limits.retryBannedMs))
    assert.strictEqual(Protection.toldMs(ctx, peer), Limits.retryBannedMs)
    node.pass(9.5 * Limits.retryBannedMs)
    assert.strictEqual(Protection.toldMs(ctx, peer), 0.5 * Limits.retryBannedMs)
    peer.pair = { ...PairState.empty, dialable: true }
    Protection.ban(ctx, banOf(node, "10.0.0.1", 10 * Limits.retryBannedMs))
    assert.strictEqual(Protection.toldMs(ctx, peer), 10 * Limits.retryBannedMs)
    assert.deepStrictEqual([Protection.holdMs(5), Protection.holdMs(2 * Limits.retryMaxMs)], [5, Limits.retryMaxMs])
  })

  it("lets a socket in now and then, to tell it why; the others are counted, and reported once a while", () => {
    const node = hand.make()
    const { ctx, pass } = node
    const at = ip("10.0.0.1")
    assert.isTrue(Protection.mayEnter(ctx, at, true))
    Protection.ban(ctx, banOf(node, "10.0.0.1", 3_600_000))
    node.emitted()
    assert.isTrue(Protection.mayEnter(ctx, at, false))
    assert.isTrue(Protection.mayEnter(ctx, at, false), "the door is only asked: no word is spent")
    assert.isTrue(Protection.mayEnter(ctx, at, true))
    assert.isFalse(Protection.mayEnter(ctx, at, true))
    assert.isFalse(Protection.mayEnter(ctx, at, false))
    assert.deepStrictEqual([ctx.protection.turnedAway, node.emitted()], [2, []])
    pass(Limits.turnedAwayEveryMs)
    assert.deepStrictEqual(node.emitted(), [{ _tag: "TurnedAway", ip: at, sockets: 2 }])
    assert.isTrue(Protection.mayEnter(ctx, at, true), "its time has passed")
    assert.isFalse(Protection.mayEnter(ctx, at, true))
    pass(Limits.turnedAwayEveryMs)
    assert.deepStrictEqual(node.of("TurnedAway").map(({ sockets }) => sockets), [1])
    assert.strictEqual(ctx.protection.turnedAway, 3)
    pass(Limits.turnedAwayEveryMs)
    assert.deepStrictEqual(node.emitted(), [])
  })

  it("words are bounded over all bans", () => {
    const node = hand.make()
    for (let i = 0; i <= Limits.bannedWordBurst; i++) Protection.ban(node.ctx, banOf(node, `10.3.0.${i}`, 9_000_000))
    const told = Array.from(
      { length: Limits.bannedWordBurst + 1 },
      (_, i) => Protection.mayEnter(node.ctx, ip(`10.3.0.${i}`), true)
    )
    assert.strictEqual(told.filter(Boolean).length, Limits.bannedWordBurst)
    node.pass(1_000 / Limits.bannedWordsPerSecond)
    assert.isTrue(Protection.mayEnter(node.ctx, ip(`10.3.0.${Limits.bannedWordBurst}`), true))
  })
})

describe("across a restart", () => {
  it("a ban keeps what is left of it, never more than it was; one that is over is gone", () => {
    const node = hand.make()
    const { ctx } = node
    node.pass(1_000)
    const wall = ctx.nowMs()
    const stored = (text: string, since: number, until: number) =>
      ({
        subnet: Subnet.fromStringUnsafe(text),
        since: wall + since,
        until: wall + until,
        by: "score",
        reason: "r"
      }) as const
    Protection.restore(ctx, {
      bans: [stored("10.0.0.1", -4_000, 6_000), stored("10.0.0.2", 90_000, 95_000), stored("10.0.0.3", -9, 0)],
      offenders: []
    })
    const bans = [...ctx.protection.bans.entries()].map((
      { by, reason, since, subnet, until }
    ) => [`${subnet}`, since, until, by, reason])
    assert.deepStrictEqual(bans, [["10.0.0.1", -3_000, 7_000, "score", "r"], ["10.0.0.2", 1_000, 6_000, "score", "r"]])
    assert.deepStrictEqual(
      Protection.toStore(ctx).map(({ since, until }) => [since - wall, until - wall]),
      [[-4_000, 6_000], [0, 5_000]]
    )
    node.pass(5_000)
    assert.deepStrictEqual(node.of("Unbanned").map(({ subnet }) => `${subnet}`), ["10.0.0.2"])
    const nothing = hand.make()
    Protection.restore(nothing.ctx, { bans: [], offenders: [] })
    assert.deepStrictEqual([nothing.hand.timers.size(), nothing.ctx.protection.isUnsaved], [0, false])
  })

  it("offences keep their age, by either clock", () => {
    const node = hand.make()
    const { ctx } = node
    node.pass(1_000)
    const wall = ctx.nowMs()
    const offender = {
      ip: ip("10.0.0.1"),
      bans: 2,
      score: { points: 40, at: wall - 3_000 },
      lines: [{ kind: "protocol", detail: "d", at: wall - 3_000, times: 4 }]
    } as const
    Protection.restore(ctx, { bans: [], offenders: [offender] })
    const kept = [...ctx.protection.ledger.all()]
    assert.deepStrictEqual(kept, [{
      ...offender,
      score: { points: 40, at: -2_000 },
      lines: [{ kind: "protocol", detail: "d", at: -2_000, times: 4 }]
    }])
    assert.deepStrictEqual(Protection.inWallTime(ctx, kept), [offender])
    // The clock is looked at when the node starts: one that is set later shows.
    node.setClock(3_600_000)
    Protection.report(ctx, ip("10.0.0.2"), falseBlock)
    assert.strictEqual(OwnTrouble.current(ctx.protection.trouble, ctx.timers.now()), "clock")
  })
})

describe("the operator's bans", () => {
  const make = (own = "10.0.0.100") => {
    const node = hand.make({ own, ...(own === "any" ? { interfaces: ["10.0.0.100"] } : {}) })
    let saves = 0
    const bans = OperatorBans.make(node.ctx, Effect.sync(() => void (saves += 1)))
    return { node, bans, saves: () => saves }
  }
  const problem = (exit: Exit.Exit<unknown, { readonly problem: string; readonly fix: string }>) =>
    Exit.isFailure(exit)
      ? exit.cause.reasons.flatMap((reason) =>
        reason._tag === "Fail" ? [`${reason.error.problem}; ${reason.error.fix}`] : []
      )
      : assert.fail("it was set")

  it.effect("are saved and reported by the wall clock, a day if no time is given, the reason cut to its length", () =>
    Effect.gen(function*() {
      const { bans, node, saves } = make()
      const subnet = one("10.0.0.1")
      const report = yield* bans.ban(subnet)
      assert.deepStrictEqual(report, {
        subnet,
        since: hand.wallOffset,
        until: hand.wallOffset + Limits.operatorBanMs,
        by: "operator",
        reason: "",
        leftMs: Limits.operatorBanMs
      })
      const long = yield* bans.ban(one("10.0.0.2"), { forMs: 1_500.6, reason: `  ${"x".repeat(999)} ` })
      assert.deepStrictEqual([long.reason, long.leftMs], ["x".repeat(Limits.banReasonCharacters), 1_501])
      assert.strictEqual(saves(), 2)
      node.pass(1_000.2)
      assert.deepStrictEqual((yield* bans.bans).map(({ leftMs, subnet }) => [`${subnet}`, leftMs]), [
        ["10.0.0.1", Limits.operatorBanMs - 1_000],
        ["10.0.0.2", 501]
      ])
      // A ban that ended is gone although its timer runs late.
      node.ctx.protection.bans.put({
        subnet: one("10.0.0.3"),
        since: 0,
        until: node.ctx.timers.now(),
        by: "score",
        reason: ""
      })
      assert.strictEqual((yield* bans.bans).length, 2)
    }))

  it.effect("are listed in the order of their addresses", () =>
    Effect.gen(function*() {
      const { bans } = make()
      for (const text of ["10.0.0.20", "10.0.0.3", "9.0.0.0/8"]) yield* bans.ban(Subnet.fromStringUnsafe(text))
      assert.deepStrictEqual((yield* bans.bans).map(({ subnet }) => `${subnet}`), [
        "9.0.0.0/8",
        "10.0.0.3",
        "10.0.0.20"
      ])
    }))

  it.effect("are refused for this node itself, for less or more than their times, and beyond their number", () =>
    Effect.gen(function*() {
      const { bans, node, saves } = make()
      assert.deepStrictEqual(problem(yield* Effect.exit(bans.ban(one("10.0.0.100")))), [
        "is of this node itself; name another host"
      ])
      yield* bans.ban(Subnet.fromStringUnsafe("10.0.0.0/24"))
      for (const forMs of [Limits.banLeastMs - 1, Limits.banMostMs + 1, Number.NaN]) {
        assert.deepStrictEqual(problem(yield* Effect.exit(bans.ban(one("10.0.0.1"), { forMs }))), [
          `lasts ${forMs} ms; choose a time between 1 s and 365 days`
        ])
      }
      for (const forMs of [Limits.banLeastMs, Limits.banMostMs]) yield* bans.ban(one("10.0.0.1"), { forMs })
      assert.strictEqual(saves(), 3)
      node.ctx.protection.bans.put = () => false
      assert.deepStrictEqual(problem(yield* Effect.exit(bans.ban(one("10.0.0.2")))), [
        `does not fit: there are ${Limits.bans} bans; lift some, or ban blocks of addresses`
      ])
      assert.strictEqual(saves(), 3)
    }))

  it.effect("that are lifted are saved; one that is not there is not", () =>
    Effect.gen(function*() {
      const { bans, saves } = make()
      yield* bans.ban(one("10.0.0.1"))
      assert.isTrue(yield* bans.unban(one("10.0.0.1")))
      assert.isFalse(yield* bans.unban(one("10.0.0.1")))
      assert.strictEqual(saves(), 2)
    }))

  it("say why an address cannot be connected to, and how to lift it", () => {
    const { node } = make()
    assert.isUndefined(OperatorBans.problem(node.ctx, ip("10.0.0.1")))
    Protection.ban(node.ctx, banOf(node, "10.0.0.0/24", 9_000))
    assert.deepStrictEqual(OperatorBans.problem(node.ctx, ip("10.0.0.1")), {
      input: ip("10.0.0.1"),
      problem: "is banned here with 10.0.0.0/24 (why)",
      fix: "lift the ban first: timemesh unban 10.0.0.0/24"
    })
    Protection.ban(node.ctx, banOf(node, "10.1.0.1", 9_000, { reason: "" }))
    assert.strictEqual(OperatorBans.problem(node.ctx, ip("10.1.0.1"))?.problem, "is banned here")
  })
})
