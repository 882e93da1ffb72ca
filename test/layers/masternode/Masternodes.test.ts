/** Masternodes on whole networks: every node counts them right, whatever restarts, moves or changes its port. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Tier } from "../../../src/domain/masternode/Masternode.ts"
import * as MasternodeReport from "../../../src/domain/masternode/MasternodeReport.ts"
import * as MasternodeKey from "../../../src/layers/masternode/MasternodeKey.ts"
import { Masternodes, type OwnMasternode } from "../../../src/services/Masternodes.ts"
import type { TestNode } from "../../../src/testing/index.ts"
import { collateral, masternode, privateKey } from "../../harness/masternodes.ts"
import { ip, type NodeOptions, onMesh, type Running } from "../../harness/mesh.ts"

const registry = (node: TestNode.TestNode) =>
  Context.getOption(node.services as unknown as Context.Context<Masternodes>, Masternodes).pipe(
    Effect.fromOption,
    Effect.orDie
  )
const reportOf = (node: TestNode.TestNode) => Effect.flatMap(registry(node), ({ report }) => report)
/** `IP tier`, of the live ones. */
const liveAt = (node: TestNode.TestNode) =>
  Effect.map(
    reportOf(node),
    ({ masternodes }) => masternodes.filter(({ state }) => state === "live").map(({ ip, tier }) => `${ip} ${tier}`)
  )

const options = (more: NodeOptions = {}): NodeOptions => ({ masternodes: true, ...more })
const of = (n: number, tier: Tier = "free"): OwnMasternode =>
  MasternodeKey.identity(privateKey(n), tier, tier === "free" ? undefined : collateral(n))

describe("masternodes on a mesh", () => {
  it.effect("are counted alike by every node within seconds, themselves included, each by its tier", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const seed = yield* start("10.0.0.1", options())
        const nodes: Array<Running> = [seed]
        const tiers: ReadonlyArray<Tier | undefined> = ["gold", undefined, "free", "silver", "free", "bronze"]
        for (const [i, tier] of tiers.entries()) {
          const more = tier === undefined ? {} : { masternode: of(i + 1, tier) }
          nodes.push(yield* start(`10.${i + 1}.0.1`, options({ peers: ["10.0.0.1"], ...more })))
        }
        yield* TestClock.adjust("10 seconds")
        const expected = ["10.1.0.1 gold", "10.3.0.1 free", "10.4.0.1 silver", "10.5.0.1 free", "10.6.0.1 bronze"]
        for (const node of nodes) {
          assert.deepStrictEqual(yield* liveAt(node), expected, node.ip)
          const { conflicts, counts } = yield* reportOf(node)
          assert.deepStrictEqual(conflicts, [])
          assert.deepStrictEqual(counts.live, { free: 2, bronze: 1, silver: 1, gold: 1 })
        }
        assert.strictEqual(nodes.flatMap((node) => node.of("Down")).length, 0)
        assert.strictEqual(seed.of("MasternodeLive").length, 5)
      })))

  it.effect("stay one each through restarts and five ports, and what was announced by the old one counts no more", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const watchers = [
          yield* start("10.0.0.1", options()),
          yield* start("10.9.0.1", options({ peers: ["10.0.0.1"] }))
        ]
        const ports = [24_200, 24_201, 24_202, 24_203, 24_204]
        for (const port of ports) {
          const node = yield* start(
            "10.1.0.1",
            options({ peers: ["10.0.0.1"], listen: `10.1.0.1:${port}`, masternode: masternode(1) })
          )
          yield* TestClock.adjust("15 seconds")
          for (const watcher of watchers) {
            const { conflicts, counts, masternodes } = yield* reportOf(watcher)
            assert.deepStrictEqual(masternodes.map(({ ip, port, state }) => [ip, port, state]), [
              [ip("10.1.0.1"), port, "live"]
            ])
            assert.strictEqual(MasternodeReport.total(counts, "live"), 1)
            assert.deepStrictEqual(conflicts, [])
          }
          yield* node.stop
        }
        yield* TestClock.adjust("15 seconds")
        for (const watcher of watchers) {
          assert.deepStrictEqual(yield* liveAt(watcher), [])
          assert.strictEqual(watcher.of("MasternodeGone").length, ports.length)
        }
      })))

  it.effect("stay one when they move to another address", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const watchers = [
          yield* start("10.0.0.1", options()),
          yield* start("10.9.0.1", options({ peers: ["10.0.0.1"] }))
        ]
        for (const at of ["10.1.0.1", "10.2.0.1", "10.3.0.1"]) {
          const node = yield* start(at, options({ peers: ["10.0.0.1"], masternode: masternode(1) }))
          yield* TestClock.adjust("15 seconds")
          for (const watcher of watchers) {
            const { conflicts, masternodes } = yield* reportOf(watcher)
            assert.deepStrictEqual(masternodes.map(({ ip, state }) => [ip, state]), [[ip(at), "live"]])
            assert.deepStrictEqual(conflicts, [])
          }
          yield* node.stop
        }
      })))

  it.effect("that a node cannot reach are live to it by three witnesses of different netgroups, and by no fewer", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const far = yield* start("10.1.0.1", options({ masternode: masternode(1) }))
        const near = yield* start("10.2.0.1", options({ masternode: masternode(2) }))
        yield* near.manager.isolate([ip("10.1.0.1")])
        yield* far.manager.isolate([ip("10.2.0.1")])
        const witnesses = [
          yield* start("10.3.0.1", options({ peers: ["10.1.0.1", "10.2.0.1"] })),
          yield* start("10.4.0.1", options({ peers: ["10.1.0.1", "10.2.0.1"] })),
          // Of the same netgroup as the one before.
          yield* start("10.4.0.2", options({ peers: ["10.1.0.1", "10.2.0.1"] }))
        ]
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(yield* liveAt(near), ["10.2.0.1 free"])
        assert.deepStrictEqual((yield* reportOf(near)).masternodes.map(({ state }) => state), ["known", "live"])
        yield* start("10.5.0.1", options({ peers: ["10.1.0.1", "10.2.0.1"] }))
        yield* TestClock.adjust("20 seconds")
        for (const node of [far, near]) assert.deepStrictEqual(yield* liveAt(node), ["10.1.0.1 free", "10.2.0.1 free"])
        for (const node of witnesses) assert.strictEqual((yield* liveAt(node)).length, 2)
        // Its end is seen through them too.
        yield* far.stop
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(yield* liveAt(near), ["10.2.0.1 free"])
      })))

  it.effect("announce themselves again in time, for as long as they run", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        yield* start("10.1.0.1", options({ masternode: masternode(1) }))
        const node = yield* start("10.2.0.1", options({ peers: ["10.1.0.1"] }))
        yield* TestClock.adjust("10 seconds")
        const [before] = (yield* reportOf(node)).masternodes
        yield* TestClock.adjust(Limits.masternodeExpiryMs + 60_000)
        const [after] = (yield* reportOf(node)).masternodes
        assert.strictEqual(after?.state, "live")
        assert.isAbove(after?.announcedAt ?? 0, (before?.announcedAt ?? 0) + 2 * Limits.masternodeAnnounceMs)
      })))

  it.effect("with one key at two addresses are one masternode, and the conflict is told once", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start("10.0.0.1", options())
        yield* start("10.1.0.1", options({ peers: ["10.0.0.1"], masternode: masternode(1) }))
        yield* start("10.2.0.1", options({ peers: ["10.0.0.1"], masternode: masternode(1) }))
        yield* TestClock.adjust("30 seconds")
        const { conflicts, counts, masternodes } = yield* reportOf(node)
        assert.strictEqual(masternodes.length, 1)
        assert.strictEqual(MasternodeReport.total(counts, "live"), 1)
        assert.deepStrictEqual(conflicts.map(({ _tag }) => _tag), ["OneKey"])
        assert.strictEqual(node.of("MasternodeConflict").length, 1)
      })))

  it.effect("say nothing to nodes that do not read announcements", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const plain = yield* start("10.0.0.1")
        yield* start("10.1.0.1", options({ peers: ["10.0.0.1"], masternode: masternode(1) }))
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(plain.of("Up").length, 1)
        assert.strictEqual(plain.of("UnknownFrame").length + plain.of("Down").length, 0)
        const [record] = yield* plain.state.connected
        // Hello and Commit or Ack are control frames; what a masternode says is not.
        assert.isBelow(record?.connection?.bytes.received ?? 0, 1_000)
      })))
})
