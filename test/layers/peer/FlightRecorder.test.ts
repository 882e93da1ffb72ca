/** What the recorder keeps, and what it gives up first when it is full. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import type { PairEvent, PairState } from "../../../src/domain/pair/PairState.ts"
import { empty } from "../../../src/domain/pair/PairState.ts"
import * as PairTrace from "../../../src/domain/pair/PairTrace.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { FlightRecorder, type Kept } from "../../../src/layers/peer/FlightRecorder.ts"

const draw = { id: 1, nonce: 1n, backoffMs: 0, fallbackMs: 0 }
const ip = (n: number) => PeerIp.fromStringUnsafe(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)

const failed = (at: number, detail = "ETIMEDOUT"): Kept => ({
  at,
  before: empty,
  event: { _tag: "DialFailed", end: 1, detail },
  draw,
  actions: [{ _tag: "Arm", timer: { kind: "redial", end: 0 }, ms: 1_000 }],
  after: { ...empty, redial: true }
})
const up = (at: number): Kept => ({
  ...failed(at),
  event: { _tag: "AckReceived", end: 1 },
  actions: [{ _tag: "Up", end: 1 }]
})
/** Takes these steps. */
const machine: Pair.Step = (_, event) => {
  const { actions, after } = event._tag === "AckReceived" ? up(0) : failed(0)
  return [after, actions]
}
const times = (recorder: FlightRecorder, of: PeerIp.PeerIp) => recorder.of(of)?.steps.map(({ at }) => at)

/** A text that makes a step large: few of them fill the recorder. */
const long = "x".repeat(8_000)

/** Fills what is left with a pair that flaps. */
const flap = (recorder: FlightRecorder, first: number, pairs: number) => {
  for (let n = first; n < first + pairs; n++) {
    recorder.record(ip(n), up(0))
    for (let at = 1; at < Limits.traceSteps; at++) recorder.record(ip(n), failed(at, long))
  }
}

describe("flight recorder", () => {
  it("keeps the last steps of a pair, in order, and counts those before", () => {
    const recorder = new FlightRecorder(machine)
    for (let at = 0; at < Limits.traceSteps + 10; at++) recorder.record(ip(1), failed(at))
    const { earlier, steps } = recorder.of(ip(1)) ?? { earlier: -1, steps: [] }
    assert.strictEqual(earlier, 10)
    assert.strictEqual(steps.length, Limits.traceSteps)
    assert.deepStrictEqual([steps[0]?.at, steps.at(-1)?.at], [10, Limits.traceSteps + 9])
    assert.isUndefined(recorder.of(ip(2)))
  })

  it("keeps no bytes, pongs and pings that change nothing, but every other event", () => {
    const recorder = new FlightRecorder(machine)
    const idle = (event: PairEvent): Kept => ({ at: 1, before: empty, event, draw, actions: [], after: empty })
    recorder.record(ip(1), idle({ _tag: "PongReceived", end: 1, nonce: 5n }))
    recorder.record(ip(1), idle({ _tag: "Heard", end: 1 }))
    recorder.record(ip(1), idle({ _tag: "Flushed", end: 1, nonce: 5n, rttMs: undefined }))
    assert.isUndefined(recorder.of(ip(1)))
    recorder.record(ip(1), idle({ _tag: "AckReceived", end: 7 }))
    assert.deepStrictEqual(times(recorder, ip(1)), [1])
    recorder.record(ip(1), { ...idle({ _tag: "Heard", end: 1 }), after: { ...empty, spacing: true } })
    assert.strictEqual(recorder.of(ip(1))?.steps.length, 2)
  })

  it("never exceeds its bytes, and a flood of addresses takes nothing from pairs that were up", () => {
    const recorder = new FlightRecorder(machine)
    const flood = Math.ceil(2 * Limits.traceBytes / (2 * long.length))
    let most = 0
    recorder.record(ip(0), up(1))
    for (let n = 1; n <= flood; n++) {
      recorder.record(ip(n), failed(n, long))
      most = Math.max(most, recorder.bytes)
    }
    assert.isAtMost(most, Limits.traceBytes)
    assert.isBelow(recorder.pairs, flood + 1)
    assert.deepStrictEqual(times(recorder, ip(0)), [1])
    assert.isUndefined(recorder.of(ip(1)), "the stranger that was quiet for longest")
    assert.deepStrictEqual(times(recorder, ip(flood)), [flood])
  })

  it("counts a pair as one that was up by any action of a step, and for good", () => {
    const recorder = new FlightRecorder(machine)
    const [first, second, third] = [ip(1), ip(2), ip(3)]
    const arm: Kept["actions"] = [{ _tag: "Arm", timer: { kind: "redial", end: 0 }, ms: 1 }]
    recorder.record(first, { ...up(1), actions: [...arm, { _tag: "Up", end: 1 }] })
    recorder.record(first, failed(2))
    recorder.record(second, { ...failed(1), actions: [] })
    recorder.record(third, failed(1))
    for (let n = 10; recorder.of(third) !== undefined; n++) recorder.record(ip(n), failed(n, long))
    assert.deepStrictEqual([times(recorder, first), recorder.of(second)], [[1, 2], undefined])
  })

  it("estimates bytes by its steps and their texts, and gives them back with what it drops", () => {
    const recorder = new FlightRecorder(machine)
    recorder.record(ip(1), up(1))
    const { traceRingBytes: ring, traceStepBytes: step } = Limits
    assert.deepStrictEqual([recorder.bytes, recorder.pairs], [ring + step, 1])
    recorder.record(ip(1), failed(2, "four"))
    assert.strictEqual(recorder.bytes, ring + 2 * step + 8)
    const reason = { by: "remote", kind: "eof", detail: "three" } as const
    recorder.record(ip(1), { ...failed(3), event: { _tag: "Closed", end: 1, reason } })
    assert.strictEqual(recorder.bytes, ring + 3 * step + 18)
    for (let at = 0; at < Limits.traceSteps; at++) recorder.record(ip(1), up(at))
    assert.strictEqual(recorder.bytes, ring + Limits.traceSteps * step)
    recorder.record(ip(2), failed(1, ""))
    assert.deepStrictEqual([recorder.bytes, recorder.pairs], [2 * ring + (Limits.traceSteps + 1) * step, 2])
  })

  it("drops the older half of the longest trace, and of none that is short", () => {
    const recorder = new FlightRecorder(machine)
    const few = Limits.traceLeastSteps
    // The longest by bytes has no more steps than any may keep: then the pair that was quiet for longest goes.
    recorder.record(ip(0), { ...failed(0, long), actions: up(0).actions })
    recorder.record(ip(1), up(0))
    for (let at = 1; at < few; at++) recorder.record(ip(1), failed(at, long))
    for (let n = 2; recorder.of(ip(0)) !== undefined; n++) {
      recorder.record(ip(n), { ...failed(n, long), actions: up(0).actions })
    }
    assert.deepStrictEqual([recorder.of(ip(1))?.earlier, times(recorder, ip(1))?.length], [0, few])
    const other = new FlightRecorder(machine)
    other.record(ip(1), up(0))
    for (let at = 1; at <= few; at++) other.record(ip(1), failed(at, long))
    for (let n = 2; other.of(ip(1))?.earlier === 0; n++) {
      other.record(ip(n), { ...failed(n, long), actions: up(0).actions })
    }
    const half = Math.ceil((few + 1) / 2)
    assert.deepStrictEqual(other.of(ip(1))?.earlier, half)
    assert.deepStrictEqual(times(other, ip(1)), Array.from({ length: few + 1 - half }, (_, i) => half + i))
  })

  it("takes from the pairs that flap before it takes from a quiet one", () => {
    const recorder = new FlightRecorder(machine)
    for (const at of [1, 2, 3]) recorder.record(ip(0), at === 1 ? up(at) : failed(at))
    flap(recorder, 1, 5)
    assert.isAtMost(recorder.bytes, Limits.traceBytes)
    assert.deepStrictEqual(times(recorder, ip(0)), [1, 2, 3])
    assert.isAbove(recorder.of(ip(5))?.earlier ?? 0, 0)
    assert.strictEqual(recorder.of(ip(5))?.steps.at(-1)?.at, Limits.traceSteps - 1)
  })

  it("forgets the pair that was quiet for longest when all traces are short", () => {
    const recorder = new FlightRecorder(machine)
    let most = 0
    const short = Math.ceil(1.2 * Limits.traceBytes / (2 * long.length))
    for (let n = 0; n < short; n++) {
      recorder.record(ip(n), { ...failed(n, long), actions: up(0).actions })
      most = Math.max(most, recorder.bytes)
    }
    assert.isAtMost(most, Limits.traceBytes)
    assert.isUndefined(recorder.of(ip(0)))
    assert.deepStrictEqual(times(recorder, ip(short - 1)), [short - 1])
    // It was quiet for longest, and is not any more.
    const first = short - recorder.pairs
    recorder.record(ip(first), failed(1))
    recorder.record(ip(short), { ...failed(1, long), actions: up(0).actions })
    assert.strictEqual(recorder.of(ip(first))?.steps.length, 2)
    assert.isUndefined(recorder.of(ip(first + 1)))
  })

  it("tells each step as the machine took it, also after old ones were dropped and after a peer was forgotten", () => {
    const recorder = new FlightRecorder(Pair.step)
    const taken: Array<PairTrace.Step> = []
    let before: PairState = empty
    const take = (event: PairEvent) => {
      const at = taken.length
      const ask = { id: at + 1, nonce: BigInt(at), backoffMs: 100 + at, fallbackMs: 50 }
      const [after, actions] = Pair.step(before, event, ask)
      const { decisions } = PairTrace.take(Pair.step, before, event, ask)
      const kept: Kept = { at, before, event, draw: ask, actions, after }
      recorder.record(ip(1), kept)
      taken.push({ ...kept, decisions })
      before = after
    }
    const attempt = () => {
      take({ _tag: "Learned", rank: "lower" })
      take({ _tag: "Fired", timer: { kind: "redial", end: 0 } })
      take({ _tag: "DialFailed", end: taken.at(-1)?.draw.id ?? 0, detail: "ECONNREFUSED" })
    }
    attempt()
    assert.deepStrictEqual(recorder.of(ip(1)), { earlier: 0, steps: taken })
    // Its row left the table: a pair begins anew.
    before = empty
    attempt()
    assert.deepStrictEqual(recorder.of(ip(1)), { earlier: 0, steps: taken })
    while (taken.length <= Limits.traceSteps + 7) attempt()
    const earlier = taken.length - Limits.traceSteps
    assert.deepStrictEqual(recorder.of(ip(1)), { earlier, steps: taken.slice(earlier) })
    assert.isTrue(taken.slice(earlier).some(({ actions }) => actions.some(({ _tag }) => _tag === "Dial")))
  })
})
