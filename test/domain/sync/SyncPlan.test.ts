import { assert, describe, it } from "@effect/vitest"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncStatus from "../../../src/domain/sync/SyncStatus.ts"
import * as SyncVerdict from "../../../src/domain/sync/SyncVerdict.ts"
import { chain, fast, honest, hour } from "../../harness/honestPeers.ts"
import * as SyncWorld from "../../harness/syncWorld.ts"
import type { PeerSpec } from "../../harness/syncWorld.ts"

const sync = (peers: ReadonlyArray<PeerSpec>, more: Partial<SyncWorld.Options> = {}) =>
  SyncWorld.run({ start: chain(0), peers, limitMs: hour, ...more })

const faults = (world: SyncWorld.World) => Object.fromEntries(world.blamed)

const fromEach = (world: SyncWorld.World) => world.state.peers.map((peer) => world.brought.get(peer.id) ?? 0)

describe("SyncPlan among honest peers", () => {
  it("one peer", () => {
    const world = sync([honest(2_480)])
    assert.deepStrictEqual(world.store, chain(2_480))
    assert.isTrue(world.done)
    assert.isBelow(world.ms, 2_000)
    assert.strictEqual(SyncStatus.line(world.state), "height 2480, 1 peer, in sync")
  })

  it("four alike share the work", () => {
    const world = sync([honest(8_000), honest(8_000), honest(8_000), honest(8_000)])
    assert.deepStrictEqual(world.store, chain(8_000))
    for (const blocks of fromEach(world)) assert.isAbove(blocks, 1_000)
    assert.strictEqual(world.blamed.size, 0)
  })

  it("fast ones do most, the slow one is used and kept", () => {
    const slow = { latencyMs: 50, blockMs: 30, piece: 1 }
    const world = sync([honest(20_000), honest(20_000, slow), honest(20_000)])
    assert.deepStrictEqual(world.store, chain(20_000))
    assert.strictEqual(world.blamed.size, 0)
    const [a = 0, b = 0, c = 0] = fromEach(world)
    assert.isAbove(b, 0)
    assert.isAbove(Math.min(a, c), 20 * b)
    // Two fast peers need a second together; the slow one must not hold the window.
    assert.isBelow(world.ms, 6_000)
  })

  it("only a very slow one: no rate is too low, no wait too long", () => {
    const world = sync([honest(40, { latencyMs: 3_000, blockMs: 12_000, piece: 1 })])
    assert.deepStrictEqual(world.store, chain(40))
    assert.strictEqual(world.blamed.size, 0)
  })

  it("peers of different heights, from the first to the last block", () => {
    const world = sync([honest(300), honest(1_000), honest(700)])
    assert.deepStrictEqual(world.store, chain(1_000))
    assert.strictEqual(world.blamed.size, 0)
  })

  it("a better chain is followed, an equal one by its lower hash", () => {
    const start = chain(1_000)
    const better = { ...honest(0), chain: chain(1_005, 950, "x") }
    assert.deepStrictEqual(sync([better], { start }).store, better.chain)
    const lower = { ...honest(0), chain: chain(1_000, 950, "a") }
    assert.deepStrictEqual(sync([lower], { start }).store, lower.chain)
    const higher = { ...honest(0), chain: chain(1_000, 950, "x") }
    assert.deepStrictEqual(sync([higher], { start }).store, start)
    assert.deepStrictEqual(sync([{ ...honest(0), chain: chain(999, 950, "a") }], { start }).store, start)
  })

  it("continues when the source goes, comes back, and grows", () => {
    const world = sync([honest(6_000, { blockMs: 1 }), honest(6_000, { blockMs: 1 })], {
      script: [
        { at: 500, peer: 0, _tag: "Down" },
        { at: 900, peer: 0, _tag: "Up" },
        { at: 1_200, peer: 1, _tag: "Down" },
        { at: 1_500, peer: 0, _tag: "Chain", chain: chain(6_010) },
        { at: 60_000, peer: 0, _tag: "Chain", chain: chain(6_011) }
      ]
    })
    assert.deepStrictEqual(world.store, chain(6_011))
    assert.strictEqual(world.blamed.size, 0)
  })

  it("nobody there: it says so", () => {
    const state = SyncState.start(SyncWorld.tipOf(chain(0)))
    assert.strictEqual(SyncStatus.line(state), "height 0, 0 peers, not syncing because no peer is connected")
    const world = sync([honest(0), honest(0)], { untilMs: 10 })
    assert.strictEqual(SyncStatus.line(world.state), "height 0, 2 peers, in sync")
  })
})

describe("SyncPlan among liars", () => {
  const height = 1_500
  const main = chain(height)
  const liar = (kind: SyncWorld.Kind, theirs = main): PeerSpec => ({ kind, chain: theirs, ...fast })
  const cases: ReadonlyArray<readonly [string, PeerSpec, SyncState.SyncFault | undefined]> = [
    ["inflates its height", liar({ _tag: "Inflates" }), "inflated-height"],
    ["inflates and promises more headers", liar({ _tag: "Promises" }), "empty-headers"],
    ["sends a false header", liar({ _tag: "BadHeader", at: 700 }, chain(height + 5)), "bad-header"],
    ["sends a false body", liar({ _tag: "BadBlock", at: 40 }), "bad-block"],
    ["withholds a block and says so", liar({ _tag: "Withholds", at: 40, silent: false }), "withheld"],
    [
      "shows a longer chain without bodies",
      liar({ _tag: "Withholds", at: 0, silent: false }, chain(height + 900, 3, "f")),
      "withheld"
    ],
    [
      "shows a longer chain with some bodies",
      liar({ _tag: "Withholds", at: 1_100, silent: false }, chain(height + 900, 800, "f")),
      "withheld"
    ],
    ["withholds a block in silence", liar({ _tag: "Withholds", at: 40, silent: true }), "withheld"],
    [
      "shows a longer chain, then falls silent",
      liar({ _tag: "Withholds", at: 0, silent: true }, chain(height + 900, 3, "f")),
      "withheld"
    ],
    ["answers nothing", liar({ _tag: "Silent" }, chain(height + 1)), "unresponsive"],
    ["drips", { ...honest(height), latencyMs: 50, blockMs: 60, piece: 1 }, undefined],
    ["is on a shorter fork", { ...honest(0), chain: chain(height - 10, height - 60, "f") }, undefined]
  ]
  for (const [name, bad, fault] of cases) {
    it(`one ${name}, beside three honest: they reach the tip, the liar alone pays`, () => {
      for (const position of [0, 1, 3]) {
        const peers = [honest(height), honest(height), honest(height)].toSpliced(position, 0, bad)
        const world = sync(peers, { untilMs: 300_000 })
        assert.deepStrictEqual(world.store, main)
        // One that says it lacks a block is asked again only as long as others have not given it.
        const unnamed = fault === undefined || (fault === "withheld" && world.blamed.size === 0)
        assert.deepStrictEqual(faults(world), unnamed ? {} : { [SyncWorld.ip(position)]: fault }, `at ${position}`)
      }
    })
  }

  it("the only other peer lies: it is named, and the honest one gives everything", () => {
    for (const [name, bad, fault] of cases) {
      const world = sync([bad, honest(height)], { untilMs: 300_000 })
      assert.deepStrictEqual(world.store, main, name)
      assert.deepStrictEqual(faults(world), fault === undefined ? {} : { [SyncWorld.ip(0)]: fault }, name)
    }
  })

  it("liars alone: they are dropped, and when they are back the status says why they are not used", () => {
    const liars = [liar({ _tag: "Inflates" }, chain(0)), liar({ _tag: "BadHeader", at: 1 })]
    const world = sync(liars, { limitMs: 10_000, returns: 1_000 })
    assert.deepStrictEqual(world.store, chain(0))
    assert.deepStrictEqual(faults(world), { "10.0.0.1": "inflated-height", "10.0.0.2": "bad-header" })
    assert.strictEqual(
      SyncStatus.line(world.state),
      "height 0, 2 peers, not syncing because every peer sent something false"
    )
    for (const peer of world.state.peers) {
      assert.strictEqual(
        SyncStatus.peerLine(world.state, peer),
        "not used: on probation, because it sent something false before"
      )
    }
  })

  it("liars that return for ever are asked ever less: probation doubles", () => {
    const liars = Array.from({ length: 20 }, () => liar({ _tag: "Inflates" }, chain(0)))
    const world = sync([honest(height), ...liars], { untilMs: hour, returns: 1_000 })
    assert.deepStrictEqual(world.store, main)
    // 30 s, 60 s, 120 s, …: seven times in an hour, instead of every second.
    for (let n = 1; n <= 20; n++) assert.isAtMost(world.dropped.get(SyncWorld.ip(n)) ?? 0, 8)
    assert.isUndefined(world.dropped.get(SyncWorld.ip(0)))
  })

  it("a chain that no peer delivers holds up none that is delivered", () => {
    for (const silent of [true, false]) {
      for (const count of [3, 20]) {
        const made = (n: number) => chain(height + 20_000, n, `x${n}`)
        const liars = Array.from({ length: count }, (_, n) => liar({ _tag: "Withholds", at: n, silent }, made(n)))
        const world = sync([...liars, honest(height)], { limitMs: 4_000 })
        assert.strictEqual(world.store.length - 1, height, `${count} liars, ${silent ? "silent" : "refusing"}`)
      }
    }
  })

  it("in sync is said only when no connected peer, proven liars aside, announces a better chain", () => {
    // The only better peer is silent from the start, or from a block on.
    for (const kind of [{ _tag: "Silent" }, { _tag: "Withholds", at: 900, silent: true }] as const) {
      const world = sync([liar(kind), honest(0)], { limitMs: 30_000 })
      assert.isFalse(world.behind.some(({ dropped, synced }) => dropped === 0 && synced), kind._tag)
    }
  })

  it("a better chain that leaves ours too deep is announced once, with what is known of it, and stays in the table", () => {
    const start = chain(300)
    const deep = chain(402, 100, "x")
    const world = sync([honest(0, { chain: deep }), honest(300)], { start, maxReorg: 100, limitMs: 600_000 })
    assert.deepStrictEqual(world.store, start)
    assert.deepStrictEqual(world.left, [SyncWorld.ip(0)])
    assert.isFalse(world.state.synced)
    assert.strictEqual(world.state.peers[0]?.told.height, 402)
    assert.strictEqual(
      SyncStatus.line(world.state),
      "height 300, 2 peers, not synced, left behind: 10.0.0.1 has a better chain of height 402 that leaves ours at height 100, " +
        "200 blocks deep, more than a reorganisation may replace; if that is the network's chain, stop the node and run " +
        "\"timemesh chain rewind 100\""
    )
    assert.isFalse(
      SyncVerdict.mayProduce(SyncVerdict.verdict({ ...world.state, peers: world.state.peers.slice(0, 1) }))
    )
    assert.isTrue(SyncVerdict.mayProduce(SyncVerdict.verdict(world.state)), "a minority does not hold up the rest")
  })
})
