/**
 * Nodes inside one process, for tests and benchmarks of programs that embed timemesh. They are complete: handshake,
 * arbitration, liveness, discovery and the peer table run as in the daemon.
 *
 * **Networks**: `onMemory` puts a node on a host of the `MemoryNetwork`, `onTcp` on the kernel's sockets, `start` on any
 * `PeerSocket`. **Time**: a node on the memory network follows the `Clock`; under a `TestClock`, fork the effect that waits, then adjust.
 * **Scope**: a node stops when its scope closes, or earlier by `stop`. Stopping sends every peer a Reject, which takes time to travel: under
 * a `TestClock`, the clock moves by as many seconds as that takes.
 */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import type { SocketServer } from "effect/socket"
import { type Network, networks } from "../domain/Network.ts"
import type { NodeEvent } from "../domain/NodeEvent.ts"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import * as SignaturesLive from "../layers/masternode/SignaturesLive.ts"
import * as ChainNode from "../layers/node/ChainNode.ts"
import * as Node from "../layers/node/Node.ts"
import { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import * as TcpSocket from "../layers/socket/TcpSocket.ts"
import * as PeerStoreMemory from "../layers/store/PeerStoreMemory.ts"
import type { ChainStore, ChainStoreError } from "../services/ChainStore.ts"
import { ConnectionManager } from "../services/ConnectionManager.ts"
import { OwnMasternode } from "../services/Masternodes.ts"
import { defaultTuning, type NodeSetup, type NodeSetupError, type Tuning } from "../services/NodeConfig.ts"
import { NodeEvents } from "../services/NodeEvents.ts"
import { PeerSocket } from "../services/PeerSocket.ts"
import { PeerState } from "../services/PeerState.ts"
import { PeerStore } from "../services/PeerStore.ts"
import { Sync } from "../services/Sync.ts"
import { moving } from "./moving.ts"

export interface Options {
  /** The address it has and dials from. Default `Options.listen`: that address, on the network's port (`onTcp`: on a free one). */
  readonly ip: PeerIp
  /** Further addresses of its host, on the memory network. */
  readonly moreIps?: ReadonlyArray<PeerIp>
  /** Configured peers. Default: none, so call `manager.connect`, or let other nodes dial. */
  readonly peers?: ReadonlyArray<PeerAddress>
  /** Listen address, if not `ip`. `any`: all addresses of the host, without knowing its own. */
  readonly listen?: NodeSetup["listen"]
  readonly advertise?: PeerIp | undefined
  readonly advertisePort?: number | undefined
  /** Default: devnet. */
  readonly network?: Network
  /** Changes to the default tuning. */
  readonly tuning?: Partial<Tuning>
  readonly software?: string
  readonly produces?: boolean
  /** Keeps a registry of masternodes: get `Masternodes` from `services`. Signatures are verified within the call. */
  readonly masternodes?: boolean
  /** The masternode it announces itself as; implies `masternodes`. */
  readonly masternode?: OwnMasternode
  /** Its peer store: pass the same one to its next process. Default: one that forgets. */
  readonly peerStore?: PeerStore["Service"]
  /** Called for every event from the start, inside the node: keep it short. */
  readonly onEvent?: (event: NodeEvent) => void
  /** Whether `events` records them. Default true; false for a node with too many connections to keep every event in memory. */
  readonly record?: boolean
}

/** The listen address cannot be bound, or the set-up is impossible. */
export type StartError = SocketServer.SocketServerError | NodeSetupError

/** A running node and its events. */
export interface TestNode {
  readonly ip: PeerIp
  /** Its listen address, with the actual port. */
  readonly address: PeerAddress
  readonly manager: ConnectionManager["Service"]
  readonly state: PeerState["Service"]
  /** All services of the node, for anything without a field here. */
  readonly services: Context.Context<Node.Node>
  /** Every event since the start, in order. Empty if not recorded. */
  readonly events: ReadonlyArray<NodeEvent>
  /** Events of one kind, of one peer if given. */
  readonly of: <Tag extends NodeEvent["_tag"]>(
    tag: Tag,
    peer?: string
  ) => ReadonlyArray<Extract<NodeEvent, { readonly _tag: Tag }>>
  /** The socket (the initiator's `IP:port`) of every connection that is up, by peer: the current state according to its events. */
  readonly sockets: ReadonlyMap<PeerIp, string>
  /** Calls `look` after every event, once `events` and `sockets` include it. Returns the unsubscribe function. */
  readonly watch: (look: () => void) => () => void
  /** Stops the node gracefully. A `TestClock` moves meanwhile. */
  readonly stop: Effect.Effect<void>
}

export interface ChainTestNode extends TestNode {
  readonly sync: Sync["Service"]
  readonly services: Context.Context<Node.Node | Sync>
}

/** A node's set-up from options and the defaults above. */
const setupOf = (options: Options): NodeSetup => {
  const network = options.network ?? networks.devnet
  return {
    network,
    listen: options.listen ?? { ip: options.ip, port: network.port },
    advertise: options.advertise,
    advertisePort: options.advertisePort,
    peers: options.peers ?? [],
    software: options.software ?? "timemesh/testing",
    tuning: { ...defaultTuning, ...options.tuning },
    produces: options.produces,
    masternodes: options.masternodes === true || options.masternode !== undefined
  }
}

const watched = (options: Options) => {
  const events: Array<NodeEvent> = []
  const sockets = new Map<PeerIp, string>()
  const looks = new Set<() => void>()
  const onEvent = (event: NodeEvent): void => {
    if (options.record !== false) events.push(event)
    if (event._tag === "Up") sockets.set(event.ip, event.socket)
    else if (event._tag === "Down" && sockets.get(event.ip) === event.socket) sockets.delete(event.ip)
    options.onEvent?.(event)
    for (const look of looks) look()
  }
  return {
    layer: Layer.effectDiscard(Effect.flatMap(NodeEvents, (events) => events.listen(onEvent))),
    fields: {
      events,
      of: <Tag extends NodeEvent["_tag"]>(tag: Tag, peer?: string) =>
        events.filter((event): event is Extract<NodeEvent, { readonly _tag: Tag }> =>
          event._tag === tag && (peer === undefined || ("ip" in event && event.ip === peer))
        ),
      sockets,
      watch: (look: () => void) => {
        looks.add(look)
        return () => void looks.delete(look)
      }
    }
  }
}

/** Builds the node in its own scope, inside the caller's. */
const build = Effect.fnUntraced(function*<N, E>(
  options: Options,
  sockets: PeerSocket["Service"],
  node: Layer.Layer<N, E, PeerSocket | PeerStore>
) {
  const scope = yield* Scope.make()
  const stop = moving(Scope.close(scope, Exit.void))
  yield* Effect.addFinalizer(() => stop)
  const services = yield* node.pipe(
    Layer.provide([
      Layer.succeed(PeerSocket, sockets),
      options.peerStore === undefined ? PeerStoreMemory.layer() : Layer.succeed(PeerStore, options.peerStore),
      Layer.succeed(OwnMasternode, options.masternode),
      SignaturesLive.layerInTurn
    ]),
    Layer.buildWithMemoMap(Layer.makeMemoMapUnsafe(), scope)
  )
  return { ip: options.ip, services, stop }
})

const fieldsOf = (services: Context.Context<Node.Node>) => {
  const manager = Context.get(services, ConnectionManager)
  return { manager, state: Context.get(services, PeerState), address: manager.address }
}

/** Starts a node without a chain. Fails if its listen address cannot be bound. */
export const start = (
  sockets: PeerSocket["Service"],
  options: Options
): Effect.Effect<TestNode, StartError, Scope.Scope> =>
  Effect.gen(function*() {
    const { fields, layer } = watched(options)
    const built = yield* build(options, sockets, Node.layer(setupOf(options), layer))
    return { ...built, ...fields, ...fieldsOf(built.services) }
  })

/**
 * Starts a node that keeps its network's chain in `store`. `program` is built on top of it and lives as long: a `Producer`, or
 * the program under test.
 */
export const startWithChain = <E>(
  sockets: PeerSocket["Service"],
  store: Layer.Layer<ChainStore, E>,
  options: Options,
  program: Layer.Layer<never, never, Node.Node | Sync | ChainStore> = Layer.empty
): Effect.Effect<ChainTestNode, StartError | ChainStoreError | E, Scope.Scope> =>
  Effect.gen(function*() {
    const { fields, layer } = watched(options)
    const node = program.pipe(
      Layer.provideMerge(ChainNode.layer(setupOf(options), layer)),
      Layer.provide(store)
    )
    const built = yield* build(options, sockets, node)
    return { ...built, ...fields, ...fieldsOf(built.services), sync: Context.get(built.services, Sync) }
  })

/** Starts a node without a chain on the `MemoryNetwork` host that has its address. */
export const onMemory = (
  options: Options
): Effect.Effect<TestNode, StartError, MemoryNetwork | Scope.Scope> =>
  Effect.flatMap(MemoryNetwork, (network) => start(network.host(options.ip, ...options.moreIps ?? []), options))

/** Starts a node without a chain on TCP, on a free port of its address. On Linux all of 127.0.0.0/8 can be used. */
export const onTcp = (options: Options): Effect.Effect<TestNode, StartError, Scope.Scope> =>
  Effect.flatMap(
    PeerSocket,
    (sockets) => start(sockets, { ...options, listen: options.listen ?? { ip: options.ip, port: 0 } })
  ).pipe(
    Effect.provide(TcpSocket.layer)
  )
