import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Eviction from "../../../src/domain/protection/Eviction.ts"
import { randomFrom } from "../../harness/random.ts"

interface Named extends Eviction.Candidate {
  readonly name: string
}

const hour = 3_600_000
/** An ordinary peer: far, of no use, the later the name the younger. */
const peer = (i: number, group: string, change: Partial<Named> = {}): Named => ({
  name: `${group}-${i}`,
  group,
  keyed: 1_000 + i,
  leastRttMs: 100 + i,
  usefulAt: undefined,
  isMasternode: false,
  isKnown: false,
  since: i,
  ...change
})
/** So many of one netgroup, which dialled after all others. */
const crowd = (count: number, group: string, from = 1_000) =>
  Array.from({ length: count }, (_, i) => peer(from + i, group, { leastRttMs: 500 + i }))
const of = (...groups: ReadonlyArray<readonly [group: string, count: number]>) =>
  groups.flatMap(([group, count], g) => crowd(count, group, 1_000 * (g + 1)))
const stranger: Eviction.Newcomer = {
  group: "new",
  peers: 0,
  isKnown: false,
  groupHelpedAt: undefined,
  isItsTurn: true
}

describe("who is evicted", () => {
  it("the youngest of the netgroup with most peers", () => {
    const candidates = of(["a", 30], ["big", 60], ["c", 30])
    const chosen = Eviction.choose(candidates, stranger, hour)
    assert.deepStrictEqual([chosen?.victim.name, chosen?.isHelp], ["big-2059", false])
  })

  it("a stranger that has just come, for a newcomer that was well connected before; never one that was itself", () => {
    const now = 1_000 + Limits.evictionGraceMs / 2
    const wave = Array.from({ length: 60 }, (_, i) => peer(1_000 + i, `g${i}`))
    const known = { ...stranger, isKnown: true }
    assert.isUndefined(Eviction.choose(wave, stranger, now))
    assert.strictEqual(Eviction.choose(wave, known, now)?.victim.name, "g59-1059")
    assert.isUndefined(Eviction.choose(wave.map((one) => ({ ...one, isKnown: true })), known, now))
    // It has no more right to a place than others where it has peers enough.
    assert.isUndefined(Eviction.choose(wave, { ...known, peers: Limits.enoughPeers }, now))
  })

  it("is nobody while there are no more than the rules protect", () => {
    const protects = Limits.evictionGroups + Limits.evictionNearest
    assert.isUndefined(Eviction.choose(crowd(protects, "a"), stranger, hour))
    assert.isDefined(Eviction.choose(crowd(protects + 2, "a"), stranger, hour))
    assert.isUndefined(Eviction.choose([], stranger, hour))
  })

  for (
    const [what, change, most] of [
      ["the least round trips", { leastRttMs: 1 }, Limits.evictionNearest],
      ["the latest new blocks", { usefulAt: 5 }, Limits.evictionUseful],
      ["the masternodes", { isMasternode: true }, Limits.evictionMasternodes],
      ["a few netgroups by a secret order", { keyed: 0 }, Limits.evictionGroups]
    ] as const
  ) {
    it(`never ${what}, young as they are and of the largest netgroup`, () => {
      const dear = Array.from({ length: most }, (_, i) => peer(9_000 + i, "big", change))
      const chosen = Eviction.choose([...of(["a", 20], ["big", 60]), ...dear], stranger, hour)
      assert.strictEqual(chosen?.victim.name, "big-2059")
      // It is no more than that many: masses of them protect nobody.
      const masses = Array.from({ length: 60 }, (_, i) => peer(9_000 + i, "big", change))
      assert.strictEqual(Eviction.choose([...of(["a", 20]), ...masses], stranger, hour)?.victim.group, "big")
    })
  }

  it("never the longer connected half of the rest, whatever their netgroup", () => {
    const candidates = Array.from({ length: 100 }, (_, i) => peer(i, i < 50 ? "old" : "a", { leastRttMs: 9, keyed: i }))
    for (let i = 0; i < 60; i++) {
      const some = candidates.slice(0, 100 - i)
      const chosen = Eviction.choose(some, stranger, hour)
      assert.isAtLeast(chosen?.victim.since ?? 0, some[Math.floor(some.length / 2)]?.since ?? 0)
    }
  })

  it("never one that has its place only just", () => {
    const now = hour
    const old = of(...Array.from({ length: 80 }, (_, i) => [`a${i}`, 1] as const))
    const young = crowd(40, "big", now - Limits.evictionGraceMs + 1)
    assert.strictEqual(Eviction.choose([...old, ...young], stranger, now)?.victim.group.slice(0, 1), "a")
    assert.strictEqual(Eviction.choose([...old, ...young], stranger, now + Limits.evictionGraceMs)?.victim.group, "big")
  })
})

describe("for whom", () => {
  const even = of(...Array.from({ length: 60 }, (_, i) => [`g${i}`, 2] as const))

  it("whoever makes the peers more diverse, in need or not", () => {
    const newcomer = { ...stranger, peers: undefined }
    assert.isDefined(Eviction.choose(even, newcomer, hour))
    assert.isUndefined(Eviction.choose(even, { ...newcomer, group: "g7" }, hour), "its netgroup has as many")
    assert.isUndefined(Eviction.choose(of(["a", 120]), { ...newcomer, group: "a" }, hour))
  })

  it("one in need otherwise, once a minute and netgroup", () => {
    const same = { ...stranger, group: "g7" }
    assert.isTrue(Eviction.choose(even, same, hour)?.isHelp)
    assert.isUndefined(Eviction.choose(even, { ...same, peers: Limits.enoughPeers }, hour))
    assert.isUndefined(Eviction.choose(even, { ...same, groupHelpedAt: hour - 1_000 }, hour))
    assert.isDefined(Eviction.choose(even, { ...same, groupHelpedAt: hour - Limits.evictionEveryMs }, hour))
  })

  it("so a full network whose nodes have peers enough comes to rest, and an attacker from few netgroups holds few places", () => {
    const seed = 12
    const below = randomFrom(seed)
    let candidates: ReadonlyArray<Named> = crowd(125, "attacker", 0)
    let evictions = 0
    let last = 0
    for (let knock = 0; knock < 5_000; knock++) {
      const now = hour + knock * 1_000
      const group = knock % 2 === 0 ? "attacker" : `honest-${below(200)}`
      const chosen = Eviction.choose(candidates, {
        group,
        peers: 50,
        isKnown: false,
        groupHelpedAt: undefined,
        isItsTurn: true
      }, now)
      if (chosen === undefined) continue
      evictions += 1
      last = knock
      candidates = [
        ...candidates.filter((one) => one !== chosen.victim),
        peer(knock, group, { since: now, keyed: below(1e9), leastRttMs: 20 + below(200) })
      ]
    }
    const share = candidates.filter(({ group }) => group === "attacker").length
    assert.isBelow(last, 4_000, `seed ${seed}: it comes to rest`)
    assert.isBelow(evictions, 125 * 8, `seed ${seed}`)
    assert.isBelow(share, 70, `seed ${seed}: of 125 places, the longest connected half and those protected are its own`)
  })
})
