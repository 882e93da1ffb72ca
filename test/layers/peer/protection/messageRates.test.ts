/** What a peer may send per kind of message: more is not read for a while, nothing is dropped, and nobody loses a connection. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { concat } from "../../../../src/domain/bytes.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import type { Bucket } from "../../../../src/domain/peer/MessageCost.ts"
import type { Message } from "../../../../src/domain/wire/Message.ts"
import { NativeWire } from "../../../../src/domain/wire/native/NativeWire.ts"
import { downs, ip, onMesh, type Running } from "../../../harness/mesh.ts"
import { dial, hello, join } from "../../../harness/rawPeer.ts"

const node = "10.0.0.1"
const flooder = "10.0.1.1"
const honest = "10.0.2.1"

const frameOf = (message: Message): Uint8Array => concat(...NativeWire.encode(message))
const unknown = Uint8Array.of(0, 0, 0, 1, 99)
const peers = Array.from({ length: 256 }, (_, i) => ({ ip: ip(`10.9.${i}.1`), port: 24_200 }))

const floods: ReadonlyArray<
  { readonly kind: string; readonly bucket: Bucket; readonly frame: Uint8Array; readonly tokens: number }
> = [
  { kind: "Ping", bucket: "ping", frame: frameOf({ _tag: "Ping", nonce: 7n }), tokens: 1 },
  { kind: "Pong", bucket: "pong", frame: frameOf({ _tag: "Pong", nonce: 7n }), tokens: 1 },
  { kind: "Peers", bucket: "addresses", frame: frameOf({ _tag: "Peers", peers }), tokens: 257 },
  { kind: "AskPeers", bucket: "askAddresses", frame: frameOf({ _tag: "AskPeers" }), tokens: 1 },
  { kind: "Tip", bucket: "announce", frame: frameOf({ _tag: "Tip", height: 9, hash: new Uint8Array(32) }), tokens: 1 },
  { kind: "GetHeaders", bucket: "request", frame: frameOf({ _tag: "GetHeaders", request: 1, locator: [] }), tokens: 1 },
  { kind: "SeenMasternodes", bucket: "masternode", frame: frameOf({ _tag: "SeenMasternodes", seen: [] }), tokens: 1 },
  { kind: "an empty unknown kind", bucket: "unknown", frame: unknown, tokens: 1 },
  {
    kind: "Data that nobody receives",
    bucket: "unreceived",
    frame: frameOf({ _tag: "Data", channel: 9, payload: new Uint8Array(1_000_000) }),
    tokens: 977
  }
]

const receivedFrom = (n: Running, peer: string) =>
  Effect.map(n.state.connected, (all) => all.find((record) => record.ip === peer)?.connection?.messages.received ?? 0)

describe("message rates", () => {
  for (const { bucket, frame, kind, tokens } of floods) {
    it.effect(`a flood of ${kind}: handled at the rate, all of it, and the honest peer stays`, () =>
      onMesh(5, ({ network, start }) =>
        Effect.gen(function*() {
          const rate = Limits.messageRates[bucket]
          const n = yield* start(node)
          yield* start(honest, { peers: [node] })
          const raw = yield* join(network.host(ip(flooder)), ip(node))
          yield* TestClock.adjust("1 second")
          const before = yield* receivedFrom(n, flooder)
          const seconds = 4
          const most = Math.ceil((rate.burst + seconds * rate.perSecond) / tokens)
          const count = 2 * most
          yield* Effect.forkScoped(Effect.forEach(
            Array.from({ length: count }),
            () => raw.bytes(frame),
            { discard: true }
          ))
          yield* TestClock.adjust(seconds * 1_000)
          const handled = (yield* receivedFrom(n, flooder)) - before
          assert.isAtMost(handled, most + 1, "bounded")
          assert.isAtLeast(handled, Math.min(count, rate.burst / tokens) * 0.5, "not starved")
          // Everything is read in the end, however long that takes.
          let all = handled
          for (let s = 0; all < count && s < 2 * count * tokens / rate.perSecond + 10; s++) {
            yield* TestClock.adjust("1 second")
            all = (yield* receivedFrom(n, flooder)) - before
          }
          assert.isAtLeast(all, count, "nothing is dropped")
          assert.deepStrictEqual(downs(n), [])
        })))
  }

  it.effect("1,000 pings at once: every one has its pong, at the rate", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const raw = yield* join(network.host(ip(flooder)), ip(node))
        const pings = Array.from({ length: 1_000 }, (_, i) => frameOf({ _tag: "Ping", nonce: BigInt(i + 1) }))
        yield* raw.bytes(concat(...pings))
        yield* TestClock.adjust("1 second")
        assert.isAtMost(
          n.of("PongSent").length,
          Limits.messageRates.ping.burst + Limits.messageRates.ping.perSecond + 1
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(n.of("PongSent").map(({ nonce }) => nonce), pings.map((_, i) => BigInt(i + 1)))
        assert.deepStrictEqual(downs(n), [])
      })))

  it.effect("a receiver takes any number of small messages at once", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        let received = 0
        yield* n.manager.receive(9, (_, payloads) => {
          received += payloads.length
        })
        const raw = yield* join(network.host(ip(flooder)), ip(node))
        const small = frameOf({ _tag: "Data", channel: 9, payload: Uint8Array.of(1) })
        yield* Effect.forkScoped(Effect.forEach(Array.from({ length: 20 }), () =>
          raw.bytes(concat(...Array.from({ length: 5_000 }, () =>
            small))), { discard: true }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(received, 100_000)
      })))

  it.effect("before it is up, a socket that says more than it has reason to is closed", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const raw = yield* dial(network.host(ip(flooder)), ip(node))
        yield* Effect.forkScoped(raw.say(hello(ip(node))))
        const ping = frameOf({ _tag: "Ping", nonce: 1n })
        yield* Effect.forkScoped(raw.bytes(concat(...Array.from({ length: Limits.messagesBeforeUp + 10 }, () => ping))))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(n.of("Refused").map(({ reason }) => reason.kind), ["protocol"])
        assert.deepStrictEqual(n.of("Offence").map(({ ip, kind }) => [ip, kind]), [[ip(flooder), "flood"]])
      })))
})
