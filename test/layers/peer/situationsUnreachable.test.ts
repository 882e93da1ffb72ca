import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { ip, onMesh } from "../../harness/mesh.ts"
import { ask, dialsRaw, H, L, type Mesh, other, row } from "../../harness/situations.ts"

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
