/**
 * `Sync`: keeps a node's chain as good as its best peer's. Loads the header chain from the store, starts the planner and
 * the server, and listens to the peers.
 */
import { Effect, Layer } from "effect"
import type { Block } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Problem from "../../domain/Problem.ts"
import * as SyncState from "../../domain/sync/SyncState.ts"
import * as SyncStatus from "../../domain/sync/SyncStatus.ts"
import * as SyncVerdict from "../../domain/sync/SyncVerdict.ts"
import { ChainStore, type ChainStoreError } from "../../services/ChainStore.ts"
import { Entropy } from "../../services/Entropy.ts"
import { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerMessages } from "../../services/PeerMessages.ts"
import { BlockRefused, Sync, type SyncReport } from "../../services/Sync.ts"
import * as HasherLive from "../chain/HasherLive.ts"
import type { NodeFibers } from "../time/NodeFibers.ts"
import type { Timers } from "../time/Timers.ts"
import { loadHeaderChain } from "./loadHeaderChain.ts"
import * as SyncAnnounced from "./SyncAnnounced.ts"
import * as SyncContext from "./SyncContext.ts"
import * as SyncDriver from "./SyncDriver.ts"
import * as SyncListener from "./SyncListener.ts"
import * as TimeSync from "./TimeSync.ts"

const report = ({ branches, halted, links, reorgs, state }: SyncContext.SyncContext): SyncReport => {
  const verdict = SyncVerdict.verdict(state)
  const held = [...branches.values()].map((branch) => branch.held)
  return {
    tip: state.chain,
    headers: SyncStatus.headersHeight(state),
    synced: verdict._tag === "InSync",
    mayProduce: SyncVerdict.mayProduce(verdict),
    target: SyncStatus.target(verdict, state.chain.height),
    line: halted === undefined
      ? SyncStatus.line(state)
      : `height ${state.chain.height}, not storing: ${Problem.text(halted)}`,
    halted,
    peers: state.peers.map((peer) => ({
      ip: peer.id,
      height: peer.told.height,
      blocks: links.get(peer.id)?.blocks ?? 0,
      use: SyncStatus.peerLine(state, peer),
      clockBehindS: peer.clockBehind
    })),
    reorgs,
    requests: [...links.values()].reduce((sum, link) => sum + link.requests(), 0),
    waiting: {
      blocks: held.reduce((sum, { count }) => sum + count, 0),
      bytes: held.reduce((sum, { bytes }) => sum + bytes, 0)
    }
  }
}

const add = (context: SyncContext.SyncContext, block: Block): Effect.Effect<SyncState.SyncTip, BlockRefused> =>
  Effect.suspend(() => {
    const fault = SyncAnnounced.extend(context, block, undefined)
    if (fault === undefined) {
      return Effect.succeed({
        height: block.header.height,
        hash: Hash.toHex(BlockHeader.hash(context.hasher, block.header))
      })
    }
    const detail = typeof fault === "string" ? "it does not follow our chain's last block" : Validation.describe(fault)
    return Effect.fail(new BlockRefused({ detail }))
  })

const make = Effect.gen(function*() {
  const { network } = yield* NodeConfig
  const store = yield* ChainStore
  const messages = yield* PeerMessages
  const localChain = yield* LocalChain
  const entropy = yield* Entropy
  const params = chainParams[network.name]
  const settled = yield* store.settled
  const chain = yield* loadHeaderChain(store, params, Number(entropy.nonce() & 0xffff_ffffn), settled)
  const tip: SyncState.SyncTip = { height: chain.height, hash: Hash.toHex(chain.tip.hash) }
  // Left from an earlier run: no peer has shown its headers yet.
  yield* store.unstage
  const context = yield* SyncContext.make({
    params,
    hasher: yield* HasherLive.make,
    store,
    messages,
    localChain,
    chain,
    state: SyncState.start(tip, SyncContext.oldestFork({ settled, params }, tip.height)),
    settled
  }, yield* NodeEvents)
  localChain.setTip(tip)
  SyncDriver.start(context)
  yield* messages.listen(SyncListener.make(context))
  yield* messages.listenTime(TimeSync.make(context))
  return Sync.of({
    report: Effect.sync(() => report(context)),
    add: (block) => add(context, block)
  })
})

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<
  Sync,
  ChainStoreError,
  ChainStore | PeerMessages | LocalChain | NodeConfig | NodeEvents | Entropy | NodeFibers | Timers
> => Layer.effect(Sync, make)
