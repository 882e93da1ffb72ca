/**
 * Reads a stored chain from genesis to tip, intact or damaged, and checks what needs no decoding: every height
 * is there once, every block follows the one before, and SQLite's own structure (`quick_check`) is sound. The caller must check
 * that the bytes are a valid block with that hash, and that its index entry is right.
 *
 * **Order**: good blocks come before the error. The error is `Damaged` and names the unreadable height; its `repair`
 * names the height to rewind to. Nothing is written.
 */
import { Effect, Option, Stream } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"
import * as Limits from "../../../domain/Limits.ts"
import type { ChainStoreError } from "../../../services/ChainStore.ts"
import { sqlFailure, sqlFailureText } from "../../sql/SqlFailure.ts"
import * as SqliteClient from "../../sql/SqliteClient.ts"
import type { JoinedRow } from "../ChainTables.ts"
import * as ChainTables from "../ChainTables.ts"
import * as HasherLive from "../HasherLive.ts"
import { atBoundary, damaged, damagedBlock, fromSql } from "../StoreErrors.ts"

/** A block as stored. `index`: its index entry; `undefined` for a small block, or in a database that predates the index. */
export interface ScannedBlock {
  readonly height: number
  readonly hash: string
  readonly previous: string
  readonly bytes: Uint8Array
  readonly index?: ReturnType<typeof ChainTables.cutEntry>
}

/** Position of the scan. `previous`: hash of the block before `height`. */
interface Place {
  readonly height: number
  readonly previous: string | undefined
}

const unknownTip = Number.MAX_SAFE_INTEGER - 1

type Looked = { readonly block: ScannedBlock } | { readonly problem: string }

const look = (row: JoinedRow | undefined, { height, previous }: Place, indexed: boolean): Looked => {
  if (row?.height !== height) return { problem: "it is missing" }
  const { bytes, entry, hash, previous: follows } = row
  if (!(hash instanceof Uint8Array) || hash.length !== 32) return { problem: "its hash is missing" }
  if (!(bytes instanceof Uint8Array)) return { problem: "its bytes are missing" }
  if (!(follows instanceof Uint8Array) || follows.length !== 32) return { problem: "its link is missing" }
  const link = ChainTables.hex(follows)
  if (previous !== undefined && link !== previous) {
    return { problem: `it follows ${link}, but the block before it is ${previous}` }
  }
  const block = { height, hash: ChainTables.hex(hash), previous: link, bytes }
  if (!indexed) return { block }
  if (!ChainTables.isIndexed({ bytes })) return { block }
  const index = entry instanceof Uint8Array ? ChainTables.cutEntry(entry) : undefined
  return index === undefined ? { problem: "it is not in the index" } : { block: { ...block, index } }
}

/** The good rows of one read, from a position on, and the problem of the first bad row. */
const goodOf = (rows: ReadonlyArray<JoinedRow>, from: Place, end: number, indexed: boolean) => {
  const good: Array<ScannedBlock> = []
  let place = from
  while (place.height < end) {
    const looked = look(rows[good.length], place, indexed)
    if ("problem" in looked) return { good, place, problem: looked.problem }
    good.push(looked.block)
    place = { height: place.height + 1, previous: looked.block.hash }
  }
  return { good, place, problem: undefined }
}

/** Every block of the database in context, ascending. Errors name the database as `where`. */
export const blocks = (where: string): Stream.Stream<ScannedBlock, ChainStoreError, SqlClient.SqlClient> =>
  Stream.unwrap(Effect.map(Effect.all([SqlClient.SqlClient, HasherLive.make]), ([sql, hasher]) => {
    const tables = ChainTables.make(sql, hasher, "chain")
    const fault = (height: number, problem: string) => damagedBlock(where, height, problem)

    /** As many rows as one read allows; if the database fails to give them, only the next row. */
    const rows = (
      from: number,
      end: number,
      joined: ChainTables.ChainTables["joined"]
    ): Effect.Effect<readonly [ReadonlyArray<JoinedRow>, number], SqlError.SqlError> =>
      Effect.gen(function*() {
        const sizes = yield* tables.sizes(from, end)
        let bytes = 0
        let to = from
        for (const { size } of sizes) {
          bytes += size
          if (to > from && bytes > Limits.storeScanBytes) break
          to += 1
        }
        to = Math.max(to, from + 1)
        return [yield* joined(from, to), to] as const
      }).pipe(
        Effect.catchIf(
          (error) => sqlFailure(error) === "damaged" && end > from + 1,
          () => Effect.map(joined(from, from + 1), (found) => [found, from + 1] as const)
        )
      )

    // In a transaction, so that it runs on the database's own thread and blocks nothing else.
    const structure = sql.onDialectOrElse({
      sqlite: () =>
        sql.withTransaction(sql<{ quick_check: string }>`PRAGMA quick_check(1)`).pipe(
          Effect.flatMap(([row]) =>
            row?.quick_check === "ok" ? Effect.void : Effect.fail(damaged(where, String(row?.quick_check)))
          )
        ),
      orElse: () => Effect.void
    })

    const scan = (tip: number, indexed: boolean) => {
      const joined = indexed ? tables.joined : tables.joinedUnindexed
      return Stream.paginate({ height: 0, previous: undefined } as Place, (place) =>
        Effect.gen(function*() {
          if (place.height > tip) {
            yield* structure
            return [[], Option.none<Place>()] as const
          }
          const [found, end] = yield* rows(
            place.height,
            Math.min(place.height + Limits.storeScanRows, tip + 1),
            joined
          ).pipe(
            Effect.catchIf((error) => sqlFailure(error) === "damaged", (error) =>
              Effect.fail(fault(place.height, `it cannot be read (${sqlFailureText(error)})`)))
          )
          const { good, place: next, problem } = goodOf(found, place, end, indexed)
          if (good.length === 0 && problem !== undefined) {
            return yield* fault(place.height, problem)
          }
          yield* Effect.yieldNow
          return [good, Option.some(next)] as const
        }).pipe(atBoundary(where)))
    }

    // A file checked before a node of this version opened it has no index yet, or an older form of it.
    const indexed = Effect.match(ChainTables.meta(sql).all, {
      onFailure: () => false,
      onSuccess: (rows) => rows.some(({ key }) => key === ChainTables.indexed)
    })

    // If even the ends cannot be read, the scan continues until it reaches the damage.
    const tip = tables.bounds.pipe(
      Effect.map(([bounds]) => Math.max(bounds?.last ?? 0, bounds?.lastBlock ?? 0)),
      Effect.catchIf((error) => sqlFailure(error) === "damaged", () => Effect.succeed(unknownTip))
    )
    return Stream.unwrap(Effect.gen(function*() {
      return scan(yield* atBoundary(where)(tip), yield* indexed)
    }))
  }))

/** The same from a SQLite file, opened without the checks of `ChainStoreSql`, even if the file is truncated. */
export const blocksOfFile = (filename: string): Stream.Stream<ScannedBlock, ChainStoreError> =>
  Stream.provide(blocks(filename), SqliteClient.layer({ filename, tolerant: true })).pipe(
    Stream.mapError((error) => (error._tag === "SqlError" ? fromSql(filename)(error) : error))
  )
