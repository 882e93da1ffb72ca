/** The two log formats on standard output, pretty and JSON: one line per entry in both. */
import type { LogLevel } from "effect"
import { Cause, Effect, Formatter, Inspectable, Layer, Logger, References, Schedule, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { LogFormat } from "../config/Values.ts"
import { DroppedLines } from "./LogOutput.ts"
import type { LogOutput } from "./LogOutput.ts"

const colours: Readonly<Record<string, string>> = {
  Fatal: "\u001b[41m",
  Error: "\u001b[31m",
  Warn: "\u001b[33m",
  Info: "\u001b[32m",
  Debug: "\u001b[34m",
  Trace: "\u001b[90m"
}
const reset = "\u001b[0m"
const dim = "\u001b[2m"

const singleLine = (text: string): string => text.replace(/\s*\r?\n\s*/g, " | ")

const messageText = (message: unknown): string =>
  (Array.isArray(message) ? message : [message]).map((part) =>
    typeof part === "string" ? part : part instanceof Error ? part.message : Inspectable.toStringUnknown(part, 0)
  ).join(" ")

/**
 * `2025-12-01T09:00:00.123Z INFO  text key=value`. Omits the annotations of node events (those with an `event`), which
 * repeat the text.
 */
export const pretty = (options: { readonly colours: boolean }): Logger.Logger<unknown, string> =>
  Logger.make(({ cause, date, fiber, logLevel, message }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    const pairs = "event" in annotations
      ? ""
      : Object.entries(annotations).map(([key, value]) => ` ${key}=${Inspectable.toStringUnknown(value, 0)}`).join("")
    const failure = cause.reasons.length === 0 ? "" : ` ${Cause.pretty(cause)}`
    const text = singleLine(`${messageText(message)}${pairs}${failure}`)
    const level = logLevel.toUpperCase().padEnd(5)
    return options.colours
      ? `${dim}${date.toISOString()}${reset} ${colours[logLevel] ?? ""}${level}${reset} ${text}`
      : `${date.toISOString()} ${level} ${text}`
  })

const toText = (value: unknown): unknown => typeof value === "bigint" ? value.toString() : value

/** One JSON object per line: `timestamp`, `level`, `message`, `annotations`, and `cause` of a failure. */
export const json: Logger.Logger<unknown, string> = Logger.map(
  Logger.formatStructured,
  ({ annotations, cause, level, message, timestamp }) =>
    Formatter.formatJson({
      timestamp,
      level,
      message: toText(message),
      ...(cause === undefined ? {} : { cause }),
      annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, toText(value)]))
    })
)

const onto = (output: LogOutput, logger: Logger.Logger<unknown, string>, before: (() => void) | undefined) =>
  Logger.make<unknown, void>((options) => {
    before?.()
    output.line(logger.log(options))
  })

/** Counts dropped lines, without counting the reports about them. */
const makeDropped = (output: LogOutput) => {
  let reports = 0
  let reported = 0
  const count = () => output.dropped() - reports
  /** Reports dropped lines in the log itself, once it takes lines again. */
  const report = Effect.suspend(() => {
    output.flush()
    const lines = count() - reported
    if (lines === 0) return Effect.void
    const before = output.dropped()
    return Effect.logWarning(`dropped ${lines} log lines: ${output.reason()}`).pipe(
      Effect.annotateLogs({ event: "LinesDropped" }),
      Effect.map(() => {
        if (output.dropped() === before) reported += lines
        else reports += 1
      })
    )
  })
  return { count, report }
}

/** Installs one of these loggers on `output`, sets the minimum level, and gives the admin API the count of dropped lines. */
export const layer = (options: {
  readonly format: LogFormat
  readonly level: LogLevel.LogLevel
  readonly colours: boolean
  readonly output: LogOutput
  /** Called before each line, so that a progress bar can clear itself. */
  readonly before?: (() => void) | undefined
}): Layer.Layer<never> => {
  const { before, colours, format, level, output } = options
  const dropped = makeDropped(output)
  const reporting = Stream.fromSchedule(Schedule.spaced(Limits.logRetryMs)).pipe(
    Stream.runForEach(() => dropped.report),
    Effect.forkScoped
  )
  return Layer.effectDiscard(reporting).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Logger.layer([onto(output, format === "json" ? json : pretty({ colours }), before)]),
      Layer.succeed(References.MinimumLogLevel, level),
      Layer.succeed(DroppedLines, dropped.count)
    ))
  )
}
