/**
 * Checks database rows before use: SQLite allows any type in any column, and a damaged file can lack rows. **Errors**: `Damaged`,
 * which names heights.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import { Writer } from "../../domain/chain/Bincode.ts"
import * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { Hash } from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Merkle from "../../domain/chain/Merkle.ts"
import * as Limits from "../../domain/Limits.ts"
import type { ChainStoreError } from "../../services/ChainStore.ts"
import { type ChainTables, cutEntry } from "./ChainTables.ts"
import { damaged } from "./StoreErrors.ts"

/** What a column must hold: bytes, and how many if that is known. */
interface Column {
  readonly name: string
  readonly length?: number | undefined
}

export const hash: Column = { name: "hash", length: 32 }
export const bytes: Column = { name: "bytes" }

const isBytes = (value: unknown, { length }: Column): value is Uint8Array =>
  value instanceof Uint8Array && (length === undefined || value.length === length)

/** One value per height, `count` of them from `from`; `undefined`: one is missing or of the wrong type. */
const check = (
  column: Column,
  values: ReadonlyArray<unknown>,
  from: number,
  count: number
): string | undefined => {
  const bad = values.findIndex((value) => !isBytes(value, column))
  if (bad >= 0) return `block ${from + bad}: its ${column.name} is not what it should be`
  return values.length === count
    ? undefined
    : `blocks ${from} to ${from + count - 1}: ${values.length} of ${count} are there`
}

/** The column's value of each row: one row per height from `from` to below `to`. */
export const column = <Key extends string>(
  where: string,
  column: Column & { readonly name: Key },
  rows: ReadonlyArray<{ readonly [key in Key]: unknown }>,
  from: number,
  to: number
): Effect.Effect<ReadonlyArray<Uint8Array>, ChainStoreError> => {
  const values = rows.map((row): unknown => row[column.name])
  const problem = check(column, values, from, Math.max(0, to - from))
  return problem === undefined
    ? Effect.succeed(values as ReadonlyArray<Uint8Array>)
    : Effect.fail(damaged(where, problem))
}

/** Where a block's header and ids are read from: the block itself if it is small, else its index entry. */
interface Source {
  readonly small: Uint8Array | undefined
  readonly entry: Uint8Array | undefined
}

/** A fact of each block of a range, in order. `of` returns `undefined` if the source lacks it. */
const facts = <A>(
  where: string,
  tables: ChainTables,
  from: number,
  to: number,
  of: (source: Source) => A | undefined
): Effect.Effect<ReadonlyArray<A>, ChainStoreError | SqlError.SqlError> =>
  Effect.gen(function*() {
    const rows = yield* tables.small(from, to)
    const indexed = rows.some(({ bytes }) => bytes === null) ? yield* tables.entries(from, to) : []
    const entries = new Map(indexed.map(({ entry, height }) => [height, entry]))
    const found: Array<A> = []
    for (const { bytes, height } of rows) {
      const entry: unknown = bytes === null ? entries.get(height) : undefined
      const fact = of({
        small: bytes instanceof Uint8Array ? bytes : undefined,
        entry: entry instanceof Uint8Array ? entry : undefined
      })
      if (fact === undefined || height !== from + found.length) {
        const detail = `block ${from + found.length}: it, or its entry in the index, is not what it should be`
        return yield* damaged(where, detail)
      }
      found.push(fact)
    }
    if (found.length === to - from) return found
    return yield* damaged(where, `blocks ${from} to ${to - 1}: ${found.length} of ${to - from} are there`)
  })

/** Appends the header to the writer and returns where it begins; `undefined`: the source has no header. */
const writeHeader = (writer: Writer, { entry, small }: Source): number | undefined => {
  const start = writer.length
  if (small !== undefined) return BlockHeader.writeOfBlock(writer, small) ? start : undefined
  const cut = entry && cutEntry(entry)
  if (cut === undefined) return undefined
  writer.raw(cut.header)
  return start
}

/** Compact header bytes of heights `from` to below `to`, as views into one buffer. */
export const headers = (where: string, tables: ChainTables, from: number, to: number) => {
  const writer = new Writer(Limits.headerTypicalBytes * (to - from))
  return Effect.map(facts(where, tables, from, to, (source) => writeHeader(writer, source)), (starts) => {
    const all = writer.peek()
    return starts.map((start, i) => all.subarray(start, starts[i + 1] ?? all.length))
  })
}

const txidsIn = (hasher: Hasher, { entry, small }: Source): ReadonlyArray<Hash> | undefined => {
  if (entry !== undefined) return cutEntry(entry)?.txids
  const block = small && Block.decode(small)
  return block === undefined || Block.isMalformed(block) ? undefined : Merkle.txids(hasher, block.transactions)
}

/** Transaction ids of each block. */
export const txids = (where: string, hasher: Hasher, tables: ChainTables, from: number, to: number) =>
  facts(where, tables, from, to, (source) => txidsIn(hasher, source))
