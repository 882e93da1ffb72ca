import { assert } from "@effect/vitest"
import * as TimePair from "../../src/domain/pair/TimePair.ts"
import * as TimePairState from "../../src/domain/pair/TimePairState.ts"

/** The machine with a clock, its timers, and what it did. */
export class TimePairDrive {
  pair: TimePairState.TimePairState
  now = 0
  readonly timers = new Map<string, readonly [timer: TimePairState.Timer, at: number]>()
  readonly did: Array<readonly [now: number, action: TimePairState.Action]> = []
  private id = 0
  private readonly step: TimePair.Step

  constructor(rank: "lower" | "higher", announces = false, step = TimePair.step) {
    this.pair = TimePairState.empty(rank, announces)
    this.step = step
  }

  post(event: TimePairState.Event, jitter = 0): ReadonlyArray<TimePairState.Action> {
    const [pair, actions] = this.step(this.pair, event, this.now, jitter)
    this.pair = pair
    for (const action of actions) {
      this.did.push([this.now, action])
      if (action._tag === "Arm") {
        this.timers.set(`${action.timer.kind} ${action.timer.end}`, [action.timer, this.now + action.ms])
      }
      if (action._tag === "Disarm") this.timers.delete(`${action.timer.kind} ${action.timer.end}`)
    }
    return actions
  }

  fresh(): number {
    this.id += 1
    return this.id
  }

  get nextAt(): number {
    return Math.min(...[...this.timers.values()].map(([, at]) => at))
  }

  /** To a moment, by way of every timer before it. */
  to(moment: number): void {
    while (this.nextAt <= moment) {
      this.now = this.nextAt
      const due = [...this.timers].find(([, [, at]]) => at === this.now)
      if (due === undefined) return
      this.timers.delete(due[0])
      this.post({ _tag: "Fired", timer: due[1][0], id: this.fresh() })
    }
    this.now = moment
  }

  learn(): this {
    this.post({ _tag: "Learned", id: this.fresh() })
    return this
  }

  accept(): number {
    const id = this.fresh()
    this.post({ _tag: "Accepted", id })
    return id
  }

  times(tag: TimePairState.Action["_tag"]): ReadonlyArray<number> {
    return this.did.flatMap(([now, action]) => action._tag === tag ? [now] : [])
  }

  get dialling(): number {
    return this.pair.ends.find(({ dir, phase }) => dir === "out" && phase === "dialing")?.id ?? assert.fail("no dial")
  }

  /** Our dial, as far as its Ack. */
  connect(): number {
    const end = this.dialling
    this.post({ _tag: "Connected", end })
    this.post({ _tag: "AckReceived", end })
    return end
  }
}
