import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"

import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncBranches from "../../../src/domain/sync/SyncBranches.ts"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncStatus from "../../../src/domain/sync/SyncStatus.ts"
import * as SyncVerdict from "../../../src/domain/sync/SyncVerdict.ts"
import * as SyncWork from "../../../src/domain/sync/SyncWork.ts"
import { long } from "../../harness/long.ts"
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
    { arbitrary: { runs: 60 }, timeout: 60_000, ...long }
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
  const up = (peer: typeof a): SyncState.SyncEvent => ({ _tag: "PeerUp", peer, tip, on: undefined })
  const headers = (peer: typeof a, request: number, ms: number): SyncState.SyncEvent => ({
    _tag: "HeadersReceived",
    peer,
    request,
    count: 10,
    last: tip,
    placed: { _tag: "Branch", branch: { id: 1, fork: 0, tip, trunk: undefined } },
    also: [],
    clockBehind: undefined,
    dueMs: 0,
    more: "no",
    ms
  })
  const timer: SyncState.SyncTimer = { _tag: "Answer", peer: a }
  const fired = (trickled = false): SyncState.SyncEvent => ({ _tag: "Fired", timer, trickled })

  it("asks for headers, then for bodies, and waits four times what can be expected", () => {
    assert.deepStrictEqual(after([up(a)]).actions, [
      { _tag: "GetHeaders", peer: a, request: 1, count: Limits.headersFirstRequest },
      { _tag: "Arm", timer, ms: Limits.stallFirstMs }
    ])
    assert.deepStrictEqual(after([up(a), headers(a, 1, 2_000)]).actions, [
      { _tag: "GetBlocks", peer: a, request: 2, branch: 1, from: 1, count: 10 },
      { _tag: "Arm", timer, ms: 4 * (2_000 + 10) }
    ])
  })

  it("a stall doubles the wait and asks for little once more; the fifth in a row is the last, the third before any answer", () => {
    const asked = [up(a), headers(a, 1, 2_000)]
    const waits = [1, 2, 3, 4].map((n) => after([...asked, ...Array.from({ length: n }, () => fired())]).actions)
    assert.deepStrictEqual(waits.map((actions) => actions.find((action) => action._tag === "Arm")?.ms), [
      16_080,
      32_160,
      60_000,
      60_000
    ])
    assert.deepStrictEqual(waits[0]?.find((action) => action._tag === "GetHeaders"), {
      _tag: "GetHeaders",
      peer: a,
      request: 3,
      count: Limits.headersFirstRequest / 2
    })
    const last = (events: ReadonlyArray<SyncState.SyncEvent>) =>
      after(events).actions.flatMap((action) => action._tag === "Drop" ? [action.fault] : [])
    assert.deepStrictEqual(last([...asked, fired(), fired(), fired(), fired()]), [])
    assert.deepStrictEqual(last([...asked, fired(), fired(), fired(), fired(), fired()]), ["unresponsive"])
    assert.deepStrictEqual(last([...asked, fired(), fired(), fired(), fired(), fired(true)]), ["stalled"])
    assert.deepStrictEqual(last([up(a), fired(), fired()]), [])
    assert.deepStrictEqual(last([up(a), fired(), fired(), fired()]), ["unresponsive"])
  })

  it("a stall hands the rest to another at once; of the last blocks, one that is quicker is asked before", () => {
    const { state } = after([up(a), headers(a, 1, 2_000)])
    const beside = (pieceMs: number | undefined) => {
      const other = { ...SyncWork.newPeer(b, tip, { branch: 1, height: 10, shown: 10 }), pieceMs }
      return { ...state, peers: [...state.peers, other] }
    }
    const blocks = (state: SyncState.SyncState, event: SyncState.SyncEvent) =>
      SyncPlan.step(state, event)[1].filter(({ _tag }) => _tag === "GetBlocks")
    const asked = { _tag: "GetBlocks", peer: b, request: 3, branch: 1, from: 1, count: 10 } as const
    assert.deepStrictEqual(blocks(beside(50_000), { _tag: "TipAnnounced", peer: a, tip, on: undefined }), [])
    assert.deepStrictEqual(blocks(beside(50_000), fired()), [asked])
    assert.deepStrictEqual(blocks(beside(20), { _tag: "TipAnnounced", peer: a, tip, on: undefined }), [asked])
  })

  it("bytes are no progress: they clear no stall, and a whole piece does", () => {
    const late = [up(a), headers(a, 1, 2_000), fired(true), fired(true)]
    assert.deepStrictEqual([after(late).state.peers[0]?.stalls, after(late).state.requests[0]?.stalled], [2, true])
    const piece: SyncState.SyncEvent = {
      _tag: "BlocksReceived",
      peer: a,
      request: 2,
      count: 1,
      done: false,
      bytes: 100,
      ms: 9_000
    }
    const { state } = after([...late, piece])
    assert.deepStrictEqual([state.peers[0]?.stalls, state.requests[0]?.stalled], [0, false])
  })

  it("an answer to a later request says that the earlier ones will not be answered: they are asked for anew", () => {
    const { actions, state } = after([up(a), headers(a, 1, 2_000), fired(), headers(a, 3, 50)])
    assert.deepStrictEqual(actions.flatMap((action) => action._tag === "Forget" ? [action.request] : []), [2])
    assert.deepStrictEqual(state.peers[0]?.pending, [4, 5])
    assert.deepStrictEqual(state.requests.map(({ id, next, to }) => [id, next, to]), [[4, 1, 8], [5, 9, 10]])
  })

  it("a block pushed on top of our chain is stored at once, whatever else peers announce", () => {
    const far = { height: 100, hash: "x100" }
    const { state } = after([
      { _tag: "PeerUp", peer: a, tip: far, on: undefined },
      {
        _tag: "HeadersReceived",
        peer: a,
        request: 1,
        count: 100,
        last: far,
        placed: { _tag: "Branch", branch: { id: 1, fork: 0, tip: far, trunk: undefined } },
        also: [],
        clockBehind: undefined,
        dueMs: 0,
        more: "no",
        ms: 20
      },
      { _tag: "BlockAdded", branch: { id: 2, fork: 0, tip: { height: 1, hash: "m1" } }, height: 1, bytes: 500 }
    ])
    assert.deepStrictEqual(SyncBranches.ready(state).map(({ id }) => id), [2])
  })

  it("bodies held out of order are bounded by bytes", () => {
    const far = { height: 9_000, hash: "x" }
    const branch = {
      id: 1,
      fork: 0,
      base: 0,
      tip: far,
      held: [{ from: 2, to: 40 }],
      delivered: 9_000,
      trunk: undefined
    }
    const { state } = after([up(a)])
    const on = { branch: 1, height: 9_000, shown: 9_000 }
    const greatest = (heldBytes: number) => {
      const peers = state.peers.map((peer) => ({ ...peer, batch: 256, on, pending: [] }))
      const [, actions] = SyncPlan.step(
        { ...state, peers, headerRequests: [], branches: [{ ...branch, heldBytes }] },
        { _tag: "TipAnnounced", peer: a, tip: far, on }
      )
      return Math.max(
        ...actions.flatMap((action) => action._tag === "GetBlocks" ? [action.from + action.count - 1] : [])
      )
    }
    assert.strictEqual(greatest(Limits.syncWindowBytes), Limits.blocksPerRequest)
    assert.isAbove(greatest(Limits.syncWindowBytes - 1), 2 * Limits.blocksPerRequest)
  })

  it("what a claim may cost grows with what was delivered", () => {
    const most = (delivered: number) =>
      SyncBranches.windowEnd({ branches: [] }, {
        id: 1,
        fork: 0,
        base: 0,
        tip: { height: 9_000, hash: "x" },
        held: [],
        heldBytes: 0,
        delivered,
        trunk: undefined
      })
    assert.deepStrictEqual([0, 1, 16, 4_000].map(most), [64, 68, 128, Limits.syncWindowBlocks])
    const readOn = (height: number, delivered: number) =>
      SyncBranches.mayReadOn({ chain: { height: 500, hash: "m500" } }, {
        id: 1,
        fork: 400,
        base: 400,
        tip: { height, hash: "x" },
        held: [],
        heldBytes: 0,
        delivered,
        trunk: undefined
      })
    const far = 500 + Limits.headersUndelivered
    assert.deepStrictEqual([readOn(far - 1, 0), readOn(far, 0), readOn(far, 1), readOn(200_000, 199_000)], [
      true,
      false,
      true,
      false
    ])
  })
})

describe("SyncPlan is total", () => {
  it.prop("late, foreign and senseless events change nothing and never throw", [int(0, 1_000_000)], ([seed]) => {
    const random = randomFrom(seed)
    let state = SyncState.start({ height: 0, hash: "m0" })
    const tip = () => ({ height: random(50), hash: `h${random(5)}` })
    const peer = () => SyncWorld.ip(random(4))
    const on = () => random(2) === 0 ? undefined : { branch: random(4), height: random(50), shown: random(50) }
    const branch = () => ({ id: random(4), fork: random(50), tip: tip(), trunk: undefined })
    const placed = (): SyncState.Placed =>
      [
        { _tag: "Chain" } as const,
        { _tag: "Branch", branch: branch() } as const,
        { _tag: "Worse", fork: random(50) } as const,
        { _tag: "TooDeep", fork: random(50) } as const
      ][random(4)] ?? { _tag: "Chain" }
    const events: ReadonlyArray<() => SyncState.SyncEvent> = [
      () => ({ _tag: "PeerUp", peer: peer(), tip: tip(), on: on() }),
      () => ({ _tag: "PeerDown", peer: peer() }),
      () => ({ _tag: "TipAnnounced", peer: peer(), tip: tip(), on: on() }),
      () => ({
        _tag: "HeadersReceived",
        peer: peer(),
        request: random(30),
        count: random(3),
        last: tip(),
        placed: placed(),
        also: [peer()],
        clockBehind: random(2) === 0 ? undefined : random(900),
        dueMs: random(9_000),
        more: (["yes", "no", "not-yet"] as const)[random(3)] ?? "no",
        ms: random(1_000)
      }),
      () => ({ _tag: "HeadersVoid", peer: peer(), request: random(30) }),
      () => ({
        _tag: "BlocksReceived",
        peer: peer(),
        request: random(30),
        count: random(300),
        done: random(2) === 0,
        bytes: random(100_000),
        ms: random(1_000)
      }),
      () => ({ _tag: "BlockAdded", branch: branch(), height: random(50), bytes: random(1_000) }),
      () => ({ _tag: "Stored", tip: tip(), branch: random(4), oldestFork: random(20), branches: [] }),
      () => ({ _tag: "Staged", branch: random(4), base: random(50), heldBytes: 0 }),
      () => ({ _tag: "Settled", oldestFork: random(20) }),
      () => ({ _tag: "PeerLied", peer: peer(), fault: "protocol", detail: "" }),
      () => ({ _tag: "Fired", timer: { _tag: "Answer", peer: peer() }, trickled: random(2) === 0 }),
      () => ({ _tag: "Fired", timer: { _tag: "Holdoff", peer: peer() }, trickled: false })
    ]
    for (let i = 0; i < 200; i++) {
      const event = events[random(events.length)]?.()
      if (event === undefined) continue
      const known = !("peer" in event) || state.peers.some((peer) => peer.id === event.peer)
      const [next, actions] = SyncPlan.step(state, event)
      if (!known && event._tag !== "PeerUp" && event._tag !== "HeadersReceived") {
        assert.strictEqual(next, state)
        assert.strictEqual(actions.length, 0)
      }
      state = next
      SyncStatus.line(state)
      for (const peer of state.peers) SyncStatus.peerLine(state, peer)
    }
  })
})
