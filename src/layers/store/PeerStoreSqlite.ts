/**
 * `PeerStore` in `peers.db` of the data directory: a SQLite file of its own, so that a damaged book never puts the chain at risk.
 *
 * **Damage**: a file that is not a database, belongs to another program or network, or has unreadable rows is kept as
 * `peers.db.bad` (`peers.db.bad-2`, …) and named in a warning. The new book has the readable rows and everything that the running node knows.
 * **Errors**: a file that cannot be opened or written is retried at the next call.
 * **Migration**: addresses in `peers.json`, from older versions, are imported; the file is then renamed to `peers.json.old`.
 */
import { Clock, Context, Effect, Exit, Layer, Option, Result, Scope, Semaphore } from "effect"
import { Hex } from "effect/encoding"
import { SqlClient, type SqlError } from "effect/sql"
import * as Limits from "../../domain/Limits.ts"
import type { Network } from "../../domain/Network.ts"
import * as AddressList from "../../domain/peer/AddressList.ts"
import * as KnownAddress from "../../domain/peer/KnownAddress.ts"
import type { Placed } from "../../domain/peer/KnownAddress.ts"
import { MasternodeStore } from "../../services/MasternodeStore.ts"
import { PeerStore, PeerStoreError, type PeersToStore, type StoredPeers } from "../../services/PeerStore.ts"
import { sqlFailure, sqlFailureText } from "../sql/SqlFailure.ts"
import * as SqliteClient from "../sql/SqliteClient.ts"
import * as MasternodeTable from "./MasternodeTable.ts"
import * as OffenderTable from "./OffenderTable.ts"
import * as PeerTables from "./PeerTables.ts"
import { type FileError, PlainFiles } from "./PlainFiles.ts"

/** A node's peer book, within its data directory. */
export const fileIn = (directory: string): string => `${directory}/peers.db`

/** Where older versions kept good addresses, before the book. */
const listIn = (directory: string): string => `${directory}/peers.json`

/** The file is not a book of this network. */
interface Damaged {
  readonly _tag: "Damaged"
  readonly problem: string
  /** What could be read of it. */
  readonly rest: Rest
}

type Rest = Omit<StoredPeers, "key">

/** An open database and its content. */
interface Open {
  readonly sql: SqlClient.SqlClient
  readonly close: Effect.Effect<void>
  readonly stored: StoredPeers
}

const nothing: Rest = { book: [], anchors: [], bans: [], offenders: [] }

const damaged = (problem: string, rest: Rest = nothing): Damaged => ({ _tag: "Damaged", problem, rest })

const fromSql = (error: SqlError.SqlError, file: string): Damaged | PeerStoreError =>
  sqlFailure(error) === "damaged"
    ? damaged(sqlFailureText(error))
    : new PeerStoreError({
      detail: `${file}: ${sqlFailureText(error)}; the peer book is not remembered until that works`
    })

const fromFile = ({ message }: FileError) => new PeerStoreError({ detail: message })

/** Reads a book, or starts one in an empty file. */
const readOrBegin = (sql: SqlClient.SqlClient, network: string) =>
  Effect.gen(function*() {
    const tables = yield* PeerTables.names(sql)
    const isNew = tables.length === 0
    if (!isNew && !tables.includes("peer_meta")) return yield* Effect.fail(damaged("another program's database"))
    yield* PeerTables.create(sql)
    yield* MasternodeTable.create(sql)
    yield* OffenderTable.create(sql)
    const meta = PeerTables.meta(sql)
    if (isNew) {
      yield* meta.set("schema", PeerTables.schema)
      yield* meta.set("network", network)
    }
    const facts = yield* meta.all
    if (facts.get("schema") !== PeerTables.schema) {
      return yield* Effect.fail(damaged(`schema ${facts.get("schema") ?? "missing"}, not ${PeerTables.schema}`))
    }
    if (facts.get("network") !== network) {
      return yield* Effect.fail(damaged(`the book of ${facts.get("network") ?? "no network"}, not of ${network}`))
    }
    const { book, unreadable } = yield* PeerTables.readBook(sql)
    const { bans, unreadable: unreadableBans } = yield* PeerTables.readBans(sql)
    const { offenders, unreadable: unreadableOffenders } = yield* OffenderTable.read(sql)
    const rest: Rest = { book, anchors: yield* PeerTables.readAnchors(sql), bans, offenders }
    const allUnreadable = unreadable + unreadableBans + unreadableOffenders
    if (allUnreadable > 0) return yield* Effect.fail(damaged(`${allUnreadable} rows cannot be read`, rest))
    const key = facts.get("key")
    const bytes = key === undefined ? undefined : Option.getOrUndefined(Result.getSuccess(Hex.decode(key)))
    if (bytes?.length !== 16 && book.length > 0) return yield* Effect.fail(damaged("its key is missing", rest))
    return { key: bytes, ...rest }
  })

const make = Effect.fnUntraced(function*(directory: string, network: Network) {
  const file = fileIn(directory)
  const files = yield* PlainFiles
  const scope = yield* Effect.scope
  const oneAtATime = yield* Semaphore.make(1)
  let current: Open | undefined
  /** The file is new: the next save writes everything. */
  let isFresh = false
  /** Set while addresses of `peers.json` are not stored in the book yet: the message to log once they are. */
  let takenOver: string | undefined

  const freeName = Effect.gen(function*() {
    for (let i = 1; i < Limits.setAsideFiles; i++) {
      const name = i === 1 ? `${file}.bad` : `${file}.bad-${i}`
      if (!(yield* files.exists(name))) return name
    }
    return `${file}.bad-${Limits.setAsideFiles}`
  })

  const setAside = (problem: string) =>
    Effect.gen(function*() {
      const aside = yield* freeName
      for (const suffix of ["-wal", "-shm", ""]) {
        if (yield* files.exists(`${file}${suffix}`)) yield* files.rename(`${file}${suffix}`, `${aside}${suffix}`)
      }
      yield* Effect.logWarning(`${file} is damaged (${problem}); kept as ${aside}, and a new peer book is begun`)
    })

  /** One attempt to open the file. */
  const attempt: Effect.Effect<Open, Damaged | PeerStoreError> = Effect.gen(function*() {
    const own = yield* Scope.fork(scope)
    const close = Scope.close(own, Exit.void)
    return yield* Effect.gen(function*() {
      const context = yield* Layer.buildWithScope(Layer.fresh(SqliteClient.layer({ filename: file })), own)
      const sql = yield* Effect.provide(SqlClient.SqlClient, context)
      const stored = yield* sql.withTransaction(readOrBegin(sql, network.name))
      return { sql, close, stored }
    }).pipe(
      Effect.catchTag("SqlError", (error) => Effect.fail(fromSql(error, file))),
      Effect.tapCause(() => close)
    )
  })

  const open: Effect.Effect<Open, PeerStoreError> = Effect.suspend(() =>
    current !== undefined ? Effect.succeed(current) : attempt.pipe(
      Effect.catchTag("Damaged", ({ problem, rest }) =>
        Effect.gen(function*() {
          yield* Effect.mapError(setAside(problem), fromFile)
          isFresh = true
          const opened = yield* attempt.pipe(
            Effect.catchTag(
              "Damaged",
              ({ problem }) => new PeerStoreError({ detail: `${file} is damaged: ${problem}` })
            )
          )
          return { ...opened, stored: { ...opened.stored, ...rest } }
        })),
      Effect.tap((opened) => Effect.sync(() => current = opened))
    )
  )

  /** Addresses that an older version kept: peers that were connected. */
  const older = Effect.gen(function*() {
    const text = yield* files.read(listIn(directory))
    if (Option.isNone(text)) return []
    const now = yield* Clock.currentTimeMillis
    const { peers, refused } = AddressList.read(text.value, network.port)
    takenOver = `${listIn(directory)}: ${peers.length} addresses are in the peer book now` +
      `${refused.length === 0 ? "" : `, ${refused.length} entries cannot be read`}; kept as ${listIn(directory)}.old`
    isFresh = true
    return peers.map(({ address }): Placed => ({
      known: { ...KnownAddress.make(address, now), goodAt: now },
      table: "tried",
      bucket: 0
    }))
  }).pipe(Effect.catch((error) => Effect.as(Effect.logWarning(error.message), [])))

  const write = ({ close, sql }: Open, peers: PeersToStore) =>
    sql.withTransaction(Effect.gen(function*() {
      yield* PeerTables.meta(sql).set("key", Hex.encode(peers.key))
      if (isFresh) yield* PeerTables.removeAll(sql)
      else yield* PeerTables.removeAddresses(sql, peers.removed)
      yield* PeerTables.writeAddresses(sql, isFresh ? [...peers.whole()] : peers.changed)
      yield* PeerTables.writeAnchors(sql, peers.anchors)
      const bans = isFresh ? peers.wholeBans() : peers.bans
      if (bans !== undefined) yield* PeerTables.writeBans(sql, bans)
      if (isFresh) yield* OffenderTable.removeAll(sql)
      else yield* OffenderTable.remove(sql, peers.forgotten)
      yield* OffenderTable.write(sql, isFresh ? peers.wholeOffenders() : peers.offenders)
    })).pipe(
      Effect.catch((error) => {
        const failure = fromSql(error, file)
        if (failure._tag !== "Damaged") return Effect.fail(failure)
        // The next call starts a new file.
        return Effect.gen(function*() {
          current = undefined
          yield* close
          yield* Effect.mapError(setAside(failure.problem), fromFile)
          isFresh = true
          return yield* new PeerStoreError({ detail: `${file} is damaged: ${failure.problem}` })
        })
      })
    )

  /** Runs on the database within a transaction. */
  const using = <A>(use: (sql: SqlClient.SqlClient) => Effect.Effect<A, SqlError.SqlError>) =>
    oneAtATime.withPermit(
      Effect.flatMap(open, ({ sql }) =>
        Effect.catch(sql.withTransaction(use(sql)), (error) => {
          const failure = fromSql(error, file)
          // The peer book's next call sets the file aside.
          return Effect.fail(
            failure._tag === "Damaged"
              ? new PeerStoreError({ detail: `${file} is damaged: ${failure.problem}` })
              : failure
          )
        }))
    )

  const masternodes: MasternodeStore = {
    load: using(MasternodeTable.read),
    save: (changed, removed) => using((sql) => MasternodeTable.write(sql, changed, removed))
  }

  const peers = PeerStore.of({
    load: oneAtATime.withPermit(Effect.gen(function*() {
      const { stored } = yield* open
      return { ...stored, book: [...yield* older, ...stored.book] }
    })),
    save: (peers) =>
      oneAtATime.withPermit(Effect.gen(function*() {
        yield* write(yield* open, peers)
        isFresh = false
        if (takenOver === undefined) return
        yield* Effect.mapError(files.rename(listIn(directory), `${listIn(directory)}.old`), fromFile)
        yield* Effect.logInfo(takenOver)
        takenOver = undefined
      }))
  })
  return Context.make(PeerStore, peers).pipe(Context.add(MasternodeStore, masternodes))
})

/** The peer book and the masternodes, in one database. `directory` must exist. */
export const layer = (directory: string, network: Network): Layer.Layer<PeerStore> =>
  Layer.effectContext(make(directory, network))
