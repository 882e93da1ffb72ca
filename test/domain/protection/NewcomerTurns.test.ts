/** A full node under a flood of handshakes: a stranger has its turn by its netgroup, not by luck. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Eviction from "../../../src/domain/protection/Eviction.ts"
import { NewcomerTurns } from "../../../src/domain/protection/NewcomerTurns.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"

const places = 120

interface Flood {
  readonly netgroups: number
  /** Of the flood, all together. */
  readonly knocksPerSecond: number
  readonly seconds: number
  /** Whether a knock of a netgroup counts for its turn. */
  readonly isNext?: (turns: NewcomerTurns, group: string, order: number, now: number) => boolean
}

/** s until a stranger is in that knocks each second from the second on, as all of the flood says that it has no peers; and places that strangers got by then. */
const inAfter = (seed: number, flood: Flood) => {
  const {
    isNext = (turns, group, order, now) => turns.isNext(group, order, now),
    knocksPerSecond,
    netgroups,
    seconds
  } = flood
  const below = randomFrom(seed)
  const turns = new NewcomerTurns()
  const orders = Array.from({ length: netgroups }, () => below(2 ** 32))
  const own = below(2 ** 32)
  const phase = below(1_000)
  let peers: ReadonlyArray<Eviction.Candidate> = []
  let given = 0
  /** Until then no peer has its place for long enough to go: nothing else changes that, and to look each time takes most of the time of this test. */
  let noneUntil = 0
  const knocks = (netgroup: string, order: number, address: string, now: number): boolean => {
    const asks = { group: address, peers: 0, isKnown: false, groupHelpedAt: undefined }
    if (peers.length === places) {
      // Refused without a look at the peers; here that is only quicker.
      if (!isNext(turns, netgroup, order, now)) return false
      const chosen = now < noneUntil ? undefined : Eviction.choose(peers, { ...asks, isItsTurn: true }, now)
      if (chosen === undefined) {
        if (now >= noneUntil) noneUntil = now + 100
        return false
      }
      peers = peers.filter((peer) => peer !== chosen.victim)
      given += 1
    }
    turns.cameIn(netgroup, now)
    const common = { usefulAt: undefined, isMasternode: false, isKnown: false, since: now }
    peers = [...peers, { ...common, group: address, keyed: below(2 ** 32), leastRttMs: 20 + below(200) }]
    return true
  }
  let due = 0
  for (let ms = 1; ms <= seconds * 1_000; ms++) {
    for (due += knocksPerSecond / 1_000; due >= 1; due--) {
      const group = below(netgroups)
      knocks(`g${group}`, orders[group] ?? 0, `${group}.${below(2 ** 32)}`, ms)
    }
    if (ms % 1_000 === phase && ms > 1_000 && knocks("stranger", own, "stranger", ms)) {
      return { after: ms / 1_000, given }
    }
  }
  return { after: Infinity, given }
}

const seeds = Array.from({ length: 25 }, (_, i) => i + 1)

describe("the turns of newcomers in need", () => {
  it("500 handshakes a second from 99 netgroups: a stranger is in within 60 s, whatever the seed", long, () => {
    const late = seeds.map((seed) => ({ seed, ...inAfter(seed, { netgroups: 99, knocksPerSecond: 500, seconds: 60 }) }))
    for (const { after, given, seed } of late) assert.isAtMost(after, 60, `seed ${seed}, after ${given} turns`)
    // As many netgroups as never came in precede it at most: of 99, with 120 places filled at random, about 30.
    for (const { given, seed } of late) assert.isAtMost(given, 99, `seed ${seed}`)
    const few = seeds.slice(0, 8)
    const byLuck = few.filter((seed) =>
      inAfter(seed, { netgroups: 99, knocksPerSecond: 500, seconds: 60, isNext: () => true }).after > 60
    )
    assert.isAbove(byLuck.length, few.length / 4, "without turns it is luck")
  })

  it("of any number of netgroups that knock all the time each has one turn before any has two", () => {
    const turns = new NewcomerTurns()
    const below = randomFrom(3)
    const groups = Array.from({ length: 300 }, (_, i) => ({ name: `g${i}`, order: below(2 ** 32) }))
    const came: Array<string> = []
    for (let now = 0; came.length < 600; now += 10) {
      // One place at a time comes free, once all have knocked.
      let isFree = now > 0
      for (const { name, order } of groups) {
        if (!turns.isNext(name, order, now) || !isFree) continue
        turns.cameIn(name, now)
        came.push(name)
        isFree = false
      }
      assert.isBelow(now, 60_000)
    }
    assert.strictEqual(new Set(came.slice(0, 300)).size, 300)
    assert.strictEqual(new Set(came.slice(300)).size, 300)
  })

  it("a netgroup that has given up delays no other for longer than its turn is kept", () => {
    const turns = new NewcomerTurns()
    assert.isTrue(turns.isNext("first", 1, 0))
    assert.isFalse(turns.isNext("second", 2, Limits.newcomerWaitMs))
    assert.isTrue(turns.isNext("second", 2, Limits.newcomerWaitMs + 1))
    assert.isTrue(turns.isNext("first", 1, Limits.newcomerWaitMs + 2), "it still comes before the other")
  })

  it("a netgroup's order is that of its first address, whatever others it tries, until it came in or was forgotten", () => {
    const turns = new NewcomerTurns()
    assert.isTrue(turns.isNext("honest", 5, 0))
    assert.isFalse(turns.isNext("tries", 9, 0))
    assert.isFalse(turns.isNext("tries", 1, 1), "a luckier address")
    assert.isTrue(turns.isNext("honest", 5, 2))
    turns.cameIn("tries", 3)
    turns.cameIn("honest", 3)
    assert.isTrue(turns.isNext("honest", 7, 4), "and keeps it when it came in")
    assert.isFalse(turns.isNext("tries", 1, 4))
  })

  it("is bounded", () => {
    const turns = new NewcomerTurns()
    for (let i = 0; i < 2 * Limits.evictionGroupsKnown; i++) {
      turns.isNext(`knocks ${i}`, i, 0)
      turns.cameIn(`came ${i}`, 0)
    }
    assert.strictEqual(turns.size, Limits.evictionGroupsKnown)
  })
})
