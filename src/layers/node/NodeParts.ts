/** The parts of every node, with or without a chain. Composition only: see `Node.ts` and `ChainNode.ts`. */
import { Effect, Layer } from "effect"
import { problem } from "../../domain/NodeSetup.ts"
import type { LocalChain } from "../../services/LocalChain.ts"
import { NodeConfig, type NodeSetup, NodeSetupError } from "../../services/NodeConfig.ts"
import * as MasternodesLive from "../masternode/MasternodesLive.ts"
import * as ConnectionManagerLive from "../peer/ConnectionManagerLive.ts"
import * as PeerStateLive from "../peer/PeerStateLive.ts"
import * as PeerTable from "../peer/PeerTable.ts"
import * as NodeFibers from "../time/NodeFibers.ts"
import * as Timers from "../time/Timers.ts"
import * as EntropyLive from "./EntropyLive.ts"
import * as NodeEventsLive from "./NodeEventsLive.ts"

/** A set-up given in code must obey the same rules as flags. */
const checked = (setup: NodeSetup): Effect.Effect<NodeSetup, NodeSetupError> =>
  Effect.suspend(() => {
    const wrong = problem(setup)
    return wrong === undefined ? Effect.succeed(setup) : Effect.fail(new NodeSetupError(wrong))
  })

/** Builds `events` and `chain`, then `around` on the events, then the rest. `peers`: the top services, with `Masternodes` if the set-up asks for it. */
export const compose = <E, R, E2, R2>(
  setup: NodeSetup,
  around: Layer.Layer<never, E, R>,
  localChain: Layer.Layer<LocalChain, E2, NodeConfig | R2>
) => {
  const config = Layer.effect(NodeConfig, checked(setup))
  const events = Layer.merge(NodeEventsLive.layer(), config)
  const time = Timers.layer().pipe(Layer.provideMerge(NodeFibers.layer()))
  const chain = Layer.provide(localChain, config)
  const inner = Layer.mergeAll(PeerTable.layer(), EntropyLive.layer(), chain).pipe(
    Layer.provideMerge(time),
    Layer.provideMerge(Layer.provide(around, events))
  )
  const peers = Layer.mergeAll(ConnectionManagerLive.layer(), PeerStateLive.layer())
  return {
    events,
    inner,
    peers: setup.masternodes === true ? Layer.provideMerge(MasternodesLive.layer(), peers) : peers
  }
}
