/**
 * The table of situations: each is made on the memory network, and what `why`, `peers` and `status` say of it is compared. Where the kernel's
 * network is the cause, test/e2e/situations.test.ts makes them on real hosts. The words stand in docs/OPERATIONS.md.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import type { RejectReason } from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import type * as Explanation from "../../../src/domain/peer/Explanation.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerSummary from "../../../src/domain/peer/PeerSummary.ts"
import type { Situation } from "../../../src/domain/peer/Situation.ts"
import type { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import type { RawPeer } from "../../../src/testing/RawPeer.ts"
import { ip, type make, onMesh, port, type Running } from "../../harness/mesh.ts"
import { acceptEach, dial, hello, join } from "../../harness/rawPeer.ts"
import { steppedClock } from "../../harness/steppedClock.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"
const other = "10.0.0.3"

type Mesh = Effect.Success<typeof make>

/** What an operator reads of an address. */
interface Answers {
  readonly why: Explanation.Explanation
  readonly row: Explanation.Row | undefined
  readonly status: PeerSummary.PeerSummary
}

const ask = Effect.fnUntraced(function*(node: Running, peer: string) {
  const rows = yield* node.state.explained()
  return {
    why: yield* node.state.why(ip(peer)),
    row: rows.find((row) => row.ip === peer),
    status: PeerSummary.of(rows)
  }
})

/** One row of the table. */
interface Expected {
  readonly situation: Situation
  /** Of the cause, the fix and the whole text. */
  readonly cause: RegExp
  readonly fix: RegExp | undefined
  readonly text?: RegExp
  /** In `status`: connected, missing, or no peer of its own. */
  readonly status: "connected" | "missing" | "apart" | "none"
}

const assertSays = ({ row, status, why }: Answers, expected: Expected): void => {
  const { situation } = expected
  assert.strictEqual(why.situation, situation, why.text)
  assert.match(why.cause, expected.cause)
  if (expected.fix === undefined) assert.notProperty(why, "fix")
  else assert.match(why.fix ?? "", expected.fix)
  if (expected.text !== undefined) assert.match(why.text, expected.text)
  assert.isTrue(why.text.toLowerCase().includes(why.cause.toLowerCase()) || situation === "connected", why.text)
  // `peers` and `status` never say anything else.
  if (expected.status === "none") return assert.isUndefined(row)
  assert.deepStrictEqual([row?.situation, row?.cause, row?.fix], [situation, why.cause, why.fix])
  const missing = status.missing.find((group) => group.situation === situation)
  assert.strictEqual(missing !== undefined, expected.status === "missing", JSON.stringify(status))
  const isTrouble = expected.status === "connected" && situation !== "connected"
  assert.deepStrictEqual(status.troubled, isTrouble ? { [situation]: 1 } : {})
  if (isTrouble) assert.include(status.sentence, `; of the connections, 1 ${situation}`)
  if (missing !== undefined) assert.deepStrictEqual([missing.cause, missing.fix], [why.cause, why.fix])
  assert.strictEqual((status.apart[situation] ?? 0) > 0, expected.status === "apart", JSON.stringify(status))
  assert.strictEqual(status.known, status.connected + status.missing.reduce((sum, { peers }) => sum + peers, 0))
}

const row = (
  name: string,
  expected: Expected,
  made: (mesh: Mesh) => Effect.Effect<readonly [node: Running, peer: string], unknown, Scope.Scope | MemoryNetwork>
) =>
  it.effect(name, () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        const [node, peer] = yield* made(mesh)
        assertSays(yield* ask(node, peer), expected)
      })))

/** A node that dials a peer written by hand. */
const dialsRaw = (
  body: (raw: RawPeer) => Effect.Effect<void, unknown>,
  wait: "10 seconds" | "40 seconds" = "10 seconds"
) =>
  Effect.fnUntraced(function*({ network, start }: Mesh) {
    yield* acceptEach(network.host(ip(H)), ip(H), body)
    const node = yield* start(L, { peers: [H] })
    yield* TestClock.adjust(wait)
    return [node, H] as const
  })

const rejects = (reason: RejectReason, text: string) => (raw: RawPeer) =>
  Effect.andThen(
    raw.say({ _tag: "Reject", reason, text, retryAfterMs: 3_600_000 }),
    Effect.andThen(Effect.sleep("200 millis"), raw.close)
  )

describe("a peer that another decision keeps away", () => {
  row(
    "a second node behind this node's public address",
    {
      situation: "second-node-here",
      cause: /another node behind this node's public address is connected to the peer/,
      fix: /one node per public IP/,
      text: /Last attempt: (in|out)bound, .* \(rejected: in-use, remote\)/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      yield* start(L)
      yield* start(H, { peers: [L] })
      yield* TestClock.adjust("5 seconds")
      const second = yield* start(H, { listen: `${H}:9999`, peers: [L] })
      yield* TestClock.adjust("1 minute")
      return [second, L]
    })
  )
  row(
    "a second node behind a peer's address, seen from the peer's peer",
    {
      situation: "connected",
      cause: /up/,
      fix: undefined,
      text: /second process came from this address.*\d×/,
      status: "connected"
    },
    Effect.fnUntraced(function*({ start }) {
      const l = yield* start(L)
      yield* start(H, { peers: [L] })
      yield* TestClock.adjust("5 seconds")
      yield* start(H, { listen: `${H}:9999`, peers: [L] })
      yield* TestClock.adjust("1 minute")
      return [l, H]
    })
  )
  row(
    "full there",
    { situation: "full-there", cause: /peer's places are all taken/, fix: /--max-peers/, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H, { tuning: { maxPeers: 1 }, peers: [other] })
      yield* start(other, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "full here",
    {
      situation: "full-here",
      cause: /all 1 places for peers of this node are taken/,
      fix: /--max-peers/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(L, { tuning: { maxPeers: 1 } })
      yield* start(other, { peers: [L] })
      yield* TestClock.adjust("10 seconds")
      // Told of by the other. Peers that the operator of this node names always get in.
      yield* start(H, { peers: [other] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "another network",
    {
      situation: "incompatible",
      cause: /another network.*devnet.*testnet|another network.*testnet.*devnet/,
      fix: /same --network/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H, { network: { ...networks.testnet, port } })
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "banned by the peer",
    { situation: "banned-there", cause: /has banned this node \("spam"\)/, fix: /ask its operator/, status: "missing" },
    dialsRaw(rejects("banned", "spam"))
  )
  row(
    "evicted by the peer",
    { situation: "evicted", cause: /gave this node's place/, fix: /dials again/, status: "missing" },
    dialsRaw(rejects("evicted", ""))
  )
  row(
    "the peer says that it has this node's address",
    { situation: "self-claimed", cause: /one address \("mirror"\)/, fix: /--advertise/, status: "missing" },
    dialsRaw(rejects("self", "mirror"))
  )
  row(
    "the peer was stopped",
    { situation: "stopped", cause: /stopped or is restarting/, fix: /start it again/, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      const peer = yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("2 minutes")
      yield* peer.stop
      return [node, H]
    })
  )
  row(
    "isolated, for a drill",
    { situation: "isolated", cause: /isolated/, fix: /empty list/, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("2 minutes")
      yield* node.manager.isolate([ip(H)])
      yield* TestClock.adjust("2 minutes")
      return [node, H]
    })
  )

  for (const [by, peer] of [[L, H], [H, L]] as const) {
    it.effect(`disconnected by the operator of ${by}: both ends name the one that will dial`, () =>
      onMesh(20, ({ start }) =>
        Effect.gen(function*() {
          const nodes = new Map([[L, yield* start(L, { peers: [H] })], [H, yield* start(H, { peers: [L] })]])
          const [here, there] = [nodes.get(by) ?? assert.fail(), nodes.get(peer) ?? assert.fail()]
          yield* TestClock.adjust("2 minutes")
          assert.isTrue(yield* here.manager.disconnect(ip(peer)))
          yield* TestClock.adjust("1 minute")
          const own = yield* ask(here, peer)
          assertSays(own, {
            situation: "operator-here",
            cause: /disconnected by hand here/,
            fix: /connect/,
            text: /Now: the peer dials\. Last connection: up for .* ended 1 min \d s ago \(operator, local\)/,
            status: "missing"
          })
          const theirs = yield* ask(there, by)
          assertSays(theirs, {
            situation: "operator-there",
            cause: /peer's operator disconnected/,
            fix: /ask the peer's operator/,
            text: /Now: this node dials; our next dial is in/,
            status: "missing"
          })
          assert.deepStrictEqual([own.why.record?.expected, theirs.why.record?.expected], ["them", "us"])
          // What was said comes true.
          yield* TestClock.adjust("7 minutes")
          assert.strictEqual((yield* ask(here, peer)).why.situation, "connected")
          assert.strictEqual(here.of("Dialling", peer).length, by === L ? 1 : here.of("Dialling", peer).length)
        })))
  }

  it.effect("a peer that is disconnected by hand while it is not connected", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(L, { peers: [H] })
        yield* TestClock.adjust("1 minute")
        assert.isFalse(yield* node.manager.disconnect(ip(H)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* ask(node, H)).why.situation, "operator-here")
        yield* node.manager.connect(PeerAddress.make(ip(H), port))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* ask(node, H)).why.situation, "no-answer")
      })))
})

describe("a peer that cannot be reached", () => {
  row(
    "refused",
    {
      situation: "refused",
      cause: /refuses connections at port 24200 \(ECONNREFUSED\)/,
      fix: /start the node there/,
      text: /Last attempt: outbound, \d+\.\d s ago, no socket opened \(dial-failed: ECONNREFUSED, remote\)/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ network, start }) {
      network.host(ip(H))
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "no answer",
    {
      situation: "no-answer",
      cause: /nothing answers at port 24200 \(ETIMEDOUT\)/,
      fix: /firewalls.*NAT/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("30 seconds")
      return [node, H]
    })
  )

  /** A node with a peer that is up, whose dials to H its system refuses. */
  const refusing = (code: string, peer = H, interfaces: ReadonlyArray<string> = [L, "fd00::1"]) =>
    Effect.fnUntraced(function*({ start }: Mesh) {
      yield* start(other)
      const node = yield* start(L, { peers: [other, peer], faults: new Map([[peer, code]]), interfaces })
      yield* TestClock.adjust("30 seconds")
      return [node, peer] as const
    })
  for (
    const [code, situation, cause, fix] of [
      ["EHOSTUNREACH", "unreachable", /no host or router on the way/, /ip route get 10\.0\.0\.2/],
      ["EACCES", "firewall", /firewall or route of this host forbids/, /ip route get/],
      ["ENETUNREACH", "no-route", /no route to it \(ENETUNREACH\), though it reaches other peers/, /ip route get/],
      ["EADDRNOTAVAIL", "resources", /port, address/, /--listen address/],
      ["EPERM", "firewall", /firewall or route of this host forbids/, /allow outgoing TCP to 10\.0\.0\.2 port 24200/],
      ["EMFILE", "resources", /no file descriptor/, /ulimit -n/],
      ["ENOBUFS", "resources", /no file descriptor, port, address or memory/, /ss -s/],
      ["EINVAL", "system", /system refuses the dial \(EINVAL\)/, /ip route get/]
    ] as const
  ) {
    row(`${code}, while another peer is up`, { situation, cause, fix, status: "missing" }, refusing(code))
  }
  row(
    "an address of a family that this host does not have",
    { situation: "no-family", cause: /no IPv6 address/, fix: /nothing/, status: "apart" },
    refusing("ENETUNREACH", "2001:db8::7", [L, "127.0.0.1", "::1", "fe80::1"])
  )

  for (
    const code of [
      "ENETUNREACH",
      "ENETDOWN",
      "EHOSTUNREACH",
      "EADDRNOTAVAIL",
      "EPERM",
      "EACCES",
      "EMFILE",
      "ENOBUFS",
      "EADDRINUSE",
      "EINVAL"
    ]
  ) {
    it.effect(`${code} of this node's own for eight minutes: local, no backoff, and dials within seconds of its end`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const peers = [H, other, "10.0.0.4"]
          for (const peer of peers) yield* start(peer)
          const faults = new Map(peers.map((peer) => [peer, code]))
          const node = yield* start(L, { peers, faults })
          yield* TestClock.adjust("8 minutes")
          const { status, why } = yield* ask(node, H)
          assert.include(["network-down", "firewall", "resources", "system"], why.situation)
          assert.match(why.text, new RegExp(`\\(dial-failed: ${code}, local\\)`))
          assert.strictEqual(status.missing[0]?.peers, 3)
          assert.match(status.sentence, /^Connected to none of 3 known peers; 3 of them: /)
          assert.deepStrictEqual((yield* node.state.peers).map(({ failures }) => failures), [0, 0, 0])
          faults.clear()
          yield* TestClock.adjust("8 seconds")
          assert.strictEqual((yield* node.up).length, 3, "within seconds of the network's return")
          assert.isNotEmpty(yield* network.connections)
        })))
  }

  for (const code of ["EHOSTUNREACH", "ENETUNREACH"]) {
    it.effect(`${code} while only a peer on this host is up: it says nothing about the way to others`, () =>
      onMesh(20, ({ start }) =>
        Effect.gen(function*() {
          yield* start(H)
          yield* start("127.0.0.2", { listen: "127.0.0.2:9999" })
          const faults = new Map([[H, code]])
          const node = yield* start([L, "127.0.0.1"], { listen: "any", peers: ["127.0.0.2:9999", H], faults })
          yield* TestClock.adjust("20 minutes")
          const { why } = yield* ask(node, H)
          assert.strictEqual(why.situation, "no-route")
          assert.match(why.text, new RegExp(`dial-failed: ${code}, local`))
          assert.strictEqual(why.record?.failures, 0)
          faults.clear()
          yield* TestClock.adjust("8 seconds")
          assert.strictEqual((yield* node.up).length, 2)
        })))
  }

  it.effect("a host that cannot even say its addresses dials on", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* start(H)
        const faults = new Map([[H, "EMFILE"]])
        const node = yield* start(L, { listen: "any", peers: [H], faults, interfaces: "unknown" })
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* ask(node, H)).why.situation, "resources")
        faults.clear()
        yield* TestClock.adjust("8 seconds")
        assert.strictEqual((yield* node.up).length, 1)
      })))

  it.effect("a local fault towards some peers only: dials follow within seconds too", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        yield* start(H)
        yield* start(other)
        const faults = new Map([[H, "ENETUNREACH"]])
        const node = yield* start(L, { peers: [H, other], faults })
        yield* TestClock.adjust("20 minutes")
        assert.strictEqual((yield* node.up).length, 1)
        faults.clear()
        yield* TestClock.adjust("8 seconds")
        assert.strictEqual((yield* node.up).length, 2)
      })))
})

describe("something else that answers", () => {
  row(
    "another program at the port, which speaks",
    {
      situation: "not-timemesh",
      cause: /program at port 24200 does not speak the protocol \(".*"\): it is not a timemesh node/,
      fix: /--peer IP:PORT; this network's usual port is 24200/,
      status: "missing"
    },
    dialsRaw((raw) =>
      Effect.andThen(raw.bytes(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")), Effect.sleep("1 minute"))
    )
  )
  row(
    "another program at the port, which is silent",
    {
      situation: "says-nothing",
      cause: /accepts connections, but says nothing/,
      fix: /check the port/,
      status: "missing"
    },
    dialsRaw(() => Effect.never, "40 seconds")
  )
  row(
    "another program at the port, which closes",
    { situation: "closes", cause: /closes it without a word/, fix: /check the port.*usually 24200/, status: "missing" },
    dialsRaw((raw) => raw.close)
  )
})

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
        assert.strictEqual(status.sentence, "Connected to all 1 known peers")
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
    "an address that nobody named",
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
  it.effect("a process that comes from another address leaves no row behind, and is not told of its own", () =>
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

describe("how it goes, and went", () => {
  row(
    "a line that went dead: the age of the last byte and of the unanswered ping",
    {
      situation: "quiet",
      cause: /the last byte came \d\d\.\d s ago, and the ping sent \d+\.\d s ago is unanswered/,
      fix: /"silent".*--dead/,
      text: /^Connected for .*; last byte \d\d\.\d s ago\./,
      status: "connected"
    },
    Effect.fnUntraced(function*({ network, start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("31 seconds")
      yield* network.cut(ip(L), ip(H))
      yield* TestClock.adjust("25 seconds")
      return [node, H]
    })
  )
  row(
    "the last Down and the last attempt, kept apart",
    {
      situation: "refused",
      cause: /ECONNREFUSED/,
      fix: /start the node/,
      text:
        /Last connection: up for (?:1 min 5\d|2 min \d) s, ended (?:5\d\.\d|1 min \d) s ago \(EOF, remote\)\. Last attempt: outbound, \d+\.\d s ago, no socket opened \(dial-failed: ECONNREFUSED, remote\)/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ network, start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("2 minutes")
      yield* network.crash(ip(H))
      yield* TestClock.adjust("1 minute")
      return [node, H]
    })
  )
  row(
    "a peer that crashes and restarts again and again",
    {
      situation: "restarts",
      cause: /restarts again and again: the last 5 connections were lost within a minute, 4 of them to a new process/,
      fix: /log of that node/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ network, start }) {
      const node = yield* start(L)
      for (let life = 0; life < 5; life++) {
        yield* start(H, { peers: [L] })
        yield* TestClock.adjust("20 seconds")
        yield* network.crash(ip(H))
        yield* TestClock.adjust("10 seconds")
      }
      return [node, H]
    })
  )
  row(
    "a connection of one process that is lost again and again",
    {
      situation: "flaps",
      cause: /lost again within a minute, \d times in a row/,
      fix: /logs of both ends/,
      status: "connected"
    },
    Effect.fnUntraced(function*({ network, start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      for (let time = 0; time < 4; time++) {
        yield* TestClock.adjust("20 seconds")
        yield* network.reset(ip(L), ip(H))
      }
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  it.effect("loops are forgotten after a steady connection, and when the peer stays away", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(H)
        const node = yield* start(L, { peers: [H] })
        for (let time = 0; time < 4; time++) {
          yield* TestClock.adjust("20 seconds")
          yield* network.reset(ip(L), ip(H))
        }
        yield* TestClock.adjust("3 minutes")
        assert.strictEqual((yield* ask(node, H)).why.situation, "connected")
        yield* network.crash(ip(H))
        yield* TestClock.adjust(Limits.shortUpsForMs)
        assert.strictEqual((yield* ask(node, H)).why.situation, "refused")
      })))
  row(
    "a peer whose next block is ahead of this node's clock",
    { situation: "connected", cause: /up/, fix: undefined, status: "connected" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      const why = yield* node.state.why(ip(H), 300)
      assert.strictEqual(why.situation, "clock")
      assert.match(why.text, /next block is 300 s ahead of this node's clock.*To do: set the clock of this host/)
      return [node, H]
    })
  )
  row(
    "nothing was tried yet",
    {
      situation: "not-tried",
      cause: /first dial is to come/,
      fix: undefined,
      text: /Now: this node dials; 1 under way/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("1 second")
      return [node, H]
    })
  )
  row(
    "the peer is expected to dial first",
    { situation: "waiting-for-it", cause: /lower, is expected to dial first/, fix: undefined, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(H, { peers: [L], tuning: { fallbackFirstMs: 60_000 } })
      yield* TestClock.adjust("1 second")
      return [node, L]
    })
  )
  row(
    "a peer that does not listen anywhere",
    { situation: "lost", cause: /lost/, fix: undefined, text: /Now: the peer dials\./, status: "missing" },
    Effect.fnUntraced(function*({ network, start }) {
      const node = yield* start(L)
      const raw = yield* join(network.host(ip("10.0.0.8")), ip(L))
      yield* TestClock.adjust("2 minutes")
      yield* raw.close
      yield* TestClock.adjust("10 seconds")
      return [node, "10.0.0.8"]
    })
  )
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

describe("the wall clock is set", () => {
  for (const step of [1_800_000_000_000, -3_565_000, -1_700_000_000_000]) {
    it.effect(`by ${step / 1_000} s: every age and wait stays what it is`, () =>
      Effect.gen(function*() {
        const wall = { ms: 0 }
        yield* onMesh(20, ({ network, start }) =>
          Effect.gen(function*() {
            yield* start(H)
            const clock = yield* steppedClock(wall)
            const node = yield* Effect.provideService(start(L, { peers: [H, other] }), Clock.Clock, clock)
            yield* TestClock.adjust("2 minutes")
            wall.ms = step
            const text = (yield* ask(node, H)).why.text
            assert.match(text, /^Connected for (?:1 min 5\d|2 min \d) s, .*; last byte \d+\.\d s ago\.$/)
            yield* TestClock.adjust("10 seconds")
            yield* network.crash(ip(H))
            yield* TestClock.adjust("10 seconds")
            const { record, text: after } = (yield* ask(node, H)).why
            assert.match(after, /Last connection: up for 2 min 1?\d s, ended (?:9|10)\.\d s ago \(EOF, remote\)/)
            assert.match(after, /our next dial is in \d{1,2}\.\d s|1 under way/)
            assert.isDefined(record?.lastGoodAt)
            const never = (yield* ask(node, other)).why
            assert.match(never.text, /Last attempt: outbound, \d{1,2}\.\d s ago/)
            assert.approximately(node.of("Down")[0]?.upMs ?? 0, 130_000, 3_000)
          }))
      }))
  }
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
