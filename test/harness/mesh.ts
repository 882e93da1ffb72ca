/**
 * Nodes on a `MemoryNetwork` with the clock in the test's hand. Build a mesh, start nodes, move time, look at events.
 *
 * A node that is killed keeps its dead fibers until the mesh closes, like a process that is gone; `start` again makes the
 * next process on the same host.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer, Option, Result, Scope, Semaphore } from "effect"
import { Socket } from "effect/socket"
import { chainParams } from "../../src/domain/chain/ChainParams.ts"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import { type Network, networks } from "../../src/domain/Network.ts"
import * as PairAgreement from "../../src/domain/pair/PairAgreement.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ChainStoreMemory from "../../src/layers/chain/ChainStoreMemory.ts"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import { type ConnectionEnd, socketFromEnd } from "../../src/layers/socket/socketFromEnd.ts"
import * as Producer from "../../src/layers/sync/Producer.ts"
import { ChainStore, type StoredBlock, type Tip } from "../../src/services/ChainStore.ts"
import type { OwnMasternode } from "../../src/services/Masternodes.ts"
import type { Tuning } from "../../src/services/NodeConfig.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"
import type { PeerStore } from "../../src/services/PeerStore.ts"
import type { Sync } from "../../src/services/Sync.ts"
import { TestNode } from "../../src/testing/index.ts"
import { genesis } from "./syntheticChain.ts"

export const ip = PeerIp.fromStringUnsafe
export const port = networks.devnet.port
const address = (text: string) => Result.getOrThrow(PeerAddress.fromString(text, port))

export interface NodeOptions {
  /** `IP` or `IP:PORT` texts. */
  readonly peers?: ReadonlyArray<string>
  /** Listen on every address of the host and not know one's own: the default is the host's (first) address. */
  readonly listen?: "any" | string
  readonly advertise?: string
  readonly advertisePort?: number
  /** Its IPv4 sockets say that this is their own address: it is behind a router that translates addresses. */
  readonly inside?: string
  /** What this node's own system says to dials, by the IP dialled. May change while the node runs. */
  readonly faults?: ReadonlyMap<string, string>
  /** The addresses of its interfaces, in place of those of its host. May change while the node runs. */
  readonly interfaces?: ReadonlyArray<string> | "unknown"
  readonly tuning?: Partial<Tuning>
  /** Keep a chain, beginning with these blocks (1, 2, …). */
  readonly chain?: ReadonlyArray<StoredBlock>
  /** That chain's history is settled, so that only branches within the greatest reorganisation may replace its end. */
  readonly settled?: boolean
  /** Filled with the store's tip after each change, as a process that is killed there would find it. */
  readonly tips?: Array<Tip>
  /** ms. How long the disk takes to store, half of it before and half after it is done, and to read. */
  readonly storeMs?: number
  readonly network?: Network
  /** Make blocks when its turn comes. */
  readonly produce?: boolean
  /** Keep a registry of masternodes; announce this one. */
  readonly masternodes?: boolean
  readonly masternode?: OwnMasternode
  /** What it remembers of peers across restarts. */
  readonly peerStore?: PeerStore["Service"]
}

/** A running node and what it reported. */
export interface Running extends TestNode.TestNode {
  /** Of a node with a chain; without one, nothing may be asked of it. */
  readonly sync: Sync["Service"]
  /** Sockets (`IP:port` of the initiator) of the connections that are up, with the peer: the node's table, not its events. */
  readonly up: Effect.Effect<ReadonlyArray<readonly [peer: string, socket: string]>>
}

const noSync = new Proxy({} as Sync["Service"], {
  get: (_, name) => assert.fail(`the node has no chain: sync.${String(name)}`)
})

/** `disk.ms` may change: a node opens its chain without the clock moving. */
const chainStore = (
  blocks: ReadonlyArray<StoredBlock>,
  settled: boolean,
  network: Network,
  disk: { ms: number },
  tips: Array<Tip> | undefined
) =>
  Layer.effect(
    ChainStore,
    Effect.gen(function*() {
      const store = yield* ChainStore
      yield* Effect.orDie(store.append(0, blocks))
      if (settled) yield* Effect.orDie(store.settle)
      const writing = yield* Semaphore.make(1)
      const late = <A, E>(effect: Effect.Effect<A, E>, part: number) =>
        Effect.suspend(() => disk.ms === 0 ? effect : Effect.delay(effect, disk.ms * part))
      const change = <A, E>(effect: Effect.Effect<A, E>) =>
        writing.withPermit(
          late(effect, 0.5).pipe(
            Effect.tap(Effect.map(Effect.orDie(store.tip), (tip) => tips?.push(tip))),
            Effect.tap(late(Effect.void, 0.5))
          )
        )
      return ChainStore.of({
        ...store,
        append: (after, added) => change(store.append(after, added)),
        stage: (after, added) => change(store.stage(after, added)),
        adopt: change(store.adopt),
        unstage: change(store.unstage),
        settle: change(store.settle),
        blocks: (from, count, maxBytes) => late(store.blocks(from, count, maxBytes), 1),
        headers: (from, count) => late(store.headers(from, count), 1),
        hashes: (from, count) => late(store.hashes(from, count), 1)
      })
    })
  ).pipe(Layer.provide(ChainStoreMemory.layer({ genesis: genesis(chainParams[network.name]) })))

const translated = (sockets: PeerSocket["Service"], inside: string | undefined): PeerSocket["Service"] => {
  if (inside === undefined) return sockets
  const own = (at: PeerAddress.PeerAddress) => at.ip.includes(":") ? at : { ...at, ip: ip(inside) }
  return PeerSocket.of({
    addresses: () => [ip(inside), ...(sockets.addresses() ?? []).filter((at) => at.includes(":"))],
    dial: (to, options) =>
      Effect.map(sockets.dial(to, options), (dialled) => ({
        ...dialled,
        local: Effect.map(dialled.local, Option.map(own))
      })),
    listen: (at) =>
      Effect.map(sockets.listen(at), (listener) => ({
        ...listener,
        run: (handler, door, anteroom) =>
          listener.run((accepted) => handler({ ...accepted, local: own(accepted.local) }), door, anteroom)
      }))
  })
}

/** Sockets of a host whose system refuses dials. */
const refusing = (
  sockets: PeerSocket["Service"],
  { faults, interfaces }: Pick<NodeOptions, "faults" | "interfaces">
): PeerSocket["Service"] => ({
  ...sockets,
  addresses: interfaces === undefined
    ? sockets.addresses
    : () => interfaces === "unknown" ? undefined : interfaces.map(ip),
  dial: (to, options) =>
    Effect.suspend(() => {
      const code = faults?.get(to.ip)
      if (code === undefined) return sockets.dial(to, options)
      const cause = Object.assign(new Error(code), { code })
      const failure = new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })
      const socket = socketFromEnd(() => noEnd, () => Effect.fail(failure))
      return Effect.succeed({ local: Effect.succeedNone, secured: Effect.succeedNone, socket })
    })
})

const noEnd: ConnectionEnd = { pull: Effect.never, write: () => Effect.never, finish: () => {}, close: () => {} }

export const make = Effect.gen(function*() {
  const network = yield* MemoryNetwork
  const scope = yield* Effect.scope

  /** Starts a node on the host with these IPs (the first is the one it dials from). */
  const start = (ips: string | ReadonlyArray<string>, options: NodeOptions = {}) =>
    Effect.gen(function*() {
      const [first, ...more] = (typeof ips === "string" ? [ips] : ips).map(ip)
      assert(first !== undefined)
      const given: TestNode.Options = {
        ip: first,
        ...(options.listen === undefined
          ? {}
          : { listen: options.listen === "any" ? { ip: "any", port } : address(options.listen) }),
        advertise: options.advertise === undefined ? undefined : ip(options.advertise),
        advertisePort: options.advertisePort,
        peers: (options.peers ?? []).map(address),
        ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
        produces: options.produce === true,
        ...(options.network === undefined ? {} : { network: options.network }),
        masternodes: options.masternodes === true,
        ...(options.masternode === undefined ? {} : { masternode: options.masternode }),
        ...(options.peerStore === undefined ? {} : { peerStore: options.peerStore })
      }
      const sockets = refusing(translated(network.host(first, ...more), options.inside), options)
      const disk = { ms: 0 }
      const node: TestNode.TestNode & { readonly sync?: Sync["Service"] } = yield* (options.chain === undefined
        ? TestNode.start(sockets, given)
        : TestNode.startWithChain(
          sockets,
          chainStore(options.chain, options.settled === true, options.network ?? networks.devnet, disk, options.tips),
          given,
          options.produce === true ? Layer.orDie(Producer.layer()) : Layer.empty
        )).pipe(Scope.provide(scope), Effect.orDie)
      disk.ms = options.storeMs ?? 0
      return {
        ...node,
        sync: node.sync ?? noSync,
        up: Effect.map(node.state.connected, (all) =>
          all.map((record) => [record.ip as string, record.connection?.socket ?? ""] as const))
      } satisfies Running
    })
  return { network, start }
})

/** Reasons of the Downs of a node, as labels. */
export const downs = (node: Running, peer?: string): ReadonlyArray<string> =>
  node.of("Down", peer).map((event) => DisconnectReason.label(event.reason))

/** Both ends list one connection, the same socket, initiated by `initiator` if given. */
export const assertConnected = Effect.fnUntraced(function*(
  a: Running,
  aIp: string,
  b: Running,
  bIp: string,
  initiator?: string
) {
  const atA = (yield* a.up).filter(([peer]) => peer === bIp)
  const atB = (yield* b.up).filter(([peer]) => peer === aIp)
  assert.strictEqual(atA.length, 1, `${aIp} has one connection to ${bIp}`)
  assert.strictEqual(atB.length, 1, `${bIp} has one connection to ${aIp}`)
  const listed = [{ ip: aIp, sockets: new Map(atA) }, { ip: bIp, sockets: new Map(atB) }]
  assert.deepStrictEqual(PairAgreement.disagreements(listed).map(PairAgreement.format), [], "the same socket")
  if (initiator !== undefined) assert.include(atA[0]?.[1], initiator)
})

/** Runs a test on a fresh network. Links have `latencyMs` one way. */
export const onMesh = <A, E>(
  latencyMs: number,
  body: (mesh: Effect.Success<typeof make>) => Effect.Effect<A, E, Scope.Scope | MemoryNetwork>
) =>
  Effect.gen(function*() {
    const mesh = yield* make
    yield* mesh.network.setDefaults({ latency: latencyMs })
    return yield* body(mesh)
  }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
