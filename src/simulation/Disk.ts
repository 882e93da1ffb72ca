/**
 * The disk of a simulated node: a `ChainStore` in memory that outlives its processes, is as slow as a disk, and checks every
 * change: that blocks link, that each is one that was made by the rules, and that no reorganisation goes deeper than they allow.
 */
import { Context, Effect, Layer, Random, type Scope, Semaphore } from "effect"
import type { ChainParams } from "../domain/chain/ChainParams.ts"
import * as ChainStoreMemory from "../layers/chain/ChainStoreMemory.ts"
import { genesisOf } from "../layers/chain/StoredBlocks.ts"
import { ChainStore, type StoredBlock } from "../services/ChainStore.ts"
import * as SimulationLimits from "./plan/Limits.ts"

export interface Disk {
  /** At once: for the simulator. */
  readonly store: ChainStore["Service"]
  /** As a process sees it. Once `gone()`, nothing more is written. */
  readonly of: (gone: () => boolean) => ChainStore["Service"]
}

export interface DiskChecks {
  /**
   * A change is about to be written: blocks that follow `after` on the chain, or on the branch beside it. What is wrong with it.
   */
  readonly wrong: (after: number, blocks: ReadonlyArray<StoredBlock>, height: number) => string | undefined
  readonly violated: (detail: string) => void
}

/** An empty disk: the genesis and nothing else. */
export const make = (params: ChainParams, checks: DiskChecks): Effect.Effect<Disk, never, Scope.Scope> =>
  Effect.map(Layer.build(ChainStoreMemory.layer({ genesis: genesisOf(params) })), (context) => {
    const store = Context.get(context, ChainStore)
    const slow = Effect.flatMap(Random.next, (part) => Effect.sleep(part * SimulationLimits.diskMs))
    return {
      store,
      of: (gone) => {
        // One change after the other, in the order of the calls, however long each takes.
        const writing = Semaphore.makeUnsafe(1)
        const change = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
          writing.withPermit(Effect.andThen(slow, Effect.suspend(() => gone() ? Effect.never : effect)))
        const checked = (after: number, blocks: ReadonlyArray<StoredBlock>) =>
          Effect.map(store.tip, ({ height }) => {
            const wrong = checks.wrong(after, blocks, height)
            if (wrong !== undefined) checks.violated(wrong)
          })
        return ChainStore.of({
          ...store,
          append: (after, blocks) => change(Effect.andThen(checked(after, blocks), store.append(after, blocks))),
          stage: (after, blocks) => change(Effect.andThen(checked(after, blocks), store.stage(after, blocks))),
          adopt: change(store.adopt),
          unstage: change(store.unstage),
          settle: change(store.settle)
        })
      }
    }
  })
