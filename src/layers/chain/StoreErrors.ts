/** Maps database errors to chain store errors that tell an operator which file failed and how to repair it. */
import { Cause, Effect } from "effect"
import { SqlError } from "effect/sql"
import type { Problem } from "../../domain/Problem.ts"
import { ChainStoreError, Damaged, Full, Unavailable } from "../../services/ChainStore.ts"
import { sqlFailure, sqlFailureText } from "../sql/SqlFailure.ts"
import { systemProblem } from "../store/systemError.ts"

/** `good`: the last height known to be intact, if any. */
export const repair = (good?: number): string =>
  good === undefined
    ? "`timemesh chain verify` finds the last good height, `timemesh chain rewind HEIGHT` keeps the chain up to it"
    : `\`timemesh chain rewind ${Math.max(0, good)}\` keeps the chain up to there`

export const damaged = (where: string, detail: string, good?: number): ChainStoreError =>
  new ChainStoreError({ reason: new Damaged({ where, detail, repair: repair(good) }) })

/** One block is damaged, and those below it are good. */
export const damagedBlock = (where: string, height: number, problem: string): ChainStoreError =>
  new ChainStoreError({
    reason: new Damaged({ where, height, detail: `block ${height}: ${problem}`, repair: repair(height - 1) })
  })

/** `problem`: by default what the cause says. */
export const unavailable = (where: string, cause: unknown, problem = problemOf(cause)): ChainStoreError =>
  new ChainStoreError({ reason: new Unavailable({ where, detail: problem.what, fix: problem.fix, cause }) })

const problemOf = (cause: unknown): Problem =>
  SqlError.isSqlError(cause) ? { what: sqlFailureText(cause) } : systemProblem(cause)

/** `where` names the file or server. */
export const fromSql = (where: string) => (error: SqlError.SqlError): ChainStoreError => {
  switch (sqlFailure(error)) {
    case "full":
      return new ChainStoreError({ reason: new Full({ where, detail: sqlFailureText(error) }) })
    case "damaged":
      return damaged(where, sqlFailureText(error))
    case "read-only":
      return unavailable(
        where,
        error,
        {
          what: `it can only be read (${sqlFailureText(error)})`,
          fix: "run as its owner, or choose another place with --data-dir DIR"
        }
      )
    case "other":
      return unavailable(where, error)
  }
}

/** A server that stops during a transaction also fails the ROLLBACK, which effect reports as a defect. */
const sqlErrorIn = <E>(cause: Cause.Cause<E>): SqlError.SqlError | undefined => {
  for (const reason of cause.reasons) {
    if (reason._tag === "Die" && SqlError.isSqlError(reason.defect)) return reason.defect
  }
  return undefined
}

/** Turns every database failure in `effect` into a `ChainStoreError`; leaves interruption and other defects as they are. */
export const atBoundary = (where: string) => {
  const translate = fromSql(where)
  return <A, R>(
    effect: Effect.Effect<A, ChainStoreError | SqlError.SqlError, R>
  ): Effect.Effect<A, ChainStoreError, R> =>
    effect.pipe(
      Effect.mapError((error) => (error._tag === "SqlError" ? translate(error) : error)),
      Effect.catchCause((cause) => {
        const error = Cause.hasFails(cause) ? undefined : sqlErrorIn(cause)
        return error === undefined ? Effect.failCause(cause) : Effect.fail(translate(error))
      })
    )
}
