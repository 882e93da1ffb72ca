/** Named regressions of one connection: slow and silent readers, long frames, bad bytes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../../src/domain/Limits.ts"
import { assertConnected, downs, ip, onMesh } from "../../../harness/mesh.ts"
import { dial, hello, join } from "../../../harness/rawPeer.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"
const channel = 7

describe("session", () => {
  it.effect("peer stops reading: it loses its connection, we keep our ticks and our memory", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        // H is a raw peer that completes the handshake and then never reads again, but keeps sending.
        const raw = yield* join(network.host(ip(H)), ip(L))
        assert.strictEqual((yield* l.up).length, 1)
        const chatter = yield* Effect.forkChild(
          Effect.forever(Effect.delay(raw.say({ _tag: "Ping", nonce: 9n }), "10 seconds"))
        )
        // A sender that can wait waits, and learns that the connection is lost.
        const sending = yield* Effect.forkChild(
          Effect.flip(l.manager.sendAll(ip(H), channel, Array.from({ length: 40 }, () => new Uint8Array(1024 * 1024))))
        )
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* l.up).length, 1, "waiting is not yet a fault")
        // A broadcast cannot wait: the outbox overflows.
        for (let sent = 0; sent <= Limits.outboxBytes; sent += 1024 * 1024) {
          yield* l.manager.broadcast(channel, new Uint8Array(1024 * 1024))
        }
        assert.deepStrictEqual(downs(l), ["outbox-full"])
        const error = yield* Fiber.join(sending)
        assert.strictEqual(error.reason._tag, "ConnectionLost")
        yield* Fiber.interrupt(chatter)
      })))

  it.effect("a peer that never drains what waits for it is disconnected even if nobody overflows the outbox", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        const raw = yield* join(network.host(ip(H)), ip(L))
        yield* Effect.forkChild(Effect.forever(Effect.delay(raw.say({ _tag: "Ping", nonce: 9n }), "10 seconds")))
        yield* l.manager.send(ip(H), channel, new Uint8Array(4 * 1024 * 1024))
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(downs(l), ["outbox-full"])
      })))

  it.effect("a challenge during an 8 MiB transfer on a slow link: the live connection stays", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        // 1 MB/s: the frame takes more than 8 s; the challenger comes in the middle of it.
        yield* network.setLink(ip(L), ip(H), { bandwidth: 1_000_000 })
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H)
        const got: Array<number> = []
        yield* h.manager.receive(channel, (_, payloads) => payloads.forEach((payload) => got.push(payload.length)))
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(l, L, h, H)
        for (const [from, to, target] of [[l, H, L], [l, H, H]] as const) {
          yield* from.manager.send(ip(to), channel, new Uint8Array(Limits.frameBytes - 3))
          yield* TestClock.adjust("1 second")
          // A second process on the other end's host comes, as if the first had restarted.
          const challenger = yield* start(target === L ? H : L, {
            listen: `${target === L ? H : L}:9999`,
            peers: [target]
          })
          yield* TestClock.adjust("30 seconds")
          yield* assertConnected(l, L, h, H)
          yield* challenger.stop
        }
        assert.deepStrictEqual([downs(l), downs(h)], [[], []])
        assert.deepStrictEqual(got, [Limits.frameBytes - 3, Limits.frameBytes - 3])
      })))

  it.effect("a challenge while the link is slow in the other direction too", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* network.setLink(ip(L), ip(H), { bandwidth: 1_000_000 })
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H)
        yield* TestClock.adjust("10 seconds")
        yield* h.manager.send(ip(L), channel, new Uint8Array(Limits.frameBytes - 3))
        yield* TestClock.adjust("1 second")
        const challenger = yield* start(H, { listen: `${H}:9999`, peers: [L] })
        yield* TestClock.adjust("30 seconds")
        yield* assertConnected(l, L, h, H)
        assert.deepStrictEqual([downs(l), downs(h)], [[], []])
        yield* challenger.stop
      })))

  for (
    const [name, bytes] of [
      ["garbage", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example\r\n\r\n")],
      ["an oversize frame", Uint8Array.of(0, 0x90, 0, 0, 16, 1, 2, 3)],
      ["an empty frame", Uint8Array.of(0, 0, 0, 0)],
      ["a truncated Hello", Uint8Array.of(0, 0, 0, 4, 1, 0, 1, 0)]
    ] as const
  ) {
    it.effect(`${name} instead of a Hello: refused with the reason, the node lives`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const l = yield* start(L)
          const raw = yield* dial(network.host(ip(H)), ip(L))
          const reject = yield* Effect.forkChild(Effect.andThen(raw.bytes(bytes), raw.until("Reject")))
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* Fiber.join(reject)).reason, "protocol")
          assert.deepStrictEqual(l.of("Refused").map((event) => event.reason.kind), ["bad-frame"])
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual((yield* l.state.peers).length, 0, "a stranger leaves no row")
          const h = yield* start(H, { peers: [L] })
          yield* TestClock.adjust("5 seconds")
          yield* assertConnected(l, L, h, H)
        })))
  }

  it.effect("a peer of another network is told so", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(L)
        const raw = yield* dial(network.host(ip(H)), ip(L))
        const reject = yield* Effect.forkChild(
          Effect.andThen(raw.say(hello(ip(L), { network: "mainnet" })), raw.until("Reject"))
        )
        yield* TestClock.adjust("1 second")
        const said = yield* Fiber.join(reject)
        assert.strictEqual(said.reason, "incompatible")
        assert.include(said.text, "mainnet")
      })))

  it.effect("whoever says nothing is let go after the hello time", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L)
        yield* dial(network.host(ip(H)), ip(L))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(l.of("Refused").map((event) => event.reason.kind), ["hello-timeout"])
      })))
})
