/** What a peer of the TIME network is answered, in which order and at which pace, and what of our chain it is not shown. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TimeServer from "../../../src/layers/sync/TimeServer.ts"
import { ChainStoreError, Unavailable } from "../../../src/services/ChainStore.ts"
import * as harness from "../../harness/syncContext.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

const shared = Effect.runSync(make(120))
const bytesOf = (from: number, to: number) => shared.slice(from - 1, to).map(({ bytes }) => bytes)
const hashAt = (height: number): Hash.Hash => shared[height - 1]?.parent.hash ?? assert.fail(`no block ${height}`)
const disk = new ChainStoreError({ reason: new Unavailable({ where: "chain.db", detail: "disk", cause: undefined }) })

interface Asked {
  readonly from: number
  readonly count: number
  readonly maxBytes: number
}

/** A node of 120 blocks, and a peer that announced this tip. `found`: what its store gives instead. */
const node = (tip = harness.tipOf(shared), found?: ReadonlyArray<Uint8Array>) =>
  Effect.map(Effect.context<never>(), (services) => {
    const asked: Array<Asked> = []
    const store = {
      tip: Effect.succeed(harness.tipOf(shared)),
      hashes: (from: number, count: number) =>
        Effect.succeed(shared.slice(from - 1, from - 1 + count).map(({ hash }) => hash)),
      blocks: (from: number, count: number, maxBytes: number) => {
        asked.push({ from, count, maxBytes })
        return Effect.succeed(found ?? bytesOf(from, from - 1 + count))
      }
    }
    const made = harness.make(shared, { store: store as never, fork: Effect.runForkWith(services) as never })
    const link = made.connect(2, tip)
    const queue = TimeServer.queue(made.hand.timers.now())
    return {
      ...made,
      asked,
      store,
      link,
      queue,
      ask: (...requests: ReadonlyArray<TimeServer.Request>) => {
        for (const request of requests) TimeServer.requested(made.context, link, queue, request)
      },
      /** What was sent since the last call, once nothing is under way. */
      answers: Effect.gen(function*() {
        for (let i = 0; i < 50; i++) yield* Effect.yieldNow
        return made.said().map(([how, n, message]) => {
          assert.deepStrictEqual([how, n], ["time", 2])
          return message as { readonly _tag: string; readonly as?: string; readonly blocks?: ReadonlyArray<Uint8Array> }
        })
      })
    }
  })

const stored = (as: string, blocks: ReadonlyArray<Uint8Array>) => ({ _tag: "StoredBlocks", as, blocks })
const pages = (start: number, end: number): TimeServer.Request => ({ _tag: "GetBlocks", start, end })

describe("a page", () => {
  it.effect("has the blocks of its heights, both ends included, and no more than a page holds", () =>
    Effect.gen(function*() {
      const { answers, ask, asked } = yield* node()
      ask(pages(3, 5), pages(11, 60), pages(11, 61), { _tag: "GetBlockRange", start: 119, end: 130 }, pages(7, 6))
      assert.deepStrictEqual(yield* answers, [
        stored("BlocksResponse", bytesOf(3, 5)),
        stored("BlocksResponse", bytesOf(11, 60)),
        stored("BlocksResponse", bytesOf(11, 10 + Limits.timePageBlocks)),
        stored("BlockRangeResponse", bytesOf(119, 120)),
        stored("BlocksResponse", [])
      ])
      assert.deepStrictEqual(asked.map(({ count }) => count), [3, 50, 50, 12])
      assert.isTrue(asked.every(({ maxBytes }) => maxBytes === Limits.frameBytes - 64))
    }))

  it.effect("from height 0 begins with genesis, which counts", () =>
    Effect.gen(function*() {
      const { answers, ask, asked } = yield* node()
      const genesis = devnet.genesis.bytes
      ask(pages(0, 0), pages(0, 2), pages(0, 99), { _tag: "RequestGenesis" })
      assert.deepStrictEqual(yield* answers, [
        stored("BlocksResponse", [genesis]),
        stored("BlocksResponse", [genesis, ...bytesOf(1, 2)]),
        stored("BlocksResponse", [genesis, ...bytesOf(1, 49)]),
        stored("GenesisAnnouncement", [genesis])
      ])
      assert.deepStrictEqual(asked.map(({ count, from, maxBytes }) => [from, count, maxBytes]), [
        [1, 2, Limits.frameBytes - 64],
        [1, 49, Limits.frameBytes - 64]
      ])
    }))

  it.effect("is cut to what a frame holds, but has one block at least", () =>
    Effect.gen(function*() {
      const most = Limits.frameBytes - 64
      for (
        const [lengths, kept] of [[[most - 10, 10], 2], [[most - 10, 11], 1], [[most + 1], 1], [
          [most + 1, 1],
          1
        ]] as const
      ) {
        const { answers, ask } = yield* node(undefined, lengths.map((length) => new Uint8Array(length)))
        ask(pages(1, 2))
        const [answer] = yield* answers
        assert.deepStrictEqual(answer?.blocks?.map(({ length }) => length), lengths.slice(0, kept), `${lengths}`)
      }
    }))
})

describe("single answers", () => {
  it.effect("name hash, block, tip and work by height; of heights that we lack only the hash is answered", () =>
    Effect.gen(function*() {
      const { answers, ask } = yield* node()
      ask(
        { _tag: "GetBlockHash", height: 7 },
        { _tag: "GetBlockHash", height: 0 },
        { _tag: "GetBlockHash", height: 121 },
        { _tag: "BlockRequest", height: 9 },
        { _tag: "BlockRequest", height: 121 },
        { _tag: "GetChainWork" },
        { _tag: "GetChainWorkAt", height: 8 },
        { _tag: "GetChainWorkAt", height: 121 }
      )
      assert.deepStrictEqual(yield* answers as Effect.Effect<ReadonlyArray<unknown>>, [
        { _tag: "BlockHashResponse", height: 7, hash: hashAt(7) },
        { _tag: "BlockHashResponse", height: 0, hash: devnet.genesisHash },
        { _tag: "BlockHashResponse", height: 121, hash: undefined },
        stored("BlockResponse", bytesOf(9, 9)),
        { _tag: "ChainWorkResponse", height: 120, tipHash: hashAt(120), work: 120_000_000n },
        { _tag: "ChainWorkAtResponse", height: 8, hash: hashAt(8), work: 8_000_000n }
      ])
    }))
})

describe("a peer whose chain parts from ours", () => {
  const apart = { height: 60, hash: "ab".repeat(32) }

  it.effect("is shown nothing above its tip at first, and then one page at a time", () =>
    Effect.gen(function*() {
      const { answers, ask, hand } = yield* node(apart)
      const count = (answer: { readonly blocks?: ReadonlyArray<Uint8Array> } | undefined) => answer?.blocks?.length
      ask(pages(61, 62), { _tag: "BlockRequest", height: 61 })
      assert.deepStrictEqual((yield* answers).map(count), [0], "a block on its own is not shown either")
      hand.to(Limits.timeForkQuietMs)
      ask({ _tag: "BlockRequest", height: 61 }, { _tag: "BlockRequest", height: 62 })
      assert.deepStrictEqual((yield* answers).map(count), [1, 1], "they are not counted")
      ask(pages(61, 62), pages(61, 62))
      assert.deepStrictEqual((yield* answers).map(count), [2, 0])
    }))

  it.effect("is shown everything while it follows our chain", () =>
    Effect.gen(function*() {
      const { answers, ask } = yield* node({ height: 60, hash: Hash.toHex(hashAt(60)) })
      ask(pages(61, 62), pages(61, 63))
      assert.deepStrictEqual((yield* answers).map(({ blocks }) => blocks?.length), [2, 3])
      const ahead = yield* node({ height: 121, hash: "ab".repeat(32) })
      ahead.ask(pages(122, 123))
      assert.deepStrictEqual((yield* ahead.answers).map(({ blocks }) => blocks?.length), [0])
    }))
})

describe("requests of a peer", () => {
  it.effect("wait until it reads, in order, and those beyond the bound are left out", () =>
    Effect.gen(function*() {
      const { answers, ask, context, queue } = yield* node()
      let open: (() => void) | undefined
      const held: Array<number> = []
      Object.assign(context.messages, {
        whenLow: (_: unknown, bytes: number) =>
          Effect.callback<void>((resume) => {
            held.push(bytes)
            open = () => resume(Effect.void)
          })
      })
      for (let n = 0; n < Limits.serveQueue + 5; n++) ask({ _tag: "GetBlockHash", height: 1 + n })
      assert.deepStrictEqual(yield* answers, [])
      assert.deepStrictEqual([queue.waiting.length, queue.serving], [Limits.serveQueue, true])
      Object.assign(context.messages, { whenLow: () => Effect.void })
      open?.()
      const heights = (yield* answers).map((answer) => "height" in answer ? answer.height : 0)
      assert.deepStrictEqual(heights, Array.from({ length: Limits.serveQueue + 1 }, (_, n) => 1 + n))
      assert.deepStrictEqual([queue.waiting.length, queue.serving, held], [0, false, [Limits.serveHighBytes]])
    }))

  it.effect("are answered at the pace at which it reads that kind", () =>
    Effect.gen(function*() {
      const { answers, ask, context } = yield* node()
      const asked: Array<string> = []
      Object.assign(context.messages, {
        timeWaitMs: (_: unknown, tag: string) => {
          asked.push(tag)
          return tag === "BlocksResponse" ? 700 : 0
        }
      })
      ask(pages(1, 2), { _tag: "GetChainWork" })
      assert.deepStrictEqual(yield* answers, [])
      yield* TestClock.adjust(699)
      assert.deepStrictEqual(yield* answers, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual((yield* answers).map(({ _tag }) => _tag), ["StoredBlocks", "ChainWorkResponse"])
      assert.deepStrictEqual(asked, ["BlocksResponse", "ChainWorkResponse"])
    }))

  it.effect("of a connection that is gone are dropped with it", () =>
    Effect.gen(function*() {
      const { answers, ask, connect, queue } = yield* node()
      connect(2)
      ask({ _tag: "GetChainWork" }, { _tag: "GetChainWork" })
      assert.deepStrictEqual(yield* answers, [])
      assert.isFalse(queue.serving)
    }))

  it.effect("that the store fails are reported, and the next one is answered", () =>
    Effect.gen(function*() {
      const { answers, ask, emitted, store } = yield* node()
      Object.assign(store, { tip: Effect.fail(disk) })
      ask({ _tag: "GetChainWork" }, { _tag: "GetBlockHash", height: 3 })
      assert.deepStrictEqual((yield* answers).map(({ _tag }) => _tag), ["BlockHashResponse"])
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [
        { _tag: "StoreFailed", detail: "chain.db cannot be used: disk" }
      ])
    }))
})
