/**
 * What is checked when a chain's database is opened: that it is this network's, and that it holds heights 0 to tip without a
 * gap. All of it reads the hashes once (a million: 45 MB) and a few rows; `ChainScan.ts` reads everything. A branch that does
 * not leave the chain any more, or has gaps, is dropped: peers have it.
 */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Block from "../../domain/chain/Block.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Merkle from "../../domain/chain/Merkle.ts"
import * as Limits from "../../domain/Limits.ts"
import { ChainStoreError, WrongNetwork } from "../../services/ChainStore.ts"
import type { Branch, StoredBlock, Tip } from "../../services/ChainStore.ts"
import * as ChainTables from "./ChainTables.ts"
import { hex } from "./ChainTables.ts"
import * as HasherLive from "./HasherLive.ts"
import * as Migrations from "./migrations/index.ts"
import { toStored } from "./StoredBlocks.ts"
import { damaged, unavailable } from "./StoreErrors.ts"

/** Whose chain it is. */
export interface ChainOptions {
  readonly network: string
  /** Height 0. */
  readonly genesis: StoredBlock
  /** Names the file or server in errors. */
  readonly where: string
}

const wrong = (where: string, expected: string, found: string) =>
  new ChainStoreError({ reason: new WrongNetwork({ where, expected, found }) })

/** A SQLite file with another program's tables is left alone. A server's database may well hold others. */
const refuseForeign = (sql: SqlClient.SqlClient, { network, where }: ChainOptions) =>
  sql.onDialectOrElse({
    sqlite: () =>
      Effect.gen(function*() {
        const tables = yield* sql<
          { name: string }
        >`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`
        const names = tables.map(({ name }) => name)
        if (names.length > 0 && !names.includes(Migrations.table) && !names.includes("chain_meta")) {
          return yield* wrong(where, network, `another program's database (table ${names[0]})`)
        }
      }),
    orElse: () => Effect.void
  })

const migrate = (where: string) =>
  Migrations.run.pipe(
    Effect.catchTag("MigrationError", (error): Effect.Effect<never, ChainStoreError | SqlError.SqlError> => {
      const cause = error.cause
      return typeof cause === "object" && cause !== null && "_tag" in cause && cause._tag === "SqlError"
        ? Effect.fail(cause as SqlError.SqlError)
        : Effect.fail(unavailable(where, error))
    })
  )

/** New tables get their genesis, in the same change as the network's name. */
const begin = (sql: SqlClient.SqlClient, { genesis, network }: ChainOptions) =>
  Effect.gen(function*() {
    const meta = ChainTables.meta(sql)
    yield* meta.set("network", network)
    yield* meta.set("genesis", genesis.hash)
    yield* meta.set("schema", Migrations.schema)
    for (const statement of ChainTables.make(sql, "chain").insert([genesis])) yield* statement
    return { height: genesis.height, hash: genesis.hash }
  })

const checkMeta = (meta: ReadonlyMap<string, string>, { genesis, network, where }: ChainOptions) => {
  const found = meta.get("network")
  if (found !== network) return wrong(where, network, found ?? "an unnamed network")
  if (meta.get("genesis") !== genesis.hash) {
    return wrong(where, `${network} with genesis ${genesis.hash}`, `genesis ${meta.get("genesis")}`)
  }
  if (meta.get("schema") !== Migrations.schema) {
    return wrong(where, `schema ${Migrations.schema}`, `schema ${meta.get("schema")}`)
  }
  return undefined
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

const check = (tables: ChainTables.ChainTables, { genesis, where }: ChainOptions) =>
  Effect.gen(function*() {
    const [bounds] = yield* tables.bounds
    if (bounds === undefined || bounds.last === null || bounds.first !== 0) {
      return yield* damaged(where, "the genesis block is missing")
    }
    const { firstBlock, headers, last, lastBlock } = bounds
    if (headers !== last + 1) return yield* damaged(where, `${headers} hashes stored, but the last has height ${last}`)
    if (firstBlock !== 0 || lastBlock !== last) {
      return yield* damaged(where, `hashes up to height ${last}, blocks from ${firstBlock} to ${lastBlock}`)
    }
    const [first] = yield* tables.joined(0, 1)
    if (
      !(first?.hash instanceof Uint8Array) || hex(first.hash) !== genesis.hash ||
      !(first.bytes instanceof Uint8Array) || !sameBytes(first.bytes, genesis.bytes)
    ) {
      return yield* damaged(where, "the genesis block is not this network's")
    }
    const rows = yield* tables.joined(Math.max(0, last - 1), last + 1)
    const tip = rows.at(-1)
    const before = rows.length > 1 ? rows.at(-2)?.hash : first.previous
    if (
      !(tip?.hash instanceof Uint8Array) || tip.hash.length !== 32 || !(tip.bytes instanceof Uint8Array) ||
      !(before instanceof Uint8Array) || !(tip.previous instanceof Uint8Array) || !sameBytes(before, tip.previous)
    ) {
      return yield* damaged(where, `the last block, of height ${last}, does not follow the one before it`)
    }
    return { height: last, hash: hex(tip.hash) }
  })

/** The blocks of a database from before the index, with what the index keeps of them. */
const indexable = (hasher: Hasher, where: string, from: number, rows: ReadonlyArray<{ readonly bytes: Uint8Array }>) =>
  Effect.forEach(rows, ({ bytes }, i) => {
    const block = Block.decode(bytes)
    if (Block.isMalformed(block)) {
      return Effect.fail(damaged(where, `block ${from + i}: undecodable (${block.reason})`, from + i - 1))
    }
    const txids = Merkle.txids(hasher, block.transactions)
    return Effect.succeed({ ...toStored({ block, hash: block.header.previousHash, txids }), height: from + i })
  })

/** Adds what the index lacks: all of it after the migration that made it, in transactions of a few milliseconds. */
const fillIndex = (sql: SqlClient.SqlClient, tables: ChainTables.ChainTables, where: string, height: number) =>
  Effect.gen(function*() {
    const hasher = yield* HasherLive.make
    for (;;) {
      const [index] = yield* tables.indexed
      const from = (index?.last ?? -1) + 1
      if (from > height + 1) return yield* damaged(where, `blocks up to height ${height}, index up to ${from - 1}`)
      if (from === height + 1) return
      const sizes = yield* tables.sizes(from, Math.min(height + 1, from + Limits.storeScanRows))
      const rows = yield* tables.blocks(from, from + ChainTables.within(sizes, Limits.storeScanBytes))
      const blocks = yield* indexable(hasher, where, from, rows)
      if (blocks.length === 0) return yield* damaged(where, `block ${from}: it is missing`, from - 1)
      yield* sql.withTransaction(tables.insertIndex(blocks))
      yield* Effect.yieldNow
    }
  })

/** The branch that was stored, if it still leaves the chain and is whole. */
const openBranch = (sql: SqlClient.SqlClient) =>
  Effect.gen(function*() {
    const branch = ChainTables.make(sql, "branch")
    const [bounds] = yield* branch.bounds
    if (bounds === undefined || (bounds.headers === 0 && bounds.lastBlock === null)) return undefined
    const { first, firstBlock, headers, last, lastBlock } = bounds
    const fork = (first ?? 0) - 1
    const [ours] = yield* ChainTables.make(sql, "chain").hashes(fork, fork + 1)
    const [leaves] = yield* branch.joined(fork + 1, fork + 2)
    const [index] = yield* branch.indexed
    const [tip] = yield* branch.tip
    const whole = last !== null && headers === last - fork && firstBlock === first && lastBlock === last &&
      index?.last === last && ours !== undefined && leaves?.previous instanceof Uint8Array &&
      sameBytes(leaves.previous, ours.hash)
    if (!whole || tip === undefined) {
      for (const statement of branch.removeFrom(0)) yield* statement
      return undefined
    }
    const [size] = yield* branch.size
    const opened: Branch = { fork, tip: { height: tip.height, hash: hex(tip.hash) }, bytes: size?.size ?? 0 }
    return opened
  })

/** What a database holds. */
export interface Opened {
  readonly tip: Tip
  readonly branch: Branch | undefined
  readonly settled: boolean
}

/** Makes the tables if there are none, checks them otherwise. */
export const open = (
  sql: SqlClient.SqlClient,
  options: ChainOptions
): Effect.Effect<Opened, ChainStoreError | SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    yield* refuseForeign(sql, options)
    yield* migrate(options.where)
    const tables = ChainTables.make(sql, "chain")
    const opened = yield* sql.withTransaction(Effect.gen(function*() {
      const meta = new Map((yield* ChainTables.meta(sql).all).map(({ key, value }) => [key, value]))
      if (meta.size === 0) {
        const [bounds] = yield* tables.bounds
        if (bounds?.headers !== 0 || bounds.lastBlock !== null) {
          return yield* damaged(options.where, "it holds blocks, but does not say of which network")
        }
        return { tip: yield* begin(sql, options), branch: undefined, settled: false }
      }
      const other = checkMeta(meta, options)
      if (other !== undefined) return yield* other
      return {
        tip: yield* check(tables, options),
        branch: yield* openBranch(sql),
        settled: meta.has("settled")
      }
    }))
    yield* fillIndex(sql, tables, options.where, opened.tip.height)
    return opened
  })
