/** Wraps one pair state: feeds events to the reducer and holds every promise of PairState.ts against what comes out. */
import * as Limits from "../../../src/domain/Limits.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import type { Draw, EndId, PairAction, PairEvent, PairState, Timer } from "../../../src/domain/pair/PairState.ts"
import { empty } from "../../../src/domain/pair/PairState.ts"
import { ensure, same, show } from "../Target.ts"

export const timerKey = ({ end, kind }: Timer): string => `${kind} ${end}`

/** Which timers must run, told from the state alone. */
const expectedTimers = (state: PairState): ReadonlySet<string> => {
  const keys = new Set<string>()
  for (const end of state.ends) {
    if (end.phase === "hello") keys.add(`hello ${end.id}`)
    if (end.phase === "committing") keys.add(`commit ${end.id}`)
    if (end.phase === "candidate" && end.role === "higher" && !end.commitHeld) keys.add(`wait ${end.id}`)
  }
  if (state.probe !== undefined) keys.add("probe 0")
  if (state.probe?.phase === "sent") keys.add("quiet 0")
  if (state.spacing) keys.add("spacing 0")
  if (state.grace) keys.add("grace 0")
  if (state.redial) keys.add("redial 0")
  return keys
}

/** Only the probe's time is set anew while it runs: from the ping's queueing to its leaving. */
const mayRestart = (timer: Timer): boolean => timer.kind === "probe"

export class PairWatch {
  state: PairState = empty
  readonly timers = new Map<string, Timer>()
  private live = new Set<EndId>()
  private readonly gone = new Set<EndId>()
  /** The end of which the application was told Up and not yet Down. */
  private upEnd: EndId | undefined = undefined
  private readonly wereUp = new Set<EndId>()

  /** One step. `draw.id` must be greater than all before. */
  step(event: PairEvent, draw: Draw): ReadonlyArray<PairAction> {
    const before = this.state
    const running = event._tag === "Fired" && this.timers.has(timerKey(event.timer))
    if (event._tag === "Fired") this.timers.delete(timerKey(event.timer))
    const [after, actions] = Pair.step(before, event, draw)
    this.state = after
    if (event._tag === "Fired" && !running) {
      ensure(actions.length === 0 && same(before, after), () => `a timer that does not run does: ${show(actions)}`)
    }
    const entered = event._tag === "Accepted" && !this.live.has(event.end) ? event.end : undefined
    if (entered !== undefined) this.live.add(entered)
    this.checkActions(actions, draw)
    this.checkState(draw)
    return actions
  }

  private checkActions(actions: ReadonlyArray<PairAction>, draw: Draw): void {
    const closing = new Set<EndId>()
    for (const action of actions) {
      if (action._tag === "Arm" || action._tag === "Disarm") {
        this.checkTimer(action)
        continue
      }
      if (action._tag === "Dial") {
        ensure(action.end === draw.id && !this.live.has(action.end), () => `dials on end ${action.end}`)
        this.live.add(action.end)
        continue
      }
      ensure(this.live.has(action.end), () => `${action._tag} of end ${action.end}, which is not there`)
      ensure(
        action._tag === "Down" || !closing.has(action.end),
        () => `${action._tag} on end ${action.end} after Close`
      )
      if (action._tag === "Close") closing.add(action.end)
      if (action._tag === "Up") {
        ensure(this.upEnd === undefined, () => `Up ${action.end} while ${this.upEnd} is up`)
        ensure(!this.wereUp.has(action.end), () => `end ${action.end} comes up twice`)
        this.upEnd = action.end
        this.wereUp.add(action.end)
      }
      if (action._tag === "Down") {
        ensure(this.upEnd === action.end, () => `Down ${action.end} while ${this.upEnd} is up`)
        this.upEnd = undefined
      }
    }
    for (const end of closing) {
      ensure(!this.state.ends.some(({ id }) => id === end), () => `end ${end} is closed and still there`)
    }
  }

  private checkTimer(action: Extract<PairAction, { readonly _tag: "Arm" | "Disarm" }>): void {
    const key = timerKey(action.timer)
    if (action._tag === "Disarm") return ensure(this.timers.delete(key), () => `disarms ${key}, which does not run`)
    ensure(Number.isFinite(action.ms) && action.ms >= 0, () => `arms ${key} for ${action.ms} ms`)
    ensure(!this.timers.has(key) || mayRestart(action.timer), () => `arms ${key}, which runs`)
    this.timers.set(key, action.timer)
  }

  private checkState({ id: newest }: Draw): void {
    const { ends, probe } = this.state
    ensure(ends.length <= Limits.endsPerPair, () => `${ends.length} ends`)
    const ids = ends.map(({ id }) => id)
    for (const id of ids) {
      ensure(this.live.has(id), () => `end ${id} came from nowhere`)
      ensure(!this.gone.has(id), () => `end ${id} is back`)
      ensure(id <= newest, () => `end ${id} is newer than the newest`)
    }
    for (const id of this.live) if (!ids.includes(id)) this.gone.add(id)
    this.live = new Set(ids)
    ensure(ids.every((id, i) => i === 0 || id > (ids[i - 1] ?? 0)), () => `ends out of order: ${ids.join(" ")}`)
    const standing = ends.filter(({ phase }) => phase === "up" || phase === "committing")
    ensure(standing.length <= 1, () => `${standing.length} connections`)
    ensure(ends.filter(({ commitHeld }) => commitHeld).length <= 1, "two Commits held")
    const up = ends.find(({ phase }) => phase === "up")
    ensure(up?.id === this.upEnd, () => `end ${up?.id} is up, the application was told ${this.upEnd}`)
    ensure(probe === undefined || probe.end === up?.id, "an end is challenged that is not up")
    const expected = expectedTimers(this.state)
    const wrong = [...this.timers.keys()].filter((key) => !expected.has(key))
      .concat([...expected].filter((key) => !this.timers.has(key)))
    ensure(wrong.length === 0, () => `timers ${wrong.join(", ")}: running and needed ones differ`)
  }
}
