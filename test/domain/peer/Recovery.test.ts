/** When waits between dials are void, and how long they may be. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Backoff from "../../../src/domain/peer/Backoff.ts"
import * as Recovery from "../../../src/domain/peer/Recovery.ts"

const now = 100_000_000
/** Long tried in vain. */
const failures = 1_000
const named = { isConfigured: true, lostAt: undefined, failures }
const told = { isConfigured: false, lostAt: undefined, failures }
const lost = (agoMs: number, isConfigured = false): Recovery.Known => ({ isConfigured, lostAt: now - agoMs, failures })

describe("the longest wait", () => {
  const longest = (peer: Recovery.Known, isAlone: boolean, mostMs = Limits.backoffMaxMs) =>
    Recovery.longestWaitMs(peer, isAlone, mostMs, now)

  it("a peer lost within the hour is dialled every 12 s at most, whoever else is up", () => {
    for (const isAlone of [false, true]) {
      assert.strictEqual(longest(lost(0), isAlone), Limits.redialKnownMs)
      assert.strictEqual(longest(lost(Limits.redialKnownForMs - 1), isAlone), Limits.redialKnownMs)
    }
    assert.strictEqual(longest(lost(Limits.redialKnownForMs), false), Limits.backoffMaxMs)
  })

  it("a configured peer, or one that ever was up, every 30 s while no peer is up", () => {
    assert.strictEqual(longest(named, true), Limits.redialAloneMs)
    assert.strictEqual(longest(named, false), Limits.backoffMaxMs)
    assert.strictEqual(longest(lost(Limits.redialKnownForMs, true), true), Limits.redialAloneMs)
    assert.strictEqual(longest(lost(9 * Limits.redialKnownForMs), true), Limits.redialAloneMs)
    assert.strictEqual(longest(lost(9 * Limits.redialKnownForMs), false), Limits.backoffMaxMs)
    assert.strictEqual(longest(told, true), Limits.backoffMaxMs)
  })

  it("any address every 30 s for its first thirty dials in vain", () => {
    for (const isAlone of [false, true]) {
      assert.strictEqual(longest({ ...told, failures: Limits.redialNewTries }, isAlone), Limits.redialNewMs)
      assert.strictEqual(longest({ ...told, failures: Limits.redialNewTries + 1 }, isAlone), Limits.backoffMaxMs)
    }
    assert.strictEqual(longest({ ...lost(0), failures: 1 }, false), Limits.redialKnownMs)
  })

  it("the short waits last for more than ten minutes of a network in which nothing answers", () => {
    const policy = { baseMs: Limits.backoffBaseMs, stableMs: Limits.stableMs }
    let ms = 0
    for (let failures = 1; failures <= Limits.redialNewTries; failures++) {
      const maxMs = longest({ ...told, failures }, false)
      ms += Limits.dialMs + Backoff.delay({ failures }, 0.5, { ...policy, maxMs })
    }
    assert.isAbove(ms, 660_000)
  })

  it("never over what is configured", () => {
    for (const peer of [named, told, lost(0)]) assert.strictEqual(longest(peer, true, 7), 7)
  })
})

describe("the wait after a dial that this node's own system refused", () => {
  it("is short, 50 to 100 % of it, and with many addresses in that state no more than ten dials a second in all", () => {
    const most = Limits.redialOwnFaultMs
    for (const few of [1, 2, 50]) {
      assert.deepStrictEqual([0, 1].map((jitter) => Recovery.ownFaultWaitMs(few, jitter)), [most / 2, most])
    }
    assert.strictEqual(Recovery.ownFaultWaitMs(200, 1), 20_000)
    assert.strictEqual(Recovery.ownFaultWaitMs(1_000_000, 1), Limits.redialOwnFaultMaxMs)
  })
})

describe("void waits", () => {
  const together = Limits.lostTogetherMs

  it("a peer comes back: the wait for one that was lost with it is void, before or after it", () => {
    const returned = { lostAt: now - 500_000, wasAlone: false }
    for (
      const [agoMs, expected] of [
        [500_000, true],
        [500_000 - together, true],
        [500_000 + together, true],
        [500_000 - together - 1, false],
        [500_000 + together + 1, false]
      ] as const
    ) {
      assert.strictEqual(Recovery.isVoid(returned, lost(agoMs)), expected, `${agoMs}`)
    }
  })

  it("nothing is concluded of peers that were never up, nor from one that never was", () => {
    assert.isFalse(Recovery.isVoid({ lostAt: now, wasAlone: false }, named))
    assert.isFalse(Recovery.isVoid({ lostAt: undefined, wasAlone: false }, lost(0)))
  })

  it("the first peer up: every wait is void but for addresses of gossip that never answered", () => {
    const first = { lostAt: undefined, wasAlone: true }
    assert.isTrue(Recovery.isVoid(first, named))
    assert.isTrue(Recovery.isVoid(first, lost(9 * together)))
    assert.isFalse(Recovery.isVoid(first, told))
  })

  it("each has the moment of its place, in order, whatever the jitter", () => {
    for (let place = 0; place < 20; place++) {
      const [from, mid, to] = [0, 0.5, 1].map((jitter) => Recovery.restartMs(place, jitter) / 1_000)
      assert.strictEqual(from, place / Limits.redialsPerSecond)
      assert.strictEqual(mid, (place + 0.5) / Limits.redialsPerSecond)
      assert.strictEqual(to, (place + 1) / Limits.redialsPerSecond)
    }
  })

  it("at most `redialsPerSecond` become due in any second, whatever the jitter", () => {
    const due = Array.from({ length: 200 }, (_, place) => Recovery.restartMs(place, place % 7 / 7))
    for (const from of due) {
      const within = due.filter((ms) => ms >= from && ms < from + 1_000).length
      // Jitter may move one from either edge.
      assert.isAtMost(within, Limits.redialsPerSecond + 1)
    }
    assert.isBelow(Recovery.restartMs(124, 1), 8_000)
  })
})
