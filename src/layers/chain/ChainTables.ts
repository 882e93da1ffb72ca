/**
 * The statements on the chain's tables, for both databases. A batch goes over in four parameters, whatever its length, and the
 * database cuts it up: one call instead of one per row, which is also what a thread or a server can be sent cheaply.
 */
import type { SqlClient } from "effect/sql"
import { Buffer } from "node:buffer"
import * as Limits from "../../domain/Limits.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"

/** A span is `offset × 2^26 + length`: both fit a double, and databases shift. */
const lengthBits = 26
const lengthMask = 2 ** lengthBits - 1

interface Packed {
  readonly first: number
  readonly count: number
  /** 32 bytes each: the hash before the first block's, then every block's. */
  readonly hashes: Uint8Array
  readonly bytes: Uint8Array
  /** JSON array of spans of `bytes`. */
  readonly spans: string
}

const pack = (blocks: ReadonlyArray<StoredBlock>): Packed => {
  const total = blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const hashes = Buffer.from(new ArrayBuffer(32 * (blocks.length + 1)))
  const bytes = new Uint8Array(total)
  const spans: Array<number> = []
  let offset = 0
  hashes.write(blocks[0]?.previous ?? "", 0, 32, "hex")
  for (const [i, block] of blocks.entries()) {
    if (block.bytes.length > Limits.storeBlockBytes) {
      throw new RangeError(`block ${block.height} is longer than any may be`)
    }
    hashes.write(block.hash, 32 * (i + 1), 32, "hex")
    bytes.set(block.bytes, offset)
    spans.push(offset * (lengthMask + 1) + block.bytes.length)
    offset += block.bytes.length
  }
  return {
    first: blocks[0]?.height ?? 0,
    count: blocks.length,
    hashes: new Uint8Array(hashes.buffer, 0, hashes.length),
    bytes,
    spans: JSON.stringify(spans)
  }
}

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")

export const fromHex = (hash: string): Uint8Array => new Uint8Array(Buffer.from(hash, "hex"))

/** A row of both tables; `hash` is `null` where the header is missing. */
export interface JoinedRow {
  readonly height: number
  readonly previous: Uint8Array
  readonly bytes: Uint8Array
  readonly hash: Uint8Array | null
}

/** Where each table begins and ends; `null` when it is empty. `headers` counts; counting blocks would read them all. */
export interface Bounds {
  readonly headers: number
  readonly first: number | null
  readonly last: number | null
  readonly firstBlock: number | null
  readonly lastBlock: number | null
}

/** Ranges are half open: `from` ≤ height < `to`. Statements, not yet run. */
export const make = (sql: SqlClient.SqlClient) => ({
  meta: sql<{ key: string; value: string }>`SELECT key, value FROM chain_meta`,
  setMeta: (key: string, value: string) => sql`INSERT INTO chain_meta (key, value) VALUES (${key}, ${value})`,

  bounds: sql<Bounds>`SELECT CAST(count(*) AS INTEGER) AS headers, min(height) AS first, max(height) AS last,
    (SELECT min(height) FROM chain_block) AS ${sql("firstBlock")},
    (SELECT max(height) FROM chain_block) AS ${sql("lastBlock")} FROM chain_header`,

  /** Highest first: at most one row. */
  tip: sql<{ height: number; hash: Uint8Array }>`SELECT height, hash FROM chain_header ORDER BY height DESC LIMIT 1`,

  hashes: (from: number, to: number) =>
    sql<{ hash: Uint8Array }>`SELECT hash FROM chain_header WHERE height >= ${from} AND height < ${to} ORDER BY height`,

  sizes: (from: number, to: number) =>
    sql<
      { size: number }
    >`SELECT length(bytes) AS size FROM chain_block WHERE height >= ${from} AND height < ${to} ORDER BY height`,

  blocks: (from: number, to: number) =>
    sql<
      { bytes: Uint8Array }
    >`SELECT bytes FROM chain_block WHERE height >= ${from} AND height < ${to} ORDER BY height`,

  joined: (from: number, to: number) =>
    sql<JoinedRow>`SELECT b.height AS height, b.previous AS previous, b.bytes AS bytes, h.hash AS hash
      FROM chain_block b LEFT JOIN chain_header h ON h.height = b.height
      WHERE b.height >= ${from} AND b.height < ${to} ORDER BY b.height`,

  /** Two statements. */
  removeFrom: (height: number) =>
    [
      sql`DELETE FROM chain_header WHERE height >= ${height}`,
      sql`DELETE FROM chain_block WHERE height >= ${height}`
    ] as const,

  /** Two statements; the blocks must not be empty. */
  insert: (blocks: ReadonlyArray<StoredBlock>) => {
    const { bytes, count, first, hashes, spans } = pack(blocks)
    return sql.onDialectOrElse({
      pg: () =>
        [
          sql`INSERT INTO chain_header (height, hash)
            SELECT ${first}::int + i, substring(${hashes}::bytea FROM i * 32 + 33 FOR 32)
            FROM generate_series(0, ${count}::int - 1) AS i`,
          sql`INSERT INTO chain_block (height, previous, bytes)
            SELECT ${first}::int + (i - 1)::int, substring(${hashes}::bytea FROM (i - 1)::int * 32 + 1 FOR 32),
              substring(${bytes}::bytea FROM (span::bigint >> ${lengthBits}::int)::int + 1
                FOR (span::bigint & ${lengthMask}::int)::int)
            FROM json_array_elements_text(${spans}::text::json) WITH ORDINALITY AS t (span, i)`
        ] as const,
      orElse: () =>
        [
          sql`INSERT INTO chain_header (height, hash)
            SELECT ${first} + key, substr(${hashes}, key * 32 + 33, 32) FROM json_each(${spans})`,
          sql`INSERT INTO chain_block (height, previous, bytes)
            SELECT ${first} + key, substr(${hashes}, key * 32 + 1, 32),
              substr(${bytes}, (value >> ${lengthBits}) + 1, value & ${lengthMask}) FROM json_each(${spans})`
        ] as const
    })
  }
})

export type ChainTables = ReturnType<typeof make>
