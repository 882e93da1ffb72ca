/**
 * The statements on a chain's tables, for both databases. The chain, and the branch beside it, each have three tables of the same
 * shape: `_header` (hashes), `_block` (bytes and links) and `_index` (header and transaction ids of large blocks). A batch of any length
 * is sent as four parameters, which the database splits: one call instead of one per row, cheap for a thread or a server.
 */
import type { SqlClient } from "effect/sql"
import { Buffer } from "node:buffer"
import { Writer } from "../../domain/chain/Bincode.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import { type Hash, length as hashLength } from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Limits from "../../domain/Limits.ts"
import type { Side, StoredBlock } from "../../services/ChainStore.ts"
import { giveAway } from "../sql/giveAway.ts"
import { txidsOf } from "./StoredBlocks.ts"

/** A span is `offset × 2^26 + length`: both fit in a double, and databases can shift. */
const lengthBits = 26
const lengthMask = 2 ** lengthBits - 1

interface Packed {
  readonly first: number
  readonly count: number
  /** 32 bytes each: the hash of the first block's parent, then that of every block. */
  readonly hashes: Uint8Array
  /** For one statement: it may be moved to the database's thread. */
  readonly bytes: Uint8Array
  /** JSON array of spans of `bytes`. */
  readonly spans: string
}

const pack = (blocks: ReadonlyArray<StoredBlock>): Packed => {
  const hashes = Buffer.from(new ArrayBuffer(32 * (blocks.length + 1)))
  const bytes = new Uint8Array(blocks.reduce((sum, block) => sum + block.bytes.length, 0))
  const spans: Array<number> = []
  let at = 0
  hashes.write(blocks[0]?.previous ?? "", 0, 32, "hex")
  for (const [i, block] of blocks.entries()) {
    if (block.bytes.length > Limits.storeBlockBytes) {
      throw new RangeError(`block ${block.height} is longer than any may be`)
    }
    hashes.write(block.hash, 32 * (i + 1), 32, "hex")
    bytes.set(block.bytes, at)
    spans.push(at * (lengthMask + 1) + block.bytes.length)
    at += block.bytes.length
  }
  return {
    first: blocks[0]?.height ?? 0,
    count: blocks.length,
    hashes: new Uint8Array(hashes.buffer, 0, hashes.length),
    bytes: giveAway(bytes),
    spans: JSON.stringify(spans)
  }
}

/** A block's index entry: its header, which states its own length, then its transaction ids. */
const entryOf = (hasher: Hasher, block: StoredBlock): Uint8Array => {
  const writer = new Writer()
  if (!BlockHeader.writeOfBlock(writer, block.bytes)) {
    throw new RangeError(`block ${block.height} is shorter than its header`)
  }
  for (const txid of txidsOf(hasher, block)) writer.raw(txid)
  return writer.done()
}

/** Splits an index entry into the header's bytes and the ids; `undefined`: not an index entry. */
export const cutEntry = (
  entry: Uint8Array
): { readonly header: Uint8Array; readonly txids: ReadonlyArray<Hash> } | undefined => {
  const length = BlockHeader.encodedLength(entry)
  if (length > entry.length || (entry.length - length) % hashLength !== 0) return undefined
  const txids: Array<Hash> = []
  for (let at = length; at < entry.length; at += hashLength) txids.push(entry.subarray(at, at + hashLength))
  return { header: entry.subarray(0, length), txids }
}

/** Whether the index holds an entry for the block: only for large blocks. */
export const isIndexed = ({ bytes }: { readonly bytes: Uint8Array }): boolean => bytes.length > Limits.indexedBlockBytes

/** How many rows of these sizes fit in `maxBytes`; always at least one. */
export const within = (sizes: ReadonlyArray<{ readonly size: number }>, maxBytes: number): number => {
  let total = 0
  for (const [i, { size }] of sizes.entries()) {
    total += size
    if (i > 0 && total > maxBytes) return i
  }
  return sizes.length
}

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")

export const fromHex = (hash: string): Uint8Array => new Uint8Array(Buffer.from(hash, "hex"))

/** A row joined from all three tables; a column is `null` where its table lacks the height. */
export interface JoinedRow {
  readonly height: number
  readonly previous: Uint8Array
  readonly bytes: Uint8Array
  readonly hash: Uint8Array | null
  readonly entry: Uint8Array | null
}

export interface SmallRow {
  readonly height: number
  readonly bytes: Uint8Array | null
}

export interface EntryRow {
  readonly height: number
  readonly entry: Uint8Array
}

/** First and last height of each table; `null` when it is empty. `headers` is a count; counting blocks would read them all. */
export interface Bounds {
  readonly headers: number
  readonly first: number | null
  readonly last: number | null
  readonly firstBlock: number | null
  readonly lastBlock: number | null
}

/** The highest block's height and hash: at most one row. */
export const tipOf = (sql: SqlClient.SqlClient, side: Side) =>
  sql<{ height: number; hash: Uint8Array }>`SELECT height, hash FROM ${
    sql(`${side}_header`)
  } ORDER BY height DESC LIMIT 1`

/** Ranges are half open: `from` ≤ height < `to`. Statements, not yet run. */
export const make = (sql: SqlClient.SqlClient, hasher: Hasher, side: Side) => {
  const header = sql(`${side}_header`)
  const block = sql(`${side}_block`)
  const index = sql(`${side}_index`)
  const all = [header, block, index]
  return {
    bounds: sql<Bounds>`SELECT CAST(count(*) AS INTEGER) AS headers, min(height) AS first, max(height) AS last,
      (SELECT min(height) FROM ${block}) AS ${sql("firstBlock")},
      (SELECT max(height) FROM ${block}) AS ${sql("lastBlock")} FROM ${header}`,

    /** Bytes that count against `Limits.branchBytes`. */
    size: sql<{ size: number }>`SELECT CAST(coalesce(sum(length(bytes)), 0) AS INTEGER) AS size FROM ${block}`,

    tip: tipOf(sql, side),

    hashes: (from: number, to: number) =>
      sql<{ hash: Uint8Array }>`SELECT hash FROM ${header} WHERE height >= ${from} AND height < ${to} ORDER BY height`,

    /** Blocks small enough to read headers and ids from directly; `null` for those in the index. */
    small: (from: number, to: number) =>
      sql<SmallRow>`SELECT height, CASE WHEN length(bytes) <= ${Limits.indexedBlockBytes} THEN bytes END AS bytes
        FROM ${block} WHERE height >= ${from} AND height < ${to} ORDER BY height`,

    entries: (from: number, to: number) =>
      sql<EntryRow>`SELECT height, entry FROM ${index} WHERE height >= ${from} AND height < ${to} ORDER BY height`,

    /** Heights of blocks that belong in the index, ascending from a height. */
    large: (from: number, count: number) =>
      sql<{ height: number }>`SELECT height FROM ${block}
        WHERE height >= ${from} AND length(bytes) > ${Limits.indexedBlockBytes} ORDER BY height LIMIT ${count}`,

    sizes: (from: number, to: number) =>
      sql<
        { size: number }
      >`SELECT length(bytes) AS size FROM ${block} WHERE height >= ${from} AND height < ${to} ORDER BY height`,

    blocks: (from: number, to: number) =>
      sql<{ bytes: Uint8Array }>`SELECT bytes FROM ${block} WHERE height >= ${from} AND height < ${to} ORDER BY height`,

    joined: (from: number, to: number) =>
      sql<JoinedRow>`SELECT b.height AS height, b.previous AS previous, b.bytes AS bytes, h.hash AS hash,
          i.entry AS entry
        FROM ${block} b LEFT JOIN ${header} h ON h.height = b.height LEFT JOIN ${index} i ON i.height = b.height
        WHERE b.height >= ${from} AND b.height < ${to} ORDER BY b.height`,

    /** The same for a database whose index is incomplete, or that predates the index. */
    joinedUnindexed: (from: number, to: number) =>
      sql<JoinedRow>`SELECT b.height AS height, b.previous AS previous, b.bytes AS bytes, h.hash AS hash,
          NULL AS entry
        FROM ${block} b LEFT JOIN ${header} h ON h.height = b.height
        WHERE b.height >= ${from} AND b.height < ${to} ORDER BY b.height`,

    removeFrom: (height: number) => all.map((table) => sql`DELETE FROM ${table} WHERE height >= ${height}`),

    /** `blocks` must not be empty. */
    insert: (blocks: ReadonlyArray<StoredBlock>) => {
      const { bytes, count, first, hashes, spans } = pack(blocks)
      const inserts = sql.onDialectOrElse({
        pg: () => [
          sql`INSERT INTO ${header} (height, hash)
            SELECT ${first}::int + i, substring(${hashes}::bytea FROM i * 32 + 33 FOR 32)
            FROM generate_series(0, ${count}::int - 1) AS i`,
          sql`INSERT INTO ${block} (height, previous, bytes)
            SELECT ${first}::int + (i - 1)::int, substring(${hashes}::bytea FROM (i - 1)::int * 32 + 1 FOR 32),
              substring(${bytes}::bytea FROM (span::bigint >> ${lengthBits}::int)::int + 1
                FOR (span::bigint & ${lengthMask}::int)::int)
            FROM json_array_elements_text(${spans}::text::json) WITH ORDINALITY AS t (span, i)`
        ],
        orElse: () => [
          sql`INSERT INTO ${header} (height, hash)
            SELECT ${first} + key, substr(${hashes}, key * 32 + 33, 32) FROM json_each(${spans})`,
          sql`INSERT INTO ${block} (height, previous, bytes)
            SELECT ${first} + key, substr(${hashes}, key * 32 + 1, 32),
              substr(${bytes}, (value >> ${lengthBits}) + 1, value & ${lengthMask}) FROM json_each(${spans})`
        ]
      })
      return [...inserts, ...insertIndex(sql, hasher, side, blocks)]
    },

    /** Inserts index entries only. */
    insertIndex: (blocks: ReadonlyArray<StoredBlock>) => insertIndex(sql, hasher, side, blocks)
  }
}

const insertIndex = (sql: SqlClient.SqlClient, hasher: Hasher, side: Side, blocks: ReadonlyArray<StoredBlock>) =>
  blocks.filter(isIndexed).map((block) =>
    sql`INSERT INTO ${sql(`${side}_index`)} (height, entry) VALUES (${block.height}, ${entryOf(hasher, block)})`
  )

/** The branch becomes the chain above its fork. The statements belong in one transaction, in order. */
export const adopt = (
  sql: SqlClient.SqlClient,
  { branch, chain }: { readonly chain: ChainTables; readonly branch: ChainTables },
  fork: number
) => [
  ...chain.removeFrom(fork + 1),
  sql`INSERT INTO chain_header (height, hash) SELECT height, hash FROM branch_header ORDER BY height`,
  sql`INSERT INTO chain_block (height, previous, bytes) SELECT height, previous, bytes FROM branch_block ORDER BY height`,
  sql`INSERT INTO chain_index (height, entry) SELECT height, entry FROM branch_index ORDER BY height`,
  ...branch.removeFrom(0)
]

/** Database-wide flag: every large block has its index entry. */
export const indexed = "large_indexed"

/** Database-wide facts. */
export const meta = (sql: SqlClient.SqlClient) => ({
  all: sql<{ key: string; value: string }>`SELECT key, value FROM chain_meta`,
  set: (key: string, value: string) =>
    sql`INSERT INTO chain_meta (key, value) VALUES (${key}, ${value})
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  remove: (key: string) => sql`DELETE FROM chain_meta WHERE key = ${key}`
})

export type ChainTables = ReturnType<typeof make>
