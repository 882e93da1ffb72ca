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
      detail: `${file}: ${sqlFailureText(error)}; the peer book and the bans are not stored`
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

/** The file, and what this process has done with it. */
interface BookFile {
  readonly file: string
  /** Where older versions kept their list. */
  readonly list: string
  readonly network: Network
  readonly files: PlainFiles
  /** Databases stay open until it closes. */
  readonly scope: Scope.Scope
  current: Open | undefined
  /** The file is new: the next save writes everything. */
  isFresh: boolean
  /** Set while addresses of the older list are not stored in the book yet: the message to log once they are. */
  takenOver: string | undefined
}

const freeName = ({ file, files }: BookFile) =>
  Effect.gen(function*() {
    for (let i = 1; i < Limits.setAsideFiles; i++) {
      const name = i === 1 ? `${file}.bad` : `${file}.bad-${i}`
      if (!(yield* files.exists(name))) return name
    }
    return `${file}.bad-${Limits.setAsideFiles}`
  })

/** Keeps the damaged file beside, so that the next attempt begins a new one. */
const setAside = (book: BookFile, problem: string): Effect.Effect<void, PeerStoreError> =>
  Effect.gen(function*() {
    const { file, files } = book
    const aside = yield* freeName(book)
    for (const suffix of ["-wal", "-shm", ""]) {
      if (yield* files.exists(`${file}${suffix}`)) yield* files.rename(`${file}${suffix}`, `${aside}${suffix}`)
    }
    yield* Effect.logWarning(`${file} is damaged (${problem}); kept as ${aside}, and a new peer book is begun`)
    book.isFresh = true
  }).pipe(Effect.mapError(fromFile))

const stillDamaged = ({ file }: BookFile, problem: string) =>
  new PeerStoreError({ detail: `${file} is damaged: ${problem}` })

/** One attempt to open the file. */
const attempt = ({ file, network, scope }: BookFile): Effect.Effect<Open, Damaged | PeerStoreError> =>
  Effect.gen(function*() {
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

/** The open database. A damaged file is set aside, and a new one has what could be read of it. */
const open = (book: BookFile): Effect.Effect<Open, PeerStoreError> =>
  book.current !== undefined ? Effect.succeed(book.current) : attempt(book).pipe(
    Effect.catchTag("Damaged", ({ problem, rest }) =>
      Effect.gen(function*() {
        yield* setAside(book, problem)
        const opened = yield* attempt(book).pipe(
          Effect.catchTag("Damaged", ({ problem }) => stillDamaged(book, problem))
        )
        return { ...opened, stored: { ...opened.stored, ...rest } }
      })),
    Effect.tap((opened) => Effect.sync(() => book.current = opened))
  )

/** Addresses that an older version kept: peers that were connected. */
const older = (book: BookFile): Effect.Effect<ReadonlyArray<Placed>> =>
  Effect.gen(function*() {
    const { list, network } = book
    const text = yield* book.files.read(list)
    if (Option.isNone(text)) return []
    const now = yield* Clock.currentTimeMillis
    const { peers, refused } = AddressList.read(text.value, network.port)
    book.takenOver = `${list}: ${peers.length} addresses are in the peer book now` +
      `${refused.length === 0 ? "" : `, ${refused.length} entries cannot be read`}; kept as ${list}.old`
    book.isFresh = true
    return peers.map(({ address }): Placed => ({
      known: { ...KnownAddress.make(address, now), goodAt: now },
      table: "tried",
      bucket: 0
    }))
  }).pipe(Effect.catch((error) => Effect.as(Effect.logWarning(error.message), [])))

/** Writes what has changed, or everything into a new file. */
const write = (book: BookFile, { close, sql }: Open, peers: PeersToStore): Effect.Effect<void, PeerStoreError> =>
  sql.withTransaction(Effect.gen(function*() {
    const { isFresh } = book
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
      const failure = fromSql(error, book.file)
      if (failure._tag !== "Damaged") return Effect.fail(failure)
      // The next call starts a new file.
      return Effect.gen(function*() {
        book.current = undefined
        yield* close
        yield* setAside(book, failure.problem)
        return yield* stillDamaged(book, failure.problem)
      })
    })
  )

const save = (book: BookFile, peers: PeersToStore): Effect.Effect<void, PeerStoreError> =>
  Effect.gen(function*() {
    yield* write(book, yield* open(book), peers)
    book.isFresh = false
    if (book.takenOver === undefined) return
    yield* Effect.mapError(book.files.rename(book.list, `${book.list}.old`), fromFile)
    yield* Effect.logInfo(book.takenOver)
    book.takenOver = undefined
  })

/** Runs on the database within a transaction. The peer book's next call sets a damaged file aside. */
const using = <A>(
  book: BookFile,
  use: (sql: SqlClient.SqlClient) => Effect.Effect<A, SqlError.SqlError>
): Effect.Effect<A, PeerStoreError> =>
  Effect.flatMap(open(book), ({ sql }) =>
    Effect.catch(sql.withTransaction(use(sql)), (error) => {
      const failure = fromSql(error, book.file)
      return Effect.fail(failure._tag === "Damaged" ? stillDamaged(book, failure.problem) : failure)
    }))

const make = Effect.fnUntraced(function*(directory: string, network: Network) {
  const book: BookFile = {
    file: fileIn(directory),
    list: listIn(directory),
    network,
    files: yield* PlainFiles,
    scope: yield* Effect.scope,
    current: undefined,
    isFresh: false,
    takenOver: undefined
  }
  const one = yield* Semaphore.make(1)
  /** One operation at a time; each sees what the one before did to the file. */
  const inTurn = <A>(run: () => Effect.Effect<A, PeerStoreError>) => one.withPermit(Effect.suspend(run))
  const masternodes: MasternodeStore = {
    load: inTurn(() => using(book, MasternodeTable.read)),
    save: (changed, removed) => inTurn(() => using(book, (sql) => MasternodeTable.write(sql, changed, removed)))
  }
  const peers = PeerStore.of({
    load: inTurn(() =>
      Effect.gen(function*() {
        const { stored } = yield* open(book)
        return { ...stored, book: [...yield* older(book), ...stored.book] }
      })
    ),
    save: (peers) => inTurn(() => save(book, peers))
  })
  return Context.make(PeerStore, peers).pipe(Context.add(MasternodeStore, masternodes))
})

/** The peer book and the masternodes, in one database. `directory` must exist. */
export const layer = (directory: string, network: Network): Layer.Layer<PeerStore> =>
  Layer.effectContext(make(directory, network))
