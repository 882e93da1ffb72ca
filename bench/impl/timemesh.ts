/**
 * timemesh as an embedder uses it: nodes of `timemesh/testing` on TCP, messages on an application channel through
 * `ConnectionManager`. Nothing is switched off: handshake, arbitration, liveness, discovery and the peer table run.
 */
import { Context, Effect, Exit, Scope } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { SendError } from "../../src/services/ConnectionManager.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"
import * as TestNode from "../../src/testing/TestNode.ts"
import { dial } from "./bare.ts"
import { crowdIp, eachOf, meshIp } from "./generic.ts"
import type { Implementation, Link, MeshResult, Server } from "./Implementation.ts"
import { connectRaw } from "./timemeshPeer.ts"

/** Application channel the messages go over. */
export const channel = 1
/** Connections of a crowd being set up at once: fewer than the ends without Hello that a node keeps. */
const crowdAtOnce = Limits.endsWithoutHello / 2

/** A node, for as long as it is not closed. */
type Running = TestNode.TestNode & { readonly close: () => Promise<void> }

interface Watch {
  readonly onUp: (node: Running, ip: PeerIp.PeerIp) => void
  readonly onDown?: (ip: PeerIp.PeerIp) => void
}

const addressOf = (text: string): ReadonlyArray<PeerAddress.PeerAddress> => {
  const address = PeerAddress.fromString(text, 0)
  return address._tag === "Success" ? [address.success] : []
}

/** What the nodes are connected by. */
export interface Transport {
  readonly node: typeof TestNode.onTcp
  /** A socket of a peer that is no node. */
  readonly dial: typeof dial
}

/** Starts a node on a free port. `watch` misses no event: those of peers that come up while it starts follow the start. */
const start = async (
  transport: Transport,
  ip: string,
  peers: ReadonlyArray<string>,
  watch: Watch
): Promise<Running> => {
  const early: Array<PeerIp.PeerIp> = []
  const scope = Scope.makeUnsafe()
  let running: Running | undefined
  const node = await Effect.runPromise(
    transport.node({
      ip: PeerIp.fromStringUnsafe(ip),
      peers: peers.flatMap(addressOf),
      software: "timemesh-bench",
      tuning: { maxPeers: 4_000 },
      record: false,
      onEvent: (event) => {
        if (event._tag === "Down") watch.onDown?.(event.ip)
        if (event._tag !== "Up") return
        if (running === undefined) early.push(event.ip)
        else watch.onUp(running, event.ip)
      }
    }).pipe(Scope.provide(scope))
  )
  running = { ...node, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
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

const serve = (transport: Transport): Implementation["serve"] => async ({ ip, onLink }): Promise<Server> => {
  const handlers: Handlers = new Map()
  const node = await start(transport, ip, [], { onUp: (node, peer) => onLink(link(node, peer, handlers)) })
  await receiveInto(node, handlers)
  return { address: PeerAddress.format(node.address), close: node.close }
}

const connect = (transport: Transport): Implementation["connect"] => async (address, ip) => {
  const handlers: Handlers = new Map()
  const up = Promise.withResolvers<PeerIp.PeerIp>()
  const node = await start(transport, ip, [address], { onUp: (_node, peer) => up.resolve(peer) })
  await receiveInto(node, handlers)
  return link(node, await up.promise, handlers)
}

const crowd = (transport: Transport): Implementation["crowd"] => async (address, first, count) => {
  const links: Array<Link> = []
  await eachOf(count, async (index) => {
    links.push(await connectRaw(address, crowdIp(first + index), channel, transport.dial))
  }, crowdAtOnce)
  return links
}

/** Every node is told of one seed only, the middle one; the others it learns of by discovery. */
const mesh = (transport: Transport) => async (count: number): Promise<MeshResult> => {
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
  const seed = await start(transport, meshIp(middle), [], watch())
  const nodes = await Promise.all(
    Array.from(
      { length: count },
      (_, i) => i === middle ? seed : start(transport, meshIp(i), [PeerAddress.format(seed.address)], watch())
    )
  )
  await settled.promise
  const settleMs = performance.now() - started
  const stats = await Promise.all(nodes.map((node) => Effect.runPromise(Context.get(node.services, NodeEvents).stats)))
  return {
    settleMs,
    pairs: count * (count - 1) / 2,
    dials: stats.reduce((sum, { dials }) => sum + dials, 0),
    duplicates
  }
}

export const over = (transport: Transport): Implementation => ({
  serve: serve(transport),
  connect: connect(transport),
  crowd: crowd(transport),
  mesh: mesh(transport)
})

export const implementation: Implementation = over({ node: TestNode.onTcp, dial })
