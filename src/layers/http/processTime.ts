/**
 * Processor time of this process. The system adds up that of every thread, and waits for those that run: while they are busy a call takes up to ten ms. A
 * thread of Node's pool reads it each second instead, and whoever asks gets the latest.
 */
import { Effect, Schedule, type Scope, Stream } from "effect"
import { readFile } from "node:fs/promises"
import * as Limits from "../../domain/Limits.ts"

/** ms per clock tick of Linux's files, on every architecture that Node runs on. */
const tickMs = 10

/** Fields of /proc/self/stat after the process's name, which may contain anything: user and system time. */
const userField = 11

/** ms in the text of /proc/self/stat; `undefined`: it is another text. */
export const timeOf = (stat: string): number | undefined => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const ticks = Number(fields[userField]) + Number(fields[userField + 1])
  return Number.isNaN(ticks) ? undefined : ticks * tickMs
}

const now = (): number => {
  const { system, user } = process.cpuUsage()
  return (user + system) / 1_000
}

const file = "/proc/self/stat"
const reading: Effect.Effect<number | undefined> = Effect.promise(() =>
  readFile(file, "latin1").then(timeOf, () => undefined)
)

/** Gives a function that gives ms since the process started: at most `Limits.processTimeMs` old, never less than before. Where there is no such file, it asks. */
export const make: Effect.Effect<() => number, never, Scope.Scope> = Effect.gen(function*() {
  if ((yield* reading) === undefined) return now
  let latest = now()
  // The file counts in ticks: the first reading may be a little less than what was given before it.
  const read = Effect.map(reading, (ms) => {
    latest = Math.max(latest, ms ?? now())
  })
  yield* Stream.fromSchedule(Schedule.spaced(Limits.processTimeMs)).pipe(
    Stream.runForEach(() => read),
    Effect.forkScoped
  )
  return () => latest
})
