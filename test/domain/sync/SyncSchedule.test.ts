/** Which peers are asked for what, from states put together by hand: who is asked first, for how much, and who is not asked. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncSchedule from "../../../src/domain/sync/SyncSchedule.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncWork from "../../../src/domain/sync/SyncWork.ts"
import { bodies, headersOf, node } from "../../harness/syncActions.ts"
import { branch, ip, on, peer, reading, request, tip } from "../../harness/syncStates.ts"

const settled = (state: SyncState.SyncState) => {
  const work = SyncWork.open(state)
  SyncSchedule.settle(work)
  return work
}

const tags = (actions: ReadonlyArray<SyncState.SyncAction>) => actions.map(({ _tag }) => _tag)

describe("headers are asked", () => {
  const asked = (peers: ReadonlyArray<SyncState.SyncPeer>, change: Partial<SyncState.SyncState> = {}) =>
    headersOf(settled(node(peers, change)).actions)

  it("of peers that announce a better chain, can be used, and are not asked already", () => {
    assert.deepStrictEqual(asked([peer(1)]), [1])
    assert.deepStrictEqual(asked([peer(1, { told: tip(10) })]), [])
    assert.deepStrictEqual(asked([peer(1, { stalls: 1 })]), [])
    assert.deepStrictEqual(asked([peer(1, { holdoff: "future" })]), [])
    assert.deepStrictEqual(asked([peer(1)], { headerRequests: [reading(5, 1)] }), [])
    assert.deepStrictEqual(asked([peer(1, { told: tip(10), recheck: true })]), [1])
    assert.deepStrictEqual(asked([peer(1, { told: tip(10), recheck: true, holdoff: "copy" })]), [])
  })

  it("until those of its tip are known, and further as its branch may be read on", () => {
    const branches = [branch(1, 20)]
    assert.deepStrictEqual(asked([peer(1, { on: on(1, 20) })], { branches }), [])
    assert.deepStrictEqual(asked([peer(1, { on: on(1, 19) })], { branches }), [1])
    assert.deepStrictEqual(asked([peer(1, { on: on(1, 21), told: tip(21) })], { branches }), [1])
    assert.deepStrictEqual(asked([peer(1, { on: on(9, 20) })], { branches }), [1], "a branch that is gone")
    const far = [branch(1, 10 + Limits.headersUndelivered)]
    const there = { on: on(1, 9_000), told: tip(9_000) }
    assert.deepStrictEqual(asked([peer(1, there)], { branches: far }), [])
  })

  it("of the best chains first, at equal ones of the quickest peer, three at a time, late ones aside", () => {
    const at = (n: number, height: number, change: Partial<SyncState.SyncPeer> = {}) =>
      peer(n, { told: tip(height), ...change })
    assert.deepStrictEqual(asked([at(1, 20), at(2, 40), at(3, 30), at(4, 25)]), [2, 3, 4])
    const running = { headerRequests: [reading(5, 4), reading(6, 3, { stalled: true })] }
    assert.deepStrictEqual(asked([at(1, 20), at(2, 40), at(3, 30), at(4, 25), at(5, 24)], running), [2, 5])
    const slow = { pieceMs: 6_400 }
    assert.deepStrictEqual(asked([at(1, 20, slow), at(2, 20)]), [2])
    assert.deepStrictEqual(asked([at(1, 20), at(2, 20, slow)]), [1])
  })

  it("of one peer for each tip and for each branch, unless a peer is asked again", () => {
    assert.deepStrictEqual(asked([peer(1), peer(2)]), [1])
    assert.deepStrictEqual(asked([peer(1), peer(2, { recheck: true })]), [1, 2])
    const branches = [branch(1, 20)]
    const shown = [peer(1, { told: tip(30), on: on(1, 20) }), peer(2, { told: tip(31), on: on(1, 20) })]
    assert.deepStrictEqual(asked(shown, { branches }), [2])
    const two = [peer(1, { told: tip(30), on: on(1, 20) }), peer(2, { told: tip(31), on: on(2, 20) })]
    assert.deepStrictEqual(asked(two, { branches: [...branches, branch(2, 20)] }), [2, 1])
    assert.deepStrictEqual(asked([peer(1)], { headerRequests: [reading(5, 9)] }), [1], "whoever was asked is gone")
  })

  it("not of one that announces what another has shown: it is asked for the same blocks", () => {
    const branches = [branch(1, 20)]
    const joined = (first: Partial<SyncState.SyncPeer>, second: Partial<SyncState.SyncPeer>) =>
      settled(node([peer(1, first), peer(2, second)], { branches })).peers[1]?.on
    assert.deepStrictEqual(joined({ on: on(1, 20) }, {}), on(1, 20, -1))
    assert.isUndefined(joined({ on: on(1, 19) }, {}), "it has not shown it whole")
    assert.isUndefined(joined({ on: on(1, 20) }, { told: tip(20, "z") }))
    assert.isUndefined(joined({ on: on(1, 20) }, { recheck: true }))
    assert.deepStrictEqual(joined({ on: on(1, 20) }, { on: on(1, 15) }), on(1, 15))
  })
})

describe("bodies are asked", () => {
  const asked = (
    peers: ReadonlyArray<SyncState.SyncPeer>,
    one: SyncState.SyncBranch,
    change: Partial<SyncState.SyncState> = {}
  ) => bodies(settled(node(peers, { branches: [one], ...change })).actions)
  const at = (n: number, height: number, change: Partial<SyncState.SyncPeer> = {}) =>
    peer(n, { told: tip(height), on: on(1, height), ...change })

  it("of peers that have them and can be used, in shares that use all of them", () => {
    assert.deepStrictEqual(asked([at(1, 20)], branch(1, 20)), [[1, 11, 20]])
    assert.deepStrictEqual(asked([at(1, 20, { stalls: 1 })], branch(1, 20)), [])
    assert.deepStrictEqual(asked([at(1, 15)], branch(1, 20)), [[1, 11, 15]])
    assert.deepStrictEqual(asked([at(1, 10)], branch(1, 20)), [])
    assert.deepStrictEqual(asked([at(1, 50), at(2, 50)], branch(1, 50)).map(([n]) => n), [1, 2, 1])
    const quick = { batch: 256 }
    assert.deepStrictEqual(asked([at(1, 74, quick), at(2, 74, quick)], branch(1, 74)), [[1, 11, 42], [2, 43, 74]])
    // Never less than one first request each.
    assert.deepStrictEqual(asked([at(1, 30, quick), at(2, 30, quick)], branch(1, 30)), [[1, 11, 26], [2, 27, 30]])
  })

  it("of the one with the least to do for its pace, of idle ones the one from which they come first", () => {
    const slow = { pieceMs: 50, blockMs: 1 }
    const quick = { pieceMs: 10, blockMs: 1 }
    assert.strictEqual(asked([at(1, 20, slow), at(2, 20, quick)], branch(1, 20))[0]?.[0], 2)
    assert.strictEqual(asked([at(1, 20, quick), at(2, 20, slow)], branch(1, 20))[0]?.[0], 1)
    assert.strictEqual(asked([at(1, 20, quick), at(2, 20, quick)], branch(1, 20))[0]?.[0], 1, "the first of equals")
    const requests = [request(1, 1, { next: 11, to: 14 }), request(2, 2, { next: 15, to: 16 })]
    assert.deepStrictEqual(asked([at(1, 20), at(2, 20)], branch(1, 20), { requests })[0], [2, 17, 20])
    const batches = [at(1, 20, { batch: 64 }), at(2, 20, { batch: 16 })]
    assert.deepStrictEqual(asked(batches, branch(1, 20), { requests })[0], [1, 17, 20])
  })

  it("of one peer in four requests at the most, void ones counted, and so many blocks in all", () => {
    const four = Array.from({ length: 4 }, (_, i) => request(i, 1, { next: 11 + i, to: 11 + i }))
    assert.deepStrictEqual(asked([at(1, 20)], branch(1, 20), { requests: four }), [])
    assert.deepStrictEqual(asked([at(1, 20)], branch(1, 20), { requests: four.slice(1) }), [[1, 11, 11]])
    const void_ = at(1, 20, { pending: [1, 2, 3, 4] })
    assert.deepStrictEqual(asked([void_], branch(1, 20)), [])
    const most = [request(1, 1, { next: 11, to: 10 + Limits.blocksInFlightPerPeer - 5 })]
    const established = branch(1, 3_000, { delivered: 4_000 })
    const far = Limits.blocksInFlightPerPeer - 5 + 11
    assert.deepStrictEqual(asked([at(1, 3_000, { batch: 256 })], established, { requests: most }), [[1, far, far + 4]])
  })

  it("in requests worth their price: a few heights that the window has just reached wait, while there is work", () => {
    const window = 10 + Limits.syncWindowBlocks
    const first = { next: 11, to: 12 }
    const busy = { requests: [request(1, 2, first)] }
    /** Requests for the end of the window, when all but so many heights before it are there or on their way. */
    const gap = (left: number, change: Partial<SyncState.SyncState>, height = 9_000) => {
      const one = branch(1, height, { delivered: 4_000, held: [{ from: 13, to: window - left }] })
      return asked([at(1, height, { batch: 256 }), at(2, height)], one, change).filter(([, from]) => from > 12).length
    }
    assert.strictEqual(gap(63, busy), 0, "few")
    assert.strictEqual(gap(64, busy), 1, "enough")
    // What is late is asked of another peer, and is work then.
    assert.strictEqual(gap(63, { requests: [request(1, 2, { ...first, stalled: true })] }), 0)
    const whole = branch(1, 9_000, { delivered: 4_000, held: [{ from: 11, to: window - 63 }] })
    const beside = {
      branches: [whole, branch(3, 12, { tip: tip(12, "b") })],
      requests: [request(1, 2, { ...first, branch: 3 })]
    }
    const pair = [at(1, 9_000, { batch: 256 }), peer(2, { told: tip(12, "b"), on: on(3, 12) })]
    assert.isAbove(asked(pair, whole, beside).length, 0, "work for another branch")
    assert.isAbove(gap(63, busy, window), 0, "the chain ends there")
    const more = { ...busy, headerRequests: [reading(7, 1)] }
    assert.strictEqual(gap(63, more, window), 0, "and more of it is being read")
    const late = { ...busy, headerRequests: [reading(7, 1, { stalled: true })] }
    assert.isAbove(gap(63, late, window), 0, "but not by a peer that is late")
    const young = branch(1, 9_000, { delivered: 10 })
    assert.isAbove(asked([at(1, 9_000)], young, busy).length, 0, "a window that grows does not wait")
  })
})

describe("the last blocks", () => {
  const at = (n: number, change: Partial<SyncState.SyncPeer> = {}) => peer(n, { on: on(1, 20), ...change })
  const begun = [request(1, 1, { next: 11, to: 20 })]
  const doubled = (
    holder: Partial<SyncState.SyncPeer>,
    other: Partial<SyncState.SyncPeer>,
    change: Partial<SyncState.SyncState> = {},
    one = branch(1, 20)
  ) => bodies(settled(node([at(1, holder), at(2, other)], { branches: [one], requests: begun, ...change })).actions)
  const slow = { pieceMs: 5_000, blockMs: 100 }
  const quick = { pieceMs: 10, blockMs: 1 }

  it("are asked of a second peer that can be expected in less than half the time, once", () => {
    assert.deepStrictEqual(doubled(slow, quick), [[2, 11, 20]])
    assert.deepStrictEqual(doubled(quick, quick), [])
    assert.deepStrictEqual(doubled(slow, { pieceMs: 2_999, blockMs: 0 }), [[2, 11, 20]])
    assert.deepStrictEqual(doubled(slow, { pieceMs: 3_000, blockMs: 0 }), [])
    const again = { requests: [request(1, 1, { next: 11, to: 20, doubled: true })] }
    assert.deepStrictEqual(doubled(slow, quick, again), [])
    const work = settled(node([at(1, slow), at(2, quick)], { branches: [branch(1, 20)], requests: begun }))
    assert.deepStrictEqual(work.requests.map(({ doubled, peer }) => [peer, doubled]), [[ip(1), true], [ip(2), true]])
  })

  it("are asked from the first that has not arrived: those before are stored, and no peer has them on the branch any more", () => {
    const partly = branch(1, 20, { base: 12, held: [{ from: 13, to: 14 }] })
    assert.deepStrictEqual(doubled(slow, quick, { requests: [request(1, 1, { next: 11, to: 20 })] }, partly), [[
      2,
      15,
      20
    ]])
  })

  it("that are late are asked one of every idle peer that has delivered none yet, but of none twice", () => {
    const requests = [request(1, 1, { next: 11, to: 20, stalled: true })]
    const peers = [
      at(1, { stalls: 1, pending: [1] }),
      ...[2, 3].map((n) => at(n)),
      at(5, { stalls: 1 }),
      at(6, { lacks: 12 }),
      at(7, { lacks: 11 })
    ]
    const state = node(peers, { requests, branches: [branch(1, 20, { base: 10 })] })
    const asked = settled(state)
    assert.deepStrictEqual(bodies(asked.actions), [[2, 11, 20], [3, 11, 11], [6, 11, 11]])
    const again = SyncWork.open(SyncWork.close(asked))
    SyncSchedule.settle(again)
    assert.deepStrictEqual(bodies(again.actions), [])
  })

  it("do not wait for a peer that has not shown its pace until it is late", () => {
    assert.deepStrictEqual(doubled({}, { pieceMs: 2_400, blockMs: 1 }), [[2, 11, 20]])
    assert.deepStrictEqual(doubled({}, { pieceMs: 2_600, blockMs: 1 }), [])
    // In the middle of a chain neither: it may never deliver, and an idle peer does.
    const long = branch(1, 400)
    const far = { on: on(1, 400), told: tip(400), batch: 64 }
    const all = { requests: [request(1, 1, { next: 11, to: 74 })] }
    assert.deepStrictEqual(doubled(far, { ...far, ...quick }, all, long), [[2, 11, 74]])
    assert.deepStrictEqual(doubled({ ...far, ...slow }, { ...far, ...quick }, all, long), [[2, 11, 74]])
  })

  it("are asked of an idle peer alone, that has them; the first of what is asked for, not what is late", () => {
    const busy = { requests: [...begun, request(2, 2, { branch: 3, next: 11, to: 12 })] }
    const others = [branch(1, 20), branch(3, 19, { tip: tip(19, "b") })]
    const peers = [at(1, slow), at(2, quick), peer(3, { told: tip(19, "b"), on: on(3, 19), stalls: 1 })]
    assert.deepStrictEqual(
      bodies(settled(node(peers, { ...busy, branches: others })).actions).filter(([, from, to]) =>
        from === 11 && to === 20
      ),
      []
    )
    assert.deepStrictEqual(doubled(slow, { ...quick, lacks: 11 }), [])
    const two = { requests: [request(1, 1, { next: 16, to: 20 }), request(2, 1, { next: 11, to: 15 })] }
    assert.deepStrictEqual(doubled(slow, quick, two), [[2, 11, 15]])
    assert.deepStrictEqual(
      doubled(slow, quick, { headerRequests: [reading(7, 1)] }),
      [],
      "more headers are on their way"
    )
  })
})

describe("memory", () => {
  const over = Limits.syncWindowBytes + 1
  it("that bodies fill twice over is freed of the branch that delivered least, and its peers are on probation", () => {
    const branches = [
      branch(1, 20, { delivered: 50, heldBytes: over }),
      branch(2, 21, { delivered: 5, heldBytes: over, tip: tip(21) }),
      branch(3, 22, { delivered: 500, heldBytes: 1, tip: tip(22) })
    ]
    const peers = [1, 2, 3].map((n) => peer(n, { on: on(n, 19 + n), told: tip(19 + n) }))
    const work = settled(node(peers, { branches }))
    assert.deepStrictEqual(work.branches.map(({ id }) => id), [1, 3])
    assert.deepStrictEqual(work.peers.map(({ holdoff }) => holdoff), [undefined, "probation", undefined])
    assert.include(tags(work.actions), "DropBranch")
    // The one that our chain grows by stays, whatever it delivered.
    const current = settled(node(peers, { branches, current: 2 }))
    assert.deepStrictEqual(current.branches.map(({ id }) => id), [2, 3])
    const fits = [1, 2].map((n) => branch(n, 19 + n, { heldBytes: Limits.syncWindowBytes, tip: tip(19 + n) }))
    assert.lengthOf(settled(node(peers, { branches: fits })).branches, 2)
  })
})

describe("what is asked for no more", () => {
  it("are blocks that are there, on the disk or of a branch that is gone", () => {
    const left = (change: Partial<SyncState.SyncRequest>, one: Partial<SyncState.SyncBranch> = {}) =>
      settled(node([peer(1, { on: on(1, 20), stalls: 1 })], {
        branches: [branch(1, 20, one)],
        requests: [request(7, 1, change)]
      })).requests.some(({ id }) => id === 7)
    assert.isTrue(left({}))
    assert.isFalse(left({ branch: 4 }))
    assert.isFalse(left({}, { base: 14 }))
    assert.isTrue(left({}, { base: 13 }))
    assert.isFalse(left({}, { held: [{ from: 11, to: 14 }] }))
    assert.isTrue(left({}, { held: [{ from: 11, to: 13 }] }))
    assert.isTrue(left({}, { held: [{ from: 12, to: 14 }] }))
    assert.isFalse(left({}, { base: 12, held: [{ from: 13, to: 14 }] }))
  })
})
