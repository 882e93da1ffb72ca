import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"

import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncStatus from "../../../src/domain/sync/SyncStatus.ts"
import { randomFrom } from "../../harness/random.ts"
import * as SyncWorld from "../../harness/syncWorld.ts"
import type { PeerSpec } from "../../harness/syncWorld.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** A chain of `height` blocks above genesis that leaves the main chain above `fork`. */
const chain = (height: number, fork = height, name = "m"): ReadonlyArray<string> =>
  Array.from({ length: height + 1 }, (_, h) => h <= fork ? `m${h}` : `${name}${fork}.${h}`)

const fast = { latencyMs: 5, blockMs: 0.05, piece: 64 }
const honest = (height: number, link: Partial<PeerSpec> = {}): PeerSpec => ({
  kind: { _tag: "Honest" },
  chain: chain(height),
  ...fast,
  ...link
})
const hour = 3_600_000
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

  it("goes on when the source goes, comes back, and grows", () => {
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
    ["withholds a block in silence", liar({ _tag: "Withholds", at: 40, silent: true }), "unresponsive"],
    [
      "shows a longer chain, then falls silent",
      liar({ _tag: "Withholds", at: 0, silent: true }, chain(height + 900, 3, "f")),
      "unresponsive"
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

  it("liars alone: nothing is asked any more, and the status says why", () => {
    const world = sync([liar({ _tag: "Inflates" }, chain(0)), liar({ _tag: "BadHeader", at: 1 })], { limitMs: 600_000 })
    assert.deepStrictEqual(world.store, chain(0))
    assert.strictEqual(
      SyncStatus.line(world.state),
      "height 0, 2 peers, not syncing because every peer sent something false"
    )
    assert.deepStrictEqual(world.state.peers.map((peer) => SyncStatus.peerLine(world.state, peer)), [
      "not used: inflated-height",
      "not used: bad-header"
    ])
  })

  it("made-up headers run ahead only so far", () => {
    const world = sync([liar({ _tag: "Withholds", at: 1, silent: true }, chain(Limits.headersAhead + 5_000))], {
      limitMs: 30_000
    })
    assert.isAtMost(world.state.headers.height, Limits.headersAhead + 150)
    assert.isAtLeast(world.state.headers.height, Limits.headersAhead)
  })
})

describe("SyncPlan in random worlds", () => {
  /** Every draw makes another mix of peers, links, forks and events; at least one honest peer stays. */
  const scenario = (seed: number): SyncWorld.Options & { readonly best: ReadonlyArray<string> } => {
    const random = randomFrom(seed)
    const height = 1 + random(1_200)
    const start = chain(random(height), random(height), random(3) === 0 ? "s" : "m")
    const best = chain(height)
    const link = () =>
      random(4) === 0
        ? { latencyMs: 20 + random(2_000), blockMs: 5 + random(60), piece: 1 + random(4) }
        : { latencyMs: 1 + random(80), blockMs: 0.05 + random(20) / 10, piece: 1 + random(128) }
    const kinds: ReadonlyArray<() => SyncWorld.Kind> = [
      () => ({ _tag: "Inflates" }),
      () => ({ _tag: "Promises" }),
      () => ({ _tag: "Withholds", at: random(height), silent: random(2) === 0 }),
      () => ({ _tag: "BadHeader", at: 1 + random(height) }),
      () => ({ _tag: "BadBlock", at: 1 + random(height) }),
      () => ({ _tag: "Silent" })
    ]
    const peers: Array<PeerSpec> = [{ kind: { _tag: "Honest" }, chain: best, ...link() }]
    for (let n = random(5); n > 0; n--) {
      const shorter = chain(random(height + 1))
      const fork = chain(random(height), random(height), "n")
      peers.push({
        kind: { _tag: "Honest" },
        chain: random(3) === 0 ? fork : random(2) === 0 ? shorter : best,
        ...link()
      })
    }
    for (let n = random(5); n > 0; n--) {
      const kind = kinds[random(kinds.length)]?.() ?? { _tag: "Silent" }
      // A longer chain only where its bodies are not to be had: otherwise it would be the best one.
      const made = kind._tag === "Withholds" ? chain(height + random(900), Math.min(height, kind.at), "w") : best
      peers.push({ kind, chain: random(2) === 0 ? made : best, ...link() })
    }
    const order = peers.map((peer) => ({ peer, key: random(1_000) })).toSorted((a, b) => a.key - b.key)
    const script = Array.from({ length: random(6) }, () => ({
      at: random(20_000),
      peer: random(peers.length),
      _tag: random(2) === 0 ? "Down" as const : "Up" as const
    }))
    // Whoever went comes back.
    const back = order.map((_, peer) => ({ at: 20_000, peer, _tag: "Up" as const }))
    return { start, peers: order.map((row) => row.peer), script: [...script, ...back], limitMs: hour, best }
  }
  const isLiar = (spec: PeerSpec | undefined) => spec !== undefined && spec.kind._tag !== "Honest"

  it.prop(
    "ends at the best chain an honest peer has; bounds hold; only liars are blamed",
    [int(0, 1_000_000)],
    ([seed]) => {
      const options = scenario(seed)
      const world = SyncWorld.run(options)
      for (const [n, spec] of options.peers.entries()) {
        if (!isLiar(spec)) assert.isFalse(world.blamed.has(SyncWorld.ip(n)), `seed ${seed}: honest peer ${n} blamed`)
      }
      assert.isTrue(world.done, `seed ${seed}: ${SyncStatus.line(world.state)}`)
      assert.isFalse(
        SyncState.isBetter(SyncWorld.tipOf(options.best), SyncWorld.tipOf(world.store)),
        `seed ${seed}: ended at ${world.store.length - 1}, best is ${options.best.length - 1}; ${
          SyncStatus.line(world.state)
        }`
      )
    },
    { arbitrary: { runs: 60 }, timeout: 60_000 }
  )
})

describe("SyncPlan, step by step", () => {
  const [a, b] = [SyncWorld.ip(0), SyncWorld.ip(1)]
  const after = (events: ReadonlyArray<SyncState.SyncEvent>) => {
    let state = SyncState.start(SyncWorld.tipOf(chain(0)))
    let actions: ReadonlyArray<SyncState.SyncAction> = []
    for (const event of events) [state, actions] = SyncPlan.step(state, event)
    return { state, actions }
  }
  const tip = { height: 10, hash: "m10" }
  const asked: ReadonlyArray<SyncState.SyncEvent> = [
    { _tag: "PeerUp", peer: a, tip },
    {
      _tag: "HeadersReceived",
      peer: a,
      request: 1,
      count: 10,
      fork: 0,
      last: tip,
      choice: "adopted",
      base: 0,
      heldBytes: 0,
      more: "no",
      ms: 2_000
    }
  ]
  const fired: SyncState.SyncEvent = { _tag: "Fired", timer: { peer: a } }

  it("asks for headers, then for bodies, and waits four times what can be expected", () => {
    assert.deepStrictEqual(after(asked.slice(0, 1)).actions, [
      { _tag: "GetHeaders", peer: a, request: 1 },
      { _tag: "Arm", timer: { peer: a }, ms: Limits.stallFirstMs }
    ])
    assert.deepStrictEqual(after(asked).actions, [
      { _tag: "GetBlocks", peer: a, request: 2, from: 1, count: 10 },
      { _tag: "Arm", timer: { peer: a }, ms: 4 * (2_000 + 10) }
    ])
  })

  it("a stall hands the rest to another at once, and doubles the wait; the fifth in a row is the last", () => {
    const alone = [1, 2, 3, 4].map((n) => after([...asked, ...Array.from({ length: n }, () => fired)]).actions)
    assert.deepStrictEqual(alone.map((actions) => actions.find((action) => action._tag === "Arm")?.ms), [
      16_080,
      32_160,
      60_000,
      60_000
    ])
    assert.deepStrictEqual(after([...asked, fired, fired, fired, fired, fired]).actions[1]?._tag, "Blame")
    // Slow too: not to be asked for the same while the first is not late.
    const slow: SyncState.SyncEvent = {
      _tag: "HeadersReceived",
      peer: b,
      request: 99,
      count: 0,
      fork: 10,
      last: tip,
      choice: "kept",
      base: 0,
      heldBytes: 0,
      more: "no",
      ms: 50_000
    }
    const [up, ...rest] = asked
    if (up === undefined) return assert.fail("no events")
    const both = after([up, { _tag: "PeerUp", peer: b, tip }, slow, ...rest, fired])
    assert.deepStrictEqual(both.actions, [
      { _tag: "Stalled", peer: a, stalls: 1 },
      { _tag: "GetBlocks", peer: b, request: 3, from: 1, count: 10 },
      { _tag: "Arm", timer: { peer: a }, ms: 16_080 },
      { _tag: "Arm", timer: { peer: b }, ms: Limits.stallMostMs }
    ])
  })

  it("a byte of an answer clears a stall", () => {
    const { state } = after([...asked, fired, fired, { _tag: "Progress", peer: a }])
    assert.strictEqual(state.peers[0]?.stalls, 0)
    assert.isFalse(state.requests[0]?.stalled)
  })

  it("bodies held out of order are bounded by bytes", () => {
    const { state } = after([
      ...asked,
      { _tag: "Stored", tip: { height: 0, hash: "m0" }, headers: { height: 9_000, hash: "x" }, base: 0, heldBytes: 0 }
    ])
    const greatest = (heldBytes: number) => {
      const peers = state.peers.map((peer) => Object.assign({}, peer, { batch: 256, owed: 0 }))
      const held = [{ from: 2, to: 40 }]
      const tip = { height: 9_000, hash: "x" }
      const [, actions] = SyncPlan.step({ ...state, peers, requests: [], held, heldBytes }, {
        _tag: "TipAnnounced",
        peer: a,
        tip
      })
      return Math.max(
        ...actions.flatMap((action) => action._tag === "GetBlocks" ? [action.from + action.count - 1] : [])
      )
    }
    assert.strictEqual(greatest(Limits.syncWindowBytes), Limits.blocksPerRequest)
    assert.isAbove(greatest(Limits.syncWindowBytes - 1), 2 * Limits.blocksPerRequest)
  })
})

describe("SyncPlan is total", () => {
  it.prop("late, foreign and senseless events change nothing and never throw", [int(0, 1_000_000)], ([seed]) => {
    const random = randomFrom(seed)
    let state = SyncState.start({ height: 0, hash: "m0" })
    const tip = () => ({ height: random(50), hash: `h${random(5)}` })
    const events: ReadonlyArray<() => SyncState.SyncEvent> = [
      () => ({ _tag: "PeerUp", peer: SyncWorld.ip(random(4)), tip: tip() }),
      () => ({ _tag: "PeerDown", peer: SyncWorld.ip(random(4)) }),
      () => ({ _tag: "TipAnnounced", peer: SyncWorld.ip(random(4)), tip: tip() }),
      () => ({
        _tag: "HeadersReceived",
        peer: SyncWorld.ip(random(4)),
        request: random(30),
        count: random(3),
        fork: random(50),
        last: tip(),
        base: random(50),
        heldBytes: random(100_000),
        choice: (["adopted", "kept", "too-deep"] as const)[random(3)] ?? "kept",
        more: (["yes", "no", "not-yet"] as const)[random(3)] ?? "no",
        ms: random(1_000)
      }),
      () => ({
        _tag: "BlocksReceived",
        peer: SyncWorld.ip(random(4)),
        request: random(30),
        count: random(300),
        done: random(2) === 0,
        heldBytes: random(100_000),
        ms: random(1_000)
      }),
      () => ({ _tag: "Progress", peer: SyncWorld.ip(random(4)) }),
      () => ({ _tag: "PeerLied", peer: SyncWorld.ip(random(4)), fault: "protocol", detail: "" }),
      () => ({ _tag: "Fired", timer: { peer: SyncWorld.ip(random(4)) } })
    ]
    for (let i = 0; i < 200; i++) {
      const event = events[random(events.length)]?.()
      if (event === undefined) continue
      const known = !("peer" in event) || state.peers.some((peer) => peer.id === event.peer)
      const [next, actions] = SyncPlan.step(state, event)
      if (!known && event._tag !== "PeerUp") {
        assert.strictEqual(next, state)
        assert.strictEqual(actions.length, 0)
      }
      state = next
      SyncStatus.line(state)
      for (const peer of state.peers) SyncStatus.peerLine(state, peer)
    }
  })
})
