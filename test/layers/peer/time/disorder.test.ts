/** What a peer of the TIME wire says at the wrong moment, or too often: of every kind of message there is. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { tags, type TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import { downs } from "../../../harness/mesh.ts"
import { randomFrom } from "../../../harness/random.ts"
import * as rawTime from "../../../harness/timed/rawTime.ts"
import { onTimeMesh } from "../../../harness/timed/timeMesh.ts"
import { messageOf } from "../../../harness/timeMessages.ts"

const low = "10.0.0.2"

/** A message of a variant that this project does not read. */
const unread = Uint8Array.of(0, 0, 0, 4, 99, 0, 0, 0)

/** Of a variant in which anything goes. */
const frameOf = (tag: TimeMessage["_tag"], seed: number): Uint8Array =>
  TimeEncoder.encode(messageOf(tag, randomFrom(seed))) ?? assert.fail(tag)

describe("in the wrong order", () => {
  it.effect("anything before the Handshake of a peer that dials ends the socket, and says what it was", () =>
    onTimeMesh(1, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        for (const [at, tag] of tags.filter((tag) => tag !== "Handshake").entries()) {
          // From variant 72 on a number means nothing before the version is known.
          const frame = frameOf(tag, at)
          const raw = yield* rawTime.dial(`10.${at}.0.9`, low)
          yield* raw.bytes(frame)
          yield* TestClock.adjust(100)
          assert.isTrue(raw.isClosed(), tag)
          const detail = ours.of("Refused", `10.${at}.0.9`).at(-1)?.reason.detail ?? ""
          assert.match(detail, /before the peer's Handshake/, tag)
          assert.isTrue(detail.includes(tag) || detail.includes("Unknown"), `${tag}: ${detail}`)
          assert.isEmpty(raw.heard)
        }
        assert.isEmpty(yield* ours.up)
      })))

  it.effect("whatever a dialled peer says before its Ack is neither answered nor taken for one", () =>
    onTimeMesh(1, ({ node }) =>
      Effect.gen(function*() {
        const dials = yield* rawTime.accept("10.0.0.1")
        const ours = yield* node(low, { peers: ["10.0.0.1"] })
        yield* TestClock.adjust("1 second")
        const raw = dials[0] ?? assert.fail("no dial")
        const early = tags.filter((tag) => !["Ack", "ForkAlert", "Handshake"].includes(tag))
        for (const [at, tag] of early.entries()) yield* raw.bytes(frameOf(tag, at))
        yield* raw.bytes(unread)
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(raw.heard.map(({ _tag }) => _tag), ["Handshake"])
        assert.isEmpty(yield* ours.up)
        yield* raw.say({ _tag: "Ack", of: "Handshake" })
        yield* TestClock.adjust(100)
        assert.deepStrictEqual((yield* ours.up).map(([peer]) => peer), ["10.0.0.1"])
      })))

  it.effect("a Handshake, an Ack or a Version later on means nothing, even of another network", () =>
    onTimeMesh(1, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const raw = yield* rawTime.up("10.0.0.9", low)
        const before = raw.heard.length
        const late: ReadonlyArray<TimeMessage> = [
          rawTime.handshake,
          { ...rawTime.handshake, magic: Uint8Array.of(0xc0, 0x1d, 0x7e, 0x4d), commitCount: 2_061 },
          { _tag: "Ack", of: "Handshake" },
          messageOf("Version", randomFrom(1))
        ]
        for (const message of late) yield* raw.say(message)
        yield* TestClock.adjust("1 second")
        assert.isFalse(raw.isClosed())
        assert.isEmpty(raw.heard.slice(before))
        assert.isEmpty(downs(ours))
        assert.strictEqual((yield* ours.state.connected)[0]?.software, "timed/2344")
      })))
})

/** Frames of one kind that a peer sends at once, and how many of them in all: several times the largest burst of any kind. */
const flood = 4_000

describe("floods", () => {
  it.effect("of every kind end the connection or are read at a pace, and cost no other peer its pong", () =>
    onTimeMesh(1, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const good = yield* rawTime.up("10.0.0.20", low)
        const free: Array<string> = []
        for (const [at, tag] of tags.entries()) {
          const from = `10.${at + 1}.0.9`
          const raw = yield* rawTime.up(from, low)
          const frame = TimeEncoder.encode(messageOf(tag, () => 0)) ?? assert.fail(tag)
          const many = Buffer.concat(Array.from({ length: flood }, () => frame))
          yield* Effect.forkChild(raw.bytes(many), { startImmediately: true })
          yield* TestClock.adjust("1 second")
          const pongs = good.heard.filter(({ _tag }) => _tag === "Pong").length
          yield* good.say({ _tag: "Ping", nonce: at, timestamp: 0, height: undefined })
          yield* TestClock.adjust("1 second")
          assert.strictEqual(good.heard.filter(({ _tag }) => _tag === "Pong").length, pongs + 1, tag)
          const record = (yield* ours.state.connected).find((peer) => peer.ip === from)
          if (!raw.isClosed() && (record?.connection?.messages.received ?? 0) >= flood) free.push(tag)
          yield* good.say({ _tag: "GetGenesisHash" })
        }
        assert.deepStrictEqual(free, [])
        assert.isEmpty(downs(ours, "10.0.0.20"))
      })))
})
