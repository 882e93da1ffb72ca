/** Shows the progress of sync while `run` runs: a bar below the log on a terminal, else a log line now and then. */
import { Clock, Effect, Layer } from "effect"
import * as Limits from "../domain/Limits.ts"
import * as SyncProgress from "../layers/log/SyncProgress.ts"
import { Sync } from "../services/Sync.ts"

/** The last line of a terminal, which log lines push down. */
export interface ProgressLine {
  readonly show: (text: string) => void
  /** Takes the text away, so that something else can be written. */
  readonly clear: () => void
  /** Characters that fit. */
  readonly width: () => number
}

/** On standard output, where the log goes (writes to a terminal come out in order), or on another stream that is a terminal. */
export const onTerminal = (stream: NodeJS.WriteStream = process.stdout): ProgressLine => {
  let shown = false
  const clear = () => {
    if (shown) stream.write("\r\u001b[2K")
    shown = false
  }
  return {
    show: (text) => {
      stream.write(`${shown ? "\r\u001b[2K" : ""}${text}`)
      shown = true
    },
    clear,
    width: () => (stream.columns || 80) - 1
  }
}

const drawing = (line: ProgressLine) =>
  Effect.gen(function*() {
    const sync = yield* Sync
    let pace = SyncProgress.start
    yield* Effect.addFinalizer(() => Effect.sync(line.clear))
    const draw = Effect.gen(function*() {
      const report = yield* sync.report
      pace = SyncProgress.sampled(pace, yield* Clock.currentTimeMillis, report.tip.height)
      const bar = SyncProgress.bar(report, pace, line.width())
      if (bar === undefined) line.clear()
      else line.show(bar)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(Limits.progressBarMs), draw)))
  })

const logging = Effect.gen(function*() {
  const sync = yield* Sync
  let pace = SyncProgress.start
  let last = { text: "", at: 0 }
  const log = Effect.gen(function*() {
    const report = yield* sync.report
    const now = yield* Clock.currentTimeMillis
    pace = SyncProgress.sampled(pace, now, report.tip.height)
    if (report.synced) return
    const text = SyncProgress.text(report, pace)
    if (text === last.text && now - last.at < Limits.progressSameMs) return
    last = { text, at: now }
    yield* Effect.logInfo(text)
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(Limits.progressLogMs), log)))
})

/** `line`: where the bar is drawn; without, lines are logged. */
export const layer = (line: ProgressLine | undefined): Layer.Layer<never, never, Sync> =>
  Layer.effectDiscard(line === undefined ? logging : drawing(line))
