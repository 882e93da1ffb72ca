/** The registry of masternodes across restarts of the node. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as SignaturesLive from "../../../src/layers/masternode/SignaturesLive.ts"
import * as Node from "../../../src/layers/node/Node.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { Masternodes } from "../../../src/services/Masternodes.ts"
import { MasternodeStore, type StoredMasternode } from "../../../src/services/MasternodeStore.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import { moving } from "../../../src/testing/moving.ts"
import { announce, masternode } from "../../harness/masternodes.ts"
import { ip, onMesh, port } from "../../harness/mesh.ts"

const us = "10.0.0.1"

/** A store in memory, and how many rows were written to it. */
const storeOf = (initial: ReadonlyArray<StoredMasternode> = []) => {
  const rows = new Map(initial.map((row) => [`${row.announcement.claim.ip} ${row.announcement.claim.key}`, row]))
  let written = 0
  const store: MasternodeStore = {
    load: Effect.sync(() => [...rows.values()]),
    save: (changed, removed) =>
      Effect.sync(() => {
        written += changed.length
        for (const row of changed) rows.set(`${row.announcement.claim.ip} ${row.announcement.claim.key}`, row)
        for (const { ip, key } of removed) rows.delete(`${ip} ${key}`)
      })
  }
  return { store, rows, written: () => written }
}

/** A process of a node whose store outlives it. */
const startWith = Effect.fnUntraced(function*(sockets: PeerSocket["Service"], store: MasternodeStore) {
  const scope = yield* Scope.make()
  const services = yield* Node.layer({
    network: networks.devnet,
    listen: { ip: ip(us), port },
    advertise: undefined,
    peers: [],
    software: "keeping",
    tuning: defaultTuning,
    masternodes: true
  }).pipe(
    Layer.provide([
      Layer.succeed(PeerSocket, sockets),
      PeerStoreMemory.layer(),
      SignaturesLive.layerInTurn,
      Layer.succeed(MasternodeStore, store)
    ]),
    Layer.buildWithMemoMap(Layer.makeMemoMapUnsafe(), scope)
  )
  yield* Effect.addFinalizer(() => moving(Scope.close(scope, Exit.void)))
  const registry = Context.getUnsafe(services as unknown as Context.Context<Masternodes>, Masternodes)
  return {
    rows: Effect.map(
      registry.report,
      ({ masternodes }) => masternodes.map(({ ip, port, state, tier }) => `${ip} ${port} ${tier} ${state}`)
    ),
    conflicts: Effect.map(registry.report, ({ conflicts }) => conflicts.length),
    stop: Scope.close(scope, Exit.void)
  }
})

/** Stops it while the clock runs: the final Reject travels. */
const stopping = (node: { readonly stop: Effect.Effect<void> }) =>
  Effect.andThen(Effect.forkScoped(node.stop), TestClock.adjust("10 seconds"))

const stored = (n: number, at: string, claimAt: number, more: Partial<StoredMasternode> = {}): StoredMasternode => ({
  announcement: announce(n, at, claimAt),
  firstAt: claimAt,
  isProven: false,
  ...more
})

describe("the registry across restarts", () => {
  it.effect("is known at once, and live again by a connection only", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const { rows, store } = storeOf()
        const first = yield* startWith(network.host(ip(us)), store)
        const other = yield* start("10.1.0.1", { peers: [us], masternode: masternode(1) })
        yield* start("10.2.0.1", { peers: [us], masternode: masternode(2) })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* first.rows, ["10.1.0.1 24200 free live", "10.2.0.1 24200 free live"])
        yield* stopping(first)
        assert.strictEqual(rows.size, 2, "stored when it stops")
        yield* other.stop
        const again = yield* startWith(network.host(ip(us)), store)
        assert.deepStrictEqual(yield* again.rows, ["10.1.0.1 24200 free known", "10.2.0.1 24200 free known"])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* again.rows, ["10.1.0.1 24200 free known", "10.2.0.1 24200 free live"])
        yield* stopping(again)
      })))

  it.effect("writes what has changed, once a minute at most", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const { store, written } = storeOf()
        yield* startWith(network.host(ip(us)), store)
        yield* start("10.1.0.1", { peers: [us], masternode: masternode(1) })
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(written(), 0)
        yield* TestClock.adjust("9 minutes")
        assert.strictEqual(written(), 1)
        // It signs anew every ten minutes.
        yield* TestClock.adjust("12 minutes")
        assert.strictEqual(written(), 3)
      })))

  it.effect("takes nothing that is forged, of the future, or long gone; what expired is shown as that; conflicts stay", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("48 hours")
        const now = 48 * 3_600_000
        const real = stored(3, "10.3.0.1", now - 1_000)
        const forged = {
          ...real,
          announcement: { ...real.announcement, claim: { ...real.announcement.claim, ip: ip("10.9.9.9") } }
        }
        const { rows, store } = storeOf([
          real,
          forged,
          stored(4, "10.3.0.1", now - 2_000),
          stored(5, "10.5.0.1", now + 2 * Limits.masternodeAheadMs),
          stored(6, "10.6.0.1", now - Limits.masternodeExpiryMs - 1_000),
          stored(7, "10.7.0.1", now - Limits.masternodeExpiryMs - Limits.masternodeKeepMs)
        ])
        const node = yield* startWith(network.host(ip(us)), store)
        assert.deepStrictEqual(yield* node.rows, ["10.3.0.1 24200 free known", "10.6.0.1 24200 free expired"])
        assert.strictEqual(yield* node.conflicts, 1, "two keys claim one IP")
        assert.strictEqual(rows.size, 6, "reading removes nothing")
      })))

  it.effect("is bounded, whatever is stored", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 minute")
        const many = Array.from(
          { length: Limits.masternodesPerIp + 5 },
          (_, i) => stored(i + 1, "10.3.0.1", 60_000 - i)
        )
        const { rows, store } = storeOf(many)
        const node = yield* startWith(network.host(ip(us)), store)
        assert.strictEqual((yield* node.rows).length, 1, "one per IP is shown")
        yield* stopping(node)
        assert.isAtLeast(rows.size, Limits.masternodesPerIp)
      })))
})
