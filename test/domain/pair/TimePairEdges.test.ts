/** What a step of the TIME pair leaves alone: ends of another order, direction or phase, and waits that need no change. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TimePair from "../../../src/domain/pair/TimePair.ts"
import * as TimePairState from "../../../src/domain/pair/TimePairState.ts"
import { TimePairDrive } from "../../harness/TimePairDrive.ts"

const eof = DisconnectReason.remote("eof")
const tags = (actions: ReadonlyArray<TimePairState.Action>) => actions.map(({ _tag }) => _tag)
const ids = ({ pair }: TimePairDrive) => pair.ends.map(({ id }) => id)
const closedBy = (actions: ReadonlyArray<TimePairState.Action>) =>
  actions.flatMap((action) => action._tag === "Close" ? [action.end] : [])
const dialled = () => {
  const node = new TimePairDrive("higher").learn()
  node.to(0)
  return node
}
const adopt = (node: TimePairDrive): number => {
  const id = node.fresh()
  node.post({ _tag: "Adopted", id })
  return id
}

describe("the TIME pair", () => {
  it("is up on the end that is, behind one that is not", () => {
    const node = new TimePairDrive("higher")
    node.accept()
    assert.isUndefined(TimePairState.up(node.pair))
    const second = node.accept()
    node.post({ _tag: "HandshakeReceived", end: second })
    const third = node.accept()
    assert.deepStrictEqual([ids(node), TimePairState.up(node.pair)?.id], [[second, third], second])
  })

  it("a dial that had the slot and failed leaves one that has none yet", () => {
    const node = dialled()
    const dialling = node.dialling
    const before = node.accept()
    const adopted = adopt(node)
    assert.deepStrictEqual(closedBy(node.post({ _tag: "Closed", end: adopted, reason: eof })), [before])
    assert.deepStrictEqual(ids(node), [dialling])
  })

  it("the last that is ready replaces the others, where that is the rule, and not itself", () => {
    const node = new TimePairDrive("higher", false, TimePair.make({ ...TimePair.production, counts: "last" }))
    const first = node.accept()
    const second = node.accept()
    assert.deepStrictEqual(closedBy(node.post({ _tag: "HandshakeReceived", end: first })), [second])
  })

  it("aborts our dial, where that is the rule, and no socket of the peer's", () => {
    const step = TimePair.make({ ...TimePair.production, otherDial: "abort" })
    const node = new TimePairDrive("higher", false, step).learn()
    node.to(0)
    const dialling = node.dialling
    const theirs = node.accept()
    const later = node.accept()
    assert.deepStrictEqual(closedBy(node.post({ _tag: "HandshakeReceived", end: theirs })), [dialling])
    assert.deepStrictEqual(ids(node), [theirs, later])
  })

  it("without the rule for unused connections, runs no timer for one and ends none", () => {
    const step = TimePair.make({ ...TimePair.production, unusedEnds: false })
    const node = new TimePairDrive("higher", false, step)
    const end = node.accept()
    assert.deepStrictEqual(tags(node.post({ _tag: "HandshakeReceived", end })), ["Disarm", "Greet", "Up"])
    assert.deepStrictEqual(node.post({ _tag: "Closed", end, reason: eof }), [{ _tag: "Down", end, reason: eof }])
  })

  it("dials and does nothing else when the wait is over", () => {
    const node = new TimePairDrive("lower").learn()
    assert.deepStrictEqual(tags(node.post({ _tag: "Fired", timer: { kind: "dial", end: 0 }, id: 50 })), ["Dial"])
    assert.isFalse(node.pair.waiting)
  })

  it("makes room by a silent socket of the peer's, not by our greeting that is older, and by none where there is none", () => {
    const node = new TimePairDrive("higher")
    const ours = adopt(node)
    const theirs = Array.from({ length: Limits.endsPerPair }, () => node.accept())
    assert.deepStrictEqual(ids(node), [ours, ...theirs.slice(1)])
    const full = new TimePairDrive("higher")
    const adopted = Array.from({ length: Limits.endsPerPair }, () => adopt(full))
    const more = full.accept()
    assert.deepStrictEqual(ids(full), [...adopted, more])
  })

  it("stopped for a time, waits no shorter than that, though a shorter wait ran", () => {
    const node = new TimePairDrive("lower").learn()
    const hourMs = 3_600_000
    assert.deepStrictEqual(
      node.post({ _tag: "Stopped", reason: eof, retryMs: hourMs }),
      [
        { _tag: "Disarm", timer: { kind: "dial", end: 0 } },
        { _tag: "Arm", timer: { kind: "dial", end: 0 }, ms: hourMs }
      ]
    )
    const idle = new TimePairDrive("lower")
    assert.deepStrictEqual(idle.post({ _tag: "Stopped", reason: eof, retryMs: hourMs }), [], "no wait ran")
  })

  it("holds nothing against a socket of the peer's that ends before it is up, however soon after an announcement", () => {
    const node = new TimePairDrive("higher", true).learn()
    node.to(0)
    node.connect()
    node.to(Limits.timeAnnounceMs)
    assert.lengthOf(node.times("Announce"), 1)
    node.post({ _tag: "Closed", end: node.accept(), reason: eof })
    assert.strictEqual(node.pair.risks, 0)
  })

  it("counts what a peer may hold against us: a dial that found it unfit, and one suspected", () => {
    const node = dialled()
    const end = node.dialling
    node.post({ _tag: "Connected", end })
    node.post({ _tag: "Unfit", end, detail: "mainnet" })
    assert.deepInclude(node.pair, { failures: 1, risks: 1 })
    node.post({ _tag: "Suspected" })
    assert.deepInclude(node.pair, { failures: 2, risks: 2 })
  })
})
