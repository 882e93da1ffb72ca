import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncBranches from "../../../src/domain/sync/SyncBranches.ts"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncWork from "../../../src/domain/sync/SyncWork.ts"
import { chain } from "../../harness/honestPeers.ts"
import * as SyncWorld from "../../harness/syncWorld.ts"

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
