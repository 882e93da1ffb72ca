import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { tags } from "../../../../src/domain/wire/time/TimeMessage.ts"
import { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"
import { ip } from "../../../harness/mesh.ts"
import { randomFrom } from "../../../harness/random.ts"
import * as rawTime from "../../../harness/timed/rawTime.ts"
import { assertClean, onTimeMesh } from "../../../harness/timed/timeMesh.ts"
import { messageOf } from "../../../harness/timeMessages.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

const reset = (a: string, b: string) => MemoryNetwork.use((network) => network.reset(ip(a), ip(b)))

describe("bad input", () => {
  it.effect("of every kind, cut short anywhere: the session ends with a reason, and the node is unharmed", () =>
    onTimeMesh(1, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const good = yield* rawTime.dial("10.0.0.20", low)
        yield* good.say(rawTime.handshake)
        yield* TestClock.adjust("1 second")
        const random = randomFrom(7)
        let ended = 0
        for (const tag of tags) {
          const whole = TimeEncoder.encode(messageOf(tag, random)) ?? new Uint8Array(0)
          // A frame of many a shorter length, which says that it is whole; the codec's own test has every byte.
          for (let length = 4; length < whole.length - 4; length += Math.max(1, Math.floor(whole.length / 8))) {
            const cut = whole.slice(0, 4 + length)
            new DataView(cut.buffer).setUint32(0, length)
            const raw = yield* rawTime.dial(high, low)
            yield* raw.say(rawTime.handshake)
            yield* raw.bytes(cut)
            yield* TestClock.adjust(20)
            const down = ours.of("Down").at(-1)
            if (raw.isClosed()) {
              ended += 1
              assert(down !== undefined)
              assert.include(["bad-frame", "rejected"], down.reason.kind, tag)
            }
            yield* reset(high, low)
            yield* TestClock.adjust(20)
          }
        }
        assert.isAbove(ended, 40)
        assert.deepStrictEqual((yield* ours.up).map(([peer]) => peer), ["10.0.0.20"])
        assert.isFalse(good.isClosed())
      })))

  it.effect("a flood of requests is answered at the pace that every peer has, and costs no other peer its ping", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: "10.0.0.30", knows: [low] })
        const ours = yield* node(low)
        yield* TestClock.adjust("35 seconds")
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        const one = TimeEncoder.encode({ _tag: "GetPeers" }) ?? new Uint8Array(0)
        const many = Buffer.concat(Array.from({ length: 5_000 }, () => one))
        for (let i = 0; i < 10; i++) {
          yield* Effect.forkChild(raw.bytes(many), { startImmediately: true })
          yield* TestClock.adjust(20)
        }
        yield* TestClock.adjust("1 minute")
        const record = (yield* ours.state.connected).find((peer) => peer.ip === ip(high))
        // What the node does not read fills its window: not all of it has left the sender. A batch is handled before it is paid for; then the connection is not read until some is back.
        assert.isAtMost(record?.connection?.messages.received ?? Infinity, 15_000)
        assert.isAtMost(raw.heard.filter(({ _tag }) => _tag === "PeersResponse").length, 200)
        assert.deepStrictEqual(daemon.live(low).length, 1)
        assertClean(ours, daemon)
      })))

  it.effect("a frame over the limit ends the session, before and after the handshake", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const first = yield* rawTime.dial(high, low)
        yield* first.bytes(Uint8Array.of(0, 0, 0x10, 1, 0, 0))
        yield* TestClock.adjust("1 second")
        assert.isTrue(first.isClosed())
        assert.include(ours.of("Refused").at(-1)?.reason.detail, "frame length 4097 exceeds limit 4096")
        const second = yield* rawTime.dial(high, low)
        yield* second.say(rawTime.handshake)
        yield* second.bytes(Uint8Array.of(0x7f, 0xff, 0xff, 0xff))
        yield* TestClock.adjust("1 second")
        assert.isTrue(second.isClosed())
        assert.strictEqual(ours.of("Down").at(-1)?.reason.kind, "bad-frame")
      })))
})
