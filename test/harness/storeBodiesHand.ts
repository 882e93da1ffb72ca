/** A node in the middle of sync whose store a test watches, and the chains that it is shown. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { SyncBranch } from "../../src/domain/sync/SyncState.ts"
import type { Held } from "../../src/layers/sync/HeldBodies.ts"
import type { ShownBranch } from "../../src/layers/sync/ShownBranch.ts"
import * as StoreBodies from "../../src/layers/sync/StoreBodies.ts"
import { ChainStoreError, type StoredBlock, Unavailable } from "../../src/services/ChainStore.ts"
import * as harness from "./syncContext.ts"
import * as states from "./syncStates.ts"
import { make } from "./syntheticChain.ts"

export const { ip } = states

export type Made = harness.Made

export const shared = Effect.runSync(make(20))

export const better = Effect.runSync(make(8, "10.8.8.8", shared))

/** Leaves ours at height 15, and is 24 high. */
export const fork = Effect.runSync(make(9, "10.7.7.7", shared.slice(0, 15)))

export const disk = new ChainStoreError({
  reason: new Unavailable({ where: "chain.db", detail: "disk", cause: undefined })
})

export const halted = { what: "chain.db cannot be used: disk", fix: undefined }
export const told = halted.what

/** A store that writes down what it is asked to change, and does it at once, or fails. */
export const spy = () => {
  const changes: Array<readonly unknown[]> = []
  let fails = false
  let failure = disk
  let staged: StoredBlock | undefined
  const done = <A>(change: readonly unknown[], result: A): Effect.Effect<A, ChainStoreError> =>
    Effect.suspend(() => {
      changes.push(change)
      return fails ? Effect.fail(failure) : Effect.succeed(result)
    })
  const lastOf = (blocks: ReadonlyArray<StoredBlock>) => blocks.at(-1) ?? assert.fail("an empty change")
  const heights = (blocks: ReadonlyArray<StoredBlock>) => blocks.map(({ height }) => height)
  return {
    /** Changes since the last call. */
    changes: () => changes.splice(0),
    fail: (now: boolean, how = disk) => {
      fails = now
      failure = how
    },
    store: {
      append: (after: number, blocks: ReadonlyArray<StoredBlock>) => {
        const { hash, height } = lastOf(blocks)
        return done(["append", after, heights(blocks)], { height, hash })
      },
      stage: (after: number, blocks: ReadonlyArray<StoredBlock>) => {
        staged = lastOf(blocks)
        return done(["stage", after, heights(blocks)], { fork: after, tip: staged, bytes: 0 })
      },
      adopt: Effect.suspend(() => done(["adopt"], { height: staged?.height ?? 0, hash: staged?.hash ?? "" })),
      findTransactions: () => Effect.void
    }
  }
}

/** A node of 20 blocks, and a branch of which it holds all bodies. */
export const node = (blocks: ReadonlyArray<Made>, plan: Partial<SyncBranch> = {}) => {
  const { changes, fail, store } = spy()
  const made = harness.make(shared, { store: store as never })
  const peers = [made.connect(2), made.connect(3)]
  const add = (more: ReadonlyArray<Made>, change: Partial<SyncBranch> = {}): ShownBranch => {
    const branch = made.shown(more)
    for (const block of more) hold(branch, block)
    const { fork, height } = branch
    const planned = states.branch(branch.id, height, {
      fork,
      tip: branch.tipText,
      base: fork,
      held: [{ from: fork + 1, to: height }],
      ...change
    })
    made.context.state = { ...made.context.state, branches: [...made.context.state.branches, planned] }
    return branch
  }
  const hold = (branch: ShownBranch, block: Made, change: Partial<Held> = {}): void =>
    branch.held.put(block.height, {
      block,
      from: block.height % 2 === 0 ? ip(2) : ip(3),
      ...change
    })
  return {
    ...made,
    peers,
    changes,
    fail,
    hold,
    add,
    branch: add(blocks, plan),
    /** Begins what is ready, and waits for the store. */
    store: Effect.suspend(() => {
      StoreBodies.storeReady(made.context)
      return made.settle
    })
  }
}

export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

export const stored = (blocks: ReadonlyArray<Made>, branches: ReadonlyArray<object>, branch = 1, oldestFork = 0) => ({
  _tag: "Stored",
  tip: harness.tipOf(blocks),
  branch,
  oldestFork,
  branches
})

export const at = (chain: ReadonlyArray<Made>, height: number): Made =>
  chain.find((block) => block.height === height) ?? assert.fail(`no block ${height}`)
