/** Floods of connections: who says Hello comes in, however late; who is known comes first; no stranger uses up what all share. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { concat } from "../../../../src/domain/bytes.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import type { PeerIp } from "../../../../src/domain/peer/PeerIp.ts"
import { NativeWire } from "../../../../src/domain/wire/native/NativeWire.ts"
import type { RawPeer } from "../../../../src/testing/RawPeer.ts"
import { downs, ip, onMesh, type Running } from "../../../harness/mesh.ts"
import { dial, hello } from "../../../harness/rawPeer.ts"

const node = "10.0.0.1"
/** Each of another netgroup than the next. */
const stranger = (i: number): PeerIp => ip(`${11 + i % 90}.${(i * 7) & 255}.${(i >> 8) & 255}.${i & 255}`)

const ups = (n: Running) => n.of("Up").map((event) => event.ip)

/** As a peer that ranks higher than the node: it waits for the Commit. */
const shakeHands = (raw: RawPeer, process: string) =>
  Effect.gen(function*() {
    yield* raw.say(hello(ip(node), { process }))
    yield* raw.until("Commit")
    yield* raw.say({ _tag: "Ack" })
  }).pipe(Effect.ignore, Effect.forkScoped)

describe("inbound", () => {
  it.effect(
    "500 silent connections a second: eight newcomers with a Hello 200 ms late all come in, and no peer goes",
    () =>
      onMesh(5, ({ network, start }) =>
        Effect.gen(function*() {
          const n = yield* start(node)
          yield* start("10.0.0.2", { peers: [node] })
          yield* TestClock.adjust("2 seconds")
          const late: Array<readonly [at: number, raw: RawPeer]> = []
          for (let ms = 0; ms < 4_000; ms += 20) {
            for (let i = 0; i < 10; i++) yield* dial(network.host(stranger(ms / 2 + i)), ip(node))
            if (ms >= 1_000 && ms % 200 === 0 && late.length < 8) {
              late.push([ms, yield* dial(network.host(ip(`10.3.0.${late.length + 1}`)), ip(node))])
            }
            for (const [at, raw] of late) if (ms === at + 200) yield* shakeHands(raw, `${at}`.padStart(16, "0"))
            yield* TestClock.adjust(20)
          }
          assert.includeMembers(ups(n), Array.from({ length: 8 }, (_, i) => ip(`10.3.0.${i + 1}`)))
          assert.deepStrictEqual(downs(n), [])
        })),
    60_000
  )

  it.effect("a configured peer comes in while strangers that say one byte fill every place of unidentified sockets", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const configured = "10.4.0.1"
        const n = yield* start(node, { peers: [configured] })
        for (let i = 0; i < 4 * Limits.endsWithoutHello; i++) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          yield* Effect.forkScoped(raw.bytes(Uint8Array.of(0)))
        }
        yield* TestClock.adjust(100)
        const raw = yield* dial(network.host(ip(configured)), ip(node))
        for (let i = 0; i < 4 * Limits.endsWithoutHello; i++) {
          const more = yield* dial(network.host(stranger(10_000 + i)), ip(node))
          yield* Effect.forkScoped(more.bytes(Uint8Array.of(0)))
        }
        yield* TestClock.adjust("1 second")
        // A known peer's socket did not give way to strangers, late as its Hello is.
        yield* shakeHands(raw, "ab".repeat(8))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(ups(n), [configured])
      })))

  it.effect("sockets that say a Hello a byte at a time wait outside, and one that says it in three pieces comes in", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const bytes = NativeWire.encode(hello(ip(node), { process: "ab".repeat(8) })).reduce((a, b) => concat(a, b))
        const said = { slow: 0, come: 0 }
        const slow: Array<RawPeer> = []
        for (let i = 0; i < 300; i++) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          slow.push(raw)
          // The node's own Hello: the socket has come in.
          yield* Effect.forkScoped(Effect.tap(Effect.ignore(raw.next), () => Effect.sync(() => said.come += 1)))
        }
        // One fiber for all: a timer for each byte of each would take most of the test's time.
        yield* Effect.gen(function*() {
          for (let at = 0; at < bytes.length - 1; at++) {
            for (const raw of slow) {
              yield* raw.bytes(bytes.subarray(at, at + 1))
              said.slow += 1
            }
            yield* Effect.sleep(50)
          }
        }).pipe(Effect.forkScoped)
        yield* TestClock.adjust("2 seconds")
        assert.isAtLeast(said.slow, 300 * 40)
        assert.isAtMost(said.come, Limits.crowdedEnds)
        const raw = yield* dial(network.host(ip("10.3.0.1")), ip(node))
        for (const [from, to] of [[0, 3], [3, 60], [60, bytes.length]]) {
          yield* Effect.forkScoped(raw.bytes(bytes.subarray(from, to)))
          yield* TestClock.adjust(300)
        }
        yield* Effect.forkScoped(Effect.ignore(Effect.andThen(raw.until("Commit"), raw.say({ _tag: "Ack" }))))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(ups(n), [ip("10.3.0.1")])
      })))

  it.effect("one address that dials in a loop is reset above its rate, and another of its netgroup comes in", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const loud = network.host(ip("10.5.0.1"))
        let open = 0
        for (let i = 0; i < 500; i++) {
          const raw = yield* dial(loud, ip(node))
          open += 1
          yield* Effect.forkScoped(Effect.ensuring(
            Effect.ignore(Effect.forever(raw.next)),
            Effect.sync(() => {
              open -= 1
            })
          ))
        }
        yield* TestClock.adjust(100)
        assert.isAtMost(open, Limits.inboundPerIp.burst)
        const other = yield* dial(network.host(ip("10.5.0.2")), ip(node))
        yield* shakeHands(other, "cd".repeat(8))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(ups(n), [ip("10.5.0.2")])
        yield* TestClock.adjust(Limits.inboundReportMs)
        assert.deepStrictEqual(
          n.of("InboundRefused").map(({ connections }) => connections),
          [500 - Limits.inboundPerIp.burst]
        )
      })))

  it.effect("a socket that ends while it waits outside is forgotten: no row, no end, no line", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        for (let i = 0; i < Limits.crowdedEnds; i++) yield* dial(network.host(stranger(i)), ip(node))
        yield* TestClock.adjust(100)
        const rows = (yield* n.state.peers).length
        const before = n.events.length
        for (let i = 100; i < 150; i++) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          yield* Effect.forkScoped(raw.bytes(Uint8Array.of(0)))
          yield* TestClock.adjust(10)
          yield* raw.close
        }
        yield* TestClock.adjust(500)
        assert.strictEqual((yield* n.state.peers).length, rows)
        assert.deepStrictEqual(n.events.slice(before).map(({ _tag }) => _tag), [])
      })))

  it.effect("sockets that wait outside leave after the time of a Hello, and leave nothing behind", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const ended = new Set<number>()
        for (let i = 0; i < 200; i++) {
          const raw = yield* dial(network.host(stranger(i)), ip(node))
          yield* Effect.forkScoped(Effect.ensuring(
            Effect.ignore(Effect.forever(raw.next)),
            Effect.sync(() => ended.add(i))
          ))
        }
        yield* TestClock.adjust(Limits.helloMs - 500)
        assert.isAtMost(ended.size, 4)
        yield* TestClock.adjust(2_500)
        assert.strictEqual(ended.size, 200)
        assert.deepStrictEqual((yield* n.state.peers).map((row) => row.ip), [])
      })))
})
