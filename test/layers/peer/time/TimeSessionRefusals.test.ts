import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { type TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import * as rawTime from "../../../harness/timed/rawTime.ts"
import { onTimeMesh } from "../../../harness/timed/timeMesh.ts"
import { forkAlert } from "../../../harness/timeMessages.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

describe("a refusal", () => {
  it.effect("is silence: a dial without an Ack ends after 10 s, and of many no more than four in an hour", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const dials = yield* rawTime.accept(low)
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(dials.length, 1)
        assert.isFalse(dials[0]?.isClosed())
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(dials[0]?.isClosed())
        assert.strictEqual(ours.of("Refused").at(-1)?.reason.kind, "no-ack")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(dials.length, 4)
        assert.deepStrictEqual(yield* ours.up, [])
      })))

  it.effect("is told with a ForkAlert to a version that is too old: not dialled again for two hours", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const dials = yield* rawTime.accept(low)
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("1 second")
        yield* dials[0]?.say(forkAlert) ?? Effect.void
        yield* TestClock.adjust("1 second")
        assert.include(ours.of("Refused").at(-1)?.reason.detail, "upgrade")
        yield* TestClock.adjust("119 minutes")
        assert.strictEqual(dials.length, 1)
      })))

  const unfit: ReadonlyArray<readonly [name: string, message: TimeMessage, words: string]> = [
    ["another network", { ...rawTime.handshake, magic: Uint8Array.of(0xc0, 0x1d, 0x7e, 0x4d) }, "another network"],
    ["an old protocol", { ...rawTime.handshake, version: 1 }, "protocol 1"],
    ["an old version", { ...rawTime.handshake, commitCount: 2_061 }, "2061"],
    ["another first frame", { _tag: "GetPeers" }, "GetPeers before the peer's Handshake"]
  ]
  for (const [name, message, words] of unfit) {
    it.effect(`ends a socket that begins with ${name}, and says why`, () =>
      onTimeMesh(5, ({ node }) =>
        Effect.gen(function*() {
          const ours = yield* node(low)
          const raw = yield* rawTime.dial(high, low)
          yield* raw.say(message)
          yield* TestClock.adjust("1 second")
          assert.isTrue(raw.isClosed())
          assert.include(ours.of("Refused").at(-1)?.reason.detail, words)
          assert.deepStrictEqual(yield* ours.up, [])
        })))
  }

  it.effect("ends a socket that says nothing for 10 s", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const raw = yield* rawTime.dial(high, low)
        yield* TestClock.adjust("9 seconds")
        assert.isFalse(raw.isClosed())
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(raw.isClosed())
        assert.strictEqual(ours.of("Refused").at(-1)?.reason.kind, "hello-timeout")
      })))

  it.effect("ends a connection with a peer of another genesis", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        yield* raw.say({ _tag: "GenesisHashResponse", hash: new Uint8Array(32) })
        yield* TestClock.adjust("1 second")
        assert.isTrue(raw.isClosed())
        assert.include(ours.of("Down").at(-1)?.reason.detail, "genesis is 0000000000000000")
      })))
})
