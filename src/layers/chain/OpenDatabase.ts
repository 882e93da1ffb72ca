/**
 * Checks made when a chain's database is opened: that it is this network's, and that it holds heights 0 to tip without a
 * gap. They read all hashes once (a million: 45 MB) and a few rows; `ChainScan.ts` reads everything. A branch that no longer
 * leaves the chain, or has gaps, is dropped: peers have it.
 */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { sameBytes } from "../../domain/bytes.ts"
import * as Block from "../../domain/chain/Block.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Limits from "../../domain/Limits.ts"
import { ChainStoreError, WrongNetwork } from "../../services/ChainStore.ts"
import type { Branch, StoredBlock, Tip } from "../../services/ChainStore.ts"
import * as ChainTables from "./ChainTables.ts"
import { hex } from "./ChainTables.ts"
import * as Migrations from "./migrations/index.ts"
import { knownOf, toStored } from "./StoredBlocks.ts"
import * as StoredRows from "./StoredRows.ts"
import { damaged, damagedBlock, unavailable } from "./StoreErrors.ts"

/** Which chain the database must hold. */
export interface ChainOptions {
  readonly network: string
  /** The block at height 0. */
  readonly genesis: StoredBlock
  /** Names the file or server in errors. */
  readonly where: string
}

/** What the opening steps share. */
interface Given {
  readonly hasher: Hasher
  readonly chain: ChainTables.ChainTables
  readonly branch: ChainTables.ChainTables
}

const wrong = (where: string, expected: string, found: string) =>
  new ChainStoreError({ reason: new WrongNetwork({ where, expected, found }) })

/** Refuses a SQLite file with another program's tables. A server's database may hold others. */
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

/** Inserts genesis into new tables, in the same transaction as the network's name. */
const begin = (sql: SqlClient.SqlClient, tables: ChainTables.ChainTables, { genesis, network }: ChainOptions) =>
  Effect.gen(function*() {
    const meta = ChainTables.meta(sql)
    yield* meta.set("network", network)
    yield* meta.set("genesis", genesis.hash)
    yield* meta.set("schema", Migrations.schema)
    yield* meta.set(ChainTables.indexed, "yes")
    for (const statement of tables.insert([genesis])) yield* statement
    return { height: genesis.height, hash: genesis.hash }
  })

/** SQLite allows any type in any column. */
const textOf = (value: unknown): string => typeof value === "string" ? value : "a value that is no text"

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

/** Fills in index entries for large blocks, in steps, where a database predates the index or has an older form of it. */
const fillIndex = (sql: SqlClient.SqlClient, hasher: Hasher, tables: ChainTables.ChainTables, where: string) =>
  Effect.gen(function*() {
    for (let from = 0;;) {
      const large = yield* tables.large(from, Limits.indexedAtOnce)
      for (const { height } of large) {
        const [bytes] = yield* StoredRows.column(
          where,
          StoredRows.bytes,
          yield* tables.blocks(height, height + 1),
          height,
          height + 1
        )
        const block = Block.decode(bytes ?? new Uint8Array(0))
        if (Block.isMalformed(block)) {
          return yield* damagedBlock(where, height, `undecodable (${block.reason})`)
        }
        for (const statement of tables.insertIndex([toStored(knownOf(hasher, block))])) yield* statement
        yield* Effect.yieldNow
      }
      const last = large.at(-1)
      if (last === undefined) return yield* ChainTables.meta(sql).set(ChainTables.indexed, "yes")
      from = last.height + 1
    }
  })

const isHash = (value: unknown): value is Uint8Array => value instanceof Uint8Array && value.length === 32

/** The stored branch, if it still leaves the chain and is complete. */
const openBranch = ({ branch, chain }: Given) =>
  Effect.gen(function*() {
    const [bounds] = yield* branch.bounds
    if (bounds === undefined || (bounds.headers === 0 && bounds.lastBlock === null)) return undefined
    const { first, firstBlock, headers, last, lastBlock } = bounds
    const fork = (first ?? 0) - 1
    const [ours] = yield* chain.hashes(fork, fork + 1)
    const [leaves] = yield* branch.joined(fork + 1, fork + 2)
    const [tip] = yield* branch.tip
    const whole = last !== null && headers === last - fork && firstBlock === first && lastBlock === last &&
      isHash(ours?.hash) && isHash(leaves?.previous) && sameBytes(leaves.previous, ours.hash)
    if (!whole || !isHash(tip?.hash)) {
      for (const statement of branch.removeFrom(0)) yield* statement
      return undefined
    }
    const [size] = yield* branch.size
    const opened: Branch = { fork, tip: { height: tip.height, hash: hex(tip.hash) }, bytes: size?.size ?? 0 }
    return opened
  })

/** State of an opened database. */
export interface Opened {
  readonly tip: Tip
  readonly branch: Branch | undefined
  readonly settled: boolean
}

/** Creates the tables if there are none, otherwise checks them. */
export const open = (
  sql: SqlClient.SqlClient,
  given: Given,
  options: ChainOptions
): Effect.Effect<Opened, ChainStoreError | SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    yield* refuseForeign(sql, options)
    yield* migrate(options.where)
    const tables = given.chain
    const opened = yield* sql.withTransaction(Effect.gen(function*() {
      const meta = new Map((yield* ChainTables.meta(sql).all).map(({ key, value }) => [key, textOf(value)]))
      if (meta.size === 0) {
        const [bounds] = yield* tables.bounds
        if (bounds?.headers !== 0 || bounds.lastBlock !== null) {
          return yield* damaged(options.where, "it holds blocks, but does not say of which network")
        }
        return { tip: yield* begin(sql, tables, options), branch: undefined, settled: false, complete: true }
      }
      const other = checkMeta(meta, options)
      if (other !== undefined) return yield* other
      return {
        tip: yield* check(tables, options),
        branch: yield* openBranch(given),
        settled: meta.has("settled"),
        complete: meta.has(ChainTables.indexed)
      }
    }))
    const { complete, ...database } = opened
    if (!complete) yield* sql.withTransaction(fillIndex(sql, given.hasher, tables, options.where))
    return database
  })
