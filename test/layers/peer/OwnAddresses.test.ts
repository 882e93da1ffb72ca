/** Which addresses are this node's own, since when, and what peers' votes change. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import type { NodeSetup } from "../../../src/domain/NodeSetup.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import * as Reach from "../../../src/domain/peer/Reach.ts"
import { OwnAddresses } from "../../../src/layers/peer/OwnAddresses.ts"
import * as OwnAddressWatch from "../../../src/layers/peer/OwnAddressWatch.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand

const make = (
  { advertise, host, listen = "any" }: {
    readonly listen?: string
    readonly advertise?: string
    readonly host?: ReadonlyArray<string>
  } = {}
) => {
  let now = 0
  let addresses: ReadonlyArray<string> | undefined = host
  let reads = 0
  const setup = {
    listen: { ip: listen === "any" ? "any" : ip(listen), port: 1 },
    advertise: advertise === undefined ? undefined : ip(advertise)
  } as NodeSetup
  const own = new OwnAddresses(setup, () => {
    reads += 1
    return addresses?.map(ip)
  }, () => now)
  return {
    own,
    how: (text: string) => own.how(ip(text)),
    pass: (ms: number) => {
      now += ms
    },
    host: (next: ReadonlyArray<string> | undefined) => {
      addresses = next
    },
    reads: () => reads
  }
}

const three = ["11.1.0.1", "12.1.0.1", "13.1.0.1"]

describe("this node's own addresses", () => {
  it("are the one that it listens on and the one that it advertises; then its host's others are not", () => {
    const { how, reads } = make({ listen: "10.0.0.1", advertise: "203.0.113.1", host: ["10.0.0.2"] })
    assert.deepStrictEqual(["10.0.0.1", "203.0.113.1", "10.0.0.2"].map(how), ["listen", "advertise", undefined])
    assert.strictEqual(reads(), 0)
  })

  it("are all those of its host if it listens on all, those that the host had before too, read once in a while", () => {
    const { host, how, pass, reads } = make({ host: ["10.0.0.1", "10.0.0.2"] })
    pass(60_000)
    assert.deepStrictEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(how), ["host", "host", undefined])
    host(["10.0.0.2", "10.0.0.3"])
    pass(Limits.hostAddressesMs - 1)
    assert.strictEqual(how("10.0.0.3"), undefined)
    assert.strictEqual(reads(), 1)
    pass(1)
    assert.deepStrictEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(how), ["former", "host", "host"])
    host(undefined)
    pass(Limits.hostAddressesMs)
    assert.deepStrictEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(how), ["former", "host", "host"], "still known")
  })

  it("are those at which a dial met this node, up to a bound", () => {
    const { how, own } = make({ listen: "10.0.0.1" })
    own.met(ip("10.0.0.9"))
    assert.strictEqual(how("10.0.0.9"), "dialled")
    for (let i = 0; i < 2 * Limits.ownAddresses; i++) own.met(ip(`11.0.${i >> 8}.${i & 255}`))
    const met = (i: number) => how(`11.0.${i >> 8}.${i & 255}`)
    assert.deepStrictEqual([met(Limits.ownAddresses - 3), met(Limits.ownAddresses - 2)], ["dialled", undefined])
    assert.strictEqual(how("10.0.0.1"), "listen")
  })

  it("of the host remember a bounded number of former ones, the latest", () => {
    const { host, how, pass } = make()
    for (let i = 0; i <= Limits.ownAddresses; i++) {
      host([`11.0.${i >> 8}.${i & 255}`])
      pass(Limits.hostAddressesMs)
      how("10.0.0.1")
    }
    assert.deepStrictEqual([how("11.0.0.0"), how("11.0.0.1")], [undefined, "former"])
  })

  it("show a family that the host never had beyond its links: without any network nothing is missing", () => {
    const lacks = (host: ReadonlyArray<string>, text: string) => make({ host }).own.lacksFamily(ip(text))
    assert.isTrue(lacks(["10.0.0.1"], "2001:db8::1"))
    assert.isFalse(lacks(["10.0.0.1"], "10.0.0.2"))
    assert.isFalse(lacks(["10.0.0.1", "2001:db8::2"], "2001:db8::1"))
    assert.isTrue(lacks(["10.0.0.1", "::1", "fe80::1"], "2001:db8::1"))
    assert.isTrue(lacks(["2001:db8::2", "127.0.0.1"], "10.0.0.1"))
    assert.isFalse(lacks([], "10.0.0.1"))
    assert.isFalse(lacks(["127.0.0.1"], "10.0.0.1"))
    assert.isFalse(lacks(["10.0.0.1"], "::1"), "loopback is always there")
  })

  it("are confirmed one for each scope; what replaces another makes dial-backs of the former void", () => {
    const { own } = make({ advertise: "203.0.113.1", host: [] })
    assert.deepStrictEqual(own.confirmed, [])
    assert.isUndefined(own.confirm(ip("203.0.113.1")), "announced as it is")
    own.reach = Reach.answered(own.reach, "a", { result: "refused", at: 0 })
    assert.deepStrictEqual(own.confirm(ip("10.0.0.1")), { before: undefined })
    assert.strictEqual(own.reach, Reach.none)
    own.reach = Reach.answered(own.reach, "a", { result: "refused", at: 0 })
    assert.isUndefined(own.confirm(ip("10.0.0.1")))
    assert.notStrictEqual(own.reach, Reach.none)
    assert.deepStrictEqual(own.confirm(ip("10.0.0.2")), { before: ip("10.0.0.1") })
    assert.deepStrictEqual(own.confirm(ip("198.51.100.1")), { before: ip("203.0.113.1") })
    assert.deepStrictEqual([...own.confirmed].toSorted(), [ip("10.0.0.2"), ip("198.51.100.1")])
  })

  it("are reachable while a peer from outside came in lately", () => {
    const { own } = make()
    assert.isFalse(own.cameIn(0))
    own.cameInAt = 5
    assert.isTrue(own.cameIn(5 + Limits.dialBackFreshMs))
    assert.isFalse(own.cameIn(6 + Limits.dialBackFreshMs))
    assert.deepStrictEqual([own.reachable(5), own.reachable(6 + Limits.dialBackFreshMs)], ["yes", "unknown"])
  })

  it("are shown with the host's and those that peers see", () => {
    const { host, own, pass } = make({ host: ["10.0.0.1"] })
    const seen = (...all: ReadonlyArray<string>) => all.map((text, i) => ({ from: ip(`10.${i}.0.9`), seen: ip(text) }))
    const view = own.view(seen("10.0.0.1", "10.0.0.1", "10.0.0.1"), false, 0)
    assert.include(JSON.stringify(view), "10.0.0.1")
    host([])
    pass(Limits.hostAddressesMs)
    const other = own.view(seen("10.0.0.2"), true, 0)
    assert.notDeepEqual(other, view)
    assert.notInclude(own.view(seen("10.0.0.2"), false, 0).notices, "second-node")
    assert.include(other.notices, "second-node")
    own.reach = Reach.answered(Reach.none, "a", { result: "another-node", at: 0 })
    own.reach = Reach.answered(own.reach, "b", { result: "another-node", at: 0 })
    own.reach = Reach.answered(own.reach, "c", { result: "another-node", at: 0 })
    assert.include(own.view(seen("10.0.0.2"), false, 0).notices, "second-node")
  })

  it("of which the host says nothing, or of a host without any, are not held to be another's", () => {
    const seen = three.map((from) => ({ from: ip(from), seen: ip("203.0.114.1") }))
    const notices = (host: ReadonlyArray<string> | undefined) =>
      make(host === undefined ? {} : { host }).own.view(seen, false, 0).notices
    assert.include(notices(["10.0.0.1"]), "translated")
    assert.notInclude(notices(["10.0.0.1", "203.0.114.1"]), "translated")
    assert.deepStrictEqual(notices([]), notices(undefined))
    assert.notInclude(notices([]), "translated")
  })
})

describe("votes of peers", () => {
  const seenAs = (node: hand.Hand, ...all: ReadonlyArray<readonly [from: string, self: string]>) =>
    all.map(([from, self]) => node.up(from, { self }))
  const count = (node: hand.Hand): void => {
    OwnAddressWatch.onUp(node.ctx)
    node.pass(Limits.ownAddressMs)
  }
  it("are taken from connections that are up, each peer's own", () => {
    const node = hand.make({ own: "any", interfaces: [] })
    seenAs(node, ["11.1.0.1", "203.0.113.1"])
    node.row("12.0.0.1")
    assert.deepStrictEqual([...OwnAddressWatch.observations(node.ctx.table.peers())], [
      { from: ip("11.1.0.1"), seen: ip("203.0.113.1") }
    ])
  })

  it("of enough netgroups confirm an address, reported once, and are counted a while after a peer came up, once", () => {
    const node = hand.make({ own: "any", interfaces: [] })
    seenAs(node, ...three.map((from) => [from, "203.0.114.1"] as const))
    node.emitted()
    OwnAddressWatch.onUp(node.ctx)
    OwnAddressWatch.onUp(node.ctx)
    assert.strictEqual(node.hand.timers.size(), 1)
    node.pass(Limits.ownAddressMs - 1)
    assert.deepStrictEqual(node.emitted(), [])
    node.pass(1)
    assert.deepStrictEqual(node.emitted(), [{
      _tag: "OwnAddressSeen",
      ip: ip("203.0.114.1"),
      before: undefined,
      groups: 3
    }])
    count(node)
    assert.deepStrictEqual(node.emitted(), [])
    assert.deepStrictEqual(node.ctx.table.own.confirmed, [ip("203.0.114.1")])
  })

  it("of too few netgroups, or counted while the node stops, confirm nothing", () => {
    const node = hand.make({ own: "any", interfaces: [] })
    seenAs(node, ["11.1.0.1", "203.0.114.1"], ["11.1.0.2", "203.0.114.1"], ["12.1.0.1", "203.0.114.1"])
    node.emitted()
    count(node)
    assert.deepStrictEqual(node.emitted(), [])
    seenAs(node, ["13.1.0.1", "203.0.114.1"])
    node.ctx.slots.close()
    node.emitted()
    count(node)
    assert.deepStrictEqual(node.emitted(), [])
  })

  it("are passed on to peers that know the node by another address of the scope, and could dial it", () => {
    const node = hand.make({ own: "any", interfaces: [] })
    const voters = seenAs(node, ...three.map((from) => [from, "203.0.114.1"] as const))
    const [former] = seenAs(node, ["14.1.0.1", "203.0.114.9"])
    const [near] = seenAs(node, ["10.0.0.1", "10.0.0.50"])
    count(node)
    const told = (made: hand.Connected | undefined): ReadonlyArray<PeerIp> =>
      made?.connection.sent().flatMap((message) =>
        message._tag === "Peers" ? message.peers.map((peer) => peer.ip) : []
      ) ?? []
    assert.deepStrictEqual(voters.flatMap(told), [])
    assert.deepStrictEqual([told(former), told(near)], [[ip("203.0.114.1")], []])
    const hidden = hand.make({ own: "any", interfaces: [], advertisePort: 0 })
    seenAs(hidden, ...three.map((from) => [from, "203.0.114.1"] as const))
    const [other] = seenAs(hidden, ["14.1.0.1", "203.0.114.9"])
    count(hidden)
    assert.deepStrictEqual(told(other), [], "it cannot be reached anywhere")
  })
})
