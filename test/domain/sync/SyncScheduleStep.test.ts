import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import { headersOf, node } from "../../harness/syncActions.ts"
import { branch, ip, on, peer, reading, request, tip } from "../../harness/syncStates.ts"

describe("one step", () => {
  const step = (state: SyncState.SyncState, event: SyncState.SyncEvent) => SyncPlan.step(state, event)
  const headers = (
    change: Partial<Extract<SyncState.SyncEvent, { _tag: "HeadersReceived" }>>
  ): SyncState.SyncEvent => ({
    _tag: "HeadersReceived",
    peer: ip(1),
    request: 1,
    count: 5,
    last: tip(15),
    placed: { _tag: "Worse", fork: 3 },
    also: [],
    more: "yes",
    clockBehind: undefined,
    dueMs: 0,
    ms: 10,
    ...change
  })
  const blocks = (count: number): SyncState.SyncEvent => ({
    _tag: "BlocksReceived",
    peer: ip(1),
    request: 1,
    count,
    done: false,
    bytes: 100,
    ms: 10
  })

  it("of a peer that was at fault is probation, twice as long for each fault before", () => {
    const waits = [1, 2, 3].map((count) => {
      const state = { ...node([]), faults: new Map([[ip(1), count]]) }
      const [after, actions] = step(state, { _tag: "PeerUp", peer: ip(1), tip: tip(20), on: undefined })
      assert.strictEqual(after.peers[0]?.holdoff, "probation")
      return actions.flatMap((action) => action._tag === "Arm" ? [action.ms] : [])
    })
    assert.deepStrictEqual(waits, [[30_000], [60_000], [120_000]])
  })

  it("reads headers that are no better yet on, whoever else is asked, and those of a branch in turn", () => {
    const others = [2, 3, 4].map((n) => peer(n, { told: tip(40 + n), pending: [10 + n] }))
    const state = node([peer(1, { pending: [1] }), ...others], {
      headerRequests: [reading(1, 1), ...[2, 3, 4].map((n) => reading(10 + n, n, { told: tip(40 + n) }))]
    })
    assert.deepStrictEqual(headersOf(step(state, headers({}))[1]), [1])
    const placed = { _tag: "Branch", branch: { id: 1, fork: 10, tip: tip(15), trunk: undefined } } as const
    assert.deepStrictEqual(headersOf(step(state, headers({ placed }))[1]), [])
    // An answer to an earlier request: the later one continues from here.
    const late = { ...state, headerRequests: [...state.headerRequests, reading(50, 1)] }
    assert.deepStrictEqual(headersOf(step(late, headers({}))[1]), [])
  })

  it("forgets refusals with a block that comes, and one fault with sixteen at once", () => {
    const state = {
      ...node([peer(1, { pending: [1], refusals: 2, badCopies: 2, on: on(1, 40), told: tip(40) })], {
        branches: [branch(1, 40)],
        requests: [request(1, 1, { next: 11, to: 40 })]
      }),
      faults: new Map([[ip(1), 2]])
    }
    const after = (count: number) => step(state, blocks(count))[0]
    assert.deepInclude(after(1).peers[0], { refusals: 0, badCopies: 0 })
    assert.deepStrictEqual([15, 16].map((count) => after(count).faults.get(ip(1))), [2, 1])
  })

  it("puts peers that announce a header which another shows on its branch, each as far as it announces", () => {
    const state = node([peer(1, { pending: [1] }), peer(2, { told: tip(12) }), peer(3, { told: tip(19) })], {
      headerRequests: [reading(1, 1)]
    })
    const placed = { _tag: "Branch", branch: { id: 1, fork: 10, tip: tip(15), trunk: undefined } } as const
    const on = (more: "yes" | "no", also = [ip(2), ip(1), ip(9)]) =>
      step(state, headers({ placed, more, last: tip(15), also }))[0].peers.map((one) => one.on)
    assert.deepStrictEqual(on("yes"), [
      { branch: 1, height: 20, shown: 15 },
      { branch: 1, height: 12, shown: 12 },
      undefined
    ])
  })

  it("of a header that is not valid yet waits until it may be, within bounds, and asks for few then", () => {
    const waits = [0, 7_000, 60_000].map((dueMs) => {
      const state = node([peer(1, { pending: [1] })], { headerRequests: [reading(1, 1)] })
      const early = headers({ more: "not-yet", clockBehind: 9, dueMs, placed: { _tag: "Chain" } })
      const [after, actions] = step(state, early)
      assert.deepInclude(after.peers[0], { holdoff: "future", clockBehind: 9, headerBatch: Limits.headersLeastRequest })
      return actions.flatMap((action) => action._tag === "Arm" && action.timer._tag === "Holdoff" ? [action.ms] : [])
    })
    assert.deepStrictEqual(waits, [[Limits.futureRetryMs], [7_000], [Limits.futureRetryMostMs]])
  })

  it("that end with a worse block than announced before the request, even of the same height, drop the peer", () => {
    const ends = (told: SyncState.SyncTip, last: SyncState.SyncTip, placed: SyncState.Placed = { _tag: "Chain" }) => {
      const state = node([peer(1, { pending: [1], told })], { headerRequests: [reading(1, 1, { told })] })
      const [after, actions] = step(state, headers({ more: "no", last, placed }))
      const drop = actions.find(({ _tag }) => _tag === "Drop")
      return [after.peers[0]?.blamed, drop?._tag === "Drop" ? drop.detail : undefined]
    }
    const [low, high] = ["00".repeat(32), "ff".repeat(32)] as const
    assert.deepStrictEqual(ends({ height: 12, hash: low }, { height: 12, hash: high }), [
      "inflated-height",
      "announced height 12 with block 0000000000000000, headers end at 12"
    ])
    assert.deepStrictEqual(ends({ height: 12, hash: high }, { height: 12, hash: low }), [undefined, undefined])
    assert.deepStrictEqual(ends({ height: 12, hash: low }, { height: 13, hash: high }), [undefined, undefined])
    assert.deepStrictEqual(ends({ height: 12, hash: low }, { height: 12, hash: low }), [undefined, undefined])
    const deep = { _tag: "TooDeep", fork: 3 } as const
    assert.deepStrictEqual(ends({ height: 99, hash: low }, { height: 40, hash: high }, deep), [
      "inflated-height",
      "announced height 99, headers end at 40"
    ])
  })

  it("of our own chain with more to come count while they are old news, and drop the peer after 32 in a row", () => {
    const once = (knownLists: number, change: Partial<Parameters<typeof headers>[0]> = {}, ours = 10) => {
      const state = node([peer(1, { pending: [1], knownLists })], { headerRequests: [reading(1, 1, { ours })] })
      const [after] = step(
        state,
        headers({ more: "yes", count: 1, last: tip(7), placed: { _tag: "Chain" }, ...change })
      )
      return after.peers[0]?.blamed ?? after.peers[0]?.knownLists
    }
    assert.strictEqual(once(0), 1)
    assert.strictEqual(once(Limits.knownListsMost - 1), Limits.knownListsMost)
    assert.strictEqual(once(Limits.knownListsMost), "empty-headers")
    assert.strictEqual(once(4, { last: tip(7) }, 7), 5)
    assert.strictEqual(once(4, { last: tip(8) }, 7), 4, "our chain grew to there since the request")
    assert.strictEqual(once(4, { placed: { _tag: "Worse", fork: 7 } }), 4)
    assert.strictEqual(once(4, { more: "no", last: tip(20) }), 0)
    const early = { more: "not-yet", count: 0, clockBehind: 600, dueMs: 1_000 } as const
    assert.strictEqual(once(Limits.knownListsMost, early), Limits.knownListsMost, "our clock is behind, not the peer")
  })

  it("too deep to follow are read from their fork again", () => {
    const state = node([peer(1, { pending: [1], reached: 3 })], { headerRequests: [reading(1, 1, { reached: 3 })] })
    const [after] = step(state, headers({ more: "yes", last: tip(18), placed: { _tag: "TooDeep", fork: 3 } }))
    assert.deepInclude(after.peers[0], { reached: -1, holdoff: "too-deep", blamed: undefined })
  })

  it("without room are read from their fork again, after 5 s and then later", () => {
    const after = (holdoffs: number, more: "yes" | "no" = "yes") => {
      const state = node([peer(1, { pending: [1], reached: 3, holdoffs })], {
        headerRequests: [reading(1, 1, { reached: 3 })]
      })
      const [next, actions] = step(state, headers({ more, last: tip(18), placed: { _tag: "NoRoom", fork: 3 } }))
      const arm = actions.find((action) => action._tag === "Arm" && action.timer._tag === "Holdoff")
      return [
        next.peers[0]?.reached,
        next.peers[0]?.holdoff,
        next.peers[0]?.holdoffs,
        arm?._tag === "Arm" ? arm.ms : undefined
      ]
    }
    assert.deepStrictEqual(after(0), [-1, "no-room", 1, 5_000])
    assert.deepStrictEqual(after(1), [-1, "no-room", 2, 10_000])
    assert.deepStrictEqual(after(3), [-1, "no-room", 4, 40_000])
    assert.deepStrictEqual(after(9), [-1, "no-room", 10, 40_000])
  })

  it("of a peer that says three times in a row that it lacks a block whose header it showed drops it", () => {
    const refusing = (refusals: number, shown: number) =>
      step(
        node([peer(1, { pending: [1], refusals, on: on(1, 20, shown) })], {
          branches: [branch(1, 20)],
          requests: [request(1, 1)]
        }),
        { ...blocks(0), done: true } as SyncState.SyncEvent
      )
    const [dropped, actions] = refusing(2, 20)
    assert.strictEqual(dropped.peers[0]?.blamed, "withheld")
    assert.deepInclude(actions.find(({ _tag }) => _tag === "Drop"), {
      detail: "showed the header of block 11 and does not send the block"
    })
    const [twice] = refusing(1, 11)
    assert.deepInclude(twice.peers[0], { refusals: 2, lacks: 11, recheck: true, blamed: undefined })
    // It may never have said itself that it has the block.
    assert.deepInclude(refusing(2, 10)[0].peers[0], { refusals: 2, blamed: undefined })
  })

  it("of an answer that continues, or that brought something, is no refusal", () => {
    const state = node([peer(1, { pending: [1], on: on(1, 20), refusals: 1 })], {
      branches: [branch(1, 20)],
      requests: [request(1, 1)]
    })
    const after = (count: number, done: boolean) =>
      step(state, { ...blocks(count), done } as SyncState.SyncEvent)[0].peers[0]
    assert.deepInclude(after(0, false), { refusals: 1, lacks: Infinity })
    assert.deepInclude(after(2, true), { refusals: 0, lacks: Infinity })
    assert.deepInclude(after(4, true), { refusals: 0, lacks: Infinity })
  })

  it("of bodies that went to the disk, or are worthless, takes them out of what is held", () => {
    const held = [{ from: 11, to: 14 }, { from: 16, to: 18 }]
    const state = node([peer(1, { on: on(1, 20), stalls: 1 })], { branches: [branch(1, 20, { held, heldBytes: 700 })] })
    const [staged] = step(state, { _tag: "Staged", branch: 1, base: 13, heldBytes: 400 })
    assert.deepInclude(staged.branches[0], {
      base: 13,
      heldBytes: 400,
      held: [{ from: 14, to: 14 }, { from: 16, to: 18 }]
    })
    const [discarded] = step(state, { _tag: "Discarded", branch: 1, above: 16, heldBytes: 500 })
    assert.deepInclude(discarded.branches[0], {
      heldBytes: 500,
      held: [{ from: 11, to: 14 }, { from: 16, to: 16 }]
    })
    for (
      const event of [
        { _tag: "Staged", branch: 7, base: 13, heldBytes: 0 },
        { _tag: "Discarded", branch: 7, above: 13, heldBytes: 0 }
      ] as const
    ) assert.deepStrictEqual(step(state, event)[0].branches, state.branches)
  })

  it("of a timer that does not run changes nothing", () => {
    const state = node([peer(1, { told: tip(10) })])
    for (const timer of [{ _tag: "Holdoff", peer: ip(1) }, { _tag: "Holdoff", peer: ip(9) }] as const) {
      assert.strictEqual(step(state, { _tag: "Fired", timer, trickled: false })[0], state)
    }
    for (const n of [1, 9]) {
      const fired = { _tag: "Fired", timer: { _tag: "Answer", peer: ip(n) }, trickled: false } as const
      assert.strictEqual(step(state, fired)[0], state)
    }
  })

  it("says in sync once, and left behind once for each peer", () => {
    const up = (n: number, height: number): SyncState.SyncEvent => ({
      _tag: "PeerUp",
      peer: ip(n),
      tip: tip(height),
      on: undefined
    })
    const [first, said] = step(node([]), up(1, 10))
    assert.deepStrictEqual(said, [{ _tag: "Done", tip: tip(10) }])
    assert.isTrue(first.synced)
    const [second, again] = step(first, up(2, 10))
    assert.deepStrictEqual(again, [])
    const apart = { fork: 2, depth: 8 }
    const left = {
      ...second,
      peers: [...second.peers, peer(3, { told: tip(30), apart, holdoff: "too-deep" as const })]
    }
    const [behind, told] = step(left, up(4, 10))
    assert.deepStrictEqual(told, [{ _tag: "LeftBehind", peer: ip(3), told: tip(30), ...apart }])
    assert.isFalse(behind.synced)
    assert.strictEqual(behind.leftBehind, ip(3))
    assert.deepStrictEqual(step(behind, up(5, 10))[1], [])
  })
})
