/** What peers of the TIME network tell of masternodes: how far it is believed, and what it is worth beside what is signed. */
import { assert, describe, it } from "@effect/vitest"
import { HashMap } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Key, Tier } from "../../../src/domain/masternode/Masternode.ts"
import * as Registry from "../../../src/domain/masternode/MasternodeRegistry.ts"
import * as Report from "../../../src/domain/masternode/MasternodeReport.ts"
import * as RegistryBounds from "../../../src/domain/masternode/RegistryBounds.ts"
import type { Hearsay } from "../../../src/domain/masternode/TimeMasternode.ts"
import * as Told from "../../../src/domain/masternode/ToldMasternodes.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { announce, masternode } from "../../harness/masternodes.ts"

const wall = 1_800_000_000_000
const at = (ms: number): Told.Now => ({ wall: wall + ms, monotonic: 5_000 + ms })
const start = at(0)
const ip = PeerIp.fromStringUnsafe

const hearsay = (n: number, place: string, tier: Tier = "free"): Hearsay => ({
  key: n.toString(16).padStart(2, "0").repeat(32) as Key,
  ip: ip(place),
  tier,
  collateral: undefined,
  rewardAddress: ""
})
const registryOf = (told: Told.ToldMasternodes): Registry.MasternodeRegistry => ({ ...Registry.empty, told })
const rowsOf = (told: Told.ToldMasternodes, now = start) =>
  Report.report(registryOf(told), now.monotonic).masternodes.map(({ ip, proof, state, tier }) =>
    `${ip} ${tier} ${state} ${proof}`
  )
const place = "203.0.113.7"
const listed = (told = Told.empty, by = "198.51.100.1", now = start) =>
  Told.listed(told, [hearsay(1, place)], ip(by), now)
const gossip = (told: Told.ToldMasternodes, by: string, now = start, active = [place]) =>
  Told.reported(told, ip(by), new Set(active.map(ip)), now.monotonic)

describe("what peers of the TIME network tell of masternodes", () => {
  it("is known as told, by however many, and live by no list", () => {
    let told = listed()
    for (let n = 2; n < 9; n++) told = listed(told, `198.${n}.100.1`)
    assert.deepStrictEqual(rowsOf(told), [`${place} free known told`])
  })

  it("is announced once the host says so from its own IP, and live for as long as it is connected", () => {
    const announced = Told.announced(listed(), hearsay(1, place), 7, start)
    assert.deepStrictEqual(rowsOf(announced), [`${place} free live announced`])
    assert.strictEqual(Told.closed(announced, ip(place), 6), announced, "another connection's end changes nothing")
    const closed = Told.closed(announced, ip(place), 7)
    assert.deepStrictEqual(rowsOf(closed), [`${place} free known announced`])
    assert.deepStrictEqual(rowsOf(closed, at(Limits.masternodeExpiryMs)), [`${place} free expired announced`])
    const later = listed(closed, "198.51.100.1", at(Limits.masternodeExpiryMs))
    assert.deepStrictEqual(rowsOf(later, at(Limits.masternodeExpiryMs)), [`${place} free known announced`])
  })

  it("is live where peers of three netgroups report it as active, however many of two do", () => {
    const two = ["198.1.0.1", "198.1.0.2", "198.1.0.3", "198.2.0.1"].reduce((told, by) => gossip(told, by), listed())
    assert.deepStrictEqual(rowsOf(two), [`${place} free known told`])
    const itself = gossip(two, place)
    assert.deepStrictEqual(rowsOf(itself), [`${place} free known told`], "no masternode is its own witness")
    const three = gossip(two, "198.3.0.1")
    assert.deepStrictEqual(rowsOf(three), [`${place} free live told`])
    assert.deepStrictEqual(rowsOf(gossip(three, "198.3.0.1", start, [])), [`${place} free known told`], "withdrawn")
    assert.deepStrictEqual(rowsOf(Told.inactive(three, ip(place), ip("198.3.0.1"))), [`${place} free known told`])
    assert.deepStrictEqual(rowsOf(Told.inactive(three, ip(place), ip("198.9.0.1"))), [`${place} free live told`])
    assert.deepStrictEqual(rowsOf(three, at(Limits.witnessMs)), [`${place} free known told`])
  })

  it("counts an IP once, whichever keys are told of it: its own word first, then that of more netgroups", () => {
    const rival = { ...hearsay(2, place, "gold"), collateral: { txid: "ab".repeat(32), vout: 0 } }
    const many = ["198.51.100.2", "198.51.100.3", "198.51.100.4"].reduce(
      (told, by) => Told.listed(told, [rival], ip(by), start),
      listed(listed(), "198.9.0.1")
    )
    assert.deepStrictEqual(rowsOf(many), [`${place} free known told`], "one netgroup is one")
    assert.deepStrictEqual(rowsOf(Told.announced(many, rival, 1, start)), [`${place} gold live announced`])
    const flood = Array.from({ length: 50 }, (_, n) => hearsay(n, place))
    const flooded = Told.listed(Told.announced(many, rival, 1, start), flood, ip("198.51.100.2"), start)
    assert.deepStrictEqual(rowsOf(flooded), [`${place} gold live announced`])
    assert.isAtMost([...HashMap.values(flooded)][0]?.claims.length ?? 0, Limits.masternodesPerIp)
  })

  it("does not change what the host says of itself by what others say of the same key", () => {
    const announced = Told.announced(Told.empty, hearsay(1, place, "free"), 1, start)
    const lied = Told.listed(announced, [hearsay(1, place, "gold")], ip("198.51.100.1"), start)
    assert.deepStrictEqual(rowsOf(lied), [`${place} free live announced`])
  })

  it("takes nothing from a masternode that signed, nor does a stranger's signature end one that is there", () => {
    const now = at(0)
    const signed = Registry.announced(Registry.empty, announce(1, place, wall), "198.51/16", now)
    const only = { ...signed, told: listed() }
    assert.deepStrictEqual(
      Report.report(only, now.monotonic).masternodes.map(({ key, proof }) => [key, proof]),
      [[masternode(1).key, "signed"]]
    )
    const there = { ...signed, told: Told.announced(Told.empty, hearsay(9, place), 1, now) }
    const { counts, masternodes } = Report.report(there, now.monotonic)
    assert.deepStrictEqual(masternodes.map(({ proof, state }) => [proof, state]), [["announced", "live"]])
    assert.strictEqual(Report.total(counts, "live") + Report.total(counts, "known"), 1, "one per IP")
    assert.deepStrictEqual(Report.live(there, now.monotonic).map(({ ip }) => ip), [ip(place)])
  })

  it("stays within its bound: a netgroup that gossips much crowds out its own, and what is live stays", () => {
    let told = Told.announced(listed(), hearsay(3, "192.0.2.3"), 1, start)
    for (let n = 0; n < 40; n++) {
      const lies = Array.from({ length: 100 }, (_, i) => hearsay(5, `100.${n}.1.${i}`))
      told = Told.listed(told, lies, ip("50.60.0.1"), at(n))
      assert.isAtMost(HashMap.size(told), Limits.toldMasternodes)
      assert.isTrue(HashMap.has(told, ip(place)), "another netgroup's word")
      assert.isTrue(HashMap.has(told, ip("192.0.2.3")), "what is live")
    }
    const kept = HashMap.size(told)
    assert.isAbove(kept, Limits.toldMasternodes - 2 * Limits.masternodesEvicted)
    const later = RegistryBounds.withoutForgotten(registryOf(told), at(Limits.masternodeKeepMs + 100).monotonic)
    assert.deepStrictEqual([...HashMap.keys(later.told)], [ip("192.0.2.3")])
  })
})
