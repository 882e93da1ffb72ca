/**
 * What is checked when a chain's database is opened: that it is this network's, and that it holds heights 0 to tip without a
 * gap. All of it reads the hashes once (a million: 45 MB) and a few rows; `ChainScan.ts` reads everything.
 */
import { Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { ChainStoreError, WrongNetwork } from "../../services/ChainStore.ts"
import type { StoredBlock, Tip } from "../../services/ChainStore.ts"
import type { ChainTables } from "./ChainTables.ts"
import { hex } from "./ChainTables.ts"
import * as Migrations from "./migrations/index.ts"
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
const begin = (tables: ChainTables, { genesis, network }: ChainOptions) =>
  Effect.gen(function*() {
    yield* tables.setMeta("network", network)
    yield* tables.setMeta("genesis", genesis.hash)
    yield* tables.setMeta("schema", Migrations.schema)
    for (const statement of tables.insert([genesis])) yield* statement
    return { height: genesis.height, hash: genesis.hash }
  })

const checkMeta = (meta: ReadonlyMap<string, string>, { genesis, network, where }: ChainOptions) => {
  const found = meta.get("network")
  if (found !== network) return wrong(where, network, found ?? "a chain without a name")
  if (meta.get("genesis") !== genesis.hash) {
    return wrong(where, `${network} with genesis ${genesis.hash}`, `genesis ${meta.get("genesis")}`)
  }
  if (meta.get("schema") !== Migrations.schema) {
    return wrong(where, `schema ${Migrations.schema}`, `schema ${meta.get("schema")}`)
  }
  return undefined
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

const check = (tables: ChainTables, { genesis, where }: ChainOptions) =>
  Effect.gen(function*() {
    const [bounds] = yield* tables.bounds
    if (bounds === undefined || bounds.last === null || bounds.first !== 0) {
      return yield* damaged(where, "the genesis block is missing")
    }
    const { firstBlock, headers, last, lastBlock } = bounds
    if (headers !== last + 1) return yield* damaged(where, `${headers} hashes, but the last is that of height ${last}`)
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

/** Makes the tables if there are none, checks them otherwise; gives the tip. */
export const open = (
  sql: SqlClient.SqlClient,
  tables: ChainTables,
  options: ChainOptions
): Effect.Effect<Tip, ChainStoreError | SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    yield* refuseForeign(sql, options)
    yield* migrate(options.where)
    return yield* sql.withTransaction(Effect.gen(function*() {
      const meta = new Map((yield* tables.meta).map(({ key, value }) => [key, value]))
      if (meta.size === 0) {
        const [bounds] = yield* tables.bounds
        if (bounds?.headers === 0 && bounds.lastBlock === null) return yield* begin(tables, options)
        return yield* damaged(options.where, "blocks, but no word of whose they are")
      }
      const other = checkMeta(meta, options)
      return other === undefined ? yield* check(tables, options) : yield* other
    }))
  })
