/** Serving the chain: what is answered, in which order, and what a peer that asks without end costs. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, type Fiber, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { isMalformed } from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { SyncMessage } from "../../../src/domain/wire/SyncMessage.ts"
import * as ChainStoreMemory from "../../../src/layers/chain/ChainStoreMemory.ts"
import { ChainRewrites } from "../../../src/layers/sync/ChainRewrites.ts"
import * as ServeQueue from "../../../src/layers/sync/ServeQueue.ts"
import type { PeerLink, SyncContext } from "../../../src/layers/sync/SyncContext.ts"
import * as SyncServer from "../../../src/layers/sync/SyncServer.ts"
import { ChainStore, ChainStoreError, Unavailable } from "../../../src/services/ChainStore.ts"
import { hasher } from "../../harness/hasher.ts"
import { ip } from "../../harness/mesh.ts"
import { devnet, genesis, make as makeChain } from "../../harness/syntheticChain.ts"

const peer = ip("10.0.0.2")
const origin = { connection: 7, ip: peer } as unknown as PeerLink["origin"]

/** A server with a chain of `height` blocks, and one peer whose outbox holds what it did not read. */
const setup = (height: number) =>
  Effect.gen(function*() {
    const chain = yield* makeChain(height)
    const whole = Context.get(yield* Layer.build(ChainStoreMemory.layer({ genesis: genesis(devnet) })), ChainStore)
    yield* whole.append(0, chain)
    const sent: Array<SyncMessage> = []
    const dropped: Array<string> = []
    const fibers: Array<Fiber.Fiber<void>> = []
    const clock = yield* Clock.Clock
    /** What a test changes of the store. */
    const store: { -readonly [Key in keyof ChainStore["Service"]]: ChainStore["Service"][Key] } = { ...whole }
    let room = Infinity
    const waiting: Array<() => void> = []
    const context = {
      params: devnet,
      store,
      rewrites: new ChainRewrites(),
      links: new Map([[peer, { origin, serve: ServeQueue.make() }]]),
      timers: { now: () => clock.currentTimeMillisUnsafe() },
      fork: (effect: Effect.Effect<void>) => {
        const fiber = runFork(effect)
        fibers.push(fiber)
        return fiber
      },
      emit: (event: { readonly _tag: string }) => dropped.push(event._tag),
      messages: {
        send: (_: unknown, message: SyncMessage) => {
          sent.push(message)
          room -= 1
          return true
        },
        drop: (_: unknown, detail: string) => dropped.push(detail),
        whenLow: (_: unknown, bytes: number) => {
          assert.strictEqual(bytes, Limits.serveHighBytes)
          return room > 0
            ? Effect.void
            : Effect.callback<void>((resume) => void waiting.push(() => resume(Effect.void)))
        }
      }
    }
    const services = yield* Effect.context<never>()
    const runFork = Effect.runForkWith(services)
    return {
      chain,
      store,
      context: context as unknown as SyncContext,
      sent,
      dropped,
      /** So many messages fit from now on. */
      reads: (messages: number) =>
        Effect.sync(() => {
          room = messages
          for (const resume of waiting.splice(0)) resume()
        }),
      settled: Effect.gen(function*() {
        for (let i = 0; i < 200; i++) yield* Effect.yieldNow
        yield* TestClock.adjust("5 seconds")
        for (let i = 0; i < 200; i++) yield* Effect.yieldNow
      })
    }
  })
type Setup = Effect.Success<ReturnType<typeof setup>>

const askHeaders = ({ context }: Setup, request: number, ...locator: ReadonlyArray<string>) =>
  SyncServer.requested(context, peer, { _tag: "GetHeaders", request, locator: locator.map(Hash.fromHexUnsafe) })

const askBodies = ({ chain, context }: Setup, request: number, from: number, count: number) =>
  SyncServer.requested(context, peer, {
    _tag: "GetBlocks",
    request,
    from,
    hashes: Uint8Array.from(
      Buffer.from(chain.slice(from - 1, from - 1 + count).map(({ hash }) => hash).join(""), "hex")
    )
  })

const headersIn = (message: SyncMessage | undefined) => {
  if (message?._tag !== "Headers") return assert.fail(message?._tag)
  const list = BlockHeader.decodeList(hasher, message.list)
  if (isMalformed(list)) return assert.fail(list.reason)
  return { after: Hash.toHex(message.after), hashes: list.map(({ hash }) => Hash.toHex(hash)), more: message.more }
}

describe("SyncServer", () => {
  it.effect("headers follow the first hash that is ours, as many as a message holds", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(2_500)
      const hashes = server.chain.map(({ hash }) => hash)
      askHeaders(server, 1, "ff".repeat(32), hashes[99] ?? "", hashes[9] ?? "")
      askHeaders(server, 2, hashes[2_400] ?? "")
      askHeaders(server, 3)
      askHeaders(server, 4, hashes[2_499] ?? "")
      yield* server.settled
      assert.deepStrictEqual(server.sent.map((message) => "request" in message ? message.request : 0), [1, 2, 3, 4])
      const [one, two, three, four] = server.sent.map(headersIn)
      assert.deepStrictEqual(one, { after: hashes[99] ?? "", hashes: hashes.slice(100, 2_100), more: true })
      assert.deepStrictEqual(two, { after: hashes[2_400] ?? "", hashes: hashes.slice(2_401), more: false })
      assert.deepStrictEqual(three, { after: genesis(devnet).hash, hashes: hashes.slice(0, 2_000), more: true })
      assert.deepStrictEqual(four, { after: hashes[2_499] ?? "", hashes: [], more: false })
    })))

  it.effect("blocks are sent up to the first that is not ours", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(9)
      for (const [request, wrong] of [[1, 2], [2, 0], [3, 9]] as const) {
        const hashes = server.chain.slice(3, 7).map(({ hash }, i) => i === wrong ? "ff".repeat(32) : hash)
        SyncServer.requested(server.context, peer, {
          _tag: "GetBlocks",
          request,
          from: 4,
          hashes: Uint8Array.from(Buffer.from(hashes.join(""), "hex"))
        })
      }
      yield* server.settled
      const blocks = server.chain.map(({ bytes }) => bytes)
      assert.deepStrictEqual(server.sent as ReadonlyArray<unknown>, [
        { _tag: "Blocks", request: 1, blocks: blocks.slice(3, 5), done: true },
        { _tag: "Blocks", request: 2, blocks: [], done: true },
        { _tag: "Blocks", request: 3, blocks: blocks.slice(3, 7), done: true }
      ])
    })))

  it.effect("headers are read from the index: no block is touched", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(100)
      server.store.blocks = () => Effect.die("a block was read")
      askHeaders(server, 1)
      yield* server.settled
      assert.strictEqual(headersIn(server.sent[0]).hashes.length, 100)
    })))

  it.effect("a peer that does not read gets one answer, and what it asks more waits", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(2_100)
      yield* server.reads(1)
      for (let i = 0; i < 20; i++) {
        askHeaders(server, 2 * i)
        askBodies(server, 2 * i + 1, 1, 256)
      }
      yield* server.settled
      assert.strictEqual(server.sent.length, 1)
      yield* server.reads(3)
      yield* server.settled
      assert.strictEqual(server.sent.length, 4)
      yield* server.reads(Infinity)
      yield* server.settled
      // In the order of the requests, the pieces of one together.
      const requests = server.sent.map((message) => "request" in message ? message.request : -1)
      assert.deepStrictEqual([...new Set(requests)], Array.from({ length: 40 }, (_, i) => i))
      assert.deepStrictEqual(requests, requests.toSorted((a, b) => a - b))
      const bodies = server.sent.flatMap((message) =>
        message._tag === "Blocks" && message.request === 1 ? message.blocks : []
      )
      assert.deepStrictEqual(bodies.map(Hash.toHex), server.chain.slice(0, 256).map(({ bytes }) => Hash.toHex(bytes)))
    })))

  it.effect("one request too many ends the connection, and says why", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(10)
      yield* server.reads(0)
      // One is being answered.
      for (let i = 0; i <= Limits.serveQueue; i++) askHeaders(server, i)
      assert.deepStrictEqual(server.dropped, [])
      askHeaders(server, 99)
      assert.deepStrictEqual(server.dropped, ["too many queued requests"])
      // Nothing is sent to a connection that is gone.
      server.context.links.clear()
      yield* server.reads(Infinity)
      yield* server.settled
      assert.isAtMost(server.sent.length, 1)
    })))

  it.effect("headers go out at a bounded pace, bodies at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(2_100)
      for (let i = 0; i < 30; i++) askHeaders(server, i)
      const inMs = (ms: number) =>
        Effect.gen(function*() {
          for (let i = 0; i < ms; i++) {
            yield* TestClock.adjust(1)
            for (let j = 0; j < 20; j++) yield* Effect.yieldNow
          }
          return server.sent.length
        })
      assert.strictEqual(yield* inMs(10 * Limits.serveHeadersEveryMs + 1), 11)
      yield* server.settled
      assert.strictEqual(server.sent.length, 30)
      for (let i = 0; i < 30; i++) askBodies(server, i, 1, 1)
      for (let i = 0; i < 500; i++) yield* Effect.yieldNow
      assert.strictEqual(server.sent.length, 60)
    })))

  it.effect("a request that the store fails is not answered, those after it are", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(50)
      const { headers } = server.store
      const broken = new ChainStoreError({ reason: new Unavailable({ where: "x", detail: "gone", cause: "gone" }) })
      let failures = 1
      server.store.headers = (from, count) => failures-- > 0 ? Effect.fail(broken) : headers(from, count)
      askHeaders(server, 1)
      askHeaders(server, 2)
      yield* server.settled
      assert.deepStrictEqual(server.dropped, ["StoreFailed"])
      assert.deepStrictEqual(server.sent.map((message) => "request" in message && message.request), [2])
      askHeaders(server, 3)
      yield* server.settled
      assert.strictEqual(server.sent.length, 2)
    })))

  it.effect("a request that fails by a defect of this node is logged as an error, and those after it are answered", () => {
    const logged: Array<readonly [level: string, text: string]> = []
    return Effect.scoped(Effect.gen(function*() {
      const server = yield* setup(5)
      const { headers } = server.store
      let defects = 1
      server.store.headers = (from, count) => defects-- > 0 ? Effect.die(new Error("a defect")) : headers(from, count)
      askHeaders(server, 1)
      askHeaders(server, 2)
      yield* server.settled
      assert.deepStrictEqual(server.dropped, [])
      assert.deepStrictEqual(server.sent.map((message) => "request" in message && message.request), [2])
      assert.deepStrictEqual(logged.map(([level]) => level), ["Error"])
      assert.include(logged[0]?.[1], "a defect")
    })).pipe(Effect.provide(Logger.layer([
      Logger.make(({ cause, logLevel, message }) => void logged.push([logLevel, `${String(message)} ${String(cause)}`]))
    ])))
  })
})
