/** The service of sync over a store and peers in the test's hand: what it reports, what it takes, and what it begins with. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Latch, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import { Capability } from "../../../src/domain/pair/Handshake.ts"
import type { SyncMessage } from "../../../src/domain/wire/SyncMessage.ts"
import * as ChainStoreMemory from "../../../src/layers/chain/ChainStoreMemory.ts"
import * as EntropyLive from "../../../src/layers/node/EntropyLive.ts"
import * as NodeEventsLive from "../../../src/layers/node/NodeEventsLive.ts"
import * as SyncLive from "../../../src/layers/sync/SyncLive.ts"
import * as NodeFibers from "../../../src/layers/time/NodeFibers.ts"
import * as Timers from "../../../src/layers/time/Timers.ts"
import { ChainStore, ChainStoreError, type StoredBlock, Unavailable } from "../../../src/services/ChainStore.ts"
import { LocalChain } from "../../../src/services/LocalChain.ts"
import { NodeConfig, type NodeSetup } from "../../../src/services/NodeConfig.ts"
import { type PeerListener, PeerMessages } from "../../../src/services/PeerMessages.ts"
import { Sync } from "../../../src/services/Sync.ts"
import { ip } from "../../harness/mesh.ts"
import { devnet, genesis, make as makeChain, startOfTime } from "../../harness/syntheticChain.ts"

const blockOf = ({ bytes }: StoredBlock): Block.Block => {
  const block = Block.decode(bytes)
  return Block.isMalformed(block) ? assert.fail(block.reason) : block
}
const tipOf = (blocks: ReadonlyArray<StoredBlock>) => {
  const { hash, height } = blocks.at(-1) ?? genesis(devnet)
  return { height, hash }
}
const session = { ownNonce: 1n, peerNonce: 2n, ownIp: ip("10.0.0.100") }

const start = Effect.fnUntraced(function*(stored: ReadonlyArray<StoredBlock> = [], settled = false) {
  yield* TestClock.setTime(startOfTime)
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const whole = Context.get(yield* Layer.build(ChainStoreMemory.layer({ genesis: genesis(devnet) })), ChainStore)
  yield* whole.append(0, stored)
  if (settled) yield* whole.settle
  let unstaged = 0
  /** What a test changes of the store. */
  const store: { -readonly [Key in keyof ChainStore["Service"]]: ChainStore["Service"][Key] } = {
    ...whole,
    unstage: Effect.andThen(whole.unstage, Effect.sync(() => void (unstaged += 1)))
  }
  const tips: Array<unknown> = []
  const said: Array<readonly [peer: string, message: SyncMessage]> = []
  let listener: PeerListener | undefined
  let isTimeHeard = false
  const messages = {
    listen: (to: PeerListener) => Effect.sync(() => void (listener = to)),
    listenTime: () => Effect.sync(() => void (isTimeHeard = true)),
    send: (to: { readonly ip: string }, message: SyncMessage) => said.push([to.ip, message]) > 0,
    drop: () => {},
    report: () => {},
    pauseReading: () => {},
    resumeReading: () => {},
    whenLow: () => Effect.void
  } as unknown as PeerMessages["Service"]
  const services = yield* SyncLive.layer().pipe(
    Layer.provide(Timers.layer()),
    Layer.provide(NodeFibers.layer()),
    Layer.provide([
      Layer.succeed(ChainStore, ChainStore.of(store)),
      Layer.succeed(PeerMessages, messages),
      Layer.succeed(LocalChain, { tip: () => tipOf([]), setTip: (tip) => void tips.push(tip), capabilities: 0 }),
      Layer.succeed(NodeConfig, { network: networks.devnet } as unknown as NodeSetup),
      NodeEventsLive.layer(),
      EntropyLive.layer()
    ]),
    Layer.buildWithScope(scope)
  )
  const sync = Context.get(services, Sync)
  const peers = listener ?? assert.fail("it does not listen to peers")
  return {
    sync,
    store,
    tips,
    peers,
    isTimeHeard: () => isTimeHeard,
    unstaged: () => unstaged,
    said: (tag: SyncMessage["_tag"]) => said.filter(([, message]) => message._tag === tag).map(([peer]) => peer),
    up: (at: string, tip: { readonly height: number; readonly hash: string }) => {
      const origin = { ip: ip(at), connection: 1 }
      peers.onUp(origin, tip, Capability.chain, session)
      return origin
    },
    add: (block: StoredBlock) => Effect.tap(sync.add(blockOf(block)), () => TestClock.adjust("1 second"))
  }
})

describe("sync", () => {
  it.effect("begins with the stored chain, without what an earlier run staged, and hears peers of both wires", () =>
    Effect.scoped(Effect.gen(function*() {
      const chain = yield* makeChain(3)
      const node = yield* start(chain)
      assert.deepStrictEqual(node.tips, [tipOf(chain)])
      assert.deepStrictEqual([node.unstaged(), node.isTimeHeard()], [1, true])
      assert.deepStrictEqual(yield* node.sync.report, {
        tip: tipOf(chain),
        headers: 3,
        synced: false,
        mayProduce: true,
        target: 3,
        line: "height 3, 0 peers, not syncing because no peer is connected",
        halted: undefined,
        peers: [],
        reorgs: 0,
        requests: 0,
        waiting: { blocks: 0, bytes: 0 }
      })
    })))

  it.effect("reports what its peers tell, what it asks of them, and what it heads for", () =>
    Effect.scoped(Effect.gen(function*() {
      const chain = yield* makeChain(5)
      const node = yield* start(chain.slice(0, 2))
      node.up("10.0.0.1", tipOf(chain.slice(0, 2)))
      yield* TestClock.adjust("1 second")
      const level = yield* node.sync.report
      assert.deepStrictEqual([level.synced, level.mayProduce, level.target, level.line], [
        true,
        true,
        2,
        "height 2, 1 peer, in sync"
      ])
      node.up("10.0.0.2", tipOf(chain))
      yield* TestClock.adjust("1 second")
      const behind = yield* node.sync.report
      assert.deepStrictEqual([behind.synced, behind.mayProduce], [false, false])
      assert.deepStrictEqual(node.said("GetHeaders"), ["10.0.0.2"])
      assert.deepStrictEqual(behind.peers.map(({ blocks, height, ip }) => [ip, height, blocks]), [
        ["10.0.0.1", 2, 0],
        ["10.0.0.2", 5, 0]
      ])
      for (const { clockBehindS, use } of behind.peers) {
        assert.isNotEmpty(use)
        assert.isUndefined(clockBehindS)
      }
    })))

  it.effect("counts the requests of its peers that wait", () =>
    Effect.scoped(Effect.gen(function*() {
      const chain = yield* makeChain(2)
      const node = yield* start(chain)
      const isRead = Latch.makeUnsafe(false)
      const headers = node.store.headers
      node.store.headers = (from, count) => Effect.andThen(isRead.await, headers(from, count))
      const asks = [1, 2, 3].map((request) => ({ _tag: "GetHeaders", request, locator: [] }) as const)
      const [a, b] = [node.up("10.0.0.1", tipOf(chain)), node.up("10.0.0.2", tipOf(chain))]
      for (const ask of asks) node.peers.onMessage(a, ask)
      node.peers.onMessage(b, asks[0] ?? assert.fail("none"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* node.sync.report).requests, 2, "one of each peer is being answered")
      isRead.openUnsafe()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* node.sync.report).requests, 0)
    })))

  it.effect("takes a block on top of its chain, and says which tip that makes", () =>
    Effect.scoped(Effect.gen(function*() {
      const [first, second] = yield* makeChain(2)
      if (first === undefined || second === undefined) return assert.fail("no blocks")
      const node = yield* start()
      assert.deepStrictEqual(yield* node.add(first), tipOf([first]))
      assert.deepStrictEqual(yield* node.add(second), tipOf([second]))
      assert.deepStrictEqual((yield* node.sync.report).tip, tipOf([second]))
      assert.deepStrictEqual(node.tips.at(-1), tipOf([second]))
      assert.strictEqual((yield* node.store.tip).height, 2)
    })))

  it.effect("refuses a block that does not follow its chain, and one that breaks a rule, each with the reason", () =>
    Effect.scoped(Effect.gen(function*() {
      const chain = yield* makeChain(3)
      const node = yield* start(chain.slice(0, 1))
      const third = chain[2] ?? assert.fail("no block")
      const orphan = yield* Effect.flip(node.sync.add(blockOf(third)))
      assert.strictEqual(orphan.detail, "it does not follow our chain's last block")
      const second = blockOf(chain[1] ?? assert.fail("no block"))
      const wrong = { ...second, header: { ...second.header, height: 7 } }
      const fault = yield* Effect.flip(node.sync.add(wrong))
      assert.notStrictEqual(fault.detail, orphan.detail)
      assert.isNotEmpty(fault.detail)
      assert.deepStrictEqual((yield* node.sync.report).tip, tipOf(chain.slice(0, 1)))
    })))

  it.effect("says in its line that the store fails, and counts what waits for it", () =>
    Effect.scoped(Effect.gen(function*() {
      const chain = yield* makeChain(2)
      const node = yield* start()
      const append = node.store.append
      node.store.append = () =>
        Effect.fail(
          new ChainStoreError({ reason: new Unavailable({ where: "test", detail: "disk full", cause: undefined }) })
        )
      for (const block of chain) yield* node.add(block)
      const halted = yield* node.sync.report
      assert.match(halted.line, /^height 0, not storing: .*disk full/)
      const bytes = chain.reduce((sum, block) => sum + block.bytes.length, 0)
      assert.deepStrictEqual([halted.waiting, halted.headers, halted.tip.height], [{ blocks: 2, bytes }, 2, 0])
      node.store.append = append
      yield* TestClock.adjust(2 * Limits.storeRetryMs)
      const healed = yield* node.sync.report
      assert.deepStrictEqual([healed.tip, healed.waiting], [tipOf(chain), { blocks: 0, bytes: 0 }])
      assert.notInclude(healed.line, "not storing")
    })))
})
