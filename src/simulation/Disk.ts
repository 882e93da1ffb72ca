/**
 * The disk of a simulated node: a `ChainStore` that outlives its processes, is as slow as a real disk, and checks every change: blocks
 * link, each was made by the rules, and no reorg goes deeper than the rules allow. In memory here; on
 * a real SQLite file in SqliteDisk.ts.
 */
import { Context, Effect, Layer, Random, type Scope, Semaphore } from "effect"
import type { ChainParams } from "../domain/chain/ChainParams.ts"
import * as ChainStoreMemory from "../layers/chain/ChainStoreMemory.ts"
import { genesisOf } from "../layers/chain/StoredBlocks.ts"
import { ChainStore, type ChainStoreError, type StoredBlock } from "../services/ChainStore.ts"
import * as SimulationLimits from "./plan/Limits.ts"

export interface Disk {
  /** The disk as a process of the node sees it. Once `gone()`, nothing more is written. */
  readonly layer: (gone: () => boolean) => Layer.Layer<ChainStore, ChainStoreError>
  /** Immediate access for the simulator while no process of the node runs. Its changes are not checked. */
  readonly use: <A>(f: (store: ChainStore["Service"]) => Effect.Effect<A, ChainStoreError>) => A
  /** Calls `f` in the middle of the next write, after this many of its statements; `undefined` cancels. */
  readonly onWrite: (statements: number, f: (() => void) | undefined) => void
  /** The node's process was killed: closes its open handles, as the operating system does. */
  readonly killed: () => void
}

export interface DiskChecks {
  /**
   * Checks a change before it is written: blocks that follow `after` on the chain, or on the branch beside it. Returns what is wrong.
   */
  readonly wrong: (after: number, blocks: ReadonlyArray<StoredBlock>, height: number) => string | undefined
  readonly violated: (detail: string) => void
}

/** Interrupts one write in the middle, once. */
export class WriteTrap {
  private left = 0
  private f: (() => void) | undefined

  /** Calls `f` at the `count`-th statement from now. */
  set(count: number, f: (() => void) | undefined): void {
    this.left = count
    this.f = f
  }

  /** Called before each statement. True if the trap has just ended the process. */
  spring(): boolean {
    const { f } = this
    if (f === undefined || --this.left > 0) return false
    this.f = undefined
    f()
    return true
  }
}

/** The store, with every change checked before it is made. */
export const checked = (store: ChainStore["Service"], checks: DiskChecks): ChainStore["Service"] => {
  const judge = (after: number, blocks: ReadonlyArray<StoredBlock>) =>
    Effect.map(store.tip, ({ height }) => {
      const wrong = checks.wrong(after, blocks, height)
      if (wrong !== undefined) checks.violated(wrong)
    })
  return ChainStore.of({
    ...store,
    append: (after, blocks) => Effect.andThen(judge(after, blocks), store.append(after, blocks)),
    stage: (after, blocks) => Effect.andThen(judge(after, blocks), store.stage(after, blocks))
  })
}

/** Sleeps for the random duration of one write, up to `SimulationLimits.diskMs`. */
const writeTime = Effect.flatMap(Random.next, (part) => Effect.sleep(part * SimulationLimits.diskMs))

/** Serialises changes in the order of the calls, however long each takes; `before` runs ahead of each. */
export const inOrder = (store: ChainStore["Service"], before: Effect.Effect<void>): ChainStore["Service"] => {
  const writing = Semaphore.makeUnsafe(1)
  const change = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    writing.withPermit(Effect.andThen(before, effect))
  return ChainStore.of({
    ...store,
    append: (after, blocks) => change(store.append(after, blocks)),
    stage: (after, blocks) => change(store.stage(after, blocks)),
    adopt: change(store.adopt),
    unstage: change(store.unstage),
    settle: change(store.settle)
  })
}

/** An empty disk: only the genesis block. */
export const make = (params: ChainParams, checks: DiskChecks): Effect.Effect<Disk, never, Scope.Scope> =>
  Effect.map(Layer.build(ChainStoreMemory.layer({ genesis: genesisOf(params) })), (context) => {
    const store = Context.get(context, ChainStore)
    const trap = new WriteTrap()
    return {
      layer: (gone) =>
        Layer.sync(ChainStore, () =>
          inOrder(
            checked(store, checks),
            Effect.andThen(
              writeTime,
              // A change becomes visible only as a whole, so every statement counts as the middle of it.
              Effect.suspend(() => trap.spring() || gone() ? Effect.never : Effect.void)
            )
          )),
      use: (f) => Effect.runSync(Effect.orDie(f(store))),
      onWrite: (_, f) => trap.set(1, f),
      killed: () => {}
    }
  })
