/** A node that requests headers of a peer, the peer's answers, and what the planner learns of them. For tests of the headers part of sync. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../src/domain/chain/BlockHeader.ts"
import type * as Hash from "../../src/domain/chain/Hash.ts"
import * as Limits from "../../src/domain/Limits.ts"
import type * as SyncState from "../../src/domain/sync/SyncState.ts"
import * as SyncWork from "../../src/domain/sync/SyncWork.ts"
import type { Headers } from "../../src/domain/wire/SyncMessage.ts"
import { finish } from "../../src/layers/sync/MessageTurns.ts"
import * as SyncHeaders from "../../src/layers/sync/SyncHeaders.ts"
import * as harness from "./syncContext.ts"
import * as states from "./syncStates.ts"
import { make } from "./syntheticChain.ts"

const { ip } = states
type Made = harness.Made
type Received = Extract<SyncState.SyncEvent, { readonly _tag: "HeadersReceived" }>

export const shared = Effect.runSync(make(20))
export const better = Effect.runSync(make(6, "10.8.8.8", shared))
/** Leaves ours at height 15, and is 24 high. */
export const fork = Effect.runSync(make(9, "10.7.7.7", shared.slice(0, 15)))

export const headerOf = ({ bytes }: Made): BlockHeader.BlockHeader => {
  const block = Block.decode(bytes)
  return Block.isMalformed(block) ? assert.fail(block.reason) : block.header
}
export const hashAt = (chain: ReadonlyArray<Made>, height: number): Hash.Hash =>
  chain.find((block) => block.height === height)?.parent.hash ?? assert.fail(`no block ${height}`)

/** A node of 20 blocks and peer 2; `ask` makes request 5. */
export const asking = (ours: ReadonlyArray<Made> = shared, told = harness.tipOf(better)) => {
  const node = harness.make(ours)
  const link = node.connect(2, told)
  const ask = (count = Limits.headersPerMessage, request = 5) => {
    SyncHeaders.ask(node.context, ip(2), request, count)
    return node.said()
  }
  return {
    ...node,
    link,
    ask,
    answer: (blocks: ReadonlyArray<Made>, answer: Partial<Headers> = {}, from = 2) => {
      finish(SyncHeaders.received(node.context, ip(from), {
        _tag: "Headers",
        request: 5,
        after: hashAt(shared, 20),
        list: BlockHeader.encodeList(blocks.map(headerOf)).bytes,
        more: false,
        ...answer
      }))
      return node.posted()
    },
    /** Request 5, and its answer. */
    exchange(blocks: ReadonlyArray<Made>, answer: Partial<Headers> = {}) {
      ask()
      return this.answer(blocks, answer)
    },
    /** The planner knows the branch too. */
    plan: (id: number, height: number, fork = 20) => {
      node.context.state = {
        ...node.context.state,
        branches: [...node.context.state.branches, states.branch(id, height, { fork })]
      }
    },
    peerOn: (n: number, branch: number) => {
      const peers = [
        ...node.context.state.peers,
        { ...SyncWork.newPeer(ip(n), states.tip(30), undefined), on: states.on(branch) }
      ]
      node.context.state = { ...node.context.state, peers }
    }
  }
}

export const lied = (detail: string, fault: SyncState.SyncFault = "bad-header", peer = 2): SyncState.SyncEvent => ({
  _tag: "PeerLied",
  peer: ip(peer),
  fault,
  detail
})
export const came = (change: Partial<Received>): SyncState.SyncEvent => ({
  _tag: "HeadersReceived",
  peer: ip(2),
  request: 5,
  count: 0,
  last: harness.tipOf(shared),
  placed: { _tag: "Chain" },
  also: [],
  more: "no",
  clockBehind: undefined,
  dueMs: 0,
  ms: 0,
  ...change
})
export const onBranch = (
  id: number,
  blocks: ReadonlyArray<Made>,
  fork: number,
  trunk?: SyncState.SyncBranch["trunk"]
) => ({ _tag: "Branch", branch: { id, fork, tip: harness.tipOf(blocks), trunk } }) as const
