/** Makes a network's synthetic chain for tests: the same options always give the same blocks. Not consensus. */
import { Clock, Data, Effect, Stream } from "effect"
import * as ChainParams from "../../../domain/chain/ChainParams.ts"
import * as HeaderRules from "../../../domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../domain/chain/Synthetic.ts"
import * as Limits from "../../../domain/Limits.ts"
import type { StoredBlock } from "../../../services/ChainStore.ts"
import * as HasherLive from "../HasherLive.ts"
import { toStored } from "../StoredBlocks.ts"

/** The requested number of blocks is not due yet. */
export class NotDue extends Data.TaggedError("NotDue")<{
  readonly network: string
  readonly blocks: number
  /** Maximum height that is due now. */
  readonly greatest: number
}> {
  override get message() {
    return `block ${this.blocks} of ${this.network} is in the future; the greatest height now is ${this.greatest}`
  }
}

/** Maximum height whose block is due at `now`, ms since 1970. */
export const greatestHeight = (params: ChainParams.ChainParams, now: number): number =>
  Math.max(0, Math.floor((now / 1_000 - params.genesisTime) / params.intervalSeconds))

/** Blocks 1 to `count`, ascending, in batches. */
export const blocks = (
  params: ChainParams.ChainParams,
  count: number,
  options: Synthetic.Options
): Stream.Stream<ReadonlyArray<StoredBlock>, NotDue> =>
  Stream.unwrap(Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const greatest = greatestHeight(params, now)
    if (count > greatest) return yield* new NotDue({ network: params.network, blocks: count, greatest })
    const hasher = yield* HasherLive.make
    return Stream.unfold(Synthetic.genesisParent(params), (first) =>
      Effect.map(Effect.yieldNow, () => {
        if (first.height >= count) return undefined
        const made: Array<StoredBlock> = []
        let parent = first
        while (parent.height < count && made.length < Limits.chainMakeBlocks) {
          const due = ChainParams.dueAt(params, parent.height + 1)
          const next = Synthetic.onTop(params, hasher, parent, due, options)
          made.push(toStored(next))
          parent = HeaderRules.parentOf(next.block.header, next.hash)
        }
        return [made, parent] as const
      }))
  }))
