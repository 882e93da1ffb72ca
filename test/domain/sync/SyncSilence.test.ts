/** Peers that are slow to answer, and answers that come too late: neither is a lie. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"

const peer = PeerIp.fromStringUnsafe("10.0.0.2")
const tip = (height: number) => ({ height, hash: height.toString(16).padStart(64, "0") })

const drive = (events: ReadonlyArray<SyncState.SyncEvent>, from = SyncState.start(tip(0))) => {
  let state = from
  const actions: Array<SyncState.SyncAction> = []
  for (const event of events) {
    const [next, done] = SyncPlan.step(state, event)
    state = next
    actions.push(...done)
  }
  return { state, actions, of: state.peers.find(({ id }) => id === peer) }
}

const silence = Array.from({ length: Limits.stallsUnresponsive }, (): SyncState.SyncEvent => ({
  _tag: "Fired",
  timer: { peer }
}))

const answer = (request: number): SyncState.SyncEvent => ({
  _tag: "HeadersReceived",
  peer,
  request,
  count: 3,
  fork: 0,
  last: tip(3),
  choice: "adopted",
  base: 0,
  heldBytes: 0,
  more: "no",
  ms: 90_000
})

describe("sync and silence", () => {
  it("a peer that said nothing for long is not used; one that answers after all is", () => {
    const begun = drive([{ _tag: "PeerUp", peer, tip: tip(3) }])
    const asked = begun.actions.find((action) => action._tag === "GetHeaders")
    assert(asked?._tag === "GetHeaders")
    const silent = drive(silence, begun.state)
    assert.strictEqual(silent.of?.blamed, "unresponsive")
    assert.deepStrictEqual(silent.state.requests, [])
    const later = drive([{ _tag: "TipAnnounced", peer, tip: tip(4) }], silent.state)
    assert.deepStrictEqual([later.of?.blamed, later.of?.tip], ["unresponsive", tip(4)], "an announcement is no answer")
    const back = drive([answer(asked.request)], later.state)
    assert.isUndefined(back.of?.blamed)
    assert.strictEqual(back.of?.stalls, 0)
    assert.isTrue(back.actions.some((action) => action._tag === "GetBlocks" && action.peer === peer))
  })

  it("a liar that was silent before stays a liar", () => {
    const lied: SyncState.SyncEvent = { _tag: "PeerLied", peer, fault: "bad-header", detail: "" }
    const { of } = drive([{ _tag: "PeerUp", peer, tip: tip(3) }, lied, answer(1)])
    assert.strictEqual(of?.blamed, "bad-header")
  })

  it("an answer about a chain that is not ours any more ends the question, and the next is asked", () => {
    const begun = drive([{ _tag: "PeerUp", peer, tip: tip(3) }])
    const asked = begun.state.headerRequest
    assert(asked !== undefined)
    const next = drive([{ _tag: "HeadersVoid", peer, request: asked.id }], begun.state)
    assert.isUndefined(next.of?.blamed)
    assert.strictEqual(next.state.headerRequest?.peer, peer)
    assert.notStrictEqual(next.state.headerRequest?.id, asked.id)
    const void_ = drive([{ _tag: "HeadersVoid", peer, request: asked.id }], next.state)
    assert.deepStrictEqual(void_.state.headerRequest, next.state.headerRequest, "an older one changes nothing")
  })
})
