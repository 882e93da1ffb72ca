/** The tables of the peer book's database. Rows are checked when read, because a file may be damaged or edited. */
import { Array as Arr, Effect, Option, Result } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import type { KnownAddress, Placed } from "../../domain/peer/KnownAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Subnet from "../../domain/peer/Subnet.ts"
import type { Ban } from "../../domain/protection/BanList.ts"

/** Number of this layout, which `peer_meta` must state. */
export const schema = "1"

/** A row of `peer_address`. */
interface AddressRow {
  readonly ip: Uint8Array
  readonly port: number
  readonly wire: string
  readonly direction: string | null
  readonly seen_at: number
  readonly dialled_at: number
  readonly good_at: number
  readonly failures: number
  readonly tried: number
  readonly bucket: number
}

/** Creates missing tables. */
export const create = (sql: SqlClient.SqlClient): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function*() {
    yield* sql`CREATE TABLE IF NOT EXISTS peer_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`
    yield* sql`CREATE TABLE IF NOT EXISTS peer_address (
      ip BLOB PRIMARY KEY, port INTEGER NOT NULL, wire TEXT NOT NULL, direction TEXT, seen_at INTEGER NOT NULL,
      dialled_at INTEGER NOT NULL, good_at INTEGER NOT NULL, failures INTEGER NOT NULL, tried INTEGER NOT NULL,
      bucket INTEGER NOT NULL) WITHOUT ROWID`
    yield* sql`CREATE TABLE IF NOT EXISTS peer_anchor (place INTEGER PRIMARY KEY, ip BLOB NOT NULL)`
    yield* sql`CREATE TABLE IF NOT EXISTS peer_ban (
      subnet TEXT PRIMARY KEY, since_at INTEGER NOT NULL, until_at INTEGER NOT NULL, banned_by TEXT NOT NULL,
      reason TEXT NOT NULL) WITHOUT ROWID`
  })

/** Names of the tables in the file. */
export const names = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`,
    (rows) => rows.map(({ name }) => name)
  )

export const meta = (sql: SqlClient.SqlClient) => ({
  all: Effect.map(
    sql<{ key: string; value: string }>`SELECT key, value FROM peer_meta`,
    (rows) => new Map(rows.map(({ key, value }) => [key, value]))
  ),
  set: (key: string, value: string) => sql`INSERT OR REPLACE INTO peer_meta ${sql.insert({ key, value })}`
})

const isCount = (n: unknown): n is number => typeof n === "number" && Number.isSafeInteger(n) && n >= 0

const ipOf = (bytes: unknown): PeerIp.PeerIp | undefined =>
  bytes instanceof Uint8Array ? Option.getOrUndefined(PeerIp.fromBytes(bytes)) : undefined

/** `undefined`: not a row that this program writes. */
const placedOf = (row: Readonly<Record<keyof AddressRow, unknown>>): Placed | undefined => {
  const { bucket, dialled_at, direction, failures, good_at, port, seen_at, tried, wire } = row
  const ip = ipOf(row.ip)
  if (ip === undefined || !isCount(port) || port < 1 || port > 65_535) return undefined
  if (wire !== "native" && wire !== "time") return undefined
  if (direction !== null && direction !== "inbound" && direction !== "outbound") return undefined
  if (!isCount(seen_at) || !isCount(dialled_at) || !isCount(good_at) || !isCount(failures)) return undefined
  if ((tried !== 0 && tried !== 1) || !isCount(bucket) || bucket >= Limits.bookNewBuckets) return undefined
  const known: KnownAddress = {
    ip,
    port,
    wire,
    direction: direction ?? undefined,
    seenAt: seen_at,
    dialledAt: dialled_at,
    goodAt: good_at,
    failures
  }
  return { known, table: tried === 1 ? "tried" : "new", bucket }
}

/** The stored book, and the number of unreadable rows. */
export const readBook = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<AddressRow>`SELECT * FROM peer_address`, (rows) => {
    const book: Array<Placed> = []
    for (const row of rows) {
      const placed = placedOf(row)
      if (placed !== undefined) book.push(placed)
    }
    return { book, unreadable: rows.length - book.length }
  })

const rowOf = ({ bucket, known, table }: Placed) => ({
  ip: PeerIp.toBytes(known.ip),
  port: known.port,
  wire: known.wire,
  direction: known.direction ?? null,
  seen_at: Math.round(known.seenAt),
  dialled_at: Math.round(known.dialledAt),
  good_at: Math.round(known.goodAt),
  failures: known.failures,
  tried: table === "tried" ? 1 : 0,
  bucket
})

const inParts = <A, E>(
  items: ReadonlyArray<A>,
  run: (part: Arr.NonEmptyReadonlyArray<A>) => Effect.Effect<unknown, E>
): Effect.Effect<void, E> => Effect.forEach(Arr.chunksOf(items, Limits.bookRowsPerWrite), run, { discard: true })

export const writeAddresses = (sql: SqlClient.SqlClient, changed: ReadonlyArray<Placed>) =>
  inParts(changed, (part) => sql`INSERT OR REPLACE INTO peer_address ${sql.insert(Arr.map(part, rowOf))}`)

export const removeAddresses = (sql: SqlClient.SqlClient, removed: ReadonlyArray<PeerIp.PeerIp>) =>
  inParts(removed, (part) => sql`DELETE FROM peer_address WHERE ip IN ${sql.in(part.map(PeerIp.toBytes))}`)

export const removeAll = (sql: SqlClient.SqlClient) => sql`DELETE FROM peer_address`

export const readAnchors = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<{ ip: unknown }>`SELECT ip FROM peer_anchor ORDER BY place`,
    (rows) => rows.flatMap(({ ip }) => ipOf(ip) ?? [])
  )

export const writeAnchors = (sql: SqlClient.SqlClient, anchors: ReadonlyArray<PeerIp.PeerIp>) =>
  Effect.gen(function*() {
    yield* sql`DELETE FROM peer_anchor`
    if (!Arr.isReadonlyArrayNonEmpty(anchors)) return
    const rows = Arr.map(anchors, (ip, place) => ({ place, ip: PeerIp.toBytes(ip) }))
    yield* sql`INSERT INTO peer_anchor ${sql.insert(rows)}`
  })

/** A row of `peer_ban`. */
interface BanRow {
  readonly subnet: string
  readonly since_at: number
  readonly until_at: number
  readonly banned_by: string
  readonly reason: string
}

/** `undefined`: not a row that this program writes. */
const banOf = (row: Readonly<Record<keyof BanRow, unknown>>): Ban | undefined => {
  const { banned_by, reason, since_at, until_at } = row
  const subnet = typeof row.subnet === "string" ? Result.getOrUndefined(Subnet.fromString(row.subnet)) : undefined
  if (subnet === undefined || subnet !== row.subnet || !isCount(since_at) || !isCount(until_at)) return undefined
  if (until_at < since_at || until_at - since_at > Limits.banMostMs || typeof reason !== "string") return undefined
  return banned_by === "operator" || banned_by === "score"
    ? { subnet, since: since_at, until: until_at, by: banned_by, reason: reason.slice(0, Limits.banReasonCharacters) }
    : undefined
}

/** The stored bans, and the number of unreadable rows. */
export const readBans = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<BanRow>`SELECT * FROM peer_ban`, (rows) => {
    const bans = rows.flatMap((row) => banOf(row) ?? [])
    return { bans, unreadable: rows.length - bans.length }
  })

const banRowOf = ({ by, reason, since, subnet, until }: Ban) => ({
  subnet,
  since_at: since,
  until_at: until,
  banned_by: by,
  reason
})

export const writeBans = (sql: SqlClient.SqlClient, bans: ReadonlyArray<Ban>) =>
  Effect.andThen(
    sql`DELETE FROM peer_ban`,
    inParts(bans, (part) => sql`INSERT INTO peer_ban ${sql.insert(Arr.map(part, banRowOf))}`)
  )
