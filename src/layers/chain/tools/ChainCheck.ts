/**
 * Reads a whole stored chain and checks all that a node checks of a block that comes: the bytes, the hash, the link, every
 * rule; and SQLite's own structure. Nothing is written.
 */
import { Clock, Effect, Stream } from "effect"
import * as Block from "../../../domain/chain/Block.ts"
import type { ChainParams } from "../../../domain/chain/ChainParams.ts"
import * as Hash from "../../../domain/chain/Hash.ts"
import type { Hasher } from "../../../domain/chain/Hasher.ts"
import * as HeaderRules from "../../../domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../domain/chain/Synthetic.ts"
import * as Validation from "../../../domain/chain/Validation.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../../services/ChainStore.ts"
import * as HasherLive from "../HasherLive.ts"
import { genesisOf } from "../StoredBlocks.ts"
import * as ChainScan from "./ChainScan.ts"

/** What is wrong, and the height of the first block that cannot be kept; without one, all blocks are good. */
export interface Bad {
  readonly height: number | undefined
  readonly detail: string
}

export interface Checked {
  /** Blocks that are good, genesis included, and the last of them. */
  readonly blocks: number
  readonly good: Tip | undefined
  readonly bad: Bad | undefined
}

/** Checks block after block from genesis; `undefined`: good. Keeps the place: one per chain. */
export const makeChecker = (params: ChainParams, hasher: Hasher) => {
  const genesis = genesisOf(params)
  let parent = Synthetic.genesisParent(params)
  return (block: StoredBlock, now: number): string | undefined => {
    if (block.height === 0) {
      return block.hash === genesis.hash && Hash.toHex(block.bytes) === Hash.toHex(genesis.bytes)
        ? undefined
        : `it is not the first block of ${params.network}`
    }
    const decoded = Block.decode(block.bytes)
    if (Block.isMalformed(decoded)) return `its bytes are no block (${decoded.reason})`
    const verdict = Validation.block(params, hasher, parent, decoded, now)
    if (verdict._tag !== "Valid") return Validation.describe(verdict)
    if (Hash.toHex(verdict.hash) !== block.hash) {
      return `it is stored as ${block.hash}, but its hash is ${Hash.toHex(verdict.hash)}`
    }
    parent = HeaderRules.parentOf(decoded.header, verdict.hash)
    return undefined
  }
}

/** A fault of the scan that names the block it could not get. */
const ofBlock = /^block \d+: /

/** Checks the SQLite file, which must exist. Fails only when it cannot be read for another reason than damage. */
export const checkFile = (
  params: ChainParams,
  filename: string
): Effect.Effect<Checked, ChainStoreError> =>
  Effect.gen(function*() {
    const check = makeChecker(params, yield* HasherLive.make)
    let good: StoredBlock | undefined
    let bad: Bad | undefined
    const next = () => good === undefined ? 0 : good.height + 1
    yield* ChainScan.blocksOfFile(filename).pipe(
      Stream.takeWhile(() => bad === undefined),
      Stream.mapArray((blocks) => [blocks]),
      Stream.runForEach((blocks) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          for (const block of blocks) {
            if (bad !== undefined) return
            const detail = check(block, now)
            if (detail === undefined) good = block
            else bad = { height: block.height, detail: `block ${block.height}: ${detail}` }
          }
        })
      ),
      Effect.catchIf((error) => error.reason._tag === "Damaged", (error) =>
        Effect.sync(() => {
          if (error.reason._tag !== "Damaged") return
          const { detail } = error.reason
          bad = { height: ofBlock.test(detail) ? next() : undefined, detail }
        }))
    )
    const last: StoredBlock | undefined = good
    return {
      blocks: next(),
      good: last === undefined ? undefined : { height: last.height, hash: last.hash },
      bad
    }
  })
