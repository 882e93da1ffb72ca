/** Sync progress of `run`: a bar below the log on a terminal, otherwise periodic log lines. */
import { Effect, Layer, Stream } from "effect"
import * as Limits from "../domain/Limits.ts"
import * as SyncProgress from "../layers/log/SyncProgress.ts"
import { monotonicMs } from "../layers/time/monotonicMs.ts"
import { Sync } from "../services/Sync.ts"

/** The bottom line of a terminal, below the log. */
export interface ProgressLine {
  readonly show: (text: string) => void
  /** Erases the text to make room for a log line. */
  readonly clear: () => void
  /** Columns available. */
  readonly width: () => number
}

/** On a terminal. `write` shares standard output with the log, so that both stay in order. */
export const onTerminal = (
  stream: NodeJS.WriteStream,
  write: (text: string) => void = (text) => void stream.write(text)
): ProgressLine => {
  let shown = false
  const clear = () => {
    if (shown) write("\r\u001b[2K")
    shown = false
  }
  return {
    show: (text) => {
      write(`${shown ? "\r\u001b[2K" : ""}${text}`)
      shown = true
    },
    clear,
    width: () => (stream.columns || 80) - 1
  }
}

/** Runs the effect every `ms`, first after `ms`, until the scope closes. */
const every = <E, R>(ms: number, effect: Effect.Effect<void, E, R>) =>
  Stream.tick(ms).pipe(Stream.drop(1), Stream.runForEach(() => effect), Effect.forkScoped)

const drawing = (line: ProgressLine) =>
  Effect.gen(function*() {
    const sync = yield* Sync
    let pace = SyncProgress.start
    yield* Effect.addFinalizer(() => Effect.sync(line.clear))
    const draw = Effect.gen(function*() {
      const report = yield* sync.report
      pace = SyncProgress.sampled(pace, yield* monotonicMs, report.tip.height)
      const bar = SyncProgress.bar(report, pace, line.width())
      if (bar === undefined) line.clear()
      else line.show(bar)
    })
    yield* every(Limits.progressBarMs, draw)
  })

const logging = Effect.gen(function*() {
  const sync = yield* Sync
  let pace = SyncProgress.start
  let last = { text: "", at: 0 }
  const log = Effect.gen(function*() {
    const report = yield* sync.report
    const now = yield* monotonicMs
    pace = SyncProgress.sampled(pace, now, report.tip.height)
    if (report.synced) return
    const text = SyncProgress.text(report, pace)
    if (text === last.text && now - last.at < Limits.progressSameMs) return
    last = { text, at: now }
    yield* Effect.logInfo(text)
  })
  yield* every(Limits.progressLogMs, log)
})

/** Draws the bar on `line`; without one, logs instead. */
export const layer = (line: ProgressLine | undefined): Layer.Layer<never, never, Sync> =>
  Layer.effectDiscard(line === undefined ? logging : drawing(line))
