/**
 * A SQLite connection on a thread of its own. A write waits for the disk (a commit with `synchronous = FULL` usually takes 10 ms,
 * hundreds on a busy disk); on the main thread every socket and ping would wait with it.
 */
import { Context, Data, Deferred, Effect, Option } from "effect"
import type { Scope } from "effect"
import { SqlError } from "effect/sql"
import { Worker } from "node:worker_threads"
import * as Limits from "../../domain/Limits.ts"
import { movable } from "./giveAway.ts"
import type { Row, SqliteFault } from "./SqliteHandle.ts"
import * as SqliteHandle from "./SqliteHandle.ts"
import type { SqliteOptions } from "./SqliteOptions.ts"
import type { Reply, Request } from "./SqliteWorker.ts"

/** An error from SQLite; `errno` is its extended result code. The cause of every `SqlError` of these layers. */
export class SqliteFailure extends Data.TaggedError("SqliteFailure")<{
  readonly errno: number
  readonly message: string
}> {}

export const sqlError = ({ errno, message }: SqliteFault, operation: string): SqlError.SqlError =>
  new SqlError.SqlError({
    reason: SqlError.classifySqliteError(new SqliteFailure({ errno, message }), { message, operation })
  })

export interface SqliteThread {
  /**
   * Runs one statement. **Order**: statements run in call order. Interruption stops the waiting, not the statement. Byte arrays
   * among the parameters are copied when the effect starts, or moved (`giveAway`).
   */
  readonly run: (sql: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError>
  /** As of the last answer. */
  readonly inTransaction: () => boolean
}

/** How a client accesses a file: a reference, so that a simulation can run without the thread. Both close with the scope. */
export interface SqliteAccess {
  readonly write: (options: SqliteOptions) => Effect.Effect<SqliteThread, SqlError.SqlError, Scope.Scope>
  readonly read: (options: SqliteOptions) => Effect.Effect<SqliteHandle.SqliteHandle, SqlError.SqlError, Scope.Scope>
}

type Waiting = (result: Effect.Effect<ReadonlyArray<Row>, SqlError.SqlError>) => void

/** Sending a view to the thread copies its whole buffer: copy views of larger buffers out first. */
const owned = (value: unknown): unknown =>
  value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? new Uint8Array(value) : value

/** The source runs unbuilt (`.ts`) and built (`.js`). */
const program = new URL(import.meta.url.endsWith(".ts") ? "./SqliteWorker.ts" : "./SqliteWorker.js", import.meta.url)

/** Opens the database; fails if it cannot be opened. Closed with the scope, after the statements under way. */
export const make = (options: SqliteOptions): Effect.Effect<SqliteThread, SqlError.SqlError, Scope.Scope> =>
  Effect.gen(function*() {
    const opened = yield* Deferred.make<ReadonlyArray<Row>, SqlError.SqlError>()
    const waiting: Array<Waiting> = [(result) => Deferred.doneUnsafe(opened, result)]
    let inTransaction = false
    let gone: SqlError.SqlError | undefined
    let ended = () => {}

    const start = Effect.sync(() => {
      // Only these four: callers pass larger objects with values that cannot cross the thread boundary.
      const { busyMs, filename, maxPages, tolerant } = options
      const workerData: SqliteOptions = { filename, maxPages, busyMs, tolerant }
      const worker = new Worker(program, {
        workerData,
        execArgv: ["--disable-warning=ExperimentalWarning"],
        name: "timemesh-sqlite"
      })
      const end = (message: string) => {
        gone ??= sqlError({ errno: 14, message }, "execute")
        inTransaction = false
        for (const resume of waiting.splice(0)) resume(Effect.fail(gone))
        ended()
      }
      worker.on("message", ({ fault, inTransaction: open, rows }: Reply) => {
        inTransaction = open
        waiting.shift()?.(fault === undefined ? Effect.succeed(rows) : Effect.fail(sqlError(fault, "execute")))
      })
      worker.on("error", (error) => end(`the database's thread failed: ${error.message}`))
      worker.on("exit", () => end("the database is closed"))
      return worker
    })

    const worker = yield* Effect.acquireRelease(
      start,
      (worker) =>
        Effect.callback<void>((resume) => {
          if (gone !== undefined) return resume(Effect.void)
          ended = () => resume(Effect.void)
          worker.postMessage("close" satisfies Request, [])
        }).pipe(
          Effect.timeoutOption(Limits.storeCloseMs),
          Effect.flatMap((closed) => Option.isSome(closed) ? Effect.void : Effect.promise(() => worker.terminate()))
        )
    )
    yield* Deferred.await(opened)

    return {
      // Posted and queued in one step: replies arrive in the order of the requests.
      run: (sql, params) =>
        Effect.callback((resume) => {
          if (gone !== undefined) return resume(Effect.fail(gone))
          waiting.push(resume)
          worker.postMessage({ sql, params: params.map(owned) } satisfies Request, movable(params))
        }),
      inTransaction: () => inTransaction
    }
  })

const read: SqliteAccess["read"] = (options) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => SqliteHandle.open(options, "read"),
      catch: (error) => sqlError(SqliteHandle.faultOf(error), "connect")
    }),
    (handle) => Effect.sync(handle.close)
  )

export const Access: Context.Reference<SqliteAccess> = Context.Reference("timemesh/layers/sql/SqliteAccess", {
  defaultValue: (): SqliteAccess => ({ write: make, read })
})
