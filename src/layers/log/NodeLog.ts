/**
 * Writes the node's events to Effect's logger, one line per event, and warns of plain TCP beyond this machine.
 *
 * **Shapes**: message text by `log/EventText.ts`; the event itself as log annotations (`event`, `ip`, `socket`, …), which the
 * JSON form prints and the pretty form leaves out. **Concurrency**: lines appear in the order of events.
 */
import { Clock, Effect, Layer, LogLevel, References } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import * as EventText from "./EventText.ts"
import * as LogBudget from "./LogBudget.ts"

const write = (level: LogLevel.Severity, text: string, annotations: Readonly<Record<string, unknown>>) =>
  Effect.annotateLogs(Effect.logWithLevel(level)(text), { ...annotations })

const leftOut = (omitted: LogBudget.Omitted) =>
  Effect.forEach(
    omitted,
    ([kind, lines]) =>
      write("Info", `left out ${lines} more lines like the last "${kind}"`, { event: "LinesLeftOut", kind, lines }),
    { discard: true }
  )

const subscribe = Effect.gen(function*() {
  const events = yield* NodeEvents
  const clock = yield* Clock.Clock
  const least = yield* References.MinimumLogLevel
  const run = Effect.runSyncWith(yield* Effect.context<never>())
  let budget = LogBudget.empty

  const due = (now: number): LogBudget.Omitted => {
    const [rest, omitted] = LogBudget.flush(budget, now, Limits.logWindowMs)
    budget = rest
    return omitted
  }
  const onEvent = (event: NodeEvent): void => {
    const line = EventText.describe(event)
    if (!LogLevel.isGreaterThanOrEqualTo(line.level, least)) return
    const now = clock.currentTimeMillisUnsafe()
    const omitted = due(now)
    const [rest, allowed] = LogBudget.take(budget, line.kind, line.most, now)
    budget = rest
    if (omitted.length > 0) run(leftOut(omitted))
    if (allowed) run(write(line.level, line.text, EventText.data(event)))
    const warning = event._tag === "Listening" ? EventText.plainTcpWarning(event.address) : undefined
    if (warning !== undefined) run(write("Warn", warning, { event: "PlainTcp" }))
  }
  yield* Effect.addFinalizer(() => Effect.suspend(() => leftOut(due(Number.MAX_SAFE_INTEGER))))
  yield* events.listen(onEvent)
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(
      Effect.sleep(Limits.logWindowMs),
      Effect.flatMap(Clock.currentTimeMillis, (now) => leftOut(due(now)))
    ))
  )
})

/** Logs until its scope closes. Build it before the node, as `around` of `Node.layer`, so that it misses nothing. */
export const layer: Layer.Layer<never, never, NodeEvents> = Layer.effectDiscard(subscribe)
