/** The masternode table in the peer book's database. Rows are checked when read, because a file may be damaged or edited. */
import { Array as Arr, Effect } from "effect"
import type { SqlClient } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import * as Bytes from "../../domain/masternode/AnnouncementBytes.ts"
import type { Key } from "../../domain/masternode/Masternode.ts"
import type * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { StoredMasternode } from "../../services/MasternodeStore.ts"

interface Row {
  readonly announcement: Uint8Array
  readonly first_at: number
  readonly proven: number
}

/** `name` is made from key and IP. */
export const create = (sql: SqlClient.SqlClient) =>
  sql`CREATE TABLE IF NOT EXISTS peer_masternode (
    name BLOB PRIMARY KEY, announcement BLOB NOT NULL, first_at INTEGER NOT NULL, proven INTEGER NOT NULL) WITHOUT ROWID`

/** `undefined`: not a row that this program writes. */
const storedOf = (
  { announcement, first_at, proven }: Readonly<Record<keyof Row, unknown>>
): StoredMasternode | undefined => {
  if (!(announcement instanceof Uint8Array) || announcement.length !== Bytes.announcementBytes) return undefined
  const read = Bytes.decode(announcement)
  if (typeof read === "string" || typeof first_at !== "number" || !Number.isSafeInteger(first_at)) return undefined
  if (first_at < 0 || first_at > read.claim.at) return undefined
  return { announcement: read, firstAt: first_at, isProven: proven === 1 }
}

/** At most as many rows as a registry holds. */
export const read = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<Row>`SELECT announcement, first_at, proven FROM peer_masternode LIMIT ${Limits.masternodeClaims}`,
    (rows) => rows.flatMap((row) => storedOf(row) ?? [])
  )

const nameOf = (ip: PeerIp.PeerIp, key: Key): Uint8Array => Bytes.encodeSighting({ ip, key })

const rowOf = ({ announcement, firstAt, isProven }: StoredMasternode) => ({
  name: nameOf(announcement.claim.ip, announcement.claim.key),
  announcement: Bytes.encode(announcement),
  first_at: firstAt,
  proven: isProven ? 1 : 0
})

export const write = (
  sql: SqlClient.SqlClient,
  changed: ReadonlyArray<StoredMasternode>,
  removed: ReadonlyArray<{ readonly ip: PeerIp.PeerIp; readonly key: Key }>
) =>
  Effect.gen(function*() {
    for (const part of Arr.chunksOf(removed, Limits.bookRowsPerWrite)) {
      yield* sql`DELETE FROM peer_masternode WHERE name IN ${sql.in(part.map(({ ip, key }) => nameOf(ip, key)))}`
    }
    for (const part of Arr.chunksOf(changed, Limits.bookRowsPerWrite)) {
      yield* sql`INSERT OR REPLACE INTO peer_masternode ${sql.insert(Arr.map(part, rowOf))}`
    }
  })
