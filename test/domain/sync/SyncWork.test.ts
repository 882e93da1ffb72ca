/** What every rule of the planner relies on: who owes an answer, what becomes void, pace, waits, and what is remembered of faults. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncWork from "../../../src/domain/sync/SyncWork.ts"
import * as States from "../../harness/syncStates.ts"
import { ip, peer, reading, tip } from "../../harness/syncStates.ts"

const request = (id: number, change: Partial<SyncState.SyncRequest> = {}) => States.request(id, 1, change)
const open = (peers: ReadonlyArray<SyncState.SyncPeer>, change: Partial<SyncState.SyncState> = {}) =>
  SyncWork.open(States.node(peers, change))
const of = (work: SyncWork.Work, n = 1) => SyncWork.find(work, ip(n)) ?? assert.fail(`no peer ${n}`)
const answer = (n: number) => ({ _tag: "Answer", peer: ip(n) }) as const

describe("the answer timer", () => {
  it("begins with the first request, runs on with the next, begins anew with a piece of an answer, and ends with the last", () => {
    const first = open([peer(1)])
    SyncWork.asked(first, of(first))
    const asked = SyncWork.close(first)
    assert.deepStrictEqual(first.actions, [{ _tag: "Arm", timer: answer(1), ms: Limits.stallFirstMs }])
    const second = SyncWork.open(asked)
    SyncWork.asked(second, of(second))
    const both = SyncWork.close(second)
    assert.deepStrictEqual(second.actions, [])
    assert.deepStrictEqual(both.peers[0]?.pending, [1, 2])
    const piece = SyncWork.open(both)
    SyncWork.answered(piece, of(piece), 1, false)
    const still = SyncWork.close(piece)
    assert.deepStrictEqual(piece.actions, [{ _tag: "Arm", timer: answer(1), ms: Limits.stallFirstMs }])
    assert.deepStrictEqual(still.peers[0]?.pending, [1, 2])
    const last = SyncWork.open(still)
    SyncWork.answered(last, of(last), 1, true)
    SyncWork.answered(last, of(last), 2, true)
    assert.deepStrictEqual(SyncWork.close(last).peers[0]?.pending, [])
    assert.deepStrictEqual(last.actions, [{ _tag: "Disarm", timer: answer(1) }])
  })

  it("ends with a peer that leaves, and so does its holdoff", () => {
    const work = open([peer(1, { pending: [5], holdoff: "future", on: { branch: 1, height: 20, shown: 20 } })], {
      requests: [request(5)],
      headerRequests: [reading(6, 1), reading(7, 2)]
    })
    SyncWork.release(work, ip(1))
    assert.deepInclude(of(work), { pending: [], on: undefined, holdoff: undefined })
    assert.deepStrictEqual(work.headerRequests.map(({ id }) => id), [7])
    SyncWork.close(work)
    assert.deepStrictEqual(work.actions, [
      { _tag: "Forget", request: 5 },
      { _tag: "Disarm", timer: { _tag: "Holdoff", peer: ip(1) } },
      { _tag: "Disarm", timer: answer(1) }
    ])
    const free = open([peer(1)])
    SyncWork.release(free, ip(1))
    assert.deepStrictEqual(free.actions, [])
  })
})

describe("a piece of an answer", () => {
  it("says that earlier requests will not be answered: they are void, and count as one refusal", () => {
    const work = open([peer(1, { pending: [3, 4, 5], stalls: 2, trickles: true })], {
      requests: [request(3), request(5, { next: 15, to: 16 }), request(8, { peer: ip(2), next: 17, to: 18 })],
      headerRequests: [4, 9].map((id) => ({ id, peer: ip(1), told: tip(20), ours: 10, reached: -1, stalled: true }))
    })
    SyncWork.answered(work, of(work), 5, false)
    assert.deepInclude(of(work), { pending: [5], stalls: 0, trickles: false, answers: 1, refusals: 1 })
    assert.deepStrictEqual(work.requests.map(({ id }) => id), [5, 8])
    assert.deepStrictEqual(work.headerRequests.map(({ id }) => id), [9])
    assert.deepStrictEqual(work.actions, [{ _tag: "Forget", request: 3 }])
    SyncWork.answered(work, of(work), 5, true)
    assert.deepInclude(of(work), { pending: [], answers: 2, refusals: 1 })
  })

  it("of a request that is not pending changes nothing of what is", () => {
    const work = open([peer(1, { pending: [3], stalls: 1 })], { requests: [request(3)] })
    SyncWork.answered(work, of(work), 77, true)
    assert.deepInclude(of(work), { pending: [3], stalls: 0, refusals: 0 })
    assert.deepStrictEqual(work.requests.map(({ id }) => id), [3])
  })

  it("wakes what the peer was late with, unless another peer works on it by now", () => {
    const woken = (other: Partial<SyncState.SyncRequest>) => {
      const work = open([peer(1, { pending: [3], stalls: 1 })], {
        requests: [request(3, { stalled: true }), request(8, { peer: ip(2), ...other })]
      })
      SyncWork.answered(work, of(work), 3, false)
      return work.requests.map(({ stalled }) => stalled)
    }
    assert.deepStrictEqual(woken({}), [true, false], "the same blocks")
    assert.deepStrictEqual(woken({ next: 14, to: 20 }), [true, false], "the last of them")
    assert.deepStrictEqual(woken({ next: 5, to: 11 }), [true, false], "the first of them")
    assert.deepStrictEqual(woken({ next: 15, to: 20 }), [false, false], "those behind")
    assert.deepStrictEqual(woken({ next: 5, to: 10 }), [false, false], "those before")
    assert.deepStrictEqual(woken({ branch: 2 }), [false, false], "of another branch")
    assert.deepStrictEqual(woken({ stalled: true }), [false, true], "late as well")
  })
})

describe("faults", () => {
  it("drop a peer once, whatever else it does, and are counted for when it is back", () => {
    const work = open([peer(1, { pending: [3] })], { requests: [request(3)] })
    SyncWork.blame(work, ip(1), "bad-block", "block 11")
    SyncWork.blame(work, ip(1), "protocol", "more")
    assert.strictEqual(of(work).blamed, "bad-block")
    assert.deepStrictEqual(work.actions, [
      { _tag: "Forget", request: 3 },
      { _tag: "Drop", peer: ip(1), fault: "bad-block", detail: "block 11" }
    ])
    assert.strictEqual(SyncWork.faultsOf(work, ip(1)), 1)
    assert.strictEqual(SyncWork.faultsOf(work, ip(2)), 0)
  })

  it("that were made up for are forgotten, and the longest unchanged ones when there are too many", () => {
    const work = open([])
    for (let n = 0; n < Limits.rememberedFaults; n++) {
      SyncWork.remember(work, PeerIp.fromStringUnsafe(`10.1.${n >> 8}.${n & 255}`), 1)
    }
    const [first, second] = ["10.1.0.0", "10.1.0.1"].map(PeerIp.fromStringUnsafe) as [PeerIp.PeerIp, PeerIp.PeerIp]
    SyncWork.remember(work, first, 2)
    SyncWork.remember(work, ip(1), 1)
    assert.strictEqual(work.faults.size, Limits.rememberedFaults)
    assert.deepStrictEqual([first, second].map((id) => SyncWork.faultsOf(work, id)), [2, 0])
    SyncWork.remember(work, first, 0)
    assert.isFalse(work.faults.has(first))
  })

  it("and silence before any answer cost patience: three waits before one, five after, one less for each fault, at least one", () => {
    const patience = (answers: number, faults: number) =>
      SyncWork.patience({ faults: new Map([[ip(1), faults]]) }, peer(1, { answers }))
    assert.deepStrictEqual([patience(0, 0), patience(1, 0), patience(0, 1), patience(1, 3)], [3, 5, 2, 2])
    assert.deepStrictEqual([patience(0, 3), patience(1, 9)], [1, 1])
  })

  it("of a peer that is gone are none", () => {
    const work = open([])
    SyncWork.blocksMeasured(work, ip(1), 10, 1)
    SyncWork.headersMeasured(work, ip(1), 10, 64)
    SyncWork.change(work, ip(1), { stalls: 1 })
    assert.deepStrictEqual([work.peers, work.actions], [[], []])
  })

  it("hold a peer off for a time that doubles, up to an hour", () => {
    const waits = [0, 1, 2, 6, 7, 20, 2_000].map((times) => {
      const work = open([peer(1)])
      SyncWork.holdOff(work, ip(1), "probation", Limits.probationMs, times)
      assert.strictEqual(of(work).holdoff, "probation")
      const [armed] = work.actions
      return armed?._tag === "Arm" && armed.timer._tag === "Holdoff" ? armed.ms : -1
    })
    assert.deepStrictEqual(waits, [30_000, 60_000, 120_000, 1_920_000, 3_600_000, 3_600_000, 3_600_000])
  })
})

describe("pace", () => {
  const measured = (before: Partial<SyncState.SyncPeer>, ms: number, blocks: number) => {
    const work = open([peer(1, before)])
    SyncWork.blocksMeasured(work, ip(1), ms, blocks)
    const { batch, blockMs, pieceMs } = of(work)
    return { batch, blockMs, pieceMs }
  }
  const headers = (before: Partial<SyncState.SyncPeer>, ms: number, count: number) => {
    const work = open([peer(1, before)])
    SyncWork.headersMeasured(work, ip(1), ms, count)
    const { headerBatch, pieceMs } = of(work)
    return [headerBatch, pieceMs]
  }

  it("of blocks is smoothed, and asks for as many as come in half a second, at most twice as many as before", () => {
    assert.deepStrictEqual(measured({}, 100, 10), { pieceMs: 100, blockMs: 10, batch: 32 })
    assert.deepStrictEqual(measured({ batch: 40 }, 100, 10), { pieceMs: 100, blockMs: 10, batch: 50 })
    assert.deepStrictEqual(measured({ pieceMs: 100, blockMs: 10 }, 500, 10), { pieceMs: 200, blockMs: 20, batch: 25 })
    assert.deepStrictEqual(measured({ batch: 256 }, 1, 100), { pieceMs: 1, blockMs: 0.01, batch: 256 })
    assert.strictEqual(measured({}, 5_000, 1).batch, 1)
    assert.strictEqual(measured({ batch: 200 }, 0, 5).batch, 256)
  })

  it("of an answer without blocks says how long the peer took, and nothing of its blocks", () => {
    assert.deepStrictEqual(measured({ blockMs: 3 }, 100, 0), { pieceMs: 100, blockMs: 3, batch: 16 })
  })

  it("of headers asks for as many as come in two seconds, at most eight times as many as before, and not too few", () => {
    assert.deepStrictEqual(headers({}, 640, 64), [200, 640])
    assert.deepStrictEqual(headers({}, 64, 64), [512, 64])
    assert.deepStrictEqual(headers({ headerBatch: 1_000 }, 10, 1_000), [2_000, 10])
    assert.deepStrictEqual(headers({ pieceMs: 100 }, 64_000, 64), [Limits.headersLeastRequest, 16_075])
  })

  it("of a short list of headers says nothing, one as long as was asked for does", () => {
    assert.deepStrictEqual(headers({}, 63, 63), [64, 63])
    assert.deepStrictEqual(headers({ headerBatch: 16 }, 160, 16), [128, 160])
    assert.deepStrictEqual(headers({ headerBatch: 16 }, 160, 15), [16, 160])
    assert.deepStrictEqual(headers({ headerBatch: 500 }, 640, 64), [200, 640])
  })

  it("says how long to expect to wait: for what was asked for, and for a header", () => {
    const requests = [request(1), request(2, { next: 20, to: 20 }), request(3, { peer: ip(2) })]
    assert.strictEqual(SyncWork.outstanding({ requests }, ip(1)), 5)
    assert.strictEqual(SyncWork.expectedMs(peer(1), 5), 5)
    assert.strictEqual(SyncWork.expectedMs(peer(1, { pieceMs: 100, blockMs: 3 }), 5), 115)
    assert.strictEqual(SyncWork.headerMs(peer(1)), 1)
    assert.strictEqual(SyncWork.headerMs(peer(1, { pieceMs: 100, headerBatch: 50 })), 2)
  })

  it("waits four times what is expected, between two seconds and a minute, twice as long after each stall", () => {
    const wait = (change: Partial<SyncState.SyncPeer>) => SyncWork.waitMs({ requests: [request(1)] }, peer(1, change))
    assert.strictEqual(wait({}), Limits.stallFirstMs)
    assert.strictEqual(wait({ stalls: 2 }), 4 * Limits.stallFirstMs)
    assert.strictEqual(wait({ pieceMs: 10, blockMs: 1 }), Limits.stallLeastMs)
    assert.strictEqual(wait({ pieceMs: 1_000, blockMs: 100 }), 4 * 1_400)
    assert.strictEqual(wait({ pieceMs: 1_000, blockMs: 100, stalls: 1 }), 8 * 1_400)
    assert.strictEqual(wait({ pieceMs: 100_000, blockMs: 100 }), Limits.stallMostMs)
  })

  it("makes a peer usable that is neither late nor dropped", () => {
    assert.isTrue(SyncWork.isUsable(peer(1)))
    assert.isFalse(SyncWork.isUsable(peer(1, { stalls: 1 })))
    assert.isFalse(SyncWork.isUsable(peer(1, { blamed: "stalled" })))
  })
})
