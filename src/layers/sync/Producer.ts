/**
 * A test producer for devnet: makes a block (every two seconds by default) when its turn comes. It is not consensus: any
 * node can make equally many blocks, and a partition causes real forks.
 *
 * The handshake names producers. Turns rotate among the connected ones in the order of their IPs, or, once any of them is a live
 * masternode (`Masternodes`), among those. When a producer is silent for half a turn, the next one takes over.
 */
import { Clock, Effect, Layer, Option, Stream } from "effect"
import * as Block from "../../domain/chain/Block.ts"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as HeaderRules from "../../domain/chain/HeaderRules.ts"
import * as ProducerTurn from "../../domain/chain/ProducerTurn.ts"
import * as Synthetic from "../../domain/chain/Synthetic.ts"
import * as Limits from "../../domain/Limits.ts"
import { knownAddress } from "../../domain/NodeSetup.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import { ChainStore } from "../../services/ChainStore.ts"
import { Masternodes } from "../../services/Masternodes.ts"
import { NodeConfig, NodeSetupError } from "../../services/NodeConfig.ts"
import { PeerState } from "../../services/PeerState.ts"
import { Sync } from "../../services/Sync.ts"
import * as HasherLive from "../chain/HasherLive.ts"

/** `everyMs`: length of a turn, ms, the same at every producer. A producer checks for its turn twenty times per turn. */
export interface ProducerOptions {
  readonly everyMs?: number | undefined
}

const make = Effect.fnUntraced(function*({ everyMs = Limits.produceEveryMs }: ProducerOptions) {
  const { produceEveryLeastMs: least, produceEveryMostMs: most } = Limits
  if (!(everyMs >= least && everyMs <= most)) {
    return yield* new NodeSetupError({
      field: "everyMs",
      input: String(everyMs),
      problem: "is not the length of a turn in ms",
      fix: `use ${least} to ${most}`
    })
  }
  const beatMs = everyMs * Limits.produceBeatMs / Limits.produceEveryMs
  const setup = yield* NodeConfig
  const sync = yield* Sync
  const peers = yield* PeerState
  const store = yield* ChainStore
  const hasher = yield* HasherLive.make
  const params = ChainParams.chainParams[setup.network.name]
  const own = Option.fromUndefinedOr(knownAddress(setup))
  if (Option.isNone(own)) {
    return yield* Effect.logWarning("not producing: this node does not know its own address; give --advertise")
  }
  yield* Effect.logWarning("producing test blocks: this is a producer for experiments, not consensus")

  const others = Effect.map(
    peers.connected,
    (records) =>
      records.filter((record) => (record.capabilities & Capability.produces) !== 0).map((record) => record.ip)
  )

  // Without a registry, the node knows no masternode.
  const live = Option.match(yield* Effect.serviceOption(Masternodes), {
    onNone: () => Effect.succeed<ReadonlyArray<PeerIp.PeerIp>>([]),
    onSome: (registry) => registry.live
  })

  /** Makes the next block on top of the stored chain. If another block arrived meanwhile, the new one is refused without harm. */
  const produce = Effect.gen(function*() {
    const tip = yield* store.tip
    const [bytes] = yield* store.blocks(tip.height, 1, Limits.storeBlockBytes)
    const parent = bytes === undefined ? undefined : Block.decode(bytes)
    if (parent === undefined || Block.isMalformed(parent)) return
    const now = yield* Clock.currentTimeMillis
    const made = Synthetic.onTop(
      params,
      hasher,
      HeaderRules.parentOf(parent.header, Hash.fromHexUnsafe(tip.hash)),
      Math.floor(now / 1_000),
      { leader: own.value, address: `TIME0${own.value}` }
    )
    yield* sync.add(made.block)
  })

  let seen = { height: -1, at: 0 }
  const beat = Effect.gen(function*() {
    const { height } = yield* store.tip
    const now = yield* Clock.currentTimeMillis
    if (height !== seen.height) seen = { height, at: now }
    if (ProducerTurn.turnAt(seen.at, everyMs) >= ProducerTurn.turnAt(now, everyMs)) return
    const { mayProduce } = yield* sync.report
    // A producer that is still syncing would cause forks, whether or not its peers make blocks.
    if (!mayProduce) return
    const connected = [...(yield* others), own.value].toSorted(PeerIp.compare)
    const producers = ProducerTurn.takingTurns(connected, yield* live)
    if (ProducerTurn.mayProduce(producers, own.value, now, seen.at, everyMs)) yield* produce
  })
  yield* Stream.tick(beatMs).pipe(
    Stream.runForEach(() => Effect.catch(beat, (error) => Effect.logDebug(`no block made: ${error.message}`))),
    Effect.forkScoped
  )
})

/** Runs until its scope closes. A function, so that two nodes never share one. Fails when `everyMs` is out of range. */
export const layer = (options: ProducerOptions = {}): Layer.Layer<
  never,
  NodeSetupError,
  Sync | PeerState | ChainStore | NodeConfig
> => Layer.effectDiscard(make(options))
