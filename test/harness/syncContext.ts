/**
 * The state that the parts of sync share, put together by hand: our chain in memory, peers that say nothing by themselves, timers moved by
 * hand, and a planner that only writes down what it is told. For tests of one part.
 */
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { HeaderChain } from "../../src/domain/chain/HeaderChain.ts"
import type { Parent } from "../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../src/domain/chain/Synthetic.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import type { SyncMessage } from "../../src/domain/wire/SyncMessage.ts"
import { ChainRewrites } from "../../src/layers/sync/ChainRewrites.ts"
import { MessageTurns } from "../../src/layers/sync/MessageTurns.ts"
import { ShownBranch } from "../../src/layers/sync/ShownBranch.ts"
import type { PeerLink, SyncContext } from "../../src/layers/sync/SyncContext.ts"
import * as SyncListener from "../../src/layers/sync/SyncListener.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import type { Untimed } from "../../src/services/NodeEvents.ts"
import * as HandTimers from "./handTimers.ts"
import { hasher } from "./hasher.ts"
import { ip } from "./syncStates.ts"
import { devnet, startOfTime } from "./syntheticChain.ts"

export type Made = StoredBlock & { readonly parent: Parent }

export const tipOf = (chain: ReadonlyArray<Made>): SyncState.SyncTip => {
  const last = chain.at(-1)
  return last === undefined
    ? { height: 0, hash: Buffer.from(devnet.genesisHash).toString("hex") }
    : { height: last.height, hash: last.hash }
}

export interface Said {
  readonly peer: number
  readonly message: SyncMessage
}

/** A node whose chain is `ours`, at devnet's time at which all synthetic blocks are due. */
export const make = (ours: ReadonlyArray<Made>, change: Partial<SyncContext> = {}) => {
  const events: Array<SyncState.SyncEvent> = []
  const emitted: Array<Untimed> = []
  /** What was said, dropped, reported, paused and resumed, in order, by the peer's number. */
  const calls: Array<readonly unknown[]> = []
  const hand = HandTimers.make()
  const chain = new HeaderChain(Synthetic.genesisParent(devnet))
  for (const { parent } of ours) chain.append(parent.hash, parent.treasuryBalance)
  const number = (from: { readonly ip: string }): number => Number(from.ip.slice(from.ip.lastIndexOf(".") + 1))
  const fibers: Array<Fiber.Fiber<void>> = []
  const fork = (effect: Effect.Effect<void>): Fiber.Fiber<void> => {
    const fiber = Effect.runFork(effect)
    fibers.push(fiber)
    return fiber
  }
  let nowMs = startOfTime
  const context = {
    params: devnet,
    hasher,
    messages: {
      send: (to: { readonly ip: string }, message: SyncMessage) => {
        calls.push(["send", number(to), message])
        return true
      },
      sendTime: (to: { readonly ip: string }, message: unknown) => {
        calls.push(["time", number(to), message])
        return true
      },
      drop: (to: { readonly ip: string }, detail: string) => calls.push(["drop", number(to), detail]),
      report: (of: string, offence: unknown) => calls.push(["report", number({ ip: of }), offence]),
      pauseReading: (to: { readonly ip: string }) => calls.push(["pause", number(to)]),
      resumeReading: (to: { readonly ip: string }) => calls.push(["resume", number(to)]),
      whenLow: () => Effect.void,
      timeWaitMs: () => 0
    },
    localChain: { setTip: (tip: unknown) => calls.push(["tip", tip]) },
    timers: hand.timers,
    emit: (event: Untimed) => emitted.push(event),
    fork,
    nowMs: () => nowMs,
    chain,
    branches: new Map(),
    nextBranch: 1,
    settled: false,
    state: SyncState.start(tipOf(ours)),
    machine: { post: (event: SyncState.SyncEvent) => void events.push(event), start: () => {} },
    turns: new MessageTurns(hand.timers.now, fork),
    links: new Map(),
    blockRequests: new Map(),
    headerRequests: new Map(),
    plannerTimers: new Map(),
    settleTimer: undefined,
    reorgs: 0,
    rewrites: new ChainRewrites(),
    stored: [],
    storing: false,
    halted: undefined,
    storeRetry: undefined,
    ...change
  } as unknown as SyncContext
  return {
    context,
    events,
    emitted,
    calls,
    hand,
    /** Sets the wall clock, ms. */
    setNow: (ms: number) => {
      nowMs = ms
    },
    /** Peer `n` comes up with that tip; what that alone causes is forgotten. */
    connect: (n: number, tip: SyncState.SyncTip = tipOf([]), how: Partial<Pick<PeerLink, "say" | "again">> = {}) => {
      const origin = { ip: ip(n), connection: n }
      const link = SyncListener.opened(context, origin, tip, {
        again: undefined,
        say: (message) => context.messages.send(origin, message),
        requests: () => link.serve.waiting.length,
        ...how
      })
      events.length = 0
      calls.length = 0
      return link
    },
    /** Headers of these blocks, shown by peers: a branch of ours from now on. */
    shown: (blocks: ReadonlyArray<Made>): ShownBranch => {
      const [first] = blocks
      const branch = new ShownBranch(
        context.nextBranch++,
        (first ?? assert.fail("no blocks")).height - 1,
        blocks.map(({ parent }) => parent)
      )
      context.branches.set(branch.id, branch)
      return branch
    },
    /** Waits until nothing that a part began is under way. */
    settle: Effect.suspend(() => Effect.forEach(fibers.splice(0), Fiber.await)),
    /** What was posted since the last call. */
    posted: (): ReadonlyArray<SyncState.SyncEvent> => events.splice(0),
    /** What was said to peers since the last call. */
    said: (): ReadonlyArray<readonly unknown[]> => calls.splice(0)
  }
}
