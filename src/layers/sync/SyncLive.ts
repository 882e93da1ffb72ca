/**
 * `Sync`: the chain of a node, kept as good as the best of its peers'. Loads the header index from the store, listens to the
 * peers, and composes the planner's driver, the header and body sides, the server and the announcements.
 */
import { Effect, Layer } from "effect"
import * as Block from "../../domain/chain/Block.ts"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import * as Synthetic from "../../domain/chain/Synthetic.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SyncState from "../../domain/sync/SyncState.ts"
import * as SyncStatus from "../../domain/sync/SyncStatus.ts"
import type { GetBlocks, GetHeaders, SyncMessage } from "../../domain/wire/SyncMessage.ts"
import { ChainStore, type ChainStoreError } from "../../services/ChainStore.ts"
import { Entropy } from "../../services/Entropy.ts"
import { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerMessages } from "../../services/PeerMessages.ts"
import { BlockRefused, Sync } from "../../services/Sync.ts"
import * as HasherLive from "../chain/HasherLive.ts"
import type { NodeFibers } from "../time/NodeFibers.ts"
import type { Timers } from "../time/Timers.ts"
import * as SyncAnnounce from "./SyncAnnounce.ts"
import * as SyncBodies from "./SyncBodies.ts"
import * as SyncCore from "./SyncContext.ts"
import * as SyncDriver from "./SyncDriver.ts"
import * as SyncHeaders from "./SyncHeaders.ts"
import * as SyncInbox from "./SyncInbox.ts"
import * as SyncServer from "./SyncServer.ts"

/**
 * The header index of what is stored. The treasury, which a header's rules need of its parent, is read only for the blocks
 * at which a branch may still leave our chain.
 */
const loadHeaders = Effect.fnUntraced(function*(
  store: ChainStore["Service"],
  genesis: ReturnType<typeof Synthetic.genesisParent>,
  seed: number,
  maxReorg: number
) {
  const headers = new HeaderChain(genesis, seed)
  const tip = yield* store.tip
  const exactFrom = Math.max(1, tip.height - 2 * maxReorg)
  while (headers.height < tip.height) {
    const from = headers.height + 1
    if (from < exactFrom) {
      const hashes = yield* store.hashes(from, Math.min(Limits.storeReadRows, exactFrom - from))
      for (const hash of hashes) headers.append(Hash.fromHexUnsafe(hash), 0)
      if (hashes.length === 0) break
      continue
    }
    const hashes = yield* store.hashes(from, 2 * maxReorg + 1)
    const blocks = yield* store.blocks(from, hashes.length, Limits.storeScanBytes)
    for (const [i, bytes] of blocks.entries()) {
      const block = Block.decode(bytes)
      headers.append(Hash.fromHexUnsafe(hashes[i] ?? ""), Block.isMalformed(block) ? 0 : block.header.treasuryBalance)
    }
    if (blocks.length === 0) break
  }
  return headers
})

const make = Effect.gen(function*() {
  const { network } = yield* NodeConfig
  const store = yield* ChainStore
  const messages = yield* PeerMessages
  const localChain = yield* LocalChain
  const entropy = yield* Entropy
  const params = chainParams[network.name]
  const seed = Number(entropy.nonce() & 0xffff_ffffn)
  const headers = yield* loadHeaders(store, Synthetic.genesisParent(params), seed, params.maxReorg)
  const chain: SyncState.SyncTip = { height: headers.height, hash: Hash.toHex(headers.tip.hash) }
  const core = yield* SyncCore.make({
    params,
    hasher: yield* HasherLive.make,
    store,
    messages,
    localChain,
    headers,
    state: SyncState.start(chain),
    settled: chain.height
  }, yield* NodeEvents)
  localChain.setTip(chain)

  const bodies = SyncBodies.make(core, { onStored: (added, tip) => SyncAnnounce.tell(core, added, tip) })
  const server = SyncServer.make(core)
  const inbox = SyncInbox.make(core)
  SyncDriver.install(core, bodies)

  const answered = (ip: PeerIp, message: Exclude<SyncMessage, GetHeaders | GetBlocks>): void => {
    switch (message._tag) {
      case "Headers":
        return SyncHeaders.received(core, ip, message)
      case "Blocks":
        return bodies.received(ip, message)
      case "Tip":
        return SyncAnnounce.tipReceived(core, ip, message)
      case "NewBlock":
        return SyncAnnounce.blockReceived(core, bodies, ip, message)
    }
  }

  yield* messages.listen({
    onUp: (origin, tip, capabilities) => {
      if ((capabilities & Capability.chain) === 0) return
      core.links.set(origin.ip, {
        origin,
        lastAt: core.wheel.now(),
        owed: 0,
        branch: undefined,
        knownTip: tip.hash,
        told: tip,
        again: undefined,
        progressed: false,
        blamed: false,
        blocks: 0
      })
      core.dispatch({ _tag: "PeerUp", peer: origin.ip, tip })
      // What our Hello said may have been overtaken before the connection was up, with nobody to tell.
      SyncAnnounce.greet(core, origin.ip)
    },
    onDown: ({ connection, ip }) => {
      const link = core.links.get(ip)
      if (link?.origin.connection !== connection) return
      if (link.again !== undefined) core.wheel.disarm(link.again)
      core.links.delete(ip)
      server.gone(ip)
      for (const [request, { peer }] of core.conversations) if (peer === ip) core.conversations.delete(request)
      for (const [request, asked] of core.asked) if (asked.peer === ip) core.asked.delete(request)
      core.dispatch({ _tag: "PeerDown", peer: ip })
    },
    onMessage: ({ connection, ip }, message) => {
      if (!core.links.has(ip)) return
      if (message._tag === "GetHeaders" || message._tag === "GetBlocks") return server.asked(ip, message)
      inbox.push(() => {
        const link = core.links.get(ip)
        if (link !== undefined && link.origin.connection === connection && !link.blamed) answered(ip, message)
      })
    },
    onProgress: ({ ip }) => {
      const link = core.links.get(ip)
      if (link !== undefined) link.progressed = true
    }
  })

  return Sync.of({
    report: Effect.sync(() => {
      const { state } = core
      return {
        tip: state.chain,
        headers: state.headers.height,
        synced: state.synced,
        line: core.halted === undefined
          ? SyncStatus.line(state)
          : `height ${state.chain.height}, not storing because ${core.halted}`,
        peers: state.peers.map((peer) => ({
          ip: peer.id,
          height: peer.tip.height,
          blocks: core.links.get(peer.id)?.blocks ?? 0,
          use: SyncStatus.peerLine(state, peer)
        })),
        reorgs: core.reorgs,
        waiting: { blocks: core.held.count, bytes: core.held.bytes }
      }
    }),
    add: (block) =>
      Effect.suspend(() => {
        if (core.state.chain.height !== core.headers.height) {
          return Effect.fail(new BlockRefused({ detail: "the chain is being synced" }))
        }
        const fault = SyncAnnounce.extend(core, bodies, block, undefined)
        return fault === undefined
          ? Effect.succeed({ height: block.header.height, hash: Hash.toHex(core.headers.tip.hash) })
          : Effect.fail(new BlockRefused({ detail: Validation.describe(fault) }))
      })
  })
})

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<
  Sync,
  ChainStoreError,
  ChainStore | PeerMessages | LocalChain | NodeConfig | NodeEvents | Entropy | NodeFibers | Timers
> => Layer.effect(Sync, make)
