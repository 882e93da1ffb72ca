/**
 * timemesh as an embedder uses it: nodes composed by `layers/Node.ts` on TCP, messages on an application channel through
 * `ConnectionManager`. Nothing is switched off: handshake, arbitration, liveness, discovery and the peer table run.
 */
import { Context, Effect, Layer, ManagedRuntime } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as Node from "../../src/layers/node/Node.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import * as PeerStoreMemory from "../../src/layers/store/PeerStoreMemory.ts"
import { ConnectionManager, type SendError } from "../../src/services/ConnectionManager.ts"
import { defaultTuning, type NodeSetup } from "../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"
import { crowdIp, eachOf, meshIp } from "./generic.ts"
import type { Implementation, Link, MeshResult, Server } from "./Implementation.ts"
import { connectRaw } from "./timemeshPeer.ts"

/** Application channel the messages go over. */
export const channel = 1
/** Connections of a crowd being set up at once: fewer than the ends without Hello that a node keeps. */
const crowdAtOnce = Limits.endsWithoutHello / 2

const setup = (ip: string, peers: ReadonlyArray<string>): NodeSetup => ({
  network: networks.devnet,
  listen: { ip: PeerIp.fromStringUnsafe(ip), port: 0 },
  advertise: undefined,
  peers: peers.flatMap((text) => {
    const address = PeerAddress.fromString(text, 0)
    return address._tag === "Success" ? [address.success] : []
  }),
  software: "timemesh-bench",
  tuning: { ...defaultTuning, maxPeers: 4_000 }
})

interface Running {
  readonly address: string
  readonly manager: ConnectionManager["Service"]
  readonly events: NodeEvents["Service"]
  readonly close: () => Promise<void>
}

interface Watch {
  readonly onUp: (node: Running, ip: PeerIp.PeerIp) => void
  readonly onDown?: (ip: PeerIp.PeerIp) => void
}

/** Starts a node. `watch` misses no event, because it is part of the layer's construction. */
const start = async (ip: string, peers: ReadonlyArray<string>, watch: Watch): Promise<Running> => {
  const early: Array<PeerIp.PeerIp> = []
  let running: Running | undefined
  const listening = Layer.effectDiscard(Effect.gen(function*() {
    const events = yield* NodeEvents
    yield* events.listen((event) => {
      if (event._tag === "Down") watch.onDown?.(event.ip)
      if (event._tag !== "Up") return
      if (running === undefined) early.push(event.ip)
      else watch.onUp(running, event.ip)
    })
  }))
  const runtime = ManagedRuntime.make(
    Node.layer(setup(ip, peers), listening).pipe(Layer.provide([TcpSocket.layer, PeerStoreMemory.layer()]))
  )
  const context = await runtime.context()
  const manager = Context.get(context, ConnectionManager)
  running = {
    address: PeerAddress.format(manager.address),
    manager,
    events: Context.get(context, NodeEvents),
    close: () => runtime.dispose()
  }
  for (const peer of early) watch.onUp(running, peer)
  return running
}

/** Runs at once as far as it goes without waiting; a promise for the rest, if there is a rest. */
const run = (effect: Effect.Effect<void, SendError>): Promise<void> | undefined => {
  const fiber = Effect.runFork(effect)
  const exit = fiber.pollUnsafe()
  if (exit === undefined) return new Promise((resolve) => void fiber.addObserver(() => resolve()))
  if (exit._tag === "Failure") throw new Error(`timemesh did not send: ${exit.cause}`)
  return undefined
}

type Handlers = Map<PeerIp.PeerIp, (payload: Uint8Array) => void>

const link = (node: Running, ip: PeerIp.PeerIp, handlers: Handlers): Link => ({
  send: (payloads) => run(node.manager.sendAll(ip, channel, payloads)),
  receive: (handler) => void handlers.set(ip, handler)
})

/** Dispatches what arrives by origin. */
const receiveInto = (node: Running, handlers: Handlers): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(Effect.andThen(
      node.manager.receive(channel, (from, payloads) => {
        const handler = handlers.get(from.ip)
        if (handler !== undefined) { for (const payload of payloads) handler(payload) }
      }),
      Effect.never
    )).pipe(Effect.ignore, Effect.forkDetach({ startImmediately: true }), Effect.asVoid)
  )

const serve: Implementation["serve"] = async ({ ip, onLink }): Promise<Server> => {
  const handlers: Handlers = new Map()
  const node = await start(ip, [], { onUp: (node, peer) => onLink(link(node, peer, handlers)) })
  await receiveInto(node, handlers)
  return { address: node.address, close: node.close }
}

const connect: Implementation["connect"] = async (address, ip) => {
  const handlers: Handlers = new Map()
  const up = Promise.withResolvers<PeerIp.PeerIp>()
  const node = await start(ip, [address], { onUp: (_node, peer) => up.resolve(peer) })
  await receiveInto(node, handlers)
  return link(node, await up.promise, handlers)
}

const crowd: Implementation["crowd"] = async (address, first, count) => {
  const links: Array<Link> = []
  await eachOf(count, async (index) => {
    links.push(await connectRaw(address, crowdIp(first + index), channel))
  }, crowdAtOnce)
  return links
}

/** Every node is told of one seed only, the middle one; the others it learns of by discovery. */
const mesh = async (count: number): Promise<MeshResult> => {
  const started = performance.now()
  const settled = Promise.withResolvers<void>()
  let up = 0
  let duplicates = 0
  const watch = (): Watch => {
    const live = new Set<PeerIp.PeerIp>()
    return {
      onUp: (_node, ip) => {
        if (live.has(ip)) duplicates++
        live.add(ip)
        if (++up === count * (count - 1)) settled.resolve()
      },
      onDown: (ip) => {
        live.delete(ip)
        up--
      }
    }
  }
  const middle = count >> 1
  const seed = await start(meshIp(middle), [], watch())
  const nodes = await Promise.all(
    Array.from({ length: count }, (_, i) => i === middle ? seed : start(meshIp(i), [seed.address], watch()))
  )
  await settled.promise
  const settleMs = performance.now() - started
  const stats = await Promise.all(nodes.map((node) => Effect.runPromise(node.events.stats)))
  return {
    settleMs,
    pairs: count * (count - 1) / 2,
    dials: stats.reduce((sum, { dials }) => sum + dials, 0),
    duplicates
  }
}

export const implementation: Implementation = { serve, connect, crowd, mesh }
