/**
 * Offences by address, in the peer book's database, so that restarts do not save a misbehaving peer from its ban. Rows are checked when read,
 * because a file may be damaged or edited.
 */
import { Array as Arr, Effect, Option, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Offence from "../../domain/protection/Offence.ts"
import type { StoredOffender } from "../../services/PeerStore.ts"

interface Row {
  readonly ip: Uint8Array
  readonly points: number
  readonly counted_at: number
  readonly bans: number
  readonly lines: string
}

const Lines = Schema.fromJsonString(Schema.Array(Schema.Struct({
  kind: Schema.Literals(Offence.offenceKinds),
  detail: Schema.String.check(Schema.isMaxLength(Limits.offenceDetailCharacters)),
  at: Schema.Finite,
  times: Schema.Int.check(Schema.isGreaterThan(0))
})))
const decodeLines = Schema.decodeUnknownOption(Lines)
const encodeLines = Schema.encodeSync(Lines)

/** `lines`: JSON. */
export const create = (sql: SqlClient.SqlClient) =>
  sql`CREATE TABLE IF NOT EXISTS peer_offender (
    ip BLOB PRIMARY KEY, points REAL NOT NULL, counted_at INTEGER NOT NULL, bans INTEGER NOT NULL,
    lines TEXT NOT NULL) WITHOUT ROWID`

const isBetween = (n: unknown, least: number, most: number): n is number =>
  typeof n === "number" && n >= least && n <= most

/** `undefined`: not a row that this program writes. */
const offenderOf = (row: Readonly<Record<keyof Row, unknown>>): StoredOffender | undefined => {
  const { bans, counted_at, points } = row
  const ip = row.ip instanceof Uint8Array ? Option.getOrUndefined(PeerIp.fromBytes(row.ip)) : undefined
  const lines = Option.getOrUndefined(decodeLines(row.lines))
  if (ip === undefined || lines === undefined || lines.length > Limits.ledgerOffences) return undefined
  if (!isBetween(points, 0, Limits.banScore) || !Number.isSafeInteger(counted_at)) return undefined
  if (!isBetween(bans, 0, Number.MAX_SAFE_INTEGER)) return undefined
  return { ip, bans, lines, score: { points, at: Number(counted_at) } }
}

/** The stored offenders, and the number of unreadable rows. */
export const read = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<Row>`SELECT * FROM peer_offender`, (rows) => {
    const offenders = rows.flatMap((row) => offenderOf(row) ?? [])
    return { offenders, unreadable: rows.length - offenders.length }
  })

const rowOf = ({ bans, ip, lines, score }: StoredOffender) => ({
  ip: PeerIp.toBytes(ip),
  points: score.points,
  counted_at: Math.round(score.at),
  bans,
  lines: encodeLines(lines)
})

export const write = (sql: SqlClient.SqlClient, changed: ReadonlyArray<StoredOffender>) =>
  Effect.forEach(
    Arr.chunksOf(changed, Limits.bookRowsPerWrite),
    (part) => sql`INSERT OR REPLACE INTO peer_offender ${sql.insert(Arr.map(part, rowOf))}`,
    { discard: true }
  )

export const remove = (sql: SqlClient.SqlClient, forgotten: ReadonlyArray<PeerIp.PeerIp>) =>
  Effect.forEach(
    Arr.chunksOf(forgotten, Limits.bookRowsPerWrite),
    (part) => sql`DELETE FROM peer_offender WHERE ip IN ${sql.in(part.map(PeerIp.toBytes))}`,
    { discard: true }
  )

export const removeAll = (sql: SqlClient.SqlClient) => sql`DELETE FROM peer_offender`
