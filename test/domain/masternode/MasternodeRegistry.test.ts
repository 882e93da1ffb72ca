import { assert, describe, it } from "@effect/vitest"
import { HashMap } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { type Announcement, type Key, states } from "../../../src/domain/masternode/Masternode.ts"
import * as Registry from "../../../src/domain/masternode/MasternodeRegistry.ts"
import * as Report from "../../../src/domain/masternode/MasternodeReport.ts"
import * as RegistryBounds from "../../../src/domain/masternode/RegistryBounds.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as TokenBucket from "../../../src/domain/peer/TokenBucket.ts"
import { announce, collateral, masternode } from "../../harness/masternodes.ts"
import { randomFrom } from "../../harness/random.ts"

const wall = 1_800_000_000_000
const at = (ms: number): Registry.Now => ({ wall: wall + ms, monotonic: 5_000 + ms })
const start = at(0)
const ip = PeerIp.fromStringUnsafe

/** As a node takes them: what is refused changes nothing. */
const merge = (
  registry: Registry.MasternodeRegistry,
  announcement: Announcement,
  now = start,
  source = "10.9/16"
): Registry.MasternodeRegistry => {
  const novelty = Registry.novelty(registry, announcement, now)
  if (novelty !== "new" && novelty !== "older") return registry
  return RegistryBounds.fit(Registry.announced(registry, announcement, source, now), announcement, now.monotonic)
}
const all = (announcements: ReadonlyArray<Announcement>, now = start) =>
  announcements.reduce((registry, announcement) => merge(registry, announcement, now), Registry.empty)
/** Every key may announce as if for the first time. */
const unpaced = (registry: Registry.MasternodeRegistry): Registry.MasternodeRegistry => ({
  ...registry,
  keys: HashMap.map(registry.keys, (facts) => ({ ...facts, pace: TokenBucket.full(Limits.masternodePace, 0) }))
})
const report = (registry: Registry.MasternodeRegistry, now = start) => Report.report(registry, now.monotonic)
const total = ({ counts }: Report.MasternodeReport) =>
  states.reduce((sum, state) => sum + Report.total(counts, state), 0)

const witness = (registry: Registry.MasternodeRegistry, n: number, by: string, place: string, now = start) =>
  Registry.witnessed(registry, ip(by), [{ ip: ip(place), key: masternode(n).key }], now.monotonic)

describe("merging announcements", () => {
  it("gives the same registry in whatever order they come", () => {
    const seed = 65
    const random = randomFrom(seed)
    for (let round = 0; round < 30; round++) {
      const announcements = Array.from({ length: 12 }, (_, i) =>
        // Some of one time: an equivocation must be settled the same way everywhere.
        announce(1 + random(4), `203.0.113.${1 + random(3)}`, wall - 1_000 * random(6), { port: 1_000 + i }))
      const orders = [announcements, announcements.toReversed(), announcements.toSorted(() => random(3) - 1)]
      const [first, ...others] = orders.map((order) =>
        // Without the pace: it is about how fast they come, not about what they say.
        report(order.reduce((registry, announcement) => merge(unpaced(registry), announcement), Registry.empty))
      )
      for (const other of others) assert.deepStrictEqual(other, first, `seed ${seed}, round ${round}`)
    }
  })

  it("counts one IP once, whatever its ports, its keys and its spelling", () => {
    const ports = [24_200, 40_001, 40_002, 40_003, 40_004]
    const one = all(ports.map((port, i) => announce(1, "203.0.113.7", wall + i, { port })))
    assert.strictEqual(total(report(one)), 1)
    assert.strictEqual(report(one).masternodes[0]?.port, 40_004)
    assert.strictEqual(total(report(all([1, 2, 3].map((n) => announce(n, "203.0.113.7", wall + n))))), 1)
    assert.strictEqual(
      total(report(all([announce(1, "203.0.113.7", wall), announce(2, "::ffff:203.0.113.7", wall + 1)]))),
      1
    )
  })

  it("counts one key once, at the IP it named last or is connected from", () => {
    const moved = all([announce(1, "203.0.113.7", wall), announce(1, "198.51.100.9", wall + 1_000)])
    assert.deepStrictEqual(report(moved).masternodes.map((row) => row.ip), [ip("198.51.100.9")])
    assert.deepStrictEqual(report(moved).conflicts, [])
    const back = Registry.connected(moved, announce(1, "203.0.113.7", wall - 60_000), 4, start)
    assert.deepStrictEqual(report(back).masternodes.map((row) => [row.ip, row.state]), [[ip("203.0.113.7"), "live"]])
  })

  it("refuses replays, and what is too old or too far ahead, at both ends of the bounds", () => {
    const announcement = announce(1, "203.0.113.7", wall)
    const registry = all([announcement])
    assert.strictEqual(Registry.novelty(registry, announcement, start), "known")
    assert.strictEqual(Registry.novelty(registry, announce(1, "203.0.113.7", wall - 1), start), "older")
    const novelty = (ms: number) => Registry.novelty(Registry.empty, announce(1, "203.0.113.7", wall + ms), start)
    assert.strictEqual(novelty(Limits.masternodeAheadMs), "new")
    assert.strictEqual(novelty(Limits.masternodeAheadMs + 1), "ahead")
    assert.strictEqual(novelty(1 - Limits.masternodeExpiryMs), "new")
    assert.strictEqual(novelty(-Limits.masternodeExpiryMs), "stale")
  })

  it("passes on no more of a key than its pace", () => {
    let registry = Registry.empty
    const announcement = (i: number) => announce(1, "203.0.113.7", wall + i)
    const { burst, perSecond } = Limits.masternodePace
    for (let i = 0; i <= burst; i++) registry = merge(registry, announcement(i))
    assert.strictEqual(Registry.novelty(registry, announcement(burst + 2), start), "too-often")
    assert.strictEqual(Registry.novelty(registry, announcement(burst + 2), at(1_000 / perSecond)), "new")
  })

  it("does not mind a wall clock that is set", () => {
    const registry = all([announce(1, "203.0.113.7", wall)])
    for (const hours of [-24, 24]) {
      const jumped = { wall: wall + hours * 3_600_000, monotonic: start.monotonic + 1_000 }
      assert.strictEqual(report(registry, jumped).masternodes[0]?.state, "known")
    }
    // Nor does a masternode whose own clock is years ahead stay so for ever: what is in time takes the place of what it said.
    const ahead = Registry.connected(registry, announce(1, "203.0.113.7", wall + 1e11), 1, start)
    const mended = announce(1, "203.0.113.7", wall + 60_000)
    assert.strictEqual(Registry.novelty(ahead, mended, at(60_000)), "new")
    assert.strictEqual(report(merge(ahead, mended, at(60_000))).masternodes[0]?.announcedAt, wall + 60_000)
  })

  it("expires at its time, and is forgotten a day later", () => {
    const registry = all([announce(1, "203.0.113.7", wall)])
    const state = (ms: number) => report(registry, at(ms)).masternodes[0]?.state
    assert.strictEqual(state(Limits.masternodeExpiryMs - 1), "known")
    assert.strictEqual(state(Limits.masternodeExpiryMs), "expired")
    const kept = (ms: number) => RegistryBounds.withoutForgotten(registry, at(ms).monotonic).size
    assert.strictEqual(kept(Limits.masternodeExpiryMs + Limits.masternodeKeepMs - 1), 1)
    assert.strictEqual(kept(Limits.masternodeExpiryMs + Limits.masternodeKeepMs), 0)
  })
})

describe("a live masternode", () => {
  const known = all([announce(1, "203.0.113.7", wall)])
  const state = (registry: Registry.MasternodeRegistry, now = start) => report(registry, now).masternodes[0]?.state

  it("has a connection to this node, or witnesses of three netgroups", () => {
    assert.strictEqual(state(known), "known")
    assert.strictEqual(state(Registry.connected(known, announce(1, "203.0.113.7", wall), 3, start)), "live")
    const two = witness(witness(known, 1, "198.51.100.1", "203.0.113.7"), 1, "192.0.2.1", "203.0.113.7")
    assert.strictEqual(state(two), "known")
    // More of one netgroup are one witness.
    assert.strictEqual(state(witness(two, 1, "192.0.9.9", "203.0.113.7")), "known")
    assert.strictEqual(state(witness(two, 1, "2001:db8::1", "203.0.113.7")), "live")
  })

  it("is not its own witness", () => {
    const two = witness(witness(known, 1, "198.51.100.1", "203.0.113.7"), 1, "192.0.2.1", "203.0.113.7")
    assert.strictEqual(state(witness(two, 1, "203.0.113.7", "203.0.113.7")), "known")
  })

  it("is live no more when a witness withdraws, when reports are too old, or when its announcement is", () => {
    const by = ["198.51.100.1", "192.0.2.1", "2001:db8::1"]
    const live = by.reduce((registry, peer) => witness(registry, 1, peer, "203.0.113.7"), known)
    assert.strictEqual(state(live), "live")
    assert.strictEqual(state(Registry.witnessed(live, ip("192.0.2.1"), [], start.monotonic)), "known")
    assert.strictEqual(state(live, at(Limits.witnessMs - 1)), "live")
    assert.strictEqual(state(live, at(Limits.witnessMs)), "known")
    const late = at(Limits.masternodeExpiryMs)
    const again = by.reduce((registry, peer) => witness(registry, 1, peer, "203.0.113.7", late), known)
    assert.strictEqual(state(again, late), "expired")
  })

  it("goes with the last of its connections", () => {
    const twice = Registry.connected(
      Registry.connected(known, announce(1, "203.0.113.7", wall), 3, start),
      announce(1, "203.0.113.7", wall),
      4,
      start
    )
    const once = Registry.disconnected(twice, ip("203.0.113.7"), 3)
    assert.strictEqual(state(once), "live")
    assert.strictEqual(state(Registry.disconnected(once, ip("203.0.113.7"), 4)), "known")
  })
})

describe("conflicts", () => {
  it("of two keys at one IP are seen from both sides, and the one that is connected counts", () => {
    const claims = [
      announce(1, "203.0.113.7", wall, { tier: "gold", collateral: collateral(1) }),
      announce(2, "203.0.113.7", wall + 1)
    ]
    const expected: ReadonlyArray<Report.Conflict> = [{
      _tag: "OneIp",
      ip: ip("203.0.113.7"),
      keys: [masternode(1).key, masternode(2).key].toSorted()
    }]
    for (const order of [claims, claims.toReversed()]) assert.deepStrictEqual(report(all(order)).conflicts, expected)
    const [gold] = claims
    if (gold === undefined) return assert.fail()
    const proven = report(Registry.connected(all(claims), gold, 1, start))
    assert.deepStrictEqual(proven.masternodes.map(({ key, tier }) => [key, tier]), [[masternode(1).key, "gold"]])
    assert.strictEqual(total(proven), 1)
  })

  it("of one key at two IPs by turns are seen, a move is none", () => {
    const turns = [
      announce(1, "203.0.113.7", wall),
      announce(1, "198.51.100.9", wall + 1_000),
      announce(1, "203.0.113.7", wall + 2_000)
    ]
    const expected: ReadonlyArray<Report.Conflict> = [{
      _tag: "OneKey",
      key: masternode(1).key,
      ips: [ip("198.51.100.9"), ip("203.0.113.7")]
    }]
    for (const order of [turns, turns.toReversed()]) {
      const found = report(all(order))
      assert.deepStrictEqual(found.conflicts, expected)
      assert.strictEqual(total(found), 1)
    }
    assert.deepStrictEqual(report(all(turns.slice(0, 2))).conflicts, [])
  })

  it("of a key that moved away and back last as long as the claim that it left, and it counts once, where it is", () => {
    const moved = ["203.0.113.7", "198.51.100.9", "203.0.113.7"].reduce(
      (registry, place, i) => merge(registry, announce(1, place, wall + 1_000 * i), at(1_000 * i)),
      Registry.empty
    )
    const until = 1_000 + Limits.masternodeExpiryMs
    for (const [ms, conflicts] of [[2_000, 1], [until - 1, 1], [until, 0]] as const) {
      const found = report(moved, at(ms))
      assert.strictEqual(found.conflicts.length, conflicts, `after ${ms} ms`)
      const live = found.masternodes.filter(({ state }) => state !== "expired")
      assert.deepStrictEqual(live.map((row) => row.ip), [ip("203.0.113.7")], `after ${ms} ms`)
    }
  })

  it("of one collateral are seen", () => {
    const paid = { tier: "bronze", collateral: collateral(3) } as const
    const found = report(all([announce(1, "203.0.113.7", wall, paid), announce(2, "198.51.100.9", wall, paid)]))
    assert.deepStrictEqual(found.conflicts.map(({ _tag }) => _tag), ["OneCollateral"])
    assert.deepStrictEqual(report(all([announce(1, "203.0.113.7", wall, paid)])).conflicts, [])
  })
})

describe("the bounds of the registry", () => {
  // Unsigned: the bounds are not about signatures.
  const claim = (n: number, place: string, ms = 0): Announcement => {
    const key = n.toString(16).padStart(64, "0") as Key
    return { claim: { key, ip: ip(place), port: 0, tier: "free", at: wall + ms }, signature: new Uint8Array(64) }
  }
  const place = (i: number) => `100.${Math.floor(i / 60_000)}.${Math.floor(i / 250) % 240}.${i % 250 + 1}`

  it("hold against any number of claims, which crowd out only their own netgroup's", () => {
    let registry = Registry.connected(Registry.empty, claim(1, "203.0.113.7"), 1, start)
    registry = merge(registry, claim(2, "198.51.100.9"), start, "192.0/16")
    let most = 0
    for (let i = 0; i < 1.25 * Limits.masternodeClaims; i++) {
      registry = merge(registry, claim(100 + i, place(i), 60_000), start, "6.6/16")
      most = Math.max(most, registry.size)
    }
    assert.strictEqual(most, Limits.masternodeClaims)
    assert.strictEqual(registry.size, Registry.all(registry).length)
    assert.isDefined(Registry.entryOf(registry, ip("203.0.113.7"), claim(1, "203.0.113.7").claim.key))
    assert.isDefined(Registry.entryOf(registry, ip("198.51.100.9"), claim(2, "198.51.100.9").claim.key))
  })

  it("keep few keys of an IP and few IPs of a key, never those of one netgroup at the cost of another's", () => {
    let registry = merge(Registry.empty, claim(1, "203.0.113.7"), start, "192.0/16")
    for (let n = 2; n < 40; n++) registry = merge(registry, claim(n, "203.0.113.7", 60_000), start, "6.6/16")
    assert.strictEqual(Registry.entriesAt(registry, ip("203.0.113.7")).length, Limits.masternodesPerIp)
    assert.isDefined(Registry.entryOf(registry, ip("203.0.113.7"), claim(1, "203.0.113.7").claim.key))
    let wandering = Registry.empty
    for (let i = 0; i < 40; i++) wandering = merge(unpaced(wandering), claim(1, place(i), i))
    assert.isAtMost(wandering.size, Limits.ipsPerMasternode)
  })

  it("keep few witnesses, and those of one netgroup push out only each other", () => {
    let registry = all([announce(1, "203.0.113.7", wall)])
    for (const by of ["198.51.100.1", "192.0.2.1", "2001:db8::1"]) registry = witness(registry, 1, by, "203.0.113.7")
    for (let i = 1; i < 100; i++) registry = witness(registry, 1, `6.6.0.${i}`, "203.0.113.7", at(i))
    const [entry] = Registry.all(registry)
    assert.strictEqual(entry?.witnesses.length, 3 + Limits.witnessesPerNetgroup)
    assert.strictEqual(report(registry).masternodes[0]?.witnesses, 4)
  })
})
