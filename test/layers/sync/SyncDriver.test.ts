/** The planner's actions, carried out: timers, dropped branches and peers, and the moment at which history is settled. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import type { SyncEvent, SyncPeer } from "../../../src/domain/sync/SyncState.ts"
import * as SyncDriver from "../../../src/layers/sync/SyncDriver.ts"
import { Machine } from "../../../src/layers/time/Machine.ts"
import { ChainStoreError, Unavailable } from "../../../src/services/ChainStore.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

const { ip } = states

const shared = Effect.runSync(make(120))
const better = Effect.runSync(make(6, "10.8.8.8", shared))

const disk = new ChainStoreError({ reason: new Unavailable({ where: "chain.db", detail: "disk", cause: undefined }) })

/** A node with its real planner, whose events are written down as well. */
const node = (fails = false) => {
  const machine = new Machine<SyncEvent>()
  const changes: Array<string> = []
  const change = (name: string) =>
    Effect.suspend(() => {
      changes.push(name)
      return fails ? Effect.fail(disk) : Effect.void
    })
  const store = { settle: change("settle"), unstage: change("unstage") }
  const made = harness.make(shared, { machine, store: store as never })
  const seen: Array<SyncEvent> = []
  const { post } = machine
  Object.assign(machine, {
    post: (event: SyncEvent) => {
      seen.push(event)
      post(event)
    }
  })
  SyncDriver.start(made.context)
  return {
    ...made,
    changes,
    seen,
    post: machine.post,
    peer: (n: number): SyncPeer =>
      made.context.state.peers.find(({ id }) => id === ip(n)) ?? assert.fail(`no peer ${n}`),
    fired: () => seen.filter((event) => event._tag === "Fired"),
    /** Peer `n` comes up and announces that tip; what is said to it stays. */
    up: (n: number, tip = harness.tipOf(better)) => {
      const link = made.connect(n, tip)
      return link
    }
  }
}

describe("the planner's timers", () => {
  it("are one for each peer and kind: the answer of one peer leaves those of others running", () => {
    const { fired, hand, peer, up } = node()
    const first = up(2)
    hand.to(1_000)
    const second = up(3, { height: 130, hash: "cc".repeat(32) })
    assert.deepStrictEqual([peer(2).pending.length, peer(3).pending.length > 0], [1, true])
    hand.to(Limits.stallFirstMs - 1)
    assert.deepStrictEqual(fired(), [])
    first.progressed = true
    hand.to(Limits.stallFirstMs)
    assert.deepStrictEqual(fired(), [{ _tag: "Fired", timer: { _tag: "Answer", peer: ip(2) }, trickled: true }])
    assert.isFalse(first.progressed, "it is armed again, and looks for other bytes")
    assert.isFalse(second.progressed)
    hand.to(Limits.stallFirstMs + 1_000)
    assert.deepStrictEqual(fired().slice(1), [
      { _tag: "Fired", timer: { _tag: "Answer", peer: ip(3) }, trickled: false }
    ])
  })

  it("of one peer are one for each kind: the wait after a bad copy leaves the wait for the rest of the answer running", () => {
    const { context, fired, hand, peer, post, shown, up } = node()
    up(2)
    const { fork, id } = shown(better)
    const owed = () => peer(2).pending[0] ?? assert.fail("it owes nothing")
    post({
      _tag: "HeadersReceived",
      peer: ip(2),
      request: owed(),
      count: better.length,
      last: harness.tipOf(better),
      placed: { _tag: "Branch", branch: { id, fork, tip: harness.tipOf(better), trunk: undefined } },
      also: [],
      more: "no",
      clockBehind: undefined,
      dueMs: 0,
      ms: 10
    })
    const asked = { _tag: "BlocksReceived", peer: ip(2), request: owed(), bytes: 0, ms: 10 } as const
    post({ ...asked, count: 2, done: false, unusable: true })
    assert.strictEqual(context.plannerTimers.size, 2)
    const kinds = () => fired().map((event) => event._tag === "Fired" ? event.timer._tag : "")
    hand.to(Limits.stallFirstMs)
    assert.deepStrictEqual(kinds(), ["Answer"])
    hand.to(Limits.copyRetryMs - 1)
    assert.notInclude(kinds(), "Holdoff")
    hand.to(Limits.copyRetryMs)
    assert.strictEqual(kinds().filter((kind) => kind === "Holdoff").length, 1)
  })

  it("end with the peer", () => {
    const { context, fired, hand, post, up } = node()
    up(2)
    assert.strictEqual(context.plannerTimers.size, 1)
    context.links.delete(ip(2))
    post({ _tag: "PeerDown", peer: ip(2) })
    assert.deepStrictEqual([context.plannerTimers.size, hand.timers.size()], [0, 0])
    hand.to(10 * Limits.stallFirstMs)
    assert.deepStrictEqual(fired(), [])
  })

  it("that have fired are forgotten", () => {
    const { context, hand, up } = node()
    up(2)
    context.links.clear()
    const [key = assert.fail("no timer")] = context.plannerTimers.keys()
    const before = context.plannerTimers.get(key)
    hand.to(Limits.stallFirstMs)
    assert.notStrictEqual(context.plannerTimers.get(key), before)
    assert.strictEqual(context.plannerTimers.size, hand.timers.size())
  })
})

describe("a peer that is dropped", () => {
  const lie: SyncEvent = { _tag: "PeerLied", peer: ip(2), fault: "bad-block", detail: "block 7: rotten" }

  it("is reported, told why, and not heard any more", () => {
    const { calls, emitted, post, up } = node()
    const link = up(2)
    post(lie)
    assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [
      { _tag: "SyncBlamed", ip: ip(2), fault: "bad-block", detail: "block 7: rotten" }
    ])
    assert.isTrue(link.blamed)
    assert.deepStrictEqual(calls.map(([how, n]) => [how, n]), [["report", 2], ["drop", 2]])
    assert.deepStrictEqual(calls[1], ["drop", 2, "bad-block: block 7: rotten"])
  })

  it("for what proves nothing is not reported to the gate", () => {
    const { calls, post, up } = node()
    up(2)
    post({ ...lie, fault: "withheld" })
    assert.deepStrictEqual(calls, [["drop", 2, "withheld: block 7: rotten"]])
  })

  it("while most peers show that our clock is wrong is not reported to the gate", () => {
    const { calls, context, post, up } = node()
    up(2)
    up(3)
    up(4)
    const peers = context.state.peers.map((peer) => Object.assign({}, peer, { clockBehind: 600 }))
    context.state = { ...context.state, peers }
    post(lie)
    assert.deepStrictEqual(calls.map(([how]) => how).filter((how) => how !== "send"), ["drop"])
  })

  it("of the TIME network stays connected, and is synced with again later, unless it broke the protocol", () => {
    let again = 0
    const { calls, connect, context, hand, post } = node()
    const use = { again: () => void (again += 1) }
    connect(2, harness.tipOf(better), use)
    post(lie)
    assert.deepStrictEqual(calls.map(([how]) => how), ["report"])
    hand.to(Limits.timeRefusedMs - 1)
    assert.strictEqual(again, 0)
    hand.to(Limits.timeRefusedMs)
    assert.strictEqual(again, 1)
    connect(3, harness.tipOf(better), use)
    post({ ...lie, peer: ip(3) })
    context.links.delete(ip(3))
    hand.to(3 * Limits.timeRefusedMs)
    assert.strictEqual(again, 1, "the connection is gone by then")
    connect(4, harness.tipOf(better), use)
    post({ ...lie, peer: ip(4), fault: "protocol" })
    assert.deepStrictEqual(calls.map(([how, n]) => [how, n]), [["report", 4], ["drop", 4]])
  })
})

describe("a branch that is dropped", () => {
  const drop = (fails: boolean, stagedTo: number) =>
    Effect.gen(function*() {
      const made = node(fails)
      const { context, emitted, post, settle, shown, up } = made
      up(9, harness.tipOf(shared))
      emitted.length = 0
      const branch = shown(better)
      branch.stagedTo = stagedTo
      context.state = { ...context.state, branches: [states.branch(branch.id, 126, { fork: 120 })] }
      // No connected peer shows it any more.
      post({ _tag: "PeerDown", peer: ip(9) })
      yield* settle
      return made
    })

  it.effect("is gone from the store too, if part of it is there", () =>
    Effect.gen(function*() {
      const { changes, context, emitted } = yield* drop(false, 123)
      assert.deepStrictEqual([context.branches.size, changes, emitted], [0, ["unstage"], []])
      assert.deepStrictEqual((yield* drop(false, 120)).changes, [], "none of it is")
    }))

  it.effect("where the store fails is reported", () =>
    Effect.gen(function*() {
      const { emitted } = yield* drop(true, 121)
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [
        { _tag: "StoreFailed", detail: "chain.db cannot be used: disk" }
      ])
    }))
})

describe("history", () => {
  const same = harness.tipOf(shared)

  it.effect("is settled a while after the node is first in sync, in the database too", () =>
    Effect.gen(function*() {
      const { changes, context, emitted, hand, settle, up } = node()
      up(2, same)
      assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [{ _tag: "Synced", height: 120 }])
      hand.to(Limits.settleAfterMs - 1)
      assert.deepStrictEqual([context.settled, context.state.oldestFork, changes], [false, 0, []])
      hand.to(Limits.settleAfterMs)
      yield* settle
      assert.deepStrictEqual([context.settled, context.state.oldestFork, changes], [true, 120 - devnet.maxReorg, [
        "settle"
      ]])
    }))

  it.effect("is settled once, and a store that fails is reported", () =>
    Effect.gen(function*() {
      const { changes, emitted, hand, post, settle, up } = node(true)
      up(2, same)
      post({ _tag: "PeerDown", peer: ip(2) })
      hand.to(1_000)
      up(3, same)
      hand.to(3 * Limits.settleAfterMs)
      yield* settle
      assert.deepStrictEqual(changes, ["settle"])
      assert.deepStrictEqual(emitted.filter(({ _tag }) => _tag === "StoreFailed") as ReadonlyArray<unknown>, [
        { _tag: "StoreFailed", detail: "chain.db cannot be used: disk" }
      ])
    }))
})

describe("what the planner says", () => {
  it("is an event: stalled peers, and a chain that left ours too deep down", () => {
    const { context, emitted, hand, post, up } = node()
    up(2)
    hand.to(Limits.stallFirstMs)
    assert.deepStrictEqual(emitted as ReadonlyArray<unknown>, [{ _tag: "SyncStalled", ip: ip(2), stalls: 1 }])
    emitted.length = 0
    const [request = assert.fail()] = context.state.headerRequests
    context.state = { ...context.state, oldestFork: 20 }
    post({
      _tag: "HeadersReceived",
      peer: ip(2),
      request: request.id,
      count: 0,
      last: { height: 15, hash: "aa" },
      placed: { _tag: "TooDeep", fork: 15 },
      also: [],
      more: "not-yet",
      clockBehind: undefined,
      dueMs: 0,
      ms: 1
    })
    assert.deepInclude(emitted[0], { _tag: "LeftBehind", ip: ip(2), height: 126, fork: 15, depth: 105 })
  })

  it("to forget a request keeps it, for the answer still comes", () => {
    const { context, post, shown } = node()
    const branch = shown(better)
    context.blockRequests.set(7, { peer: ip(2), branch, next: 121, to: 124, forgotten: false })
    context.blockRequests.set(8, { peer: ip(2), branch, next: 125, to: 126, forgotten: false })
    context.state = {
      ...context.state,
      branches: [states.branch(branch.id, 126, { fork: 120 })],
      peers: [states.peer(2, { pending: [7, 8] })],
      requests: [states.request(7, 2, { branch: branch.id, next: 121, to: 124 })]
    }
    // Our chain got there by another way.
    post({ _tag: "Stored", tip: { height: 127, hash: "aa" }, branch: 99, oldestFork: 0, branches: [] })
    assert.deepStrictEqual([...context.blockRequests].map(([id, { forgotten }]) => [id, forgotten]), [
      [7, true],
      [8, false]
    ])
  })
})
