/**
 * A cadence of which most beats only call a function: a Stream paced by a Schedule whose fiber sleeps through them. A node beats every second
 * of its life, and a simulation does so for every node, so a beat costs an alarm and no step of a fiber, and none passes through the stream.
 */
import { Cause, Clock, Duration, Effect, Exit, type Fiber, Pull, Schedule, Stream } from "effect"
import type { Pace } from "../../services/Cadence.ts"
import * as AlarmClock from "./AlarmClock.ts"

/** A result that needs no fiber. */
const isReady = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

/**
 * Calls `beat` with the length of its wait, ms, for each step of the pace, until the pace ends or the stream is interrupted; emits nothing.
 * The fiber runs only what a beat returns, and the next wait begins once that is done. A beat that throws is a defect of the stream.
 * `fork` starts an effect that ends with the node.
 */
export const beats = (
  fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
  pace: Pace,
  beat: (waitMs: number) => Effect.Effect<void> | undefined
): Stream.Stream<never> =>
  Stream.fromPull(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const alarms = AlarmClock.of(clock, fork)
    const next = yield* Schedule.toStep(pace)
    const step = () => next(clock.currentTimeMillisUnsafe(), undefined)
    /** A step of the pace that must run in the fiber. */
    let asked: ReturnType<typeof step> | undefined
    let length = Duration.zero
    let ms = 0
    let cancel = () => {}
    let resume: (effect: Effect.Effect<void>) => void = () => {}
    const rest = (duration: Duration.Duration): void => {
      // Usually the same value: converting it costs more than the rest of the beat.
      if (duration !== length) {
        length = duration
        ms = Duration.toMillis(duration)
      }
      cancel = alarms.alarm(ms, ring)
    }
    const ring = (): void => {
      try {
        const work = beat(ms)
        if (work !== undefined) return resume(work)
        asked = step()
      } catch (defect) {
        return resume(Effect.die(defect))
      }
      if (!isReady(asked) || Exit.isFailure(asked)) return resume(Effect.void)
      const [, duration] = asked.value
      asked = undefined
      rest(duration)
    }
    const wait = (first: Duration.Duration): Effect.Effect<void> =>
      Effect.callback((wake) => {
        resume = wake
        rest(first)
        return Effect.sync(() => cancel())
      })
    const turn = Effect.flatMap(
      Effect.suspend(() => {
        const due = asked ?? step()
        asked = undefined
        return due
      }),
      ([, duration]) => wait(duration)
    )
    return Pull.catchDone(Effect.forever(turn, { disableYield: true }), () => Cause.done())
  }))
