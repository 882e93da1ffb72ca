/**
 * Reads a whole stored chain and checks all that a node checks of a block that comes: the bytes, the hash, the link, every
 * rule; and SQLite's own structure. Nothing is written.
 */
import { Clock, Effect, Stream } from "effect"
import * as Block from "../../../domain/chain/Block.ts"
import type { ChainParams } from "../../../domain/chain/ChainParams.ts"
import type { Hasher } from "../../../domain/chain/Hasher.ts"
import * as HeaderRules from "../../../domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../domain/chain/Synthetic.ts"
import * as Validation from "../../../domain/chain/Validation.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../../services/ChainStore.ts"
import * as HasherLive from "../HasherLive.ts"
import { genesisOf, toStored } from "../StoredBlocks.ts"
import * as ChainScan from "./ChainScan.ts"
import type { ScannedBlock } from "./ChainScan.ts"

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

/** A block that is what it should be, as stores keep it, or what is wrong with it. */
export type Verdict = { readonly _tag: "Good"; readonly block: StoredBlock } | {
  readonly _tag: "Bad"
  readonly detail: string
}

const bad = (detail: string): Verdict => ({ _tag: "Bad", detail })

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

/**
 * Checks block after block from genesis, all but the index. Keeps the place: one per chain. `spent`: outputs of the blocks before,
 * for the rule on fees.
 */
export const makeChecker = (params: ChainParams, hasher: Hasher) => {
  const genesis = genesisOf(params)
  let parent = Synthetic.genesisParent(params)
  return (block: ScannedBlock, now: number): Verdict => {
    if (block.height === 0) {
      return block.hash === genesis.hash && sameBytes(block.bytes, genesis.bytes)
        ? { _tag: "Good", block: genesis }
        : bad(`it is not the genesis block of ${params.network}`)
    }
    const decoded = Block.decode(block.bytes)
    if (Block.isMalformed(decoded)) return bad(`undecodable block (${decoded.reason})`)
    const verdict = Validation.block(params, hasher, parent, decoded, now)
    if (verdict._tag !== "Valid") return bad(Validation.describe(verdict))
    const stored = toStored(verdict)
    if (stored.hash !== block.hash) return bad(`it is stored as ${block.hash}, but its hash is ${stored.hash}`)
    parent = HeaderRules.parentOf(decoded.header, verdict.hash)
    return { _tag: "Good", block: stored }
  }
}

/** Whether the index says of the block what it should; a database from before there was one is made good when it is opened. */
const indexed = ({ index }: ScannedBlock, { header, txids }: StoredBlock): boolean =>
  index === undefined || (sameBytes(index.header, header) && sameBytes(index.txids, txids))

/** A fault of the scan that names the block it could not get. */
const ofBlock = /^block \d+: /

/** Checks the SQLite file, which must exist. Fails only when it cannot be read for another reason than damage. */
export const checkFile = (
  params: ChainParams,
  filename: string
): Effect.Effect<Checked, ChainStoreError> =>
  Effect.gen(function*() {
    const check = makeChecker(params, yield* HasherLive.make)
    let good: ScannedBlock | undefined
    let found: Bad | undefined
    const next = () => good === undefined ? 0 : good.height + 1
    yield* ChainScan.blocksOfFile(filename).pipe(
      Stream.takeWhile(() => found === undefined),
      Stream.mapArray((blocks) => [blocks]),
      Stream.runForEach((blocks) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          for (const block of blocks) {
            if (found !== undefined) return
            const verdict = check(block, now)
            const detail = verdict._tag === "Bad"
              ? verdict.detail
              : indexed(block, verdict.block)
              ? undefined
              : "the index has another header or other transactions"
            if (detail === undefined) good = block
            else found = { height: block.height, detail: `block ${block.height}: ${detail}` }
          }
        })
      ),
      Effect.catchIf((error) => error.reason._tag === "Damaged", (error) =>
        Effect.sync(() => {
          if (error.reason._tag !== "Damaged") return
          const { detail } = error.reason
          found = { height: ofBlock.test(detail) ? next() : undefined, detail }
        }))
    )
    const last: ScannedBlock | undefined = good
    return {
      blocks: next(),
      good: last === undefined ? undefined : { height: last.height, hash: last.hash },
      bad: found
    }
  })
