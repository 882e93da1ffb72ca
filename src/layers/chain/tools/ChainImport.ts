/**
 * Imports a block file into a chain's store. Every rule is checked, batch by batch; the next batch is checked while
 * the previous one is being written. Blocks that the chain already has are skipped.
 *
 * Good blocks are kept: a bad, truncated or foreign file fails only after all blocks before the fault are stored.
 */
import { Clock, Effect, Pull, Stream } from "effect"
import type { Scope } from "effect"
import * as Block from "../../../domain/chain/Block.ts"
import * as BlockHeader from "../../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../../domain/chain/ChainParams.ts"
import * as Hash from "../../../domain/chain/Hash.ts"
import type { Hasher } from "../../../domain/chain/Hasher.ts"
import type { Parent } from "../../../domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../domain/chain/Synthetic.ts"
import * as Validation from "../../../domain/chain/Validation.ts"
import * as Limits from "../../../domain/Limits.ts"
import { ChainStore } from "../../../services/ChainStore.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../../services/ChainStore.ts"
import type { FileError } from "../../store/PlainFiles.ts"
import * as FeeCheck from "../FeeCheck.ts"
import * as HasherLive from "../HasherLive.ts"
import { networkOfGenesis } from "../StoredBlocks.ts"
import * as ChainFile from "./ChainFile.ts"
import { ImportChecker, ImportError } from "./ImportChecker.ts"

export { ImportError } from "./ImportChecker.ts"

export interface Imported {
  readonly tip: Tip
  /** Number of blocks stored, and number that the chain already had. */
  readonly added: number
  readonly skipped: number
}

/** `Imported`, plus the error that ended it, if any. */
export interface Outcome extends Imported {
  readonly error: ImportError | undefined
}

/** The store's tip as the parent of the next block. */
export const parentAt = (
  params: ChainParams,
  store: ChainStore["Service"],
  tip: Tip
): Effect.Effect<Parent, ChainStoreError> =>
  tip.height === 0
    ? Effect.succeed(Synthetic.genesisParent(params))
    : Effect.map(store.blocks(tip.height, 1, 0), ([bytes]) => {
      const block = bytes === undefined ? undefined : Block.decode(bytes)
      const treasuryBalance = block === undefined || Block.isMalformed(block) ? 0 : block.header.treasuryBalance
      return { height: tip.height, hash: Hash.fromHexUnsafe(tip.hash), treasuryBalance }
    })

/** An opened block file: the fault in its beginning, if any, and its whole content, which can be read once. */
export interface Source {
  readonly file: string
  /** The file begins like another network's chain; `undefined`: its first block shows no such fault. */
  readonly foreign: ImportError | undefined
  readonly batches: Stream.Stream<ChainFile.FileBatch, FileError>
}

/**
 * Opens the file until the scope closes, and checks its first block. Needs no store, so that none is created for a file that
 * cannot be imported. A pipe can be read only once, so what was checked is put before the rest.
 */
export const open = (params: ChainParams, file: string): Effect.Effect<Source, FileError, Scope.Scope> =>
  Effect.gen(function*() {
    const pull = yield* Stream.toPull(ChainFile.read(file, params.maxBlockBytes))
    const head: Array<ChainFile.FileBatch> = []
    while (head.every(({ broken, records }) => records.length === 0 && broken === undefined)) {
      const more = yield* Pull.catchDone(pull, () => Effect.succeed([]))
      if (more.length === 0) break
      head.push(...more)
    }
    const first = head.flatMap(({ records }) => records.slice(0, 1))[0]
    const foreign = first === undefined ? undefined : ofOtherNetwork(params, yield* HasherLive.make, file, first.bytes)
    return { file, foreign, batches: Stream.concat(Stream.fromIterable(head), Stream.fromPull(Effect.succeed(pull))) }
  })

const ofOtherNetwork = (params: ChainParams, hasher: Hasher, file: string, bytes: Uint8Array) => {
  const block = Block.decode(bytes)
  if (Block.isMalformed(block) || block.header.height > 1) return undefined
  const { height, previousHash } = block.header
  const network = networkOfGenesis(Hash.toHex(height === 0 ? BlockHeader.hash(hasher, block.header) : previousHash))
  if (network === undefined || network === params.network) return undefined
  const detail = `the file holds the ${network} chain, not ${params.network}'s; use --network ${network}`
  return new ImportError({ file, height, offset: 0, detail, network })
}

/** Opens and imports the file: see `importFrom`. */
export const importFile = (
  params: ChainParams,
  file: string
): Effect.Effect<Outcome, FileError | ChainStoreError, ChainStore> =>
  Effect.scoped(Effect.flatMap(open(params, file), (source) => importFrom(params, source)))

/**
 * Imports an opened file. **Errors**: the file cannot be read, or the store rejects blocks. A fault in the file is in the
 * outcome instead.
 */
export const importFrom = (
  params: ChainParams,
  { batches, file, foreign }: Source
): Effect.Effect<Outcome, FileError | ChainStoreError, ChainStore> =>
  Effect.gen(function*() {
    const store = yield* ChainStore
    const hasher = yield* HasherLive.make
    const tip = yield* store.tip
    if (foreign !== undefined) return { tip, added: 0, skipped: 0, error: foreign }
    const known = yield* store.hashes(0, tip.height + 1)
    const checker = new ImportChecker({
      params,
      hasher,
      file,
      tip: yield* parentAt(params, store, tip),
      known
    })
    let at = tip
    let error: ImportError | undefined
    let waiting: Array<StoredBlock> = []
    /** Stores all but the last `keep` blocks, and none from the first whose fees are wrong. */
    const flush = (keep: number) =>
      Effect.gen(function*() {
        const ready = waiting.slice(0, Math.max(0, waiting.length - keep))
        const wrong = yield* FeeCheck.firstWrong(
          params,
          hasher,
          FeeCheck.findIn(store, { on: "chain", upTo: at.height }),
          ready
        )
        const good = ready.slice(0, wrong?.index)
        if (good.length > 0) at = yield* store.append(at.height, good)
        checker.stored(at.height)
        waiting = wrong === undefined ? waiting.slice(good.length) : []
        if (wrong !== undefined) error = checker.wrongFees(at.height + 1, Validation.describe(wrong.fault))
      })
    yield* batches.pipe(
      Stream.mapEffect((batch) => Effect.map(Clock.currentTimeMillis, (now) => checker.batch(batch, now))),
      Stream.takeUntil((checked) => checked.error !== undefined),
      Stream.buffer({ capacity: 4 }),
      Stream.runForEachWhile((checked) =>
        Effect.gen(function*() {
          // Write full batches: each commit waits for the disk once.
          if (waiting.length + checked.blocks.length > Limits.storeBatchBlocks) yield* flush(1)
          if (error !== undefined) return false
          error = checked.error
          waiting.push(...checked.blocks)
          if (checked.dropLast) waiting.pop()
          return true
        })
      )
    )
    yield* flush(0)
    // An operator's file cannot be a branch that a peer fed us, so history counts as settled.
    if (at.height > tip.height) yield* store.settle
    return { tip: at, added: at.height - tip.height, skipped: checker.skipped, error }
  })
