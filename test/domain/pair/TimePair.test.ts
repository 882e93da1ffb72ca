import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TimePair from "../../../src/domain/pair/TimePair.ts"
import * as TimePairState from "../../../src/domain/pair/TimePairState.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"
import { TimePairDrive } from "../../harness/TimePairDrive.ts"

const eof = DisconnectReason.remote("eof")
const tags = (actions: ReadonlyArray<TimePairState.Action>) => actions.map(({ _tag }) => _tag)

describe("TimePair", () => {
  it("the higher dials at once, says its Handshake when TLS is done, and is up by the Ack", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    assert.deepStrictEqual(node.times("Dial"), [0])
    const end = node.dialling
    assert.deepStrictEqual(tags(node.post({ _tag: "Connected", end })), ["SendHandshake", "Arm"])
    assert.deepStrictEqual(tags(node.post({ _tag: "AckReceived", end })), ["Disarm", "Up", "Arm"])
    assert.strictEqual(TimePairState.up(node.pair)?.id, end)
    assert.deepStrictEqual([...node.timers.keys()], ["unused 0"])
  })

  it("the lower waits 180 s, and dials if nobody came", () => {
    const node = new TimePairDrive("lower").learn()
    node.to(Limits.timeFallbackMs - 1)
    assert.isEmpty(node.times("Dial"))
    node.to(Limits.timeFallbackMs)
    assert.deepStrictEqual(node.times("Dial"), [Limits.timeFallbackMs])
  })

  it("a peer that dials is greeted when its Handshake has come; who says nothing is closed", () => {
    const node = new TimePairDrive("lower").learn()
    const end = node.accept()
    assert.deepStrictEqual(tags(node.post({ _tag: "HandshakeReceived", end })), ["Disarm", "Greet", "Up", "Arm"])
    const silent = node.accept()
    node.to(node.now + Limits.timeHandshakeMs)
    assert.deepStrictEqual(node.did.find(([, { _tag }]) => _tag === "Close")?.[1], {
      _tag: "Close",
      end: silent,
      reason: DisconnectReason.local("hello-timeout")
    })
    assert.strictEqual(TimePairState.up(node.pair)?.id, end)
  })

  it("silence after our Handshake is a refusal", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    node.post({ _tag: "Connected", end: node.dialling })
    node.to(Limits.timeAckMs)
    const closed = node.did.find(([, { _tag }]) => _tag === "Close")?.[1]
    assert.strictEqual(closed?._tag === "Close" ? closed.reason.kind : "", "no-ack")
    assert.strictEqual(node.pair.risks, 1)
  })

  it("the later session counts, and the one before it is closed, whoever dialled", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    const ours = node.dialling
    const theirs = node.accept()
    node.post({ _tag: "HandshakeReceived", end: theirs })
    node.post({ _tag: "Connected", end: ours })
    const actions = node.post({ _tag: "AckReceived", end: ours })
    assert.deepStrictEqual(tags(actions), ["Disarm", "Close", "Disarm", "Down", "Up", "Arm"])
    assert.strictEqual(TimePairState.up(node.pair)?.id, ours)
    const again = node.accept()
    node.post({ _tag: "HandshakeReceived", end: again })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [again])
  })

  it("a Handshake that comes late on a session from before does not replace the later one", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    const ours = node.dialling
    const theirs = node.accept()
    node.post({ _tag: "Connected", end: ours })
    node.post({ _tag: "AckReceived", end: ours })
    node.post({ _tag: "HandshakeReceived", end: theirs })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [ours])
  })

  it("many silent connections at once: the oldest gives way", () => {
    const node = new TimePairDrive("higher")
    const all = Array.from({ length: Limits.endsPerPair + 3 }, () => node.accept())
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), all.slice(3))
  })

  it("a peer of another version or network is left alone for hours", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    const end = node.dialling
    node.post({ _tag: "Connected", end })
    node.post({ _tag: "Unfit", end, detail: "mainnet" })
    node.to(Limits.timeIncompatibleMs - 1)
    assert.lengthOf(node.times("Dial"), 1)
    node.to(Limits.timeIncompatibleMs)
    assert.lengthOf(node.times("Dial"), 2)
  })

  it("stopped, it closes everything and dials no more until an address is learnt", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    node.connect()
    node.accept()
    node.post({ _tag: "Stopped", reason: DisconnectReason.local("operator") })
    node.to(10 * Limits.timeFallbackMs)
    assert.isEmpty(node.pair.ends)
    assert.lengthOf(node.times("Dial"), 1)
    node.learn().to(node.now)
    assert.lengthOf(node.times("Dial"), 2)
  })

  it("adopts a dial whose wire shows late: as its own from TLS on", () => {
    const node = new TimePairDrive("higher").learn()
    const before = node.accept()
    node.post({ _tag: "HandshakeReceived", end: before })
    const id = node.fresh()
    assert.deepStrictEqual(tags(node.post({ _tag: "Adopted", id })), ["SendHandshake", "Arm"])
    assert.deepStrictEqual(tags(node.post({ _tag: "AckReceived", end: id })), [
      "Disarm",
      "Close",
      "Disarm",
      "Down",
      "Up",
      "Arm"
    ])
    assert.strictEqual(TimePairState.up(node.pair)?.id, id)
    node.post({ _tag: "Closed", end: id, reason: eof })
    node.to(node.now + Limits.timeDialSpacingMs - 1)
    assert.isEmpty(node.times("Dial"), "its own next dial keeps the distance from it")
    node.to(node.now + 1)
    assert.strictEqual(node.times("Dial").length, 1)
  })

  it("counts a dial that broke off before TLS as one that the daemon may have counted", () => {
    const node = new TimePairDrive("higher")
    for (let i = 0; i < Limits.timeRisks; i++) node.post({ _tag: "Suspected" })
    node.learn()
    node.to(Limits.timeForgivenMs - 1)
    assert.isEmpty(node.times("Dial"))
    node.to(Limits.timeForgivenMs)
    assert.strictEqual(node.times("Dial").length, 1)
  })

  it("stopped for a while, it dials again when that is over, and not before", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    node.connect()
    node.post({ _tag: "Stopped", reason: eof, retryMs: 3_600_000 })
    node.to(3_600_000 - 1)
    assert.strictEqual(node.times("Dial").length, 1)
    node.to(3_600_000)
    assert.strictEqual(node.times("Dial").length, 2)
  })

  it("announces once per connection, 60 s after Up: a session of a former process may have ended just before", () => {
    const node = new TimePairDrive("higher", true).learn()
    node.to(0)
    const end = node.connect()
    node.to(Limits.timeAnnounceMs - 1)
    assert.isEmpty(node.times("Announce"))
    node.to(150_000)
    node.post({ _tag: "Closed", end, reason: eof })
    node.to(150_000)
    node.connect()
    node.to(150_000 + 2 * Limits.timeAnnounceMs)
    assert.deepStrictEqual(node.times("Announce"), [Limits.timeAnnounceMs, 150_000 + Limits.timeAnnounceMs])
  })

  it("after four connections that ended right after an announcement, announces no more for an hour", () => {
    const node = new TimePairDrive("higher", true).learn()
    const announced = () => node.times("Announce").length
    const turn = (ms: number) => {
      const end = node.accept()
      node.post({ _tag: "HandshakeReceived", end })
      node.to(node.now + ms)
      node.post({ _tag: "Closed", end, reason: eof })
    }
    for (let i = 1; i <= Limits.timeRisks; i++) {
      turn(2 * Limits.timeAnnounceMs - 1)
      assert.strictEqual(announced(), i)
    }
    const since = node.now
    for (let i = 0; i < 5; i++) turn(2 * Limits.timeAnnounceMs)
    assert.strictEqual(announced(), Limits.timeRisks)
    node.to(since + Limits.timeForgivenMs)
    turn(2 * Limits.timeAnnounceMs)
    turn(2 * Limits.timeAnnounceMs)
    assert.strictEqual(announced(), Limits.timeRisks + 2, "one that ends later is not held against it")
  })
})

describe("a connection that the peer does not use", () => {
  const upAt0 = (rank: "lower" | "higher" = "higher") => {
    const node = new TimePairDrive(rank).learn()
    const end = node.accept()
    node.post({ _tag: "HandshakeReceived", end })
    return { node, end }
  }
  const asked = (node: TimePairDrive, end: number) => node.post({ _tag: "Asked", end })

  it("ends when it was not asked for our tip for 180 s, and is dialled again 30 s later", () => {
    const { end, node } = upAt0()
    node.to(Limits.timeUnusedMs - 1)
    assert.strictEqual(TimePairState.up(node.pair)?.id, end)
    node.to(Limits.timeUnusedMs)
    const [, down] = node.did.find(([, { _tag }]) => _tag === "Down") ?? assert.fail()
    const reason = DisconnectReason.local(
      "unused",
      "the peer answers pings but has stopped asking for our tip; dialling again"
    )
    assert.deepStrictEqual(down, { _tag: "Down", end, reason })
    assert.isEmpty(node.pair.ends)
    node.to(Limits.timeUnusedMs + Limits.timeDialSpacingMs - 1)
    assert.isEmpty(node.times("Dial"), "the peer has to notice the close before it is dialled")
    node.to(Limits.timeUnusedMs + Limits.timeDialSpacingMs)
    assert.lengthOf(node.times("Dial"), 1)
    assert.deepInclude(node.pair, { failures: 0, risks: 0 })
  })

  it("of the lower end is left to the peer to dial, for 180 s", () => {
    const { node } = upAt0("lower")
    node.to(Limits.timeUnusedMs + Limits.timeFallbackMs - 1)
    assert.isEmpty(node.times("Dial"))
    node.to(Limits.timeUnusedMs + Limits.timeFallbackMs)
    assert.lengthOf(node.times("Dial"), 1)
  })

  it("is one only as long as no question comes: the time runs from the last", () => {
    const { end, node } = upAt0()
    for (let at = 0; at < 3_600_000; at += Limits.timeUnusedMs - 1) {
      node.to(at)
      asked(node, end)
    }
    assert.isEmpty(node.times("Down"))
    const last = node.now
    node.to(last + Limits.timeUnusedMs - 1)
    assert.isEmpty(node.times("Down"))
    node.to(last + Limits.timeUnusedMs)
    assert.deepStrictEqual(node.times("Down"), [last + Limits.timeUnusedMs])
  })

  it("is not looked at any more when it has ended otherwise, and the next one has its own time", () => {
    const { end, node } = upAt0()
    node.to(100_000)
    node.post({ _tag: "Closed", end, reason: eof })
    assert.isFalse(node.timers.has("unused 0"))
    assert.deepStrictEqual(node.post({ _tag: "Fired", timer: { kind: "unused", end: 0 }, id: 700 }), [])
    const next = node.accept()
    node.post({ _tag: "HandshakeReceived", end: next })
    node.to(100_000 + Limits.timeUnusedMs - 1)
    assert.strictEqual(TimePairState.up(node.pair)?.id, next)
  })

  it("lasts twice as long each time in a row, up to an hour; one question makes it 180 s again", () => {
    const { node } = upAt0("lower")
    const lasts = () => {
      const end = TimePairState.up(node.pair)?.id ?? node.accept()
      node.post({ _tag: "HandshakeReceived", end })
      const from = node.now
      node.to(from + Limits.timeUnusedMostMs)
      return (node.times("Down").at(-1) ?? 0) - from
    }
    const all = Array.from({ length: 7 }, lasts)
    assert.deepStrictEqual(all, [180_000, 360_000, 720_000, 1_440_000, 2_880_000, 3_600_000, 3_600_000])
    const end = node.accept()
    asked(node, end)
    assert.strictEqual(node.pair.unused, 7, "not before it is up")
    node.post({ _tag: "HandshakeReceived", end })
    asked(node, end)
    node.post({ _tag: "Closed", end, reason: eof })
    assert.strictEqual(lasts(), Limits.timeUnusedMs)
  })
})

/** What the daemon holds against an address, by its own rules. */
class Ledger {
  readonly connects: Array<number> = []
  readonly refusals: Array<number> = []
  violations = 0
  private lastViolation = -Infinity
  disconnectedAt = -Infinity
  announcedAt = -Infinity
  announcedOn = new Set<number>()

  violation(now: number): void {
    this.violations = now - this.lastViolation >= 3_600_000 ? 1 : this.violations + 1
    this.lastViolation = now
    assert.isBelow(this.violations, 5, `the fifth violation at ${now} is a ban`)
  }

  private within(times: ReadonlyArray<number>, now: number): number {
    return times.filter((at) => now - at < 60_000).length
  }

  connect(now: number): void {
    this.connects.push(now)
    assert.isAtMost(this.within(this.connects, now), 10, `more than 10 connects in a minute at ${now}`)
  }

  refuse(now: number): void {
    this.refusals.push(now)
    assert.isBelow(this.within(this.refusals, now), 4, `the fourth refusal in a minute at ${now}`)
  }

  announce(end: number, now: number): void {
    assert.isAtLeast(now - this.disconnectedAt, 30_000, `announced too soon after a disconnect at ${now}`)
    assert.isFalse(this.announcedOn.has(end), "announced twice on one connection")
    this.announcedAt = now
    this.announcedOn.add(end)
  }
}

/** A daemon that does whatever is worst: refuses, is silent, cuts, dials, in any order and at any pace. Hours go by. */
const torment = (seed: number, step: TimePair.Step): void => {
  const random = randomFrom(seed)
  const node = new TimePairDrive(random(2) === 0 ? "lower" : "higher", true, step).learn()
  const ledger = new Ledger()
  let seen = 0
  const look = () => {
    for (; seen < node.did.length; seen++) {
      const [now, action] = node.did[seen] ?? assert.fail()
      if (action._tag === "Dial") ledger.connect(now)
      if (action._tag === "Announce") ledger.announce(action.end, now)
      if (action._tag === "Down") ledger.disconnectedAt = now
      if (action._tag === "Close" && action.reason.kind === "no-ack") ledger.violation(now)
    }
  }
  for (let turn = 0; turn < 150; turn++) {
    const next = node.nextAt
    const steps = [0, 0, 100, 5_000, 31_000, 400_000]
    node.to(random(3) === 0 || next === Infinity ? node.now + (steps[random(steps.length)] ?? 0) : next)
    look()
    const end = node.pair.ends[random(Math.max(1, node.pair.ends.length))]
    if (end === undefined) {
      if (random(3) === 0) node.accept()
    } else if (end.phase === "dialing") {
      const how = random(4)
      if (how === 0) node.post({ _tag: "Connected", end: end.id }, random(2))
      else {
        if (how === 1) ledger.refuse(node.now)
        if (how === 2) ledger.violation(node.now)
        node.post({ _tag: "DialFailed", end: end.id, reached: how !== 3, detail: "ECONNRESET" }, random(2))
      }
    } else if (random(2) === 0 && end.phase === "greeting") {
      node.post({ _tag: end.dir === "in" ? "HandshakeReceived" : "AckReceived", end: end.id }, random(2))
    } else if (random(2) === 0) {
      if (end.phase === "greeting" && end.dir === "out") ledger.violation(node.now)
      // It does not like what was announced.
      if (end.phase === "up" && node.now - ledger.announcedAt < 30_000) ledger.violation(node.now)
      node.post({ _tag: "Closed", end: end.id, reason: eof }, random(2))
    }
    look()
    assert.isAtMost(node.pair.ends.filter(({ phase }) => phase === "up").length, 1)
  }
}

describe("no path reaches a ban", () => {
  it("whatever the daemon does, in 400 histories of hours", { timeout: 60_000, ...long }, () => {
    for (let seed = 0; seed < 400; seed++) {
      try {
        torment(seed, TimePair.step)
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  })

  const mutants: ReadonlyArray<readonly [keyof TimePair.Rules, said: RegExp]> = [
    ["spacing", /refusal|connects/],
    ["budget", /violation/],
    ["announceLate", /announced too soon/],
    ["announceRisks", /violation/]
  ]
  for (const [rule, said] of mutants) {
    it(`without the rule ${rule} there is one`, () => {
      const step = TimePair.make({ ...TimePair.production, [rule]: false })
      const others: Array<string> = []
      for (let seed = 0; seed < 300; seed++) {
        try {
          torment(seed, step)
        } catch (error) {
          if (said.test(String(error))) return
          others.push(String(error))
        }
      }
      assert.fail(`no history of 300: ${others.slice(0, 3).join("\n")}`)
    })
  }

  it("without its wait the lower dials at once", () => {
    const node = new TimePairDrive("lower", false, TimePair.make({ ...TimePair.production, lowerWaits: false })).learn()
    node.to(0)
    assert.lengthOf(node.times("Dial"), 1)
  })
})
