/** Files of blocks: what is written comes back, and of a bad file all before the fault is kept. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, type FileSystem, type Scope, Stream } from "effect"
import { DatabaseSync } from "node:sqlite"
import * as Block from "../../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../../src/domain/chain/BlockHeader.ts"
import * as ChainParams from "../../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../../src/domain/chain/Hash.ts"
import { networkIn, storeOptions } from "../../../../src/layers/chain/ChainDatabase.ts"
import * as ChainStoreMemory from "../../../../src/layers/chain/ChainStoreMemory.ts"
import * as ChainStoreSql from "../../../../src/layers/chain/ChainStoreSql.ts"
import { genesisOf, txidsOf } from "../../../../src/layers/chain/StoredBlocks.ts"
import * as ChainCheck from "../../../../src/layers/chain/tools/ChainCheck.ts"
import * as ChainFile from "../../../../src/layers/chain/tools/ChainFile.ts"
import * as ChainImport from "../../../../src/layers/chain/tools/ChainImport.ts"
import * as ChainMake from "../../../../src/layers/chain/tools/ChainMake.ts"
import * as OutputFile from "../../../../src/layers/store/OutputFile.ts"
import type { StoredBlock } from "../../../../src/services/ChainStore.ts"
import { ChainStore } from "../../../../src/services/ChainStore.ts"
import { withDirectory } from "../../../harness/directory.ts"
import { hasher } from "../../../harness/hasher.ts"
import { sqliteAtOnce } from "../../../harness/sqliteAtOnce.ts"

const { devnet, testnet } = ChainParams
const options = { leader: "192.0.2.7", address: "TIME0test" }

const made = (count: number, params = devnet, leader = options.leader) =>
  Effect.map(Stream.runCollect(ChainMake.blocks(params, count, { ...options, leader })), (all) => all.flat())

const fileOf = (blocks: ReadonlyArray<StoredBlock>) => ChainFile.encode(blocks.map(({ bytes }) => bytes))

/** Where each block's record begins, and the end. */
const offsets = (blocks: ReadonlyArray<StoredBlock>): ReadonlyArray<number> => {
  const at = [0]
  for (const { bytes } of blocks) at.push((at.at(-1) ?? 0) + 4 + bytes.length)
  return at
}

const test = (
  name: string,
  body: (
    directory: string,
    fs: FileSystem.FileSystem
  ) => Effect.Effect<void, unknown, FileSystem.FileSystem | Scope.Scope>
) => it.live(name, () => sqliteAtOnce(withDirectory(body)))

/** Imports into a store in memory that holds `has`; gives the outcome and all hashes stored, genesis not among them. */
const importInto = (file: string, has: ReadonlyArray<StoredBlock> = [], params = devnet) =>
  Effect.gen(function*() {
    const store = yield* ChainStore
    yield* store.append(0, has)
    const outcome = yield* ChainImport.importFile(params, file)
    return { ...outcome, hashes: (yield* store.hashes(0, 1_000_000)).slice(1) }
  }).pipe(Effect.provide(ChainStoreMemory.layer({ genesis: genesisOf(params) })))

/** The same block, longer than `Limits.indexedBlockBytes`. */
const enlarged = (stored: StoredBlock): StoredBlock => {
  const block = Block.decode(stored.bytes)
  if (Block.isMalformed(block)) return assert.fail(block.reason)
  const producerSignature = new Uint8Array(5_000)
  return { ...stored, bytes: Block.encode({ ...block, header: { ...block.header, producerSignature } }) }
}

const hashes = (blocks: ReadonlyArray<StoredBlock>) => blocks.map(({ hash }) => hash)

describe("files of blocks", () => {
  test("come back byte for byte, over many reads", (directory, fs) =>
    Effect.gen(function*() {
      const file = `${directory}/blocks`
      const blocks = yield* made(3_000)
      const whole = fileOf(blocks)
      assert.strictEqual(
        yield* OutputFile.write(file, Stream.make(whole.subarray(0, 1_001), whole.subarray(1_001))),
        whole.length
      )
      assert.deepStrictEqual(yield* fs.readDirectory(directory), ["blocks"])
      const { added, error, hashes: stored, skipped, tip } = yield* importInto(file)
      assert.deepStrictEqual([added, skipped, error, tip.height], [3_000, 0, undefined, 3_000])
      assert.deepStrictEqual(stored, hashes(blocks))
      const again = yield* ChainFile.read(file, devnet.maxBlockBytes).pipe(
        Stream.flatMap(({ records }) => Stream.fromIterable(records)),
        Stream.map(({ bytes }) => bytes.slice()),
        Stream.runCollect
      )
      assert.isTrue(Buffer.from(ChainFile.encode(again)).equals(Buffer.from(whole)))
    }))

  test("a file of one block of the greatest size", (directory, fs) =>
    Effect.gen(function*() {
      const big = new Uint8Array(devnet.maxBlockBytes).fill(7)
      yield* fs.writeFile(`${directory}/big`, ChainFile.encode([big]))
      const batches = yield* Stream.runCollect(ChainFile.read(`${directory}/big`, devnet.maxBlockBytes))
      const records = batches.flatMap((batch) => batch.records)
      assert.deepStrictEqual(records.map(({ bytes, offset }) => [offset, bytes.length]), [[0, big.length]])
    }))

  test(
    "cut at any byte: whole blocks are kept, the error names height and byte",
    (directory, fs) =>
      Effect.gen(function*() {
        const blocks = yield* made(4)
        const whole = fileOf(blocks)
        const starts = offsets(blocks)
        const file = `${directory}/cut`
        const near = starts.flatMap((at) => [at - 1, at, at + 1, at + 3, at + 4, at + 5])
        const cuts = [...near, ...Array.from({ length: 40 }, (_, i) => Math.floor(whole.length * i / 40))]
        for (const cut of cuts.filter((at) => at >= 0 && at <= whole.length)) {
          yield* fs.writeFile(file, whole.subarray(0, cut))
          const kept = starts.filter((at) => at > 0 && at <= cut).length
          const { error, hashes: stored, tip } = yield* importInto(file)
          assert.deepStrictEqual(stored, hashes(blocks).slice(0, kept), `cut at ${cut}`)
          assert.strictEqual(tip.height, kept)
          if (starts.includes(cut)) assert.isUndefined(error, `cut at ${cut}`)
          else assert.deepStrictEqual([error?.height, error?.offset], [kept + 1, starts[kept]], `cut at ${cut}`)
        }
      })
  )

  test(
    "a flipped bit anywhere: a prefix of the chain is kept, and the block it is in is named",
    (directory, fs) =>
      Effect.gen(function*() {
        const blocks = yield* made(8)
        const whole = fileOf(blocks)
        const starts = offsets(blocks)
        const file = `${directory}/flipped`
        // Of a change in the last two blocks, nothing after them may tell.
        const end = starts[6] ?? 0
        let errors = 0
        for (let at = 0; at < end; at += 13) {
          const bad = whole.slice()
          bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8))
          yield* fs.writeFile(file, bad)
          const { error, hashes: stored } = yield* importInto(file)
          assert.deepStrictEqual(stored, hashes(blocks).slice(0, stored.length), `bit in byte ${at}`)
          const inside = starts.findLastIndex((start) => start <= at)
          // Some fields of a block are not under its hash: there a flip shows only if it breaks the form.
          if (error === undefined) {
            assert.strictEqual(stored.length, blocks.length)
            continue
          }
          errors += 1
          assert.deepStrictEqual([error.height, error.offset], [inside + 1, starts[inside]], `bit in byte ${at}`)
          assert.strictEqual(stored.length, inside)
        }
        assert.isAbove(errors, end / 13 / 2)
      })
  )

  test("no length is believed that no block can have", (directory, fs) =>
    Effect.gen(function*() {
      const blocks = yield* made(3)
      const bad = fileOf(blocks)
      const [, second = 0] = offsets(blocks)
      bad.set([0xff, 0xff, 0xff, 0xff], second)
      yield* fs.writeFile(`${directory}/bad`, bad)
      const { error, tip } = yield* importInto(`${directory}/bad`)
      assert.deepStrictEqual([error?.height, error?.offset, tip.height], [2, second, 1])
      assert.match(error?.message ?? "", /bad: block 2 at byte \d+: 4294967295 is not the length of a block/)
    }))

  test("another network's file says whose it is, and adds nothing", (directory, fs) =>
    Effect.gen(function*() {
      const file = `${directory}/testnet`
      const blocks = yield* made(3, testnet)
      for (const content of [blocks, [genesisOf(testnet), ...blocks]]) {
        yield* fs.writeFile(file, fileOf(content))
        const { added, error } = yield* importInto(file)
        assert.deepStrictEqual([added, error?.network, error?.offset], [0, "testnet", 0])
        assert.match(error?.detail ?? "", /holds the testnet chain, not devnet's; use --network testnet/)
        assert.isUndefined((yield* importInto(file, [], testnet)).error)
      }
    }))

  test("blocks that are there are skipped, others refused, gaps told", (directory, fs) =>
    Effect.gen(function*() {
      const blocks = yield* made(10)
      const file = `${directory}/blocks`
      yield* fs.writeFile(file, fileOf([genesisOf(devnet), ...blocks]))
      const more = yield* importInto(file, blocks.slice(0, 4))
      assert.deepStrictEqual([more.added, more.skipped, more.error], [6, 5, undefined])
      const full = yield* importInto(file, blocks)
      assert.deepStrictEqual([full.added, full.skipped, full.error], [0, 11, undefined])

      const fork = yield* importInto(file, yield* made(4, devnet, "192.0.2.8"))
      assert.deepStrictEqual([fork.added, fork.error?.height], [0, 1])
      assert.match(fork.error?.detail ?? "", /another block there .*`timemesh chain rewind 0` makes room/)

      yield* fs.writeFile(file, fileOf(blocks.slice(5)))
      assert.match((yield* importInto(file)).error?.detail ?? "", /height 6, expected 1/)
      assert.strictEqual((yield* importInto(file, blocks.slice(0, 5))).tip.height, 10)
      yield* fs.writeFile(file, fileOf([...blocks.slice(0, 3), ...blocks.slice(4)]))
      const gap = yield* importInto(file)
      assert.deepStrictEqual([gap.tip.height, gap.error?.height], [3, 4])
    }))

  test("a file that is not there, or a directory", (directory) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(importInto(`${directory}/none`))
      assert.match(error.message, /none cannot be read: no such file or directory/)
      assert.strictEqual((yield* Effect.flip(importInto(directory)))._tag, "FileError")
      const write = yield* Effect.flip(OutputFile.write(`${directory}/no/such`, Stream.empty))
      assert.match(write.message, /no\/such cannot be written/)
    }))

  test("a write that fails leaves what was there", (directory, fs) =>
    Effect.gen(function*() {
      const file = `${directory}/kept`
      yield* fs.writeFileString(file, "before")
      yield* Effect.flip(OutputFile.write(file, Stream.concat(Stream.make(new Uint8Array(9)), Stream.fail("stop"))))
      assert.strictEqual(yield* fs.readFileString(file), "before")
      assert.deepStrictEqual(yield* fs.readDirectory(directory), ["kept"])
    }))

  it.live("no block is made before it is due", () =>
    Effect.gen(function*() {
      const greatest = ChainMake.greatestHeight(testnet, yield* Clock.currentTimeMillis)
      const error = yield* Effect.flip(made(greatest + 1, testnet))
      assert.strictEqual(error.greatest, greatest)
      assert.strictEqual(ChainMake.greatestHeight(devnet, (devnet.genesisTime + 7) * 1_000 + 999), 7)
      assert.strictEqual(ChainMake.greatestHeight(devnet, 0), 0)
    }))
})

describe("checking a stored chain", () => {
  /** A database of 700 blocks, changed by `harm`. */
  const harmed = (filename: string, harm: string | undefined) =>
    Effect.gen(function*() {
      // One is so large that the index has it: a signature of any length is not under the hash.
      const blocks = (yield* made(700)).map((stored) =>
        stored.height === 600 || stored.height === 9 ? enlarged(stored) : stored
      )
      yield* Effect.provide(
        Effect.flatMap(ChainStore, (store) => store.append(0, blocks)),
        ChainStoreSql.layerSqlite({ filename, ...storeOptions("devnet") })
      )
      if (harm !== undefined) {
        const database = new DatabaseSync(filename)
        database.exec(harm)
        database.close()
      }
      return blocks
    })

  test("a good one", (directory) =>
    Effect.gen(function*() {
      const filename = `${directory}/chain.db`
      const blocks = yield* harmed(filename, undefined)
      const tip = { height: 700, hash: blocks.at(-1)?.hash ?? "" }
      assert.deepStrictEqual(yield* ChainCheck.checkFile(devnet, filename), { blocks: 701, good: tip, bad: undefined })
      assert.strictEqual(yield* networkIn(filename), "devnet")
      const other = yield* ChainCheck.checkFile(testnet, filename)
      assert.deepStrictEqual([other.blocks, other.bad?.height], [0, 0])
    }))

  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    [
      "bytes of another block",
      "UPDATE chain_block SET bytes = (SELECT bytes FROM chain_block WHERE height = 9) WHERE height = 600",
      /600/
    ],
    [
      "bytes that are none",
      "UPDATE chain_block SET bytes = x'00ff' WHERE height = 600",
      /block 600: undecodable block/
    ],
    ["a block that is missing", "DELETE FROM chain_block WHERE height = 600", /600/],
    [
      "a block that is not in the index",
      "DELETE FROM chain_index WHERE height = 600",
      /block 600: it is not in the index/
    ],
    [
      "an entry of the index that is cut",
      "UPDATE chain_index SET entry = x'00' WHERE height = 600",
      /it is not in the index/
    ],
    [
      "another header in the index",
      "UPDATE chain_index SET entry = (SELECT entry FROM chain_index WHERE height = 9) WHERE height = 600",
      /block 600: the index has another header or other transactions/
    ],
    [
      "other transactions in the index",
      "UPDATE chain_index SET entry = CAST(substr(entry, 1, length(entry) - 64) || zeroblob(64) AS BLOB) WHERE height = 600",
      /block 600: the index has another header or other transactions/
    ]
  ]
  test("a last block under another hash", (directory) =>
    Effect.gen(function*() {
      const filename = `${directory}/chain.db`
      yield* harmed(filename, "UPDATE chain_header SET hash = zeroblob(32) WHERE height = 700")
      const { bad, good } = yield* ChainCheck.checkFile(devnet, filename)
      assert.deepStrictEqual([bad?.height, good?.height], [700, 699])
      assert.match(bad?.detail ?? "", /block 700: it is stored as 0{64}, but its hash is/)
    }))

  for (const [name, harm, words] of cases) {
    test(`${name}: the first bad height is named, all below is good`, (directory) =>
      Effect.gen(function*() {
        const filename = `${directory}/chain.db`
        const blocks = yield* harmed(filename, harm)
        const { bad, good } = yield* ChainCheck.checkFile(devnet, filename)
        assert.strictEqual(bad?.height, 600)
        assert.match(bad?.detail ?? "", words)
        assert.deepStrictEqual(good, { height: 599, hash: blocks[598]?.hash ?? "" })
      }))
  }
})

/** What changes a database of today into one of that schema: its index is as it was then, and empty. */
const schemas = {
  1: `DROP TABLE chain_index; DROP TABLE branch_header; DROP TABLE branch_block; DROP TABLE branch_index;
    DELETE FROM chain_meta WHERE key IN ('settled', 'large_indexed'); UPDATE chain_meta SET value = '1' WHERE key = 'schema';
    DELETE FROM chain_migrations WHERE migration_id > 1`,
  2: `DROP TABLE chain_index; DROP TABLE branch_index;
    CREATE TABLE chain_index (height INTEGER PRIMARY KEY, header BLOB NOT NULL, txids BLOB NOT NULL);
    CREATE TABLE branch_index (height INTEGER PRIMARY KEY, header BLOB NOT NULL, txids BLOB NOT NULL);
    INSERT INTO chain_index SELECT height, hash, hash FROM chain_header;
    DELETE FROM chain_meta WHERE key = 'large_indexed'; INSERT INTO chain_meta VALUES ('settled', 'yes'), ('indexed', 'yes');
    UPDATE chain_meta SET value = '2' WHERE key = 'schema'; DELETE FROM chain_migrations WHERE migration_id > 2`
}

describe.each([1, 2] as const)("a database of schema %i", (schema) => {
  const old = schemas[schema]

  /** 1,300 blocks, more than one read's worth, as that version left them. */
  const before = (filename: string, harm = "") =>
    Effect.gen(function*() {
      const blocks = (yield* made(1_300)).map((stored) => stored.height % 400 === 7 ? enlarged(stored) : stored)
      yield* Effect.provide(
        Effect.flatMap(ChainStore, (store) => store.append(0, blocks)),
        ChainStoreSql.layerSqlite({ filename, ...storeOptions("devnet") })
      )
      const database = new DatabaseSync(filename)
      database.exec(`${old}; ${harm}`)
      database.close()
      return blocks
    })

  test("is verified as it is, gets its index when it is opened, and counts as settled", (directory) =>
    Effect.gen(function*() {
      const filename = `${directory}/chain.db`
      const blocks = yield* before(filename)
      assert.strictEqual((yield* ChainCheck.checkFile(devnet, filename)).blocks, 1_301)
      yield* Effect.gen(function*() {
        const store = yield* ChainStore
        assert.isTrue(yield* store.settled)
        assert.isUndefined(yield* store.branch)
        const headers = yield* store.headers(1, 5_000)
        assert.deepStrictEqual(
          headers.map(Hash.toHex),
          blocks.map(({ bytes }) => Hash.toHex(BlockHeader.encodedOf(bytes) ?? bytes))
        )
        const last = blocks.at(-1)
        const txid = Hash.toHex(txidsOf(hasher, last ?? assert.fail("no block"))[1] ?? Hash.zero)
        const found: Array<unknown> = []
        yield* store.findTransactions(new Set([txid]), { on: "chain", upTo: 1_300 }, (bytes, places) => {
          found.push(Hash.toHex(bytes), ...places)
        })
        assert.deepStrictEqual(found, [Hash.toHex(last?.bytes ?? new Uint8Array()), { txid, index: 1 }])
      }).pipe(Effect.provide(ChainStoreSql.layerSqlite({ filename, ...storeOptions("devnet") })))
      assert.isUndefined((yield* ChainCheck.checkFile(devnet, filename)).bad)
    }))

  test("with a block that does not decode says which", (directory) =>
    Effect.gen(function*() {
      const filename = `${directory}/chain.db`
      yield* before(filename, "UPDATE chain_block SET bytes = zeroblob(5000) WHERE height = 900")
      const error = yield* Effect.flip(Effect.provide(
        Effect.flatMap(ChainStore, (store) => store.tip),
        ChainStoreSql.layerSqlite({ filename, ...storeOptions("devnet") })
      ))
      assert.strictEqual(error.reason._tag, "Damaged")
      if (error.reason._tag !== "Damaged") return
      assert.match(error.reason.detail, /block 900: undecodable/)
      assert.match(error.reason.repair, /chain rewind 899/)
    }))
})
