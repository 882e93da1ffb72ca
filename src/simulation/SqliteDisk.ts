/**
 * The disk of a simulated node as a real SQLite file behind the node's own store (`ChainStoreSql`): SQLite itself decides what survives a
 * kill. Only the database thread is simulated. Its statements run in the node's process, one at a time, with simulated delays,
 * half before and half after each statement. So the same seed runs the same way.
 */
import { Context, Deferred, Effect, Fiber, Layer, Queue, Random } from "effect"
import type { Scope } from "effect"
import type { SqlError } from "effect/sql"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ChainParams } from "../domain/chain/ChainParams.ts"
import * as ChainDatabase from "../layers/chain/ChainDatabase.ts"
import * as ChainStoreSql from "../layers/chain/ChainStoreSql.ts"
import * as SqliteHandle from "../layers/sql/SqliteHandle.ts"
import type { SqliteOptions } from "../layers/sql/SqliteOptions.ts"
import * as SqliteThread from "../layers/sql/SqliteThread.ts"
import { ChainStore } from "../services/ChainStore.ts"
import * as Disk from "./Disk.ts"
import * as SimulationLimits from "./plan/Limits.ts"

type Rows = ReadonlyArray<SqliteHandle.Row>

interface Statement {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
  readonly result: Deferred.Deferred<Rows, SqlError.SqlError>
}

/** Runs a statement as the thread's program does. */
const runOn = (handle: SqliteHandle.SqliteHandle, { params, sql }: Pick<Statement, "params" | "sql">) =>
  Effect.try({
    try: (): Rows => handle.run(sql, params),
    catch: (error) => SqliteThread.sqlError(SqliteHandle.faultOf(error), "execute")
  })

/** Maximum duration of a statement, ms: a full disk write where it commits, by itself or as the end of a transaction. */
const mostMs = ({ sql }: Statement, inTransaction: boolean): number => {
  if (/^\s*(select|begin|rollback)\b/i.test(sql)) return 0
  const commits = !inTransaction || /^\s*commit\b/i.test(sql)
  return commits ? SimulationLimits.diskMs : SimulationLimits.statementMs
}

const opened = (options: SqliteOptions, mode: "read" | "write", open: Set<SqliteHandle.SqliteHandle>) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const handle = SqliteHandle.open(options, mode)
        // A simulated crash is no power cut, so no fsync is needed.
        if (mode === "write") handle.run("PRAGMA synchronous = OFF", [])
        open.add(handle)
        return handle
      },
      catch: (error) => SqliteThread.sqlError(SqliteHandle.faultOf(error), "connect")
    }),
    (handle) =>
      Effect.sync(() => {
        if (open.delete(handle)) handle.close()
      })
  )

/** The thread, as a fiber of the node's process. */
const thread = (open: Set<SqliteHandle.SqliteHandle>, trap: Disk.WriteTrap): typeof SqliteThread.make => (options) =>
  Effect.gen(function*() {
    const handle = yield* opened(options, "write", open)
    const statements = yield* Queue.unbounded<Statement>()
    const serve = Effect.flatMap(Queue.take(statements), (statement) => {
      const run = runOn(handle, statement)
      const ms = mostMs(statement, handle.inTransaction())
      if (ms > 0 && trap.spring()) return Effect.never
      const half = Effect.flatMap(Random.next, (part) => Effect.sleep(part * ms / 2))
      const timed = ms === 0 ? run : Effect.andThen(half, Effect.tap(run, half))
      return Effect.flatMap(Effect.exit(timed), (exit) => Deferred.done(statement.result, exit))
    })
    yield* Effect.acquireRelease(
      Effect.forkDetach(Effect.forever(serve)),
      // Runs after the statements under way, as on the real thread.
      (fiber) =>
        Effect.andThen(
          Effect.gen(function*() {
            const result = yield* Deferred.make<Rows, SqlError.SqlError>()
            yield* Queue.offer(statements, { sql: "SELECT 1", params: [], result })
            yield* Deferred.await(result)
          }).pipe(Effect.ignore),
          Fiber.interrupt(fiber)
        )
    )
    return {
      run: (sql, params) =>
        Effect.gen(function*() {
          const result = yield* Deferred.make<Rows, SqlError.SqlError>()
          yield* Queue.offer(statements, { sql, params, result })
          return yield* Deferred.await(result)
        }),
      inTransaction: handle.inTransaction
    }
  })

/** The same without delays, for the simulator itself. */
const atOnce = (open: Set<SqliteHandle.SqliteHandle>): typeof SqliteThread.make => (options) =>
  Effect.map(opened(options, "write", open), (handle) => ({
    run: (sql, params) => runOn(handle, { sql, params }),
    inTransaction: handle.inTransaction
  }))

/** An empty disk, in a temporary directory that is removed with the scope. */
export const make = (params: ChainParams, checks: Disk.DiskChecks): Effect.Effect<Disk.Disk, never, Scope.Scope> =>
  Effect.gen(function*() {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "timemesh-disk-"))),
      (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
    )
    const open = new Set<SqliteHandle.SqliteHandle>()
    const trap = new Disk.WriteTrap()
    const killed = () => {
      for (const handle of open) handle.close()
      open.clear()
    }
    yield* Effect.addFinalizer(() => Effect.sync(killed))
    const on = (write: typeof SqliteThread.make) =>
      ChainStoreSql.layerSqlite({
        filename: ChainDatabase.fileIn(directory),
        ...ChainDatabase.storeOptions(params.network)
      }).pipe(
        Layer.provide(Layer.succeed(SqliteThread.Access, { write, read: (options) => opened(options, "read", open) }))
      )
    return {
      onWrite: (statements, f) => trap.set(statements, f),
      layer: () =>
        Layer.effect(
          ChainStore,
          Effect.map(ChainStore, (store) => Disk.inOrder(Disk.checked(store, checks), Effect.void))
        ).pipe(Layer.provide(on(thread(open, trap)))),
      use: (f) =>
        Effect.runSync(
          Effect.orDie(
            Effect.scoped(
              Effect.flatMap(Layer.build(on(atOnce(open))), (context) => f(Context.get(context, ChainStore)))
            )
          )
        ),
      killed
    }
  })
