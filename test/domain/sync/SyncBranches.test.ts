/** What the planner reads from branches: what is whole, wanted, missing, ready, staged or of no use any more. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncBranches from "../../../src/domain/sync/SyncBranches.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncWork from "../../../src/domain/sync/SyncWork.ts"
import * as States from "../../harness/syncStates.ts"
import { branch, on, peer, tip } from "../../harness/syncStates.ts"

const request = (id: number, change: Partial<SyncState.SyncRequest> = {}) => States.request(id, 1, change)
const node = (branches: ReadonlyArray<SyncState.SyncBranch>, change: Partial<SyncState.SyncState> = {}) =>
  States.node([], { branches, ...change })
const ids = (branches: ReadonlyArray<SyncState.SyncBranch>) => branches.map(({ id }) => id)
const held = (from: number, to: number) => ({ held: [{ from, to }] })

describe("a branch", () => {
  it("is whole as far as its bodies follow its base without a gap", () => {
    assert.strictEqual(SyncBranches.whole(branch(1, 20)), 10)
    assert.strictEqual(SyncBranches.whole(branch(1, 20, held(11, 14))), 14)
    assert.strictEqual(SyncBranches.whole(branch(1, 20, held(12, 14))), 10)
    assert.strictEqual(SyncBranches.whole(branch(1, 20, { base: 12, ...held(13, 14) })), 14)
  })

  it("that is new has what its news says; news of a known one change it", () => {
    const work = SyncWork.open(node([]))
    SyncBranches.put(work, { id: 4, fork: 7, tip: tip(12) })
    assert.deepStrictEqual(work.branches, [{
      id: 4,
      fork: 7,
      base: 7,
      tip: tip(12),
      held: [],
      heldBytes: 0,
      delivered: 0,
      trunk: undefined
    }])
    SyncBranches.put(work, { id: 4, fork: 7, tip: tip(15) })
    assert.deepStrictEqual(work.branches.map((one) => one.tip.height), [15])
    SyncBranches.put(work, { id: 5, fork: 9, tip: tip(11), trunk: { id: 4, upTo: 9 } })
    assert.deepStrictEqual(ids(work.branches), [4, 5])
    assert.deepStrictEqual(work.branches[1]?.trunk, { id: 4, upTo: 9 })
  })

  it("is fetched as far ahead as what it delivered earns, at most the window", () => {
    const end = (delivered: number, change: Partial<SyncState.SyncBranch> = {}) =>
      SyncBranches.windowEnd({ branches: [] }, branch(1, 90_000, { delivered, ...change })) - 10
    assert.deepStrictEqual([end(0), end(1), end(10)], [64, 68, 104])
    const full = (Limits.syncWindowBlocks - Limits.blocksUndelivered) / Limits.blocksPerDelivered
    assert.deepStrictEqual([end(full - 1), end(full), end(full + 1)], [4_092, 4_096, 4_096])
    assert.deepStrictEqual(
      [full - 1, full].map((delivered) => SyncBranches.isEstablished(branch(1, 20, { delivered }))),
      [
        false,
        true
      ]
    )
    assert.strictEqual(SyncBranches.windowEnd({ branches: [] }, branch(1, 30)), 30)
  })

  it("whose bodies fill the memory, together with the others', is fetched by one request at a time", () => {
    const of = (bytes: number) => {
      const one = branch(1, 90_000, { delivered: 9_000, heldBytes: bytes - 1 })
      return SyncBranches.windowEnd({ branches: [one, branch(2, 20, { heldBytes: 1 })] }, one) - 10
    }
    assert.strictEqual(of(Limits.syncWindowBytes - 1), Limits.syncWindowBlocks)
    assert.strictEqual(of(Limits.syncWindowBytes), Limits.blocksPerRequest)
  })

  it("may show headers ahead of our chain or of its bodies, whichever is higher, and further as it delivers", () => {
    const may = (height: number, change: Partial<SyncState.SyncBranch>, chain = 10) =>
      SyncBranches.mayReadOn({ chain: tip(chain) }, branch(1, height, change))
    assert.isTrue(may(10 + 1_999, {}))
    assert.isFalse(may(10 + 2_000, {}))
    assert.isTrue(may(50 + 1_999, { base: 50 }))
    assert.isFalse(may(50 + 2_000, { base: 50 }))
    assert.isTrue(may(90 + 1_999, { base: 50 }, 90))
    assert.isTrue(may(10 + 2_063, { delivered: 1 }))
    assert.isFalse(may(10 + 2_064, { delivered: 1 }))
    assert.isFalse(may(10 + 100_000, { delivered: 9_000 }))
    assert.isTrue(may(10 + 99_999, { delivered: 9_000 }))
  })
})

describe("branches that are wanted", () => {
  it("are better than our chain and leave it no deeper than allowed; the best comes first", () => {
    const branches = [branch(1, 15), branch(2, 30), branch(3, 9, { fork: 5 }), branch(4, 20, { fork: 4 })]
    assert.deepStrictEqual(ids(SyncBranches.wanted(node(branches, { oldestFork: 5 }))), [2, 1])
    assert.deepStrictEqual(ids(SyncBranches.wanted(node(branches, { oldestFork: 4 }))), [2, 4, 1])
    const equal = [branch(1, 10, { tip: tip(10, "a"), fork: 8 }), branch(2, 10, { tip: tip(10, "z"), fork: 8 })]
    assert.deepStrictEqual(ids(SyncBranches.wanted(node(equal))), [1])
  })

  it("wait for the one that they share blocks with, while those are above our chain and it delivers", () => {
    const at = (upTo: number, delivered: number, id = 1) => {
      const branches = [branch(1, 15, { delivered }), branch(2, 30, { trunk: { id, upTo } })]
      return ids(SyncBranches.wanted(node(branches)))
    }
    assert.deepStrictEqual(at(12, 1), [1])
    assert.deepStrictEqual(at(12, 0), [2, 1], "made up, it could keep from us what it shares with an honest one")
    assert.deepStrictEqual(at(10, 1), [2, 1], "we have what they share")
    assert.deepStrictEqual(at(12, 1, 7), [2, 1], "it is gone")
  })
})

describe("what is missing of a branch", () => {
  it("are the gaps between what is held and what peers that answer are asked for", () => {
    const one = branch(1, 30, { held: [{ from: 13, to: 14 }, { from: 20, to: 21 }] })
    const requests = [
      request(1, { next: 16, to: 17 }),
      request(2, { next: 23, to: 25, stalled: true }),
      request(3, { next: 27, to: 28, branch: 2 })
    ]
    assert.deepStrictEqual(SyncBranches.missing(node([one], { requests }), one), [
      { from: 11, to: 12 },
      { from: 15, to: 15 },
      { from: 18, to: 19 },
      { from: 22, to: 30 }
    ])
  })

  it("ends with the window, whatever is held behind it", () => {
    const far = branch(1, 500, { held: [{ from: 400, to: 410 }] })
    assert.deepStrictEqual(SyncBranches.missing(node([far]), far), [{ from: 11, to: 74 }])
    const edge = branch(1, 500, { held: [{ from: 74, to: 80 }] })
    assert.deepStrictEqual(SyncBranches.missing(node([edge]), edge), [{ from: 11, to: 73 }])
    const all = branch(1, 12, held(11, 12))
    assert.deepStrictEqual(SyncBranches.missing(node([all]), all), [])
  })

  it("counts overlapping requests once", () => {
    const one = branch(1, 20)
    const requests = [request(1, { next: 11, to: 18 }), request(2, { next: 12, to: 13 })]
    assert.deepStrictEqual(SyncBranches.missing(node([one], { requests }), one), [{ from: 19, to: 20 }])
  })
})

describe("the last block of a branch that a peer has", () => {
  const branches = [branch(1, 20), branch(2, 30, { trunk: { id: 1, upTo: 14 } })]
  const last = (change: Partial<SyncState.SyncPeer>) =>
    branches.map((one) => SyncBranches.lastOf({ branches }, peer(1, change), one))

  it("is as far as it is on it, or as it is shared with the one that it is on", () => {
    assert.deepStrictEqual(last({ on: on(1, 18) }), [18, -1])
    assert.deepStrictEqual(last({ on: on(2, 25) }), [14, 25])
    assert.deepStrictEqual(last({ on: on(2, 12) }), [12, 12])
    assert.deepStrictEqual(last({}), [-1, -1])
    assert.deepStrictEqual(last({ on: on(9, 25) }), [-1, -1])
  })

  it("is below the first that it lacks by its own word", () => {
    assert.deepStrictEqual(last({ on: on(2, 25), lacks: 13 }), [12, 12])
    assert.deepStrictEqual(last({ on: on(2, 25), lacks: 20 }), [14, 19])
  })
})

describe("branches that may be stored", () => {
  const ready = (branches: ReadonlyArray<SyncState.SyncBranch>, change: Partial<SyncState.SyncState> = {}) =>
    ids(SyncBranches.ready(node(branches, change)))

  it("give a better chain with what is whole of them", () => {
    assert.deepStrictEqual(ready([branch(1, 20)]), [])
    assert.deepStrictEqual(ready([branch(1, 20, held(11, 11))]), [1])
    const fork = (to: number) => branch(1, 20, { fork: 5, held: [{ from: 6, to }] })
    assert.deepStrictEqual(ready([fork(9)]), [])
    // As high as ours, with more headers behind: the driver compares the hashes there.
    assert.deepStrictEqual(ready([fork(10)]), [1])
    assert.deepStrictEqual(ready([fork(11)]), [1])
    const end = (hash: string) => branch(1, 10, { fork: 5, tip: tip(10, hash), ...held(6, 10) })
    assert.deepStrictEqual(ready([end("a")]), [1])
    assert.deepStrictEqual(ready([end("z")]), [])
  })

  it("leave our chain no deeper than allowed", () => {
    const deep = [branch(1, 20, { fork: 5, ...held(6, 15) })]
    assert.deepStrictEqual(ready(deep, { oldestFork: 5 }), [1])
    assert.deepStrictEqual(ready(deep, { oldestFork: 6 }), [])
  })

  it("come with the one that grows first, the others by how much of them is there", () => {
    const branches = [branch(1, 20, held(11, 12)), branch(2, 20, held(11, 15)), branch(3, 20, held(11, 13))]
    assert.deepStrictEqual(ready(branches), [2, 3, 1])
    // Nothing of it is better as a whole.
    assert.deepStrictEqual(ready(branches, { current: 1 }), [1])
    assert.deepStrictEqual(ready(branches, { current: 3 }), [3])
  })

  it("give way to the one that grows, unless they are better as a whole", () => {
    const other = (height: number, hash: string, to: number) =>
      branch(2, height, { tip: tip(height, hash), ...held(11, to) })
    const growing = branch(1, 20, held(11, 12))
    const both = (one: SyncState.SyncBranch) => ready([growing, one], { current: 1 })
    assert.deepStrictEqual(both(other(30, "m", 19)), [1])
    assert.deepStrictEqual(both(other(30, "m", 20)), [1])
    assert.deepStrictEqual(both(other(30, "m", 21)), [1, 2])
    assert.deepStrictEqual(both(other(20, "a", 20)), [1, 2])
    assert.deepStrictEqual(both(other(20, "z", 20)), [1])
  })

  it("do not wait for one whose next block is not on the way, or is but from a peer that is late", () => {
    const growing = branch(1, 20)
    const other = branch(2, 15, held(11, 13))
    const when = (change: Partial<SyncState.SyncState>) => ready([growing, other], { current: 1, ...change })
    const quick = [peer(1, { pieceMs: 10, blockMs: 1 })]
    assert.deepStrictEqual(when({}), [2])
    assert.deepStrictEqual(when({ peers: quick, requests: [request(1)] }), [])
    assert.deepStrictEqual(when({ peers: quick, requests: [request(1, { stalled: true })] }), [2])
    assert.deepStrictEqual(when({ peers: quick, requests: [request(1, { branch: 2 })] }), [2])
    assert.deepStrictEqual(when({ peers: quick, requests: [request(1, { next: 12 })] }), [2])
    assert.deepStrictEqual(when({ peers: quick, requests: [request(1, { next: 8, to: 10 })] }), [2])
    assert.deepStrictEqual(when({ peers: quick, requests: [request(1, { next: 8, to: 11 })] }), [])
    assert.deepStrictEqual(when({ peers: [], requests: [request(1)] }), [2], "the peer is gone")
    // It is expected within the first wait, or later.
    assert.deepStrictEqual(when({ peers: [peer(1, { pieceMs: 1_250, blockMs: 0 })], requests: [request(1)] }), [])
    assert.deepStrictEqual(when({ peers: [peer(1, { pieceMs: 1_251, blockMs: 0 })], requests: [request(1)] }), [2])
    // What grew last is no better than our chain any more.
    const worse = [branch(1, 10, { tip: tip(10, "z"), fork: 8 }), other]
    assert.deepStrictEqual(ready(worse, { current: 1, peers: quick, requests: [request(1, { next: 9 })] }), [2])
  })
})

describe("staging", () => {
  it("is for a branch that leaves our chain below its end, with enough bodies that are no better yet", () => {
    const needs = (fork: number, to: number, chain: number, change: Partial<SyncState.SyncBranch> = {}) =>
      SyncBranches.needsStaging(
        { chain: tip(chain) },
        branch(1, 90_000, { fork, held: [{ from: (change.base ?? fork) + 1, to }], ...change })
      )
    assert.isTrue(needs(10, 510, 9_000))
    assert.isFalse(needs(10, 509, 9_000), "too few for a commit of its own")
    assert.isFalse(needs(10, 9_001, 9_000), "it is better: it becomes our chain")
    assert.isFalse(needs(9_000, 9_900, 9_000), "it extends our chain")
    assert.isTrue(needs(10, 1_000, 9_000, { base: 500 }))
    assert.isFalse(needs(10, 999, 9_000, { base: 500 }))
  })
})

describe("branches of no use", () => {
  const swept = (branches: ReadonlyArray<SyncState.SyncBranch>, change: Partial<SyncState.SyncState> = {}) => {
    const work = SyncWork.open(node(branches, { peers: [peer(1, { on: on(1) })], ...change }))
    SyncBranches.sweep(work)
    return work
  }

  it("are no better, leave our chain too deep, or have nothing above it: what was asked for them is void", () => {
    for (
      const [one, change] of [
        [branch(1, 10, { tip: tip(10, "z"), fork: 8 }), {}],
        [branch(1, 20, { fork: 5 }), { oldestFork: 6 }],
        [branch(1, 20, { fork: 20, base: 20 }), {}]
      ] as const
    ) {
      const work = swept([one], { ...change, current: 1, requests: [request(1), request(2, { branch: 3 })] })
      assert.deepStrictEqual(work.branches, [])
      assert.deepStrictEqual(work.actions, [{ _tag: "Forget", request: 1 }, { _tag: "DropBranch", branch: 1 }])
      assert.deepStrictEqual(work.requests.map(({ id }) => id), [2])
      assert.isUndefined(work.current)
      assert.deepInclude(work.peers[0], { on: undefined, lacks: Infinity })
    }
    assert.deepStrictEqual(ids(swept([branch(1, 20, { fork: 6 })], { oldestFork: 6 }).branches), [1])
  })

  it("are shown by no connected peer, unless another has its blocks from them or they are whole already", () => {
    const alone = { peers: [peer(1, { on: on(2) })] }
    assert.deepStrictEqual(ids(swept([branch(1, 20), branch(2, 20)], alone).branches), [2])
    assert.deepStrictEqual(ids(swept([branch(1, 20, held(11, 12)), branch(2, 20)], alone).branches), [1, 2])
    const trunk = branch(2, 20, { trunk: { id: 1, upTo: 15 } })
    assert.deepStrictEqual(ids(swept([branch(1, 20), trunk], alone).branches), [1, 2])
    const itself = branch(1, 20, { trunk: { id: 1, upTo: 15 } })
    assert.deepStrictEqual(ids(swept([itself, branch(2, 20)], alone).branches), [2])
  })

  it("leave those that shared blocks with them on their own, and other peers where they are", () => {
    const work = swept([
      branch(1, 20, { fork: 5 }),
      branch(2, 30, { trunk: { id: 1, upTo: 15 } }),
      branch(3, 30, { trunk: { id: 2, upTo: 12 } })
    ], {
      oldestFork: 6,
      current: 2,
      peers: [peer(1, { on: on(1), lacks: 15 }), peer(2, { on: on(2), lacks: 16 }), peer(3, { on: on(3) }), peer(4)]
    })
    assert.deepStrictEqual(work.branches.map(({ id, trunk }) => [id, trunk?.id]), [[2, undefined], [3, 2]])
    assert.strictEqual(work.current, 2)
    assert.deepStrictEqual(work.peers.map(({ lacks, on }) => [on?.branch, lacks]), [
      [undefined, Infinity],
      [2, 16],
      [3, Infinity],
      [undefined, Infinity]
    ])
  })
})
