/** Peers that are slow to answer, and answers that come too late: neither is a lie. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import { drive, tip } from "../../harness/SyncDrive.ts"

const peer = PeerIp.fromStringUnsafe("10.0.0.2")

const up: SyncState.SyncEvent = { _tag: "PeerUp", peer, tip: tip(3), on: undefined }

const answer = (request: number): SyncState.SyncEvent => ({
  _tag: "HeadersReceived",
  peer,
  request,
  count: 3,
  last: tip(3),
  placed: { _tag: "Branch", branch: { id: 1, fork: 0, tip: tip(3), trunk: undefined } },
  also: [],
  more: "no",
  clockBehind: undefined,
  dueMs: 0,
  ms: 90_000
})

const fired: SyncState.SyncEvent = { _tag: "Fired", timer: { _tag: "Answer", peer }, trickled: false }

describe("sync and silence", () => {
  it("a peer that was late and answers after all is used", () => {
    const begun = drive([up, fired])
    assert.strictEqual(begun.of(peer)?.stalls, 1)
    assert.isFalse(begun.state.synced, "it still announces a better chain")
    const later = drive([{ _tag: "TipAnnounced", peer, tip: tip(4), on: undefined }], begun.state)
    assert.deepStrictEqual([later.of(peer)?.stalls, later.of(peer)?.told], [1, tip(4)], "an announcement is no answer")
    const back = drive([answer(1)], later.state)
    assert.strictEqual(back.of(peer)?.stalls, 0)
    assert.isTrue(back.actions.some((action) => action._tag === "GetBlocks" && action.peer === peer))
  })

  it("a peer that answers nothing is dropped, and not believed at once when it is back", () => {
    const silent = drive([up, ...Array.from({ length: Limits.stallsFirst }, () => fired)])
    assert.strictEqual(silent.of(peer)?.blamed, "unresponsive")
    const back = drive([{ _tag: "PeerDown", peer }, up], silent.state)
    assert.strictEqual(back.of(peer)?.holdoff, "probation")
    assert.deepStrictEqual(back.actions.filter(({ _tag }) => _tag === "GetHeaders"), [])
    assert.deepStrictEqual(back.actions.filter(({ _tag }) => _tag === "Arm"), [
      { _tag: "Arm", timer: { _tag: "Holdoff", peer }, ms: Limits.probationMs }
    ])
    const over = drive([{ _tag: "Fired", timer: { _tag: "Holdoff", peer }, trickled: false }], back.state)
    assert.strictEqual(over.actions[0]?._tag, "GetHeaders")
    // It has one wait less.
    const again = drive(Array.from({ length: Limits.stallsFirst - 1 }, () => fired), over.state)
    assert.strictEqual(again.of(peer)?.blamed, "unresponsive")
  })

  it("a peer that lied is not listened to any more", () => {
    const lied: SyncState.SyncEvent = { _tag: "PeerLied", peer, fault: "bad-header", detail: "" }
    const { actions, of } = drive([up, lied, answer(1)])
    assert.strictEqual(of(peer)?.blamed, "bad-header")
    assert.deepStrictEqual(actions.filter(({ _tag }) => _tag === "Drop").length, 1)
    assert.deepStrictEqual(actions.filter(({ _tag }) => _tag === "GetBlocks"), [])
  })

  it("an answer about a chain that is not ours any more ends the request, and the next is sent", () => {
    const begun = drive([up])
    const [asked] = begun.state.headerRequests
    assert(asked !== undefined)
    const next = drive([{ _tag: "HeadersVoid", peer, request: asked.id }], begun.state)
    assert.isUndefined(next.of(peer)?.blamed)
    assert.deepStrictEqual(next.state.headerRequests.map(({ id, peer }) => [id, peer]), [[asked.id + 1, peer]])
    const void_ = drive([{ _tag: "HeadersVoid", peer, request: asked.id }], next.state)
    assert.deepStrictEqual(void_.state.headerRequests, next.state.headerRequests, "an older one changes nothing")
  })

  it("faults are remembered for a bounded number of addresses, the latest", () => {
    const faults = new Map(
      Array.from(
        { length: Limits.rememberedFaults },
        (_, n) => [PeerIp.fromStringUnsafe(`10.9.${n >> 8}.${n & 255}`), 1] as const
      )
    )
    const lied: SyncState.SyncEvent = { _tag: "PeerLied", peer, fault: "bad-header", detail: "" }
    const { state } = drive([up, lied], { ...SyncState.start(tip(0)), faults })
    assert.strictEqual(state.faults.size, Limits.rememberedFaults)
    assert.strictEqual(state.faults.get(peer), 1)
  })
})
