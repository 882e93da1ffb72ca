import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import { Ledger } from "../../../src/domain/protection/Ledger.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import * as Score from "../../../src/domain/protection/Score.ts"
import * as SyncProof from "../../../src/domain/sync/SyncProof.ts"

const ip = PeerIp.fromStringUnsafe
const hour = Limits.scoreHalfLifeMs

describe("scores", () => {
  it("one lie about blocks is enough, five broken frames are, four are not", () => {
    const of = (kind: Offence.OffenceKind, times: number) => {
      let score = Score.none
      for (let i = 0; i < times; i++) score = Score.add(score, Offence.pointsOf({ kind }), 0)
      return Score.isEnough(score, 0)
    }
    assert.isTrue(of("false-header", 1))
    assert.isTrue(of("false-block", 1))
    assert.isFalse(of("malformed", 4))
    assert.isTrue(of("malformed", 5))
    assert.isFalse(of("flood", 9))
    assert.isTrue(of("flood", 10))
  })

  it("halve with every half-life, so that a broken frame a day never bans", () => {
    const once = Score.add(Score.none, 20, 1_000)
    assert.closeTo(Score.pointsAt(once, 1_000 + hour), 10, 1e-9)
    assert.closeTo(Score.pointsAt(once, 1_000 + 2 * hour), 5, 1e-9)
    let score = Score.none
    for (let day = 0; day < 10_000; day++) score = Score.add(score, 20, day * 24 * hour)
    assert.isBelow(Score.pointsAt(score, 9_999 * 24 * hour), 21)
  })

  it("neither grow beyond what a ban takes, nor come back when the clock goes back", () => {
    let score = Score.none
    for (let i = 0; i < 50; i++) score = Score.add(score, 100, 5_000)
    assert.strictEqual(score.points, Limits.banScore)
    assert.strictEqual(Score.pointsAt(score, 0), Limits.banScore)
    assert.strictEqual(Score.add(score, 1, 0).at, 5_000)
  })
})

describe("the ledger", () => {
  const broken = Offence.make("malformed", "kind 9: no such kind")

  it("counts the same offence once with the number of times, and keeps the last of many", () => {
    const ledger = new Ledger()
    for (let i = 0; i < 3; i++) ledger.add(ip("10.0.0.1"), broken, i)
    assert.deepStrictEqual(ledger.get(ip("10.0.0.1"))?.lines, [{ ...broken, at: 2, times: 3 }])
    for (let i = 0; i < 40; i++) ledger.add(ip("10.0.0.1"), Offence.make("flood", `flood ${i}`), 10 + i)
    const lines = ledger.get(ip("10.0.0.1"))?.lines ?? []
    assert.strictEqual(lines.length, Limits.ledgerOffences)
    assert.strictEqual(lines.at(-1)?.detail, "flood 39")
    assert.isAtMost(Offence.make("flood", "x".repeat(10_000)).detail.length, Limits.offenceDetailCharacters)
  })

  it("is bounded: the address that offended longest ago is forgotten, an older one that offends again is not", () => {
    const ledger = new Ledger()
    const at = (i: number) => ip(`10.${Math.floor(i / 65_536)}.${Math.floor(i / 256) % 256}.${i % 256}`)
    for (let i = 0; i < Limits.ledgerPeers; i++) ledger.add(at(i), broken, i)
    ledger.add(at(0), broken, 5_000)
    for (let i = 0; i < 10; i++) ledger.add(at(100_000 + i), broken, 6_000 + i)
    assert.strictEqual(ledger.size, Limits.ledgerPeers)
    assert.isDefined(ledger.get(at(0)))
    assert.isUndefined(ledger.get(at(1)))
  })

  it("tells what has changed since it was asked, and takes it back; what is forgotten is told too", () => {
    const ledger = new Ledger()
    const [a, b] = [ip("10.0.0.1"), ip("10.0.0.2")]
    ledger.add(a, broken, 0)
    ledger.add(b, broken, 1)
    assert.deepStrictEqual(ledger.takeChanges().offenders.map(({ ip }) => ip), [a, b])
    assert.deepStrictEqual(ledger.takeChanges(), { offenders: [], forgotten: [] })
    ledger.banned(b)
    const changes = ledger.takeChanges()
    assert.deepStrictEqual(changes.offenders.map(({ bans, ip }) => [ip, bans]), [[b, 1]])
    ledger.giveBack(changes)
    ledger.forgive(Subnet.ofOne(a))
    assert.deepStrictEqual(new Set(ledger.takeChanges().offenders.map(({ ip }) => ip)), new Set([a, b]))
    for (let i = 0; i < Limits.ledgerPeers; i++) ledger.add(ip(`10.1.${i >> 8}.${i & 255}`), broken, 2 + i)
    assert.deepStrictEqual(ledger.takeChanges().forgotten, [a, b])
  })

  it("is what it was when it is restored: points halved since, the oldest first to be forgotten, no time in the future", () => {
    const before = new Ledger()
    const [a, b] = [ip("10.0.0.1"), ip("10.0.0.2")]
    before.add(b, broken, 1_000)
    before.add(a, broken, 2_000)
    before.banned(a)
    const ledger = new Ledger()
    ledger.restore([...before.all()].toReversed(), hour + 2_000)
    assert.closeTo(ledger.points(a, hour + 2_000), Limits.offenceFramePoints / 2, 1e-9)
    assert.strictEqual(ledger.banned(a), 2)
    assert.deepStrictEqual([...ledger.all()].map(({ ip }) => ip), [b, a])
    const early = new Ledger()
    early.restore([...before.all()], 500)
    assert.strictEqual(early.points(a, 500), Limits.offenceFramePoints)
    assert.isTrue([...early.all()].every(({ lines, score }) => score.at <= 500 && lines.every(({ at }) => at <= 500)))
  })

  it("forgives the points and keeps what happened", () => {
    const ledger = new Ledger()
    ledger.add(ip("10.0.0.1"), Offence.make("false-block", "wrong"), 0)
    ledger.add(ip("10.0.1.1"), Offence.make("false-block", "wrong"), 0)
    ledger.forgive(Subnet.fromStringUnsafe("10.0.0.0/24"))
    assert.strictEqual(ledger.points(ip("10.0.1.1"), 0), 100)
    assert.strictEqual(ledger.points(ip("10.0.0.1"), 0), 0)
    assert.strictEqual(ledger.get(ip("10.0.0.1"))?.lines.length, 1)
    assert.strictEqual(ledger.points(ip("10.0.0.2"), 0), 0)
  })
})

describe("faults of sync", () => {
  it("that slowness, a full disk or a rewind explain prove nothing", () => {
    for (const fault of ["withheld", "inflated-height", "empty-headers", "unresponsive", "stalled"] as const) {
      assert.isUndefined(SyncProof.offenceOf(fault), fault)
    }
    assert.strictEqual(SyncProof.offenceOf("bad-header"), "false-header")
    assert.strictEqual(SyncProof.offenceOf("wrong-block"), "false-block")
  })
})
