/** State that the parts of `ChainStoreSql` share: the client, the tables, and facts cached from the database. */
import { Effect, Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { Branch, ChainStoreError, Tip } from "../../services/ChainStore.ts"
import * as ChainTables from "./ChainTables.ts"
import * as HasherLive from "./HasherLive.ts"
import type { HashIndex } from "./HashIndex.ts"
import type { ChainOptions } from "./OpenDatabase.ts"
import * as OpenDatabase from "./OpenDatabase.ts"
import { atBoundary } from "./StoreErrors.ts"

/** An index in memory, built at first use and extended by every later change. */
export interface LazyIndex {
  entries: HashIndex | undefined
  /** Everything stored before the index was built is in it. */
  complete: boolean
  readonly filling: Semaphore.Semaphore
}

export const makeIndex = (): LazyIndex => ({ entries: undefined, complete: false, filling: Semaphore.makeUnsafe(1) })

export interface StoreContext {
  readonly where: string
  readonly hasher: Hasher
  readonly sql: SqlClient.SqlClient
  readonly chain: ChainTables.ChainTables
  readonly branchTables: ChainTables.ChainTables
  /** **Concurrency**: one change at a time, in call order. */
  readonly writing: Semaphore.Semaphore
  readonly boundary: <A, R>(
    effect: Effect.Effect<A, ChainStoreError | SqlError.SqlError, R>
  ) => Effect.Effect<A, ChainStoreError, R>
  /** As of the last commit, like the next two. */
  tip: Tip
  branch: Branch | undefined
  settled: boolean
  /** Number of rewinds begun: a read in several steps compares it to know whether it saw one chain. */
  rewinds: number
  rewinding: boolean
  readonly hashIndex: LazyIndex
  readonly txidIndex: LazyIndex
  /** Of the current branch only; replaced with it. */
  branchTxidIndex: LazyIndex
}

/** Opens the database of the client in context. */
export const make = (options: ChainOptions): Effect.Effect<StoreContext, ChainStoreError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const hasher = yield* HasherLive.make
    const chain = ChainTables.make(sql, hasher, "chain")
    const branchTables = ChainTables.make(sql, hasher, "branch")
    const boundary = atBoundary(options.where)
    return {
      ...(yield* boundary(OpenDatabase.open(sql, { hasher, chain, branch: branchTables }, options))),
      where: options.where,
      hasher,
      sql,
      chain,
      branchTables,
      writing: yield* Semaphore.make(1),
      boundary,
      rewinds: 0,
      rewinding: false,
      hashIndex: makeIndex(),
      txidIndex: makeIndex(),
      branchTxidIndex: makeIndex()
    }
  })
