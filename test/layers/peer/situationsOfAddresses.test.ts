import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import { ip, onMesh, port } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"
import { ask, assertSays, H, L, other, row } from "../../harness/situations.ts"

describe("addresses that are no peers of their own", () => {
  for (
    const [how, address, options, words] of [
      ["listen", L, {}, /--listen/],
      ["advertise", "203.0.113.7", { advertise: "203.0.113.7" }, /--advertise/],
      ["an interface", "fd00::1", { listen: "any" }, /an interface of this host has it/]
    ] as const
  ) {
    row(
      `own address: ${how}`,
      { situation: "own-address", cause: words, fix: /a peer is its IP/, status: "none" },
      Effect.fnUntraced(function*({ start }) {
        const node = yield* start([L, "fd00::1"], options)
        yield* TestClock.adjust("1 second")
        return [node, address]
      })
    )
  }
  row(
    "own address: peers see it, behind a router that translates addresses",
    { situation: "own-address", cause: /connected peers see this node at it/, fix: /a peer is its IP/, status: "none" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H)
      const node = yield* start("203.0.113.7", { inside: "192.168.0.2", listen: "any", peers: [H] })
      yield* TestClock.adjust("10 seconds")
      return [node, "203.0.113.7"]
    })
  )
  row(
    "own address: a dial reached this node itself",
    {
      situation: "own-address",
      cause: /dial to it reached this node itself/,
      fix: /a peer is its IP/,
      status: "apart"
    },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start([L, "203.0.113.9"], { listen: "any", inside: "192.168.0.2", peers: ["203.0.113.9"] })
      yield* TestClock.adjust("10 seconds")
      return [node, "203.0.113.9"]
    })
  )
  it.effect("an address that the host had while the node ran is never dialled", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const interfaces = [L, "fd00::1"]
        const node = yield* start(L, { listen: "any", interfaces })
        yield* start(H, { peers: [L] })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* ask(node, "fd00::1")).why.situation, "own-address")
        interfaces[1] = "fd00::2"
        yield* TestClock.adjust("10 seconds")
        for (const own of ["fd00::1", "fd00::2"]) {
          const { why } = yield* ask(node, own)
          assert.strictEqual(why.situation, "own-address", own)
          assert.isTrue(yield* Effect.isFailure(node.manager.connect(PeerAddress.make(ip(own), port))))
        }
        // One that was known as a peer's before the host had it.
        yield* node.manager.connect(PeerAddress.make(ip("fd00::3"), port))
        yield* TestClock.adjust("10 seconds")
        interfaces.push("fd00::3")
        yield* TestClock.adjust("1 minute")
        const dials = node.of("Dialling", "fd00::3").length
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(node.of("Dialling", "fd00::3").length, dials)
        const { status } = yield* ask(node, "fd00::3")
        assert.deepStrictEqual([status.known, status.connected, status.apart], [1, 1, { "own-address": 1 }])
        assert.strictEqual(status.sentence, "Connected to the one known peer")
      })))
  row(
    "an alias",
    { situation: "alias", cause: /same process is connected as/, fix: undefined, status: "apart" },
    Effect.fnUntraced(function*({ start }) {
      yield* start([H, "fd00::2"], { listen: "any" })
      const node = yield* start(L, { peers: [H, "[fd00::2]:24200"] })
      yield* TestClock.adjust("1 minute")
      return [node, (yield* node.up)[0]?.[0] === H ? "fd00::2" : H]
    })
  )
  for (
    const [address, words] of [["fe80::1", /link-local/], ["169.254.3.4", /link-local/], [
      "224.0.0.1",
      /not a unicast/
    ]] as const
  ) {
    row(
      `an address that no peer can have: ${address}`,
      { situation: "impossible", cause: words, fix: /IP of one host/, status: "none" },
      Effect.fnUntraced(function*({ start }) {
        return [yield* start(L), address]
      })
    )
  }
  row(
    "an address that no peer named",
    { situation: "unknown", cause: /not known/, fix: /--peer/, status: "none" },
    Effect.fnUntraced(function*({ start }) {
      return [yield* start(L), "203.0.113.99"]
    })
  )

  it.effect("a healthy node is connected to all its peers, whatever other addresses it knows", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* start([H, "fd00::2"], { listen: "any" })
        yield* start(other)
        const node = yield* start([L, "203.0.113.9"], {
          listen: "any",
          inside: L,
          peers: [H, "[fd00::2]:24200", other, "203.0.113.9", "[2001:db8::7]:24200"],
          faults: new Map([["2001:db8::7", "ENETUNREACH"]])
        })
        yield* TestClock.adjust("2 minutes")
        const { status } = yield* ask(node, H)
        assert.strictEqual(status.sentence, "Connected to all 2 known peers")
        assert.deepStrictEqual(status.apart, { alias: 1, "no-family": 1, "own-address": 1 })
      })))
})

describe("addresses that rotate", () => {
  it.effect("a process that comes from another address leaves no row behind, and does not learn its own", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const [before, after] = ["10.0.0.8", "10.0.0.9"].map(ip)
        assert(before !== undefined && after !== undefined)
        const sockets = network.host(before, after)
        const old = yield* join(sockets, ip(L), [], { listens: port })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* node.up).length, 1)
        // The old address is gone without a word; the process dials from its new one.
        yield* network.cut(before, ip(L), { oneWay: true })
        const from = { ...sockets, dial: (to: PeerAddress.PeerAddress) => sockets.dial(to, { from: after }) }
        const young = yield* join(from, ip(L), [], { listens: port, nonce: 5n })
        const told = yield* Effect.forkChild(Effect.raceFirst(young.until("Peers"), old.until("Peers")))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual((yield* node.up).map(([peer]) => peer).toSorted(), [before, after])
        assert.isUndefined(told.pollUnsafe(), "neither connection is told of the other's address")
        yield* TestClock.adjust("1 minute")
        assertSays(yield* ask(node, before), {
          situation: "moved",
          cause: /is now at 10\.0\.0\.9/,
          fix: undefined,
          status: "none"
        })
        const dials = node.of("Dialling", before).length
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(node.of("Dialling", before).length, dials)
      })))

  it.effect("another process with a copied id moves nothing", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const first = yield* join(network.host(ip("10.0.0.8")), ip(L), [], { listens: port })
        yield* TestClock.adjust("10 seconds")
        yield* first.close
        yield* TestClock.adjust("1 second")
        yield* join(network.host(ip("10.0.0.9")), ip(L), [], { listens: port, nonce: 5n, tag: "99".repeat(16) })
        yield* TestClock.adjust("1 second")
        assert.isDefined((yield* ask(node, "10.0.0.8")).row)
      })))

  it.effect("a configured address stays, and is dialled again once the process is nowhere else", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const [before, after] = ["10.0.0.8", "10.0.0.9"].map(ip)
        assert(before !== undefined && after !== undefined)
        const sockets = network.host(before, after)
        const node = yield* start(L, { peers: [before] })
        const old = yield* join(sockets, ip(L), [], { listens: port })
        yield* TestClock.adjust("10 seconds")
        yield* old.close
        yield* TestClock.adjust("100 millis")
        const from = { ...sockets, dial: (to: PeerAddress.PeerAddress) => sockets.dial(to, { from: after }) }
        const young = yield* join(from, ip(L), [], { listens: port, nonce: 5n })
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual((yield* ask(node, before)).why.situation, "alias")
        const dials = node.of("Dialling", before).length
        yield* young.close
        yield* TestClock.adjust("2 minutes")
        assert.isAbove(node.of("Dialling", before).length, dials)
      })))
})

describe("a public port apart from the listening port", () => {
  it.effect("is what peers are told, what they tell others, and where they dial", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(L, { advertise: L, advertisePort: 5_555, peers: [H] })
        const peer = yield* start(H)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* peer.state.peers)[0]?.port, 5_555)
        const third = yield* start(other, { peers: [H] })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(third.of("PeerLearned", L)[0]?.port, 5_555)
        assert.strictEqual(node.address.port, port)
      })))
})

describe("link-local addresses", () => {
  for (const address of ["fe80::9", "169.254.3.4"]) {
    it.effect(`an inbound peer from ${address} is told why, counted and reported`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const node = yield* start(L)
          const told = yield* Effect.forkChild(Effect.gen(function*() {
            const raw = yield* dial(network.host(ip(address)), ip(L))
            yield* raw.say(hello(ip(L)))
            return yield* raw.until("Reject")
          }))
          yield* TestClock.adjust("3 seconds")
          const reject = yield* Fiber.join(told)
          assert.deepStrictEqual([reject.reason, reject.text.includes("link-local")], ["protocol", true])
          const [refused] = node.of("Refused", address)
          assert.strictEqual(refused?.reason.kind, "address")
          assert.match(refused?.reason.detail ?? "", /is a link-local address/)
          assert.deepStrictEqual(yield* node.state.peers, [])
          assert.isTrue(yield* Effect.isFailure(node.manager.connect(PeerAddress.make(ip(address), port))))
        })))
  }
})
