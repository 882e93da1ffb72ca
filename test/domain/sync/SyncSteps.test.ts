/** Steps of the planner, one event each: what is left of a peer that leaves, and what an answer ends. */
import { assert, describe, it } from "@effect/vitest"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import { branch, ip, node, on, peer, reading, request, tip } from "../../harness/syncStates.ts"

const { step } = SyncPlan
const headers = (
  change: Partial<Extract<SyncState.SyncEvent, { readonly _tag: "HeadersReceived" }>>
): SyncState.SyncEvent => ({
  _tag: "HeadersReceived",
  peer: ip(1),
  request: 1,
  count: 5,
  last: tip(15),
  placed: { _tag: "Branch", branch: { id: 1, fork: 10, tip: tip(15), trunk: undefined } },
  also: [],
  more: "no",
  clockBehind: undefined,
  dueMs: 0,
  ms: 10,
  ...change
})
const pendingOf = (state: SyncState.SyncState) => state.peers[0]?.pending

describe("a peer that leaves", () => {
  it("takes its requests and timers with it, and leaves those of others", () => {
    const state = node([
      peer(1, { pending: [1, 2], holdoff: "copy", on: on(1) }),
      peer(2, { pending: [3], on: on(1) })
    ], {
      branches: [branch(1, 20)],
      headerRequests: [reading(1, 1)],
      requests: [request(2, 1), request(3, 2, { next: 15, to: 18 })]
    })
    const [after, actions] = step(state, { _tag: "PeerDown", peer: ip(1) })
    assert.deepStrictEqual(after.peers.map(({ id }) => id), [ip(2)])
    assert.isFalse(after.headerRequests.some(({ peer }) => peer === ip(1)))
    assert.isFalse(after.requests.some(({ peer }) => peer === ip(1)))
    assert.isTrue(after.requests.some(({ id }) => id === 3))
    assert.deepStrictEqual(actions.filter(({ _tag }) => _tag === "Forget" || _tag === "Disarm"), [
      { _tag: "Forget", request: 2 },
      { _tag: "Disarm", timer: { _tag: "Holdoff", peer: ip(1) } },
      { _tag: "Disarm", timer: { _tag: "Answer", peer: ip(1) } }
    ])
  })

  it("or was never there, or is dropped, changes nothing by what it says", () => {
    const state = node([peer(1, { blamed: "protocol" })])
    const told: ReadonlyArray<SyncState.SyncEvent> = [
      { _tag: "PeerDown", peer: ip(9) },
      { _tag: "TipAnnounced", peer: ip(9), tip: tip(30), on: undefined },
      { _tag: "TipAnnounced", peer: ip(1), tip: tip(30), on: undefined },
      { _tag: "PeerLied", peer: ip(9), fault: "protocol", detail: "" },
      { _tag: "PeerUp", peer: ip(1), tip: tip(30), on: undefined }
    ]
    for (const event of told) assert.deepStrictEqual(step(state, event), [state, []], event._tag)
  })
})

describe("an announced tip", () => {
  it("of another chain, no longer than the peer's branch, has its headers asked for again", () => {
    const rechecked = (height: number, hash = "q") =>
      step(node([peer(1, { on: on(1, 20), stalls: 1 })], { branches: [branch(1, 20)] }), {
        _tag: "TipAnnounced",
        peer: ip(1),
        tip: tip(height, hash),
        on: undefined
      })[0].peers[0]?.recheck
    assert.deepStrictEqual([19, 20, 21].map((height) => rechecked(height)), [true, true, false])
    assert.isFalse(rechecked(20, "m"), "the same tip again")
  })
})

describe("an answer with headers", () => {
  const state = node([peer(1, { pending: [1], stalls: 0 })], { headerRequests: [reading(1, 1)], nextId: 50 })

  it("is owed no longer, void or not", () => {
    assert.deepStrictEqual(pendingOf(step(state, headers({ last: tip(20) }))[0])?.includes(1), false)
    const [after] = step(state, { _tag: "HeadersVoid", peer: ip(1), request: 1 })
    assert.deepStrictEqual([pendingOf(after)?.includes(1), after.headerRequests.some(({ id }) => id === 1)], [
      false,
      false
    ])
    assert.deepInclude(after.peers[0], { reached: -1, answers: 1 })
  })

  it("puts the peer on its branch as far as it showed, unless more follows", () => {
    const where = (more: "yes" | "no" | "not-yet") => step(state, headers({ more }))[0].peers[0]?.on
    assert.deepStrictEqual(where("yes"), { branch: 1, height: 20, shown: 15 })
    assert.deepStrictEqual(where("not-yet"), { branch: 1, height: 15, shown: 15 })
  })
})

describe("blocks", () => {
  const blocks = (count: number): SyncState.SyncEvent => ({
    _tag: "BlocksReceived",
    peer: ip(1),
    request: 1,
    count,
    done: false,
    bytes: 100,
    ms: 10
  })

  it("of a peer without faults are nothing to be made up for", () => {
    const state = node([peer(1, { pending: [1], on: on(1, 40), told: tip(40) })], {
      branches: [branch(1, 40)],
      requests: [request(1, 1, { next: 11, to: 40 })]
    })
    assert.deepStrictEqual([...step(state, blocks(16))[0].faults], [])
  })

  it("are asked of a peer once more where it owes three answers, whatever those are", () => {
    const asked = (...pending: ReadonlyArray<number>) => {
      const row = peer(1, { pending, on: on(1, 40), told: tip(40), batch: 2, pieceMs: 10, blockMs: 1 })
      const state = node([row], { branches: [branch(1, 40)], nextId: 50 })
      const [, actions] = step(state, { _tag: "Settled", oldestFork: 0 })
      return actions.filter(({ _tag }) => _tag === "GetBlocks").length
    }
    assert.deepStrictEqual([asked(1, 2, 3), asked(1, 2, 3, 4)], [1, 0])
  })

  it("at the end of a chain are asked of a second peer, and only those that come first", () => {
    const at = (n: number, pieceMs: number, pending: ReadonlyArray<number>) =>
      peer(n, { on: on(1, 20), pieceMs, blockMs: 1, pending })
    const state = node([at(1, 5_000, [1]), at(2, 5_000, [2]), at(3, 10, [])], {
      branches: [branch(1, 20)],
      requests: [request(1, 1, { next: 11, to: 15 }), request(2, 2, { next: 16, to: 20 })],
      nextId: 50
    })
    const [after] = step(state, { _tag: "Settled", oldestFork: 0 })
    assert.deepStrictEqual(after.requests.map(({ doubled, id, next }) => [id, next, doubled]), [
      [1, 11, true],
      [2, 16, false],
      [50, 11, true]
    ])
  })
})
