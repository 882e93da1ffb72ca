/**
 * Reads a whole stored chain and checks each block as a node checks a received one: the bytes, the hash, the link, every
 * rule. Also checks SQLite's own structure. Nothing is written.
 */
import { Clock, Effect, Stream } from "effect"
import type { SqlError } from "effect/sql"
import { SqlClient } from "effect/sql"
import { sameBytes } from "../../../domain/bytes.ts"
import * as Block from "../../../domain/chain/Block.ts"
import * as BlockHeader from "../../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../../domain/chain/ChainParams.ts"
import * as Hash from "../../../domain/chain/Hash.ts"
import type { Hasher } from "../../../domain/chain/Hasher.ts"
import * as HeaderRules from "../../../domain/chain/HeaderRules.ts"
import * as Merkle from "../../../domain/chain/Merkle.ts"
import * as Synthetic from "../../../domain/chain/Synthetic.ts"
import * as Validation from "../../../domain/chain/Validation.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../../services/ChainStore.ts"
import * as SqliteClient from "../../sql/SqliteClient.ts"
import * as ChainTables from "../ChainTables.ts"
import * as FeeCheck from "../FeeCheck.ts"
import * as HasherLive from "../HasherLive.ts"
import * as HashIndex from "../HashIndex.ts"
import { genesisOf, placesOf, toStored } from "../StoredBlocks.ts"
import { atBoundary, fromSql } from "../StoreErrors.ts"
import * as ChainScan from "./ChainScan.ts"
import type { ScannedBlock } from "./ChainScan.ts"

/** The fault, and the height of the first block that cannot be kept. Without a height, all blocks are good. */
export interface Bad {
  readonly height: number | undefined
  readonly detail: string
}

export interface Checked {
  /** Number of good blocks, genesis included, and the last of them. */
  readonly blocks: number
  readonly good: Tip | undefined
  readonly bad: Bad | undefined
}

/** A valid block as stores keep it, or its fault. */
export type Verdict =
  | { readonly _tag: "Good"; readonly block: StoredBlock; readonly txids: ReadonlyArray<Hash.Hash> }
  | { readonly _tag: "Bad"; readonly detail: string }

const bad = (detail: string): Verdict => ({ _tag: "Bad", detail })

/**
 * Checks block after block from genesis, except the index and the fee rule, which needs earlier blocks. Remembers its position:
 * create one per chain.
 */
export const makeChecker = (params: ChainParams, hasher: Hasher) => {
  const genesis = genesisOf(params)
  let parent = Synthetic.genesisParent(params)
  return (block: ScannedBlock, now: number): Verdict => {
    if (block.height === 0) {
      return block.hash === genesis.hash && sameBytes(block.bytes, genesis.bytes)
        ? { _tag: "Good", block: genesis, txids: [] }
        : bad(`it is not the genesis block of ${params.network}`)
    }
    const decoded = Block.decode(block.bytes)
    if (Block.isMalformed(decoded)) return bad(`undecodable block (${decoded.reason})`)
    const verdict = Validation.block(params, hasher, parent, decoded, now)
    if (verdict._tag !== "Valid") return bad(Validation.describe(verdict))
    const stored = toStored(verdict)
    if (stored.hash !== block.hash) return bad(`it is stored as ${block.hash}, but its hash is ${stored.hash}`)
    parent = HeaderRules.parentOf(decoded.header, verdict.hash)
    return { _tag: "Good", block: stored, txids: verdict.txids }
  }
}

/** Whether the block's index entry is right. A database that predates the index gets one when it is opened. */
const indexed = (
  { index }: ScannedBlock,
  { bytes }: StoredBlock,
  txids: ReadonlyArray<Hash.Hash>
): boolean =>
  index === undefined ||
  (sameBytes(index.header, BlockHeader.encodedOf(bytes) ?? bytes) && index.txids.length === txids.length &&
    txids.every((txid, i) => sameBytes(txid, index.txids[i] ?? Hash.zero)))

/** Finds transactions in already checked blocks, whose ids are in `seen`. */
const findAmong = (
  tables: ChainTables.ChainTables,
  hasher: Hasher,
  seen: HashIndex.HashIndex
): FeeCheck.Find<SqlError.SqlError> =>
(txids, found) =>
  Effect.gen(function*() {
    const heights = new Set([...txids].flatMap((txid) => HashIndex.candidates(seen, txid)))
    const wanted = new Set(txids)
    for (const height of [...heights].toSorted((a, b) => a - b)) {
      const [row] = yield* tables.blocks(height, height + 1)
      const block = row === undefined ? undefined : Block.decode(row.bytes)
      if (block === undefined || Block.isMalformed(block)) continue
      const places = placesOf(Merkle.txids(hasher, block.transactions), wanted)
      for (const { txid } of places) wanted.delete(txid)
      if (places.length > 0) found(block.bytes, places)
    }
  })

const scan = (params: ChainParams, filename: string) =>
  Effect.gen(function*() {
    const hasher = yield* HasherLive.make
    const tables = ChainTables.make(yield* SqlClient.SqlClient, hasher, "chain")
    const check = makeChecker(params, hasher)
    const seen = HashIndex.make()
    const find = findAmong(tables, hasher, seen)
    let good: Tip | undefined
    let found: Bad | undefined
    const next = () => good === undefined ? 0 : good.height + 1

    /** The blocks of one read, up to the first that is invalid by itself. */
    const checked = (blocks: ReadonlyArray<ScannedBlock>, now: number) => {
      const stored: Array<StoredBlock> = []
      const txids: Array<ReadonlyArray<Hash.Hash>> = []
      for (const block of blocks) {
        const verdict = check(block, now)
        const detail = verdict._tag === "Bad"
          ? verdict.detail
          : indexed(block, verdict.block, verdict.txids)
          ? undefined
          : "the index has another header or other transactions"
        if (detail !== undefined || verdict._tag === "Bad") {
          found = { height: block.height, detail: `block ${block.height}: ${detail}` }
          break
        }
        stored.push(verdict.block)
        txids.push(verdict.txids)
      }
      return { stored, txids }
    }

    yield* ChainScan.blocks(filename).pipe(
      Stream.takeWhile(() => found === undefined),
      Stream.mapArray((blocks) => [blocks]),
      Stream.runForEach((blocks) =>
        Effect.gen(function*() {
          if (found !== undefined) return
          const { stored, txids } = checked(blocks, yield* Clock.currentTimeMillis)
          const wrong = yield* FeeCheck.firstWrong(params, hasher, find, stored)
          if (wrong !== undefined) {
            const height = stored[wrong.index]?.height ?? 0
            found = { height, detail: `block ${height}: ${Validation.describe(wrong.fault)}` }
          }
          const kept = stored.slice(0, wrong?.index)
          for (const [i, { height }] of kept.entries()) {
            for (const txid of txids[i] ?? []) HashIndex.addBytes(seen, txid, height)
          }
          const last = kept.at(-1)
          if (last !== undefined) good = { height: last.height, hash: last.hash }
        }).pipe(atBoundary(filename))
      ),
      Effect.catchIf((error) => error.reason._tag === "Damaged", (error) =>
        Effect.sync(() => {
          if (error.reason._tag !== "Damaged") return
          const { detail, height } = error.reason
          found = { height, detail }
        }))
    )
    const result: Checked = { blocks: next(), good, bad: found }
    return result
  })

/** Checks the SQLite file, which must exist. **Errors**: only when it cannot be read for a reason other than damage. */
export const checkFile = (params: ChainParams, filename: string): Effect.Effect<Checked, ChainStoreError> =>
  scan(params, filename).pipe(
    Effect.provide(SqliteClient.layer({ filename, tolerant: true })),
    Effect.mapError((error) => (error._tag === "SqlError" ? fromSql(filename)(error) : error)),
    Effect.catchIf((error) => error.reason._tag === "Damaged", (error) => {
      const detail = error.reason._tag === "Damaged" ? error.reason.detail : ""
      return Effect.succeed({ blocks: 0, good: undefined, bad: { height: undefined, detail } })
    })
  )
