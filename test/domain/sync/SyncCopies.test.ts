/** A copy of a block that cannot be used is no lie: others are asked, and the peer again later. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncStatus from "../../../src/domain/sync/SyncStatus.ts"
import { drive, tip } from "../../harness/SyncDrive.ts"

const [a, b, c] = ["10.0.0.2", "10.0.0.3", "10.0.0.4"].map(PeerIp.fromStringUnsafe) as [
  PeerIp.PeerIp,
  PeerIp.PeerIp,
  PeerIp.PeerIp
]
const best = tip(10)

const up = (peer: PeerIp.PeerIp, told = best): SyncState.SyncEvent => ({
  _tag: "PeerUp",
  peer,
  tip: told,
  on: undefined
})
const headers = (request: number): SyncState.SyncEvent => ({
  _tag: "HeadersReceived",
  peer: a,
  request,
  count: 10,
  last: best,
  placed: { _tag: "Branch", branch: { id: 1, fork: 0, tip: best, trunk: undefined } },
  also: [],
  more: "no",
  clockBehind: undefined,
  dueMs: 0,
  ms: 50
})
const blocks = (request: number, count: number, unusable: boolean): SyncState.SyncEvent => ({
  _tag: "BlocksReceived",
  peer: a,
  request,
  count,
  done: true,
  unusable,
  bytes: 100 * count,
  ms: 50
})
const held: SyncState.SyncEvent = { _tag: "Fired", timer: { _tag: "Holdoff", peer: a }, trickled: false }

const wants = (actions: ReadonlyArray<SyncState.SyncAction>) =>
  actions.flatMap((action) => action._tag === "GetBlocks" ? [[action.peer, action.from, action.request] as const] : [])
const holds = (actions: ReadonlyArray<SyncState.SyncAction>) =>
  actions.flatMap((action) => action._tag === "Arm" && action.timer._tag === "Holdoff" ? [action.ms] : [])

/** `a` has shown the branch and was asked for it; its copy of block 3 cannot be used. */
const begun = drive([up(a), headers(1)])
const [first] = wants(begun.actions)
const request = first?.[2] ?? 0
const bad = drive([blocks(request, 2, true)], begun.state)

describe("a copy that cannot be used", () => {
  it("is not the peer's fault, and what came before it is kept", () => {
    assert.deepStrictEqual(bad.actions.filter(({ _tag }) => _tag === "Drop"), [])
    assert.isUndefined(bad.of(a)?.blamed)
    assert.deepStrictEqual([bad.of(a)?.lacks, bad.of(a)?.refusals, bad.of(a)?.holdoff], [3, 0, "copy"])
    assert.deepStrictEqual(bad.state.branches[0]?.held, [{ from: 1, to: 2 }])
  })

  it("is not asked for at once again, of others it is", () => {
    assert.deepStrictEqual(wants(bad.actions), [])
    assert.deepStrictEqual(bad.actions.filter(({ _tag }) => _tag === "GetHeaders"), [])
    // They announce what that peer has shown.
    const others = drive([up(b)], bad.state)
    assert.deepStrictEqual(wants(others.actions).map(([peer, from]) => [peer, from]), [[b, 3]])
  })

  it("leaves nothing of the peer's later requests above it", () => {
    const left = bad.state.requests.filter((one) => one.peer === a && one.to >= 3)
    assert.deepStrictEqual(left, [])
  })

  it("is asked for again after a while, twice as long each time in a row, and from the start after a good block", () => {
    assert.deepStrictEqual(holds(bad.actions), [Limits.copyRetryMs])
    const again = (from: SyncState.SyncState) => {
      const read = drive([held], from)
      const asked = read.actions.flatMap((action) => action._tag === "GetHeaders" ? [action.request] : [])
      assert.strictEqual(asked.length, 1, "its headers say again what it has")
      const { actions, state } = drive([headers(asked[0] ?? 0)], read.state)
      return { state, request: wants(actions)[0]?.[2] ?? 0 }
    }
    const second = again(bad.state)
    const worse = drive([blocks(second.request, 0, true)], second.state)
    assert.deepStrictEqual(holds(worse.actions), [2 * Limits.copyRetryMs])
    const third = again(worse.state)
    const good = drive([blocks(third.request, 1, true)], third.state)
    assert.deepStrictEqual(holds(good.actions), [Limits.copyRetryMs])
    assert.deepStrictEqual([...worse.actions, ...good.actions].filter(({ _tag }) => _tag === "Drop"), [])
  })

  it("makes no peer's claim that others must wait for, and its line says why; with no other peer the node is not in sync", () => {
    const line = (state: SyncState.SyncState) => SyncStatus.line(state)
    assert.isFalse(bad.state.synced)
    assert.strictEqual(
      line(bad.state),
      "height 0, 1 peer, not syncing because no peer has a copy of block 3 that can be used"
    )
    const peer = bad.of(a)
    assert(peer !== undefined)
    assert.strictEqual(SyncStatus.peerLine(bad.state, peer), "not used: its copy of block 3 cannot be used")
    const beside = drive([up(c, tip(0))], bad.state)
    assert.isTrue(beside.state.synced)
  })

  it("of a peer on probation changes nothing about that", () => {
    const peer = begun.of(a)
    assert(peer !== undefined)
    const after = drive([blocks(request, 2, true)], { ...begun.state, peers: [{ ...peer, holdoff: "probation" }] })
    assert.deepStrictEqual([after.of(a)?.holdoff, holds(after.actions)], ["probation", []])
  })
})
