/**
 * The disk of a simulated node: a `ChainStore` in memory that outlives its processes, is as slow as a disk, and checks every
 * change: that blocks link, that each is one that was made by the rules, and that no reorganisation goes deeper than they allow.
 */
import { Context, Effect, Layer, Random, type Scope, Semaphore } from "effect"
import type { ChainParams } from "../domain/chain/ChainParams.ts"
import * as Limits from "../domain/Limits.ts"
import * as ChainStoreMemory from "../layers/chain/ChainStoreMemory.ts"
import { genesisOf } from "../layers/chain/StoredBlocks.ts"
import { ChainStore, type StoredBlock } from "../services/ChainStore.ts"

export interface Disk {
  /** At once: for the simulator. */
  readonly store: ChainStore["Service"]
  /** As a process sees it. Once `gone()`, nothing more is written. */
  readonly of: (gone: () => boolean) => ChainStore["Service"]
}

export interface DiskChecks {
  /** A change is about to be written. What is wrong with it, in words. */
  readonly wrong: (after: number, blocks: ReadonlyArray<StoredBlock>, height: number) => string | undefined
  readonly violated: (detail: string) => void
}

/** An empty disk: the genesis and nothing else. */
export const make = (params: ChainParams, checks: DiskChecks): Effect.Effect<Disk, never, Scope.Scope> =>
  Effect.map(Layer.build(ChainStoreMemory.layer({ genesis: genesisOf(params) })), (context) => {
    const store = Context.get(context, ChainStore)
    const slow = Effect.flatMap(Random.next, (part) => Effect.sleep(part * Limits.simDiskMs))
    return {
      store,
      of: (gone) => {
        // One change after the other, in the order of the calls, however long each takes.
        const writing = Semaphore.makeUnsafe(1)
        return ChainStore.of({
          ...store,
          append: (after, blocks) =>
            writing.withPermit(Effect.andThen(
              slow,
              Effect.suspend(() => {
                if (gone()) return Effect.never
                return Effect.flatMap(store.tip, ({ height }) => {
                  const wrong = checks.wrong(after, blocks, height)
                  if (wrong !== undefined) checks.violated(wrong)
                  return store.append(after, blocks)
                })
              })
            ))
        })
      }
    }
  })
