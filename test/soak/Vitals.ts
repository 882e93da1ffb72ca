/** What the system says of a process. From `/proc`, where there is one: Linux. */
import { Clock, Effect, FileSystem } from "effect"

export interface Vitals {
  /** Wall time, ms. */
  readonly at: number
  readonly pid: number
  /** KiB of memory that the process holds. */
  readonly rssKib: number
  /** Open file descriptors: sockets, files, the event loop's own. */
  readonly fds: number
  /** KiB after a collection, in the samples that had one. */
  readonly liveKib?: number | undefined
}

/** `undefined` when the process is gone or the system does not tell. */
export const of = (pid: number): Effect.Effect<Vitals | undefined, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const at = yield* Clock.currentTimeMillis
    const status = yield* fs.readFileString(`/proc/${pid}/status`)
    const fds = yield* fs.readDirectory(`/proc/${pid}/fd`)
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
    return rss === undefined ? undefined : { at, pid, rssKib: Number(rss), fds: fds.length }
  }).pipe(Effect.orElseSucceed(() => undefined))
