/**
 * Writes the node's events to Effect's logger, one line per event, and warns of plain TCP beyond loopback.
 *
 * **Shapes**: message text from `log/EventText.ts`; the event itself as log annotations (`event`, `ip`, `socket`, …), which
 * the JSON format prints and the pretty format omits. **Ordering**: lines follow the order of events.
 */
import { Clock, Effect, Layer, LogLevel, References, Schedule, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { monotonicOf } from "../time/monotonicMs.ts"
import * as EventText from "./EventText.ts"
import * as LogBudget from "./LogBudget.ts"
import { StrangerLines } from "./StrangerLines.ts"

const write = (level: LogLevel.Severity, text: string, annotations: Readonly<Record<string, unknown>>) =>
  Effect.annotateLogs(Effect.logWithLevel(level)(text), { ...annotations })

const reportSuppressed = (omitted: LogBudget.Omitted) =>
  Effect.forEach(
    omitted,
    ([kind, lines]) =>
      write("Info", `suppressed ${lines} more "${kind}" lines`, { event: "LinesSuppressed", kind, lines }),
    { discard: true }
  )

const subscribe = Effect.fnUntraced(function*(warnsOfPlain: boolean) {
  const events = yield* NodeEvents
  const clock = yield* Clock.Clock
  // If the wall clock were set back, a window would stay open, with its lines suppressed, for that long.
  const monotonic = monotonicOf(clock)
  const least = yield* References.MinimumLogLevel
  const run = Effect.runSyncWith(yield* Effect.context<never>())
  let budget = LogBudget.empty
  const strangers = new StrangerLines(monotonic())

  const due = (now: number): LogBudget.Omitted => {
    const [rest, omitted] = LogBudget.flush(budget, now, Limits.logWindowMs)
    budget = rest
    return omitted
  }
  const onEvent = (event: NodeEvent): void => {
    const isOfStranger = strangers.isOfStranger(event)
    const line = EventText.describe(event)
    if (!LogLevel.isGreaterThanOrEqualTo(line.level, least)) return
    const now = monotonic()
    const omitted = due(now)
    const counts = isOfStranger && LogLevel.isGreaterThan(line.level, "Debug")
    const kind = counts ? `${line.kind} of strangers` : line.kind
    // Check the kind's own budget first: a line that is suppressed anyway must not use up the strangers' budget.
    const mayTake = LogBudget.mayTake(budget, kind, line.most)
    const most = counts && mayTake && !strangers.take(now) ? 0 : line.most
    const [rest, allowed] = LogBudget.take(budget, kind, most, now)
    budget = rest
    if (omitted.length > 0) run(reportSuppressed(omitted))
    if (allowed) run(write(line.level, line.text, EventText.data(event)))
    const warning = warnsOfPlain && event._tag === "Listening" ? EventText.plainTcpWarning(event.address) : undefined
    if (warning !== undefined) run(write("Warn", warning, { event: "PlainTcp" }))
  }
  yield* Effect.addFinalizer(() => Effect.suspend(() => reportSuppressed(due(Number.MAX_SAFE_INTEGER))))
  yield* events.listen(onEvent)
  yield* Stream.fromSchedule(Schedule.spaced(Limits.logWindowMs)).pipe(
    Stream.runForEach(() => Effect.suspend(() => reportSuppressed(due(monotonic())))),
    Effect.forkScoped
  )
})

/** Logs until its scope closes. Pass it as `around` of `Node.layer`: it is built before the node and misses nothing. */
export const layer: Layer.Layer<never, never, NodeEvents> = Layer.effectDiscard(subscribe(true))

/** The same for a node that uses TLS: without the warning about plain TCP. */
export const layerTls: Layer.Layer<never, never, NodeEvents> = Layer.effectDiscard(subscribe(false))
