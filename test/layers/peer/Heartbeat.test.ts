/** The node's pulse: pings and verdicts of all connections from one beat per second, on the monotonic clock. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { HeartbeatPace } from "../../../src/services/Cadence.ts"
import { assertConnected, downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { join } from "../../harness/rawPeer.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"

/** ms between the pings that a node sent, first to last. */
const gaps = (node: Running): ReadonlyArray<number> => {
  const at = node.events.flatMap((event) => event._tag === "PingSent" ? [event.at] : [])
  return at.slice(1).map((ms, i) => ms - (at[i] ?? 0))
}

/** The clock of the test, but its wall side may be set as an operator sets a machine's: nothing else moves with it. */
const settable = Effect.map(Clock.Clock, (clock) => {
  let offsetMs = 0
  const millis = () => clock.currentTimeMillisUnsafe() + offsetMs
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(offsetMs) * 1_000_000n
  const set: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
  return {
    clock: set,
    now: millis,
    set: (ms: number) => {
      offsetMs += ms
    }
  }
})

describe("Heartbeat", () => {
  it.effect("two hours idle: one beat a second, pings answered both ways every 15 s, no Down", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        let beats = 0
        const counted = Schedule.map(Schedule.spaced("1 second"), () => {
          beats += 1
        })
        const l = yield* Effect.provideService(start(L, { peers: [H] }), HeartbeatPace, counted)
        const h = yield* start(H)
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(l, L, h, H)
        const from = beats
        yield* TestClock.adjust("2 hours")
        assert.approximately(beats - from, 7_200, 1)
        for (const node of [l, h]) {
          assert.deepStrictEqual(downs(node), [])
          assert.approximately(node.of("PingSent").length, 481, 2)
          const unanswered = node.of("PingSent").length - node.of("PongReceived").length
          assert.isAtMost(unanswered, 1)
          assert.isTrue(node.of("PongReceived").every(({ rttMs }) => rttMs !== undefined))
          // The pace does not drift: only the first gap, from Up to the beat, may be longer by a beat.
          for (const gap of gaps(node).slice(1)) assert.strictEqual(gap, Limits.pingMs)
          assert.strictEqual(node.of("LoopLag").length, 0)
        }
      })))

  it.effect("a wall clock set forth and back by an hour changes nothing", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const wall = yield* settable
        const l = yield* Effect.provideService(start(L, { peers: [H] }), Clock.Clock, wall.clock)
        const h = yield* start(H)
        yield* TestClock.adjust("60 seconds")
        const perMinute: Array<number> = []
        for (const jump of [3_600_000, -7_200_000, 3_600_000, -3_600_000]) {
          wall.set(jump)
          const before = l.of("PingSent").length
          yield* TestClock.adjust("60 seconds")
          perMinute.push(l.of("PingSent").length - before)
        }
        assert.deepStrictEqual(perMinute, [4, 4, 4, 4])
        assert.deepStrictEqual([downs(l), downs(h)], [[], []])
        assert.strictEqual(l.of("LoopLag").length, 0)
        yield* assertConnected(l, L, h, H)
        const [record] = yield* l.state.connected
        assert.approximately(wall.now() - (record?.connection?.since ?? 0), 300_000, 2_000, "five minutes up")
      })))

  it.effect("beats are one pace apart on the monotonic clock, however the wall clock is set between them", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const wall = yield* settable
        const beats: Array<number> = []
        const monotonicMs = () => Number(wall.clock.monotonicTimeNanosUnsafe()) / 1e6
        // The default pace. A step is asked for when the beat before it is over.
        const noted = Schedule.tap(yield* HeartbeatPace, () =>
          Effect.sync(() => {
            beats.push(monotonicMs())
          }))
        const l = yield* start(L, { peers: [H] }).pipe(
          Effect.provideService(Clock.Clock, wall.clock),
          Effect.provideService(HeartbeatPace, noted)
        )
        yield* start(H)
        yield* TestClock.adjust("10 seconds")
        // Never by whole beats, and in the middle of one: a pace that counts on the wall clock stays in step with such jumps otherwise.
        for (const jump of [300, -700, 3_600_450, -7_200_350, 3_600_300]) {
          yield* TestClock.adjust("10400 millis")
          wall.set(jump)
        }
        yield* TestClock.adjust("10 seconds")
        assert.isAtLeast(beats.length, 70)
        assert.deepStrictEqual(new Set(beats.slice(1).map((at, i) => at - (beats[i] ?? 0))), new Set([Limits.beatMs]))
        assert.deepStrictEqual(downs(l), [])
      })))

  it.effect("a ping that is nearly due goes out with the answer to the peer's: the two are in step from then on", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const peer = yield* join(network.host(ip(H)), ip(L))
        yield* TestClock.adjust("8 seconds")
        for (let round = 0; round < 20; round++) {
          yield* peer.say({ _tag: "Ping", nonce: BigInt(round) })
          yield* TestClock.adjust("15 seconds")
        }
        const answered = node.of("PongSent").map(({ at }) => at)
        const [, ...pinged] = node.of("PingSent").map(({ at }) => at)
        assert.strictEqual(answered.length, 20)
        // The last may be alone: after it the peer pings no more.
        assert.deepStrictEqual(pinged.slice(0, 20), answered)
        assert.deepStrictEqual(downs(node), [])
      })))

  it.effect("a peer that pings twenty times as often as it should is pinged twice as often at most, and not ended", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const peer = yield* join(network.host(ip(H)), ip(L))
        for (let second = 0; second < 600; second++) {
          yield* peer.say({ _tag: "Ping", nonce: BigInt(second) })
          yield* TestClock.adjust("750 millis")
        }
        assert.strictEqual(node.of("PongSent").length, 600)
        for (const gap of gaps(node)) assert.isAtLeast(gap, Limits.pingMs / 2)
        assert.deepStrictEqual(downs(node), [])
      })))

  it.effect("a peer that falls silent is ended within a beat of the dead time, a slower pace makes it a slower beat", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        for (const [at, pace, beatMs] of [[L, "1 second", 1_000], ["10.0.0.3", "7 seconds", 7_000]] as const) {
          const node = yield* Effect.provideService(start(at), HeartbeatPace, Schedule.spaced(pace))
          yield* join(network.host(ip(`10.0.1.${beatMs / 1_000}`)), ip(at))
          const up = node.of("Up")[0]?.at ?? 0
          yield* TestClock.adjust("2 minutes")
          const down = node.of("Down")[0]
          assert.strictEqual(down?.reason.kind, "silent")
          assert.isAtLeast((down?.at ?? 0) - up, Limits.deadMs)
          assert.isAtMost((down?.at ?? 0) - up, Limits.deadMs + beatMs + 1_000)
        }
      })))
})
