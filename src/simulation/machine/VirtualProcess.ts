/**
 * One simulated process: a program on its own event loop, with its own clock and its own random source.
 *
 * Everything that runs with `context` belongs to this process: its fibers, their timers, its random numbers. It can be paused (its
 * tasks and timers wait, as after SIGSTOP), and killed silently (they never run again and its finalizers do not run,
 * as after SIGKILL). `fibers` and `alarms` show whether a program that has ended left something behind.
 */
import { Cause, Clock, Context, Duration, Effect, Logger, Metric, Random, Scheduler } from "effect"
import type { Exit, Fiber, LogLevel } from "effect"
import type { AlarmClock, AlarmingClock } from "../../layers/time/AlarmClock.ts"
import { EventLoop } from "../../services/EventLoop.ts"
import { RandomBytes } from "../../services/RandomBytes.ts"
import * as Seeds from "./Seeds.ts"
import type { Alarm, Runnable, VirtualTime } from "./VirtualTime.ts"

export interface VirtualProcessOptions {
  readonly name: string
  readonly seed: string
  /** Wall time when the simulation began, ms since 1970; a time service keeps that offset. */
  readonly wallMs: number
  /** How fast the monotonic clock runs: 1.0001 gains 0.1 ms per second. */
  readonly rate: number
  /** It stands for the network and has no event loop: its timers go off exactly when due, before any task. */
  readonly isNetwork?: boolean | undefined
  /** What its program logs. */
  readonly onLog?: ((level: LogLevel.LogLevel, message: string) => void) | undefined
}

const nanos = (ms: number): bigint => BigInt(Math.floor(ms * 1e6))

/** A process's task queues: one per fiber that ever waits, ordered by priority, then first come, first served. */
class Lane implements Runnable, Scheduler.SchedulerDispatcher {
  private readonly process: VirtualProcess
  /** The only task, usually: a queue of one needs no array. */
  private first: (() => void) | undefined
  private tasks: Array<() => void> = []
  private head = 0
  private later: Array<{ readonly priority: number; readonly task: () => void }> = []
  private awake = false

  constructor(process: VirtualProcess) {
    this.process = process
  }

  get length(): number {
    return (this.first === undefined ? 0 : 1) + this.tasks.length - this.head + this.later.length
  }

  scheduleTask(task: () => void, priority: number): void {
    if (this.process.state === "ended") return
    if (priority <= 0) {
      if (this.first === undefined && this.tasks.length === 0) this.first = task
      else this.tasks.push(task)
    } else {
      const at = this.later.findIndex((other) => other.priority > priority)
      this.later.splice(at < 0 ? this.later.length : at, 0, { priority, task })
    }
    if (!this.awake) {
      this.awake = true
      this.process.wake(this)
    }
  }

  next(): boolean {
    if (this.process.state === "ended") return false
    if (this.process.state === "paused") {
      this.process.park(this)
      return false
    }
    this.take()?.()
    if (this.length > 0) return true
    this.awake = false
    return false
  }

  private take(): (() => void) | undefined {
    const { first } = this
    if (first !== undefined) {
      this.first = undefined
      return first
    }
    const task = this.tasks[this.head]
    if (task === undefined) return this.later.shift()?.task
    this.head += 1
    if (this.head === this.tasks.length) {
      this.tasks.length = 0
      this.head = 0
    }
    return task
  }

  flush(): void {
    while (this.length > 0) this.take()?.()
  }
}

export class VirtualProcess {
  readonly name: string
  private readonly isNetwork: boolean
  state: "running" | "paused" | "ended" = "running"
  /** Fibers that have started and not ended. */
  fibers = 0
  /** Timers that are armed. */
  alarms = 0
  readonly context: Context.Context<never>
  private readonly time: VirtualTime
  private readonly timers: Lane
  private readonly parked: Array<Lane> = []
  /** Its monotonic clock showed `base` at `since`. */
  private base = 0
  private since: number
  private rate: number
  /** Wall time at moment 0, and what the wall clock has gained since a time service last set it. */
  private wallOffset: number
  private gained = 0
  private wallRate = 1

  constructor(time: VirtualTime, options: VirtualProcessOptions) {
    const { onLog = () => {}, seed } = options
    this.name = options.name
    this.isNetwork = options.isNetwork === true
    this.time = time
    this.since = time.now
    this.rate = options.rate
    this.wallOffset = options.wallMs
    this.timers = new Lane(this)
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= 2_048,
      makeDispatcher: () => new Lane(this)
    }
    const clock = this.clock()
    this.context = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(Clock.Clock, clock),
      Context.add(Random.Random, Seeds.random(`${seed}/random`)),
      Context.add(RandomBytes, Seeds.bytes(`${seed}/bytes`)),
      Context.add(EventLoop, {
        afterTurn: (f) => this.time.afterTurn(() => this.state === "ended" || f()),
        ownClock: clock
      }),
      Context.add(
        Logger.CurrentLoggers,
        new Set([
          Logger.make<unknown, void>(({ cause, logLevel, message }) =>
            onLog(
              logLevel,
              [message, ...(cause.reasons.length > 0 ? [Cause.pretty(cause)] : [])].flat().map(String).join(" ")
            )
          )
        ])
      ),
      Context.add(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => {
          this.fibers += 1
        },
        recordFiberEnd: () => {
          this.fibers -= 1
        }
      })
    )
  }

  // --- its program -----------------------------------------------------------------

  /** Starts an effect in this process, in a turn of its event loop. */
  start<A, E>(effect: Effect.Effect<A, E>, done: (exit: Exit.Exit<A, E>) => void = () => {}): void {
    this.timers.scheduleTask(() => {
      const fiber: Fiber.Fiber<A, E> = Effect.runForkWith(this.context)(effect)
      fiber.addObserver(done)
    }, 0)
  }

  /** Runs `f` in a turn of its event loop. */
  turn(f: () => void): void {
    this.timers.scheduleTask(f, 0)
  }

  wake(lane: Lane): void {
    this.time.wake(lane)
  }

  park(lane: Lane): void {
    this.parked.push(lane)
  }

  pause(): void {
    if (this.state === "running") this.state = "paused"
  }

  resume(): void {
    if (this.state !== "paused") return
    this.state = "running"
    for (const lane of this.parked.splice(0)) this.time.wake(lane)
  }

  end(): void {
    this.state = "ended"
    this.parked.length = 0
  }

  // --- its clocks ------------------------------------------------------------------

  /** ms since the process began, by its own clock. */
  get monotonicMs(): number {
    return this.base + (this.time.now - this.since) * this.rate
  }

  /** ms since 1970, by its own clock. */
  get wallMs(): number {
    return Math.floor(
      this.wallOffset + this.time.now + this.gained + (this.time.now - this.since) * (this.wallRate - 1)
    )
  }

  /** Sets the wall clock. */
  jump(ms: number): void {
    this.wallOffset += ms
  }

  /** Sets the rate of the monotonic clock. With `wallToo` the wall clock follows; without, it is set right. */
  setRate(rate: number, wallToo: boolean): void {
    this.gained = wallToo ? this.gained + (this.time.now - this.since) * (this.wallRate - 1) : 0
    this.base = this.monotonicMs
    this.since = this.time.now
    this.rate = rate
    this.wallRate = wallToo ? rate : 1
  }

  private alarm(ms: number, run: () => void): () => void {
    this.alarms += 1
    const ring = () => {
      if (alarm === undefined) return
      alarm = undefined
      this.alarms -= 1
      run()
    }
    let alarm: Alarm | undefined = this.time.at(
      this.time.now + Math.max(0, ms) / this.rate,
      this.isNetwork ? ring : () => this.timers.scheduleTask(ring, 0)
    )
    return () => {
      if (alarm === undefined) return
      this.time.cancel(alarm)
      alarm = undefined
      this.alarms -= 1
    }
  }

  private clock(): AlarmingClock {
    const { time, wallOffset } = this
    const alarms: AlarmClock = {
      monotonicMs: () => this.monotonicMs,
      alarm: (ms, run) => this.alarm(ms, run),
      ring: this.isNetwork ? (ms, run) => void time.at(time.now + ms, run) : undefined
    }
    const millis = this.isNetwork ? () => Math.floor(wallOffset + time.now) : () => this.wallMs
    return {
      alarms,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: () => nanos(this.wallMs),
      currentTimeNanos: Effect.sync(() => nanos(this.wallMs)),
      monotonicTimeNanosUnsafe: () => nanos(this.monotonicMs),
      monotonicTimeNanos: Effect.sync(() => nanos(this.monotonicMs)),
      sleep: (duration) => {
        const ms = Duration.toMillis(duration)
        if (ms <= 0) return Effect.yieldNow
        if (!Number.isFinite(ms)) return Effect.never
        return Effect.callback((resume) => Effect.sync(this.alarm(ms, () => resume(Effect.void))))
      }
    }
  }
}
