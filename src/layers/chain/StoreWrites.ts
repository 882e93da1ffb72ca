/** Changes of `ChainStoreSql`. Each is one transaction; cached facts change only when it commits. */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import type { Branch, ChainStoreError, StoredBlock, Tip } from "../../services/ChainStore.ts"
import * as AppendRules from "./AppendRules.ts"
import * as ChainTables from "./ChainTables.ts"
import * as HashIndex from "./HashIndex.ts"
import { idsInTurns } from "./idsInTurns.ts"
import type { LazyIndex, StoreContext } from "./StoreContext.ts"
import { makeIndex } from "./StoreContext.ts"
import { txidsOf } from "./StoredBlocks.ts"
import * as StoredRows from "./StoredRows.ts"
import { damaged } from "./StoreErrors.ts"
import { inSteps } from "./StoreReads.ts"

type Batches = ReadonlyArray<ReadonlyArray<StoredBlock>>
type Change<A> = Effect.Effect<A, ChainStoreError | SqlError.SqlError>

/** Another process that writes to the same server waits for this row, then sees a different tip. */
const lock = (sql: SqlClient.SqlClient) =>
  sql.onDialectOrElse({
    pg: () => Effect.asVoid(sql`SELECT value FROM chain_meta WHERE key = 'network' FOR UPDATE`),
    orElse: () => Effect.void
  })

/** One transaction. `change` can be interrupted; `done` runs with the commit. `rewinds`: it replaces blocks of the chain. */
const commit = <A>(context: StoreContext, rewinds: boolean, change: Change<A>, done: (result: A) => void): Change<A> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      context.rewinding = rewinds
      if (rewinds) context.rewinds += 1
      return context.sql.withTransaction(restore(Effect.andThen(lock(context.sql), change)))
    }).pipe(
      Effect.tap((result) => Effect.sync(() => done(result))),
      Effect.ensuring(Effect.sync(() => {
        context.rewinding = false
      }))
    )
  )

/** **Order**: runs after all changes requested earlier. */
const inTurn = <A>(context: StoreContext, change: Change<A>): Effect.Effect<A, ChainStoreError> =>
  context.writing.withPermit(context.boundary(change))

/** `undefined`: no such height. */
const hashAt = ({ where }: StoreContext, tables: ChainTables.ChainTables, height: number) =>
  Effect.gen(function*() {
    const rows = yield* tables.hashes(height, height + 1)
    if (rows.length === 0) return undefined
    const [hash] = yield* StoredRows.column(where, StoredRows.hash, rows, height, height + 1)
    return hash && ChainTables.hex(hash)
  })

const stored = ({ chain, where }: StoreContext): Change<Tip> =>
  Effect.gen(function*() {
    const rows = yield* chain.tip
    const [last] = rows
    if (last === undefined) return yield* damaged(where, "the genesis block is missing")
    const [hash] = yield* StoredRows.column(where, StoredRows.hash, rows, last.height, last.height + 1)
    return { height: last.height, hash: hash === undefined ? "" : ChainTables.hex(hash) }
  })

/** The ids that the index is to have, before the commit; `undefined`: it is not in use. One that comes into use meanwhile computes its own. */
const idsFor = ({ hasher }: StoreContext, { entries }: LazyIndex, blocks: ReadonlyArray<StoredBlock>) =>
  entries === undefined ? Effect.succeed(undefined) : idsInTurns(hasher, blocks)

const remember = ({ entries }: LazyIndex, hashes: () => ReadonlyArray<Uint8Array>, height: number) => {
  if (entries !== undefined) { for (const hash of hashes()) HashIndex.addBytes(entries, hash, height) }
}

/** Puts the ids of the blocks' transactions into the index, if it is in use. `ids`: those computed before. */
const rememberIds = (
  { hasher }: StoreContext,
  index: LazyIndex,
  blocks: ReadonlyArray<StoredBlock>,
  ids: Replaced["ids"]
) => {
  for (const [i, block] of blocks.entries()) remember(index, () => ids?.[i] ?? txidsOf(hasher, block), block.height)
}

/** A batch is copied for its statements: in parts, so that everything else in the process runs between them. */
const insertAll = (tables: ChainTables.ChainTables, batches: Batches) =>
  Effect.gen(function*() {
    for (const part of batches.flatMap((batch) => AppendRules.batchesOf(batch, Limits.storeStatementBlocks))) {
      for (const statement of tables.insert(part)) yield* statement
    }
  })

const runAll = (statements: ReadonlyArray<Effect.Effect<unknown, SqlError.SqlError>>) =>
  Effect.gen(function*() {
    for (const statement of statements) yield* statement
  })

const setBranch = (context: StoreContext, branch: Branch | undefined) => {
  if (branch === undefined || branch.fork !== context.branch?.fork) context.branchTxidIndex = makeIndex()
  context.branch = branch
}

/** Replaces the blocks after `after`, which is below the tip in a reorg. */
const replace = (context: StoreContext, after: number, batches: Batches) =>
  Effect.gen(function*() {
    const { chain, sql } = context
    const tip = yield* stored(context)
    const hash = after === tip.height ? tip.hash : yield* hashAt(context, chain, after)
    const refused = AppendRules.checkFirst(after, tip, hash, batches[0]?.[0])
    if (refused !== undefined) return yield* refused
    if (after < tip.height) yield* runAll(chain.removeFrom(after + 1))
    if (context.branch !== undefined && context.branch.fork > after) yield* runAll(context.branchTables.removeFrom(0))
    yield* insertAll(chain, batches)
    const last = batches.at(-1)?.at(-1)
    const next = { height: last?.height ?? after, hash: last?.hash ?? hash ?? tip.hash }
    if (next.height === 0) yield* ChainTables.meta(sql).remove("settled")
    return next
  })

interface Replaced {
  readonly next: Tip
  readonly ids: ReadonlyArray<ReadonlyArray<Uint8Array>> | undefined
}

const replaced = (context: StoreContext, after: number, batches: Batches) => ({ ids, next }: Replaced) => {
  context.tip = next
  if (context.branch !== undefined && context.branch.fork > after) setBranch(context, undefined)
  if (next.height === 0) context.settled = false
  const blocks = batches.flat()
  const hashes = context.hashIndex.entries
  if (hashes !== undefined) { for (const { hash, height } of blocks) HashIndex.add(hashes, hash, height) }
  rememberIds(context, context.txidIndex, blocks, ids)
}

export const append = (context: StoreContext, after: number, blocks: ReadonlyArray<StoredBlock>) =>
  inTurn(
    context,
    Effect.gen(function*() {
      const refused = AppendRules.checkBlocks(after, blocks)
      if (refused !== undefined) return yield* refused
      const batches = AppendRules.batchesOf(blocks)
      const one = (from: number, part: Batches) =>
        Effect.map(
          commit(
            context,
            from < context.tip.height,
            Effect.gen(function*() {
              const next = yield* replace(context, from, part)
              return { next, ids: yield* idsFor(context, context.txidIndex, part.flat()) }
            }),
            replaced(context, from, part)
          ),
          ({ next }) => next
        )
      if (after !== context.tip.height || batches.length <= 1) return yield* one(after, batches)
      let next = context.tip
      for (const batch of batches) next = yield* one(next.height, [batch])
      return next
    })
  )

/** Stages a batch of a branch; returns the resulting branch. */
const stageBatch = (context: StoreContext, after: number, batch: ReadonlyArray<StoredBlock>) =>
  Effect.gen(function*() {
    const { branch, branchTables, chain } = context
    const onChain = yield* hashAt(context, chain, after)
    const onBranch = branch === undefined
      ? undefined
      : after === branch.fork
      ? onChain
      : yield* hashAt(context, branchTables, after)
    const place = AppendRules.stagePlace(after, batch[0], { chain: onChain, branch: onBranch })
    if (typeof place === "object") return yield* place
    const fork = place === "branch" && branch !== undefined ? branch.fork : after
    const replaces = branch !== undefined && (place === "chain" || after < branch.tip.height)
    if (replaces) yield* runAll(branchTables.removeFrom(place === "branch" ? after + 1 : 0))
    const [kept] = replaces ? yield* branchTables.size : [{ size: branch?.bytes ?? 0 }]
    const bytes = (kept?.size ?? 0) + AppendRules.branchBytes(batch)
    const tooLarge = AppendRules.checkBranch(bytes)
    if (tooLarge !== undefined) return yield* tooLarge
    yield* insertAll(branchTables, [batch])
    const last = batch.at(-1)
    const next: Branch = { fork, tip: { height: after + batch.length, hash: last?.hash ?? "" }, bytes }
    const begun = place === "chain"
    return { next, begun, ids: begun ? undefined : yield* idsFor(context, context.branchTxidIndex, batch) }
  })

export const stage = (context: StoreContext, after: number, blocks: ReadonlyArray<StoredBlock>) =>
  inTurn(
    context,
    Effect.gen(function*() {
      const refused = AppendRules.checkBlocks(after, blocks)
      if (refused !== undefined) return yield* refused
      let from = after
      let branch = context.branch
      const batches = AppendRules.batchesOf(blocks)
      for (const batch of batches.length === 0 ? [[]] : batches) {
        const { next } = yield* commit(context, false, stageBatch(context, from, batch), ({ begun, ids, next }) => {
          if (begun) context.branchTxidIndex = makeIndex()
          setBranch(context, next)
          rememberIds(context, context.branchTxidIndex, batch, ids)
        })
        branch = next
        from += batch.length
      }
      return branch ?? (yield* AppendRules.noBranch)
    })
  )

export const adopt = (context: StoreContext) =>
  inTurn(
    context,
    Effect.suspend(() => {
      const { branch, chain, hasher, sql, where } = context
      if (branch === undefined) return Effect.fail(AppendRules.noBranch)
      const change = Effect.gen(function*() {
        const refused = AppendRules.checkAdoption(yield* stored(context), branch.tip)
        if (refused !== undefined) return yield* refused
        yield* runAll(ChainTables.adopt(sql, { chain, branch: context.branchTables }, branch.fork))
        // The range that the indexes need, read at the branch's current position.
        const [from, to] = [branch.fork + 1, branch.tip.height + 1]
        const { hashIndex, txidIndex } = context
        return {
          hashes: hashIndex.entries === undefined
            ? []
            : yield* inSteps(from, () => to, (low, high) =>
              Effect.flatMap(
                chain.hashes(low, high),
                (rows) => StoredRows.column(where, StoredRows.hash, rows, low, high)
              )),
          ids: txidIndex.entries === undefined
            ? []
            : yield* inSteps(
              from,
              () => to,
              (low, high) => StoredRows.txids(where, hasher, chain, low, high),
              Limits.txidBlocksPerTurn
            )
        }
      })
      return Effect.as(
        commit(context, branch.fork < context.tip.height, change, ({ hashes, ids }) => {
          context.tip = branch.tip
          setBranch(context, undefined)
          for (const [i, bytes] of hashes.entries()) remember(context.hashIndex, () => [bytes], branch.fork + 1 + i)
          for (const [i, txids] of ids.entries()) remember(context.txidIndex, () => txids, branch.fork + 1 + i)
        }),
        branch.tip
      )
    })
  )

export const unstage = (context: StoreContext) =>
  inTurn(
    context,
    commit(context, false, runAll(context.branchTables.removeFrom(0)), () => setBranch(context, undefined))
  )

export const settle = (context: StoreContext) =>
  inTurn(
    context,
    commit(context, false, Effect.asVoid(ChainTables.meta(context.sql).set("settled", "yes")), () => {
      context.settled = true
    })
  )
