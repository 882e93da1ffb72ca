/** The bound of a wait for a peer: only time in which this node's loop ran counts. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Patience from "../../../src/layers/time/patience.ts"

/** A clock moved by hand, whose sleepers wake when it is looked at. */
const make = Effect.map(Clock.Clock, (base) => {
  let now = 0
  let sleepers: Array<{ readonly at: number; readonly wake: () => void }> = []
  const nanos = () => BigInt(Math.round(now * 1e6))
  const clock: Clock.Clock = {
    ...base,
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        sleepers.push({ at: now + Duration.toMillis(duration), wake: () => resume(Effect.void) })
      })
  }
  return {
    clock,
    /** Goes to that moment at once; then those whose time has come wake. */
    to: (ms: number) =>
      Effect.gen(function*() {
        now = ms
        const due = sleepers.filter(({ at }) => at <= now)
        sleepers = sleepers.filter(({ at }) => at > now)
        for (const { wake } of due) wake()
        for (let i = 0; i < 20; i++) yield* Effect.yieldNow
      }),
    /** When the next one wakes. */
    next: () => sleepers.map(({ at }) => at)
  }
})

/** Waits two seconds; `ended` is true once the wait is over. */
const waiting = Effect.gen(function*() {
  const hand = yield* make
  const state = { ended: false }
  yield* Patience.patience(2_000).pipe(
    Effect.andThen(Effect.sync(() => void (state.ended = true))),
    Effect.provideService(Clock.Clock, hand.clock),
    Effect.forkScoped
  )
  yield* hand.to(0)
  return { ...hand, state }
})

describe("what a late deadline is owed", () => {
  it("is all of a stall, a last look for ordinary lateness, and nothing in time", () => {
    const { lagFloorMs, lastLookFloorMs, lastLookMs } = Limits
    for (
      const [late, owed] of [
        [0, 0],
        [lastLookFloorMs - 0.1, 0],
        [lastLookFloorMs, lastLookMs],
        [lagFloorMs, lastLookMs],
        [lagFloorMs + 1, lagFloorMs + 1],
        [5_600, 5_600]
      ] as const
    ) {
      assert.strictEqual(Patience.owedMs(late), owed, `${late}`)
    }
  })
})

describe("patience", () => {
  it.effect("ends at its moment, where the loop is in time", () =>
    Effect.gen(function*() {
      const { next, state, to } = yield* waiting
      assert.deepStrictEqual(next(), [2_000])
      yield* to(1_999)
      assert.isFalse(state.ended)
      yield* to(2_000)
      assert.isTrue(state.ended)
    }).pipe(Effect.scoped))

  it.effect("waits again for as long as it woke late, after every stall", () =>
    Effect.gen(function*() {
      const { next, state, to } = yield* waiting
      yield* to(4_300)
      assert.deepStrictEqual([state.ended, next()], [false, [6_600]])
      yield* to(12_200)
      assert.deepStrictEqual([state.ended, next()], [false, [17_800]])
      yield* to(17_800)
      assert.isTrue(state.ended)
    }).pipe(Effect.scoped))

  it.effect("looks once more after ordinary lateness, and only once", () =>
    Effect.gen(function*() {
      const { next, state, to } = yield* waiting
      yield* to(2_050)
      assert.deepStrictEqual([state.ended, next()], [false, [2_050 + Limits.lastLookMs]])
      yield* to(2_050 + Limits.lastLookMs + Limits.lagFloorMs)
      assert.isTrue(state.ended)
    }).pipe(Effect.scoped))

  it.effect("bounds an effect: what it gives in time, or the failure", () =>
    Effect.gen(function*() {
      const hand = yield* make
      const within = <A>(self: Effect.Effect<A>) =>
        Patience.within(self, 2_000, () => "late").pipe(Effect.provideService(Clock.Clock, hand.clock))
      assert.strictEqual(yield* within(Effect.succeed(7)), 7)
      const fiber = yield* Effect.forkScoped(Effect.flip(within(Effect.never)))
      yield* hand.to(0)
      yield* hand.to(2_000)
      assert.strictEqual(yield* Fiber.join(fiber), "late")
    }).pipe(Effect.scoped))
})
