import { assert, describe, it } from "@effect/vitest"
import { Effect, type FileSystem, Layer } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as KnownAddress from "../../../src/domain/peer/KnownAddress.ts"
import type { Placed } from "../../../src/domain/peer/KnownAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as SqliteHandle from "../../../src/layers/sql/SqliteHandle.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import * as PeerStoreSqlite from "../../../src/layers/store/PeerStoreSqlite.ts"
import { MasternodeStore, type StoredMasternode } from "../../../src/services/MasternodeStore.ts"
import { PeerStore, type PeersToStore, type StoredBan, type StoredOffender } from "../../../src/services/PeerStore.ts"
import { logged, withDirectory } from "../../harness/directory.ts"
import { announce } from "../../harness/masternodes.ts"
import { sqliteAtOnce } from "../../harness/sqliteAtOnce.ts"

const { devnet, testnet } = networks
const ip = PeerIp.fromStringUnsafe
const key = Uint8Array.from({ length: 16 }, (_, i) => i)

const placed = (
  address: string,
  change: Partial<KnownAddress.KnownAddress> = {},
  table: "new" | "tried" = "new"
): Placed => ({
  known: { ...KnownAddress.make({ ip: ip(address), port: 24_100 }, 1_000), ...change },
  table,
  bucket: 7
})
const peers = [
  placed("203.0.113.7"),
  placed(
    "2001:db8::7",
    { goodAt: 900, dialledAt: 800, failures: 2, direction: "outbound", wire: "time", port: 5 },
    "tried"
  ),
  placed("10.0.0.1", { direction: "inbound" })
]
const changes = (change: Partial<PeersToStore> = {}): PeersToStore => ({
  key,
  changed: peers,
  removed: [],
  anchors: [ip("10.0.0.1"), ip("203.0.113.7")],
  bans: undefined,
  offenders: [],
  forgotten: [],
  whole: () => peers,
  wholeBans: () => [],
  wholeOffenders: () => [],
  ...change
})

const load = Effect.flatMap(PeerStore, (store) => store.load)
const save = (given: PeersToStore) => Effect.flatMap(PeerStore, (store) => store.save(given))
const sorted = (book: ReadonlyArray<Placed>) => book.toSorted((a, b) => PeerIp.compare(a.known.ip, b.known.ip))

/** One process of a node; its database without the thread. */
const once = <A, E>(directory: string, effect: Effect.Effect<A, E, PeerStore>, network = devnet) =>
  sqliteAtOnce(onThread(directory, effect, network))

/** The same as in the field. */
const onThread = <A, E>(directory: string, effect: Effect.Effect<A, E, PeerStore>, network = devnet) =>
  Effect.provide(effect, Layer.fresh(PeerStoreSqlite.layer(directory, network)))

const edit = (directory: string, ...statements: ReadonlyArray<string>) =>
  Effect.sync(() => {
    const handle = SqliteHandle.open({ filename: PeerStoreSqlite.fileIn(directory) }, "write")
    for (const statement of statements) handle.run(statement, [])
    handle.close()
  })

describe("PeerStoreSqlite", () => {
  it.live("keeps the book, its key and the anchors across restarts, and stores only changes", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* onThread(directory, load), PeerStoreMemory.nothing)
        yield* onThread(directory, save(changes()))
        const stored = yield* onThread(directory, load)
        assert.deepStrictEqual([...stored.key ?? []], [...key])
        assert.deepStrictEqual(stored.anchors, [ip("10.0.0.1"), ip("203.0.113.7")])
        assert.deepStrictEqual(sorted(stored.book), sorted(peers))
        const moved = placed("10.0.0.1", { failures: 9 })
        yield* onThread(directory, save(changes({ changed: [moved], removed: [ip("203.0.113.7")], anchors: [] })))
        const later = yield* onThread(directory, load)
        assert.deepStrictEqual(later.anchors, [])
        assert.deepStrictEqual(sorted(later.book), sorted([moved, ...peers.slice(1, 2)]))
        assert.strictEqual(yield* logged, "")
      })
    ))

  it.live("keeps bans across restarts; one that cannot be read is an error that loses nothing else", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const bans: ReadonlyArray<StoredBan> = [
          {
            subnet: Subnet.fromStringUnsafe("10.1.0.0/16"),
            since: 5,
            until: 500,
            by: "operator",
            reason: "it's 'rude'"
          },
          { subnet: Subnet.fromStringUnsafe("2001:db8::/32"), since: 6, until: 600, by: "score", reason: "" },
          { subnet: Subnet.fromStringUnsafe("203.0.113.9"), since: 7, until: 700, by: "score", reason: "flood: 9" }
        ]
        yield* once(directory, save(changes({ bans })))
        yield* once(directory, save(changes({ bans: undefined })))
        assert.deepStrictEqual((yield* once(directory, load)).bans, bans)
        yield* edit(directory, "UPDATE peer_ban SET subnet = '2001:db8::1/32' WHERE subnet = '2001:db8::/32'")
        const readable = bans.toSpliced(1, 1)
        const { anchors, bans: rest, book } = yield* once(
          directory,
          Effect.tap(load, save(changes({ bans: undefined, wholeBans: () => readable })))
        )
        assert.deepStrictEqual(rest, readable)
        assert.deepStrictEqual([sorted(book), anchors.length], [sorted(peers), 2])
        assert.include(yield* logged, "peers.db is damaged (1 rows cannot be read); kept as")
        assert.deepStrictEqual((yield* once(directory, load)).bans, readable, "the new file has what could be read")
        yield* once(directory, save(changes({ bans: [] })))
        assert.deepStrictEqual((yield* once(directory, load)).bans, [])
      })
    ))

  it.live("keeps what addresses did across restarts; a row that cannot be read loses nothing else", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const offender = (at: string, times: number): StoredOffender => ({
          ip: ip(at),
          score: { points: 66.5, at: 1_000 + times },
          bans: times,
          lines: [{ kind: "malformed", detail: "it's 'broken'", at: 1_000 + times, times }]
        })
        const [a, b, c] = [offender("10.1.0.1", 1), offender("2001:db8::7", 2), offender("10.1.0.3", 3)]
        const of = (offenders: ReadonlyArray<StoredOffender>) =>
          offenders.toSorted((x, y) => PeerIp.compare(x.ip, y.ip))
        yield* once(directory, save(changes({ offenders: [a, b] })))
        yield* once(directory, save(changes({ offenders: [{ ...a, bans: 5 }, c], forgotten: [b.ip] })))
        assert.deepStrictEqual(of((yield* once(directory, load)).offenders), of([{ ...a, bans: 5 }, c]))
        for (
          const wrong of [
            "points = 1e9",
            "bans = -1",
            "lines = '[{}]'",
            "lines = 'x'",
            "ip = x'00'",
            "counted_at = 0.5"
          ]
        ) {
          yield* edit(directory, `UPDATE peer_offender SET ${wrong} WHERE bans = 5`)
          const { anchors, offenders } = yield* once(
            directory,
            Effect.tap(load, save(changes({ wholeOffenders: () => [{ ...a, bans: 5 }, c] })))
          )
          assert.deepStrictEqual([offenders, anchors.length], [[c], 2], wrong)
          assert.deepStrictEqual(of((yield* once(directory, load)).offenders), of([{ ...a, bans: 5 }, c]))
        }
      })
    ))

  it.live("a ban that no node makes is no ban: for ever, backwards, of nobody, of all", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const row = (subnet: string, since: number, until: number, by: string) =>
          `INSERT INTO peer_ban VALUES ('${subnet}', ${since}, ${until}, '${by}', 'x')`
        for (
          const bad of [
            row("10.0.0.1", 5, 4, "score"),
            row("10.0.0.1", 0, Limits.banMostMs + 1, "score"),
            row("10.0.0.1", 0, 5, "nobody"),
            row("0.0.0.0/0", 0, 5, "score"),
            row("10.0.0.1/32", 0, 5, "score")
          ]
        ) {
          yield* once(directory, save(changes({ bans: [] })))
          yield* edit(directory, bad)
          assert.deepStrictEqual((yield* once(directory, load)).bans, [], bad)
        }
      })
    ))

  it.live("keeps masternodes beside the book; a row that cannot be read is left out", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const rows = [1, 2, 3].map((n) => ({
          announcement: announce(n, `10.${n}.0.1`, 1_000 + n),
          firstAt: 1_000,
          isProven: n === 2
        }))
        const loaded = Effect.flatMap(MasternodeStore, ({ load }) => load)
        const [first] = rows
        assert(first !== undefined)
        assert.deepStrictEqual(yield* once(directory, loaded), [])
        yield* once(directory, Effect.flatMap(MasternodeStore, (store) => store.save(rows, [])))
        yield* once(directory, save(changes()))
        const byKey = (all: ReadonlyArray<StoredMasternode>) =>
          all.toSorted((a, b) => PeerIp.compare(a.announcement.claim.ip, b.announcement.claim.ip))
        assert.deepStrictEqual(byKey(yield* once(directory, loaded)), rows)
        assert.strictEqual((yield* once(directory, load)).book.length, peers.length)
        const { ip, key } = first.announcement.claim
        yield* once(directory, Effect.flatMap(MasternodeStore, (store) => store.save([], [{ ip, key }])))
        yield* edit(directory, "UPDATE peer_masternode SET announcement = x'0102' WHERE proven = 1")
        assert.deepStrictEqual(yield* once(directory, loaded), rows.slice(2))
        assert.strictEqual(yield* logged, "")
      })
    ))

  it.live("stores 20,000 addresses at once", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const many = Array.from({ length: 20_000 }, (_, i) => placed(`20.${i >> 14}.${(i >> 7) & 127}.${i & 127}`))
        yield* once(directory, save(changes({ changed: many })))
        assert.strictEqual((yield* once(directory, load)).book.length, many.length)
      })
    ))

  for (
    const [name, damage, rest] of [
      [
        "no database",
        (directory: string, fs: FileSystem.FileSystem) =>
          fs.writeFileString(
            PeerStoreSqlite.fileIn(directory),
            "not a database, and long enough to have a head".repeat(9)
          ),
        0
      ],
      [
        "empty",
        (directory: string, fs: FileSystem.FileSystem) => fs.writeFileString(PeerStoreSqlite.fileIn(directory), ""),
        0
      ],
      [
        "cut",
        (directory: string, fs: FileSystem.FileSystem) => fs.truncate(PeerStoreSqlite.fileIn(directory), 9_000),
        0
      ],
      ["another program's", (directory: string) => edit(directory, "DROP TABLE peer_meta"), 0],
      [
        "another schema",
        (directory: string) => edit(directory, "UPDATE peer_meta SET value = '9' WHERE key = 'schema'"),
        0
      ],
      [
        "another network's",
        (directory: string) => edit(directory, "UPDATE peer_meta SET value = 'mainnet' WHERE key = 'network'"),
        0
      ],
      ["without its key", (directory: string) => edit(directory, "DELETE FROM peer_meta WHERE key = 'key'"), 3],
      [
        "one bad port",
        (directory: string) => edit(directory, "UPDATE peer_address SET port = 0 WHERE wire = 'time'"),
        2
      ],
      [
        "one bad address",
        (directory: string) => edit(directory, "UPDATE peer_address SET ip = x'0102' WHERE wire = 'time'"),
        2
      ],
      [
        "one bad time",
        (directory: string) => edit(directory, "UPDATE peer_address SET good_at = 'soon' WHERE wire = 'time'"),
        2
      ]
    ] as const
  ) {
    it.live(`a damaged book (${name}) is set aside and named; what can be read of it is used, and a new one begun`, () =>
      withDirectory((directory, fs) =>
        Effect.gen(function*() {
          yield* once(directory, save(changes()))
          yield* damage(directory, fs)
          const { book } = yield* once(directory, load)
          assert.strictEqual(book.length, rest)
          const line = yield* logged
          assert.include(line, `${directory}/peers.db is damaged`)
          assert.include(line, `kept as ${directory}/peers.db.bad`)
          assert.isTrue(yield* fs.exists(`${directory}/peers.db.bad`))
          // What the node knows is stored whole.
          yield* once(directory, Effect.andThen(load, save(changes({ changed: [] }))))
          yield* once(directory, save(changes()))
          assert.strictEqual((yield* once(directory, load)).book.length, peers.length)
        })
      ))
  }

  it.live("the book of another network is set aside", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        yield* once(directory, save(changes()))
        assert.deepStrictEqual((yield* once(directory, load, testnet)).book, [])
        assert.include(yield* logged, "the book of devnet, not of testnet")
        assert.isTrue(yield* fs.exists(`${directory}/peers.db.bad`))
      })
    ))

  it.live("after damage the next save of the same process writes the whole book", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        yield* fs.writeFileString(PeerStoreSqlite.fileIn(directory), "no database".repeat(99))
        yield* once(directory, Effect.andThen(load, save(changes({ changed: [] }))))
        assert.deepStrictEqual(sorted((yield* once(directory, load)).book), sorted(peers))
      })
    ))

  it.live("takes over the addresses of peers.json, where nodes kept them once", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        yield* fs.writeFileString(
          `${directory}/peers.json`,
          "{\"version\": 1, \"peers\": [\"10.0.0.1:1\", \"10.0.0\", \"[2001:db8::7]:2\"]}"
        )
        const { book } = yield* once(directory, load)
        assert.deepStrictEqual(
          book.map(({ known, table }) => [known.ip, known.port, table]),
          [["10.0.0.1", 1, "tried"], ["2001:db8::7", 2, "tried"]]
        )
        assert.isTrue(yield* fs.exists(`${directory}/peers.json`), "not before they are stored")
        yield* once(directory, Effect.andThen(load, save(changes({ whole: () => book }))))
        assert.isFalse(yield* fs.exists(`${directory}/peers.json`))
        assert.isTrue(yield* fs.exists(`${directory}/peers.json.old`))
        assert.strictEqual((yield* once(directory, load)).book.length, 2)
      })
    ))

  it.live("what a whole save does not name is gone, though an earlier process stored it", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        yield* once(directory, save(changes()))
        // It makes the next save a whole one.
        yield* fs.writeFileString(`${directory}/peers.json`, "[\"203.0.113.9:1\"]")
        const rest = peers.slice(0, 1)
        yield* once(directory, Effect.andThen(load, save(changes({ changed: [], whole: () => rest }))))
        assert.deepStrictEqual(sorted((yield* once(directory, load)).book), rest)
      })
    ))

  it.live("an unusable place is an error that names the file", () =>
    withDirectory((directory) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(once(`${directory}/gone`, save(changes())))
        assert.strictEqual(error._tag, "PeerStoreError")
        assert.include(error.message, `${directory}/gone/peers.db`)
        assert.include(error.message, "the peer book and the bans are not stored")
      })
    ))
})

describe("PeerStoreMemory", () => {
  it.effect("gives what was saved; two layers share nothing", () =>
    Effect.gen(function*() {
      const seen = yield* Effect.andThen(save(changes()), load).pipe(Effect.provide(PeerStoreMemory.layer()))
      assert.deepStrictEqual(seen.book, peers)
      assert.deepStrictEqual(yield* load.pipe(Effect.provide(PeerStoreMemory.layer())), PeerStoreMemory.nothing)
    }))
})
