/** When the TIME pair dials, closes, announces and does nothing: each rule at its bound, on both sides of it. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TimePair from "../../../src/domain/pair/TimePair.ts"
import type * as TimePairState from "../../../src/domain/pair/TimePairState.ts"
import { TimePairDrive } from "../../harness/TimePairDrive.ts"

const eof = DisconnectReason.remote("eof")
const tags = (actions: ReadonlyArray<TimePairState.Action>) => actions.map(({ _tag }) => _tag)
const dialled = () => {
  const node = new TimePairDrive("higher").learn()
  node.to(0)
  return node
}
/** The wait that the last step armed before the next dial, ms; −1: none. */
const waits = (actions: ReadonlyArray<TimePairState.Action>) =>
  actions.flatMap((action) => action._tag === "Arm" && action.timer.kind === "dial" ? [action.ms] : [])[0] ?? -1
const failsAt = (node: TimePairDrive, reached: boolean, jitter = 0) =>
  waits(node.post({ _tag: "DialFailed", end: node.dialling, reached, detail: "ECONNREFUSED" }, jitter))

describe("dials in vain", () => {
  it("come at distances that double, from 30 s to 5 minutes, and at 30 s again after a connection", () => {
    const node = dialled()
    const distances = Array.from({ length: 6 }, () => {
      const wait = failsAt(node, false)
      node.to(node.now + wait)
      return wait
    })
    assert.deepStrictEqual(distances, [30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
    const end = node.connect()
    assert.strictEqual(waits(node.post({ _tag: "Closed", end, reason: eof })), Limits.timeDialSpacingMs)
  })

  it("keep their distance from the dial before, not from its end", () => {
    const node = dialled()
    node.to(20_000)
    assert.strictEqual(failsAt(node, false), 10_000)
    node.to(30_000)
    node.to(30_000 + 60_000)
    assert.strictEqual(failsAt(node, false), 0, "the distance has passed: at once")
  })

  it("are spread at random where they wait, and only there", () => {
    assert.strictEqual(failsAt(dialled(), false, 0.5), 30_000 + 15_000)
    const late = dialled()
    late.to(30_000)
    assert.strictEqual(failsAt(late, false, 0.5), 0)
  })

  it("that the peer noticed are at most four, then nothing for an hour and a minute; one that it did not notice is free", () => {
    for (const [reached, wait] of [[true, Limits.timeForgivenMs], [false, 240_000]] as const) {
      const node = dialled()
      for (let n = 1; n < Limits.timeRisks; n++) node.to(node.now + failsAt(node, reached))
      assert.strictEqual(node.pair.risks, reached ? 3 : 0)
      assert.strictEqual(failsAt(node, reached), wait)
    }
  })

  it("are forgiven an hour and a minute after the last, not earlier", () => {
    for (const [ms, risks] of [[Limits.timeForgivenMs - 1, 2], [Limits.timeForgivenMs, 1]] as const) {
      const node = dialled()
      node.to(1_000)
      failsAt(node, true)
      node.accept()
      node.to(1_000 + ms)
      node.post({ _tag: "Stopped", reason: eof })
      // A dial that is on its way when the time is over.
      node.pair = { ...node.pair, ends: [{ id: 900, dir: "out", phase: "dialing", order: 0 }] }
      node.post({ _tag: "DialFailed", end: 900, reached: true, detail: "" })
      assert.strictEqual(node.pair.risks, risks)
    }
  })

  it("of the lower come 180 s after whatever ended, and never sooner than the distance", () => {
    const node = new TimePairDrive("lower").learn()
    node.to(Limits.timeFallbackMs)
    assert.strictEqual(failsAt(node, false), Limits.timeFallbackMs)
  })
})

describe("an end that is lost", () => {
  it("costs the node nothing if the peer made it, or if it was up", () => {
    const node = dialled()
    const ours = node.connect()
    node.post({ _tag: "Closed", end: ours, reason: eof })
    const theirs = node.accept()
    node.post({ _tag: "Closed", end: theirs, reason: eof })
    assert.deepInclude(node.pair, { failures: 0, risks: 0 })
  })

  it("after TLS is a dial in vain that the peer noticed, and takes along what had the slot before", () => {
    const node = dialled()
    const before = node.accept()
    const ours = node.dialling
    node.post({ _tag: "Connected", end: ours })
    const after = node.accept()
    const actions = node.post({ _tag: "Closed", end: ours, reason: eof })
    assert.deepStrictEqual(actions.flatMap((action) => action._tag === "Close" ? [action.end] : []), [before])
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [after])
    assert.deepInclude(node.pair, { failures: 1, risks: 1 })
    assert.deepStrictEqual([...node.timers.keys()], [`greeting ${after}`])
  })

  it("before TLS takes nothing along", () => {
    const node = dialled()
    const theirs = node.accept()
    node.post({ _tag: "DialFailed", end: node.dialling, reached: false, detail: "" })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [theirs])
  })

  it("is told as Down if it was up, and not otherwise; its reason is what the socket said", () => {
    const node = dialled()
    const end = node.connect()
    assert.deepStrictEqual(node.post({ _tag: "Closed", end, reason: eof }).slice(0, 2), [
      { _tag: "Disarm", timer: { kind: "unused", end: 0 } },
      { _tag: "Down", end, reason: eof }
    ])
    const theirs = node.accept()
    assert.notInclude(tags(node.post({ _tag: "Closed", end: theirs, reason: eof })), "Down")
  })

  it("says why: refused by silence, silent, evicted, replaced, or rejected", () => {
    const node = dialled()
    const reasonOf = (actions: ReadonlyArray<TimePairState.Action>) =>
      actions.flatMap((action) => action._tag === "Close" ? [action.reason] : [])
    const ours = node.dialling
    node.post({ _tag: "Connected", end: ours })
    const [silent] = reasonOf(node.post({ _tag: "Fired", timer: { kind: "greeting", end: ours }, id: 800 }))
    const refusal = "the peer refuses by silence: it may have banned this address, or have no place"
    assert.deepStrictEqual(silent, DisconnectReason.local("no-ack", refusal))
    const unfit = node.accept()
    assert.deepStrictEqual(reasonOf(node.post({ _tag: "Unfit", end: unfit, detail: "mainnet" })), [
      DisconnectReason.local("rejected", "mainnet")
    ])
    const first = node.accept()
    node.post({ _tag: "HandshakeReceived", end: first })
    const second = node.accept()
    const [replaced] = reasonOf(node.post({ _tag: "HandshakeReceived", end: second }))
    assert.deepStrictEqual(replaced, DisconnectReason.local("replaced", "the peer uses a later connection"))
    for (let n = 0; n < Limits.endsPerPair - 1; n++) node.accept()
    const id = node.fresh()
    assert.deepStrictEqual(reasonOf(node.post({ _tag: "Accepted", id })), [DisconnectReason.local("evicted")])
  })
})

describe("room for one more", () => {
  it("is made by the oldest socket that has said nothing, never by the connection or by our own dial", () => {
    const node = dialled()
    const ours = node.dialling
    const theirs = node.accept()
    node.post({ _tag: "HandshakeReceived", end: theirs })
    const silent = [node.accept(), node.accept(), node.accept()]
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [ours, theirs, ...silent.slice(1)])
  })

  it("is not made before it is needed", () => {
    const node = new TimePairDrive("higher")
    const all = Array.from({ length: Limits.endsPerPair }, () => node.accept())
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), all)
  })
})

describe("the connection that comes up", () => {
  it("leaves a dial that has no slot yet alone, and sockets that came later", () => {
    const node = dialled()
    const ours = node.dialling
    const theirs = node.accept()
    const later = node.accept()
    node.post({ _tag: "HandshakeReceived", end: theirs })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [ours, theirs, later])
  })

  it("is greeted if the peer dialled; a dial of ours greeted already", () => {
    const node = dialled()
    node.post({ _tag: "Connected", end: node.dialling })
    assert.deepStrictEqual(tags(node.post({ _tag: "AckReceived", end: node.pair.ends[0]?.id ?? 0 })), [
      "Disarm",
      "Up",
      "Arm"
    ])
  })

  it("under the rule that the last to be ready counts, replaces what has the slot after it as well", () => {
    const step = TimePair.make({ ...TimePair.production, counts: "last" })
    const node = new TimePairDrive("higher", false, step)
    const first = node.accept()
    node.accept()
    node.post({ _tag: "HandshakeReceived", end: first })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [first])
  })

  it("under the rule that the other dial is aborted, ends ours", () => {
    const step = TimePair.make({ ...TimePair.production, otherDial: "abort" })
    const node = new TimePairDrive("higher", false, step).learn()
    node.to(0)
    const theirs = node.accept()
    node.post({ _tag: "HandshakeReceived", end: theirs })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [theirs])
    const again = node.accept()
    const closed = node.post({ _tag: "HandshakeReceived", end: again })
    assert.deepStrictEqual(closed.flatMap((action) => action._tag === "Close" ? [action.end] : []), [theirs])
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [again])
    // A dial that comes up does not abort itself.
    const dialling = new TimePairDrive("higher", false, step).learn()
    dialling.to(0)
    assert.notInclude(tags(dialling.post({ _tag: "Connected", end: dialling.dialling })), "Close")
    assert.notInclude(tags(dialling.post({ _tag: "AckReceived", end: dialling.pair.ends[0]?.id ?? 0 })), "Close")
  })

  it("is not one that had the slot before the one that is up, where older ones are kept: it is replaced at once", () => {
    const step = TimePair.make({ ...TimePair.production, older: "keep" })
    const node = new TimePairDrive("higher", false, step)
    const [first, second] = [node.accept(), node.accept()]
    node.post({ _tag: "HandshakeReceived", end: second })
    const actions = node.post({ _tag: "HandshakeReceived", end: first })
    assert.deepStrictEqual(tags(actions), ["Close", "Disarm"])
    assert.deepStrictEqual(node.pair.ends.map(({ id, phase }) => [id, phase]), [[second, "up"]])
    // Beside a later one that is not up yet it counts.
    const other = new TimePairDrive("higher", false, step)
    const early = other.accept()
    other.accept()
    assert.include(tags(other.post({ _tag: "HandshakeReceived", end: early })), "Up")
    const last = new TimePairDrive(
      "higher",
      false,
      TimePair.make({ ...TimePair.production, older: "keep", counts: "last" })
    )
    const [one, two] = [last.accept(), last.accept()]
    last.post({ _tag: "HandshakeReceived", end: two })
    assert.include(tags(last.post({ _tag: "HandshakeReceived", end: one })), "Up")
  })

  it("under the rule that older ones are kept, ends none", () => {
    const step = TimePair.make({ ...TimePair.production, older: "keep", failedTakesAlong: false })
    const node = new TimePairDrive("higher", false, step).learn()
    node.to(0)
    const theirs = node.accept()
    const ours = node.dialling
    node.post({ _tag: "Connected", end: ours })
    node.post({ _tag: "AckReceived", end: ours })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [ours, theirs].toSorted((a, b) => a - b))
    const silentRule = TimePair.make({ ...TimePair.production, silenceEnds: false })
    const patient = new TimePairDrive("higher", false, silentRule)
    const silent = patient.accept()
    patient.to(Limits.timeHandshakeMs)
    assert.deepStrictEqual(patient.pair.ends.map(({ id }) => id), [silent])
  })

  it("under the rule that a failed dial takes nothing along, leaves those before it", () => {
    const step = TimePair.make({ ...TimePair.production, failedTakesAlong: false })
    const node = new TimePairDrive("higher", false, step).learn()
    node.to(0)
    const before = node.accept()
    const ours = node.dialling
    node.post({ _tag: "Connected", end: ours })
    node.post({ _tag: "Closed", end: ours, reason: eof })
    assert.deepStrictEqual(node.pair.ends.map(({ id }) => id), [before])
  })
})

describe("announcements", () => {
  const announcing = () => {
    const node = new TimePairDrive("higher", true).learn()
    node.to(0)
    const end = node.connect()
    node.to(100_000)
    node.post({ _tag: "Closed", end, reason: eof })
    node.to(100_000)
    return node
  }

  it("that wait end with their connection: the next one waits for its own", () => {
    const node = announcing()
    const end = node.connect()
    assert.isTrue(node.timers.has("announce 0"))
    const actions = node.post({ _tag: "Closed", end, reason: eof })
    assert.deepStrictEqual(tags(actions), ["Disarm", "Disarm", "Down", "Arm"])
    assert.deepStrictEqual([...node.timers.keys()], ["dial 0"])
    assert.isFalse(node.pair.announcing)
    assert.deepStrictEqual(node.post({ _tag: "Fired", timer: { kind: "announce", end: 0 }, id: 700 }), [])
  })

  it("are not told to end when none waits", () => {
    const node = new TimePairDrive("higher", true).learn()
    node.to(0)
    const end = node.connect()
    node.to(Limits.timeAnnounceMs)
    assert.deepStrictEqual(tags(node.post({ _tag: "Closed", end, reason: eof })), ["Disarm", "Down", "Arm"])
  })

  it("are none of a node that is no masternode", () => {
    const node = new TimePairDrive("higher").learn()
    node.to(0)
    node.connect()
    assert.deepStrictEqual([...node.timers.keys()], ["unused 0"])
  })

  it("under the rule that they are not late, are due at once", () => {
    const step = TimePair.make({ ...TimePair.production, announceLate: false })
    const node = new TimePairDrive("higher", true, step).learn()
    node.to(0)
    const end = node.connect()
    assert.deepStrictEqual(node.did.at(-1), [0, { _tag: "Announce", end }])
  })

  it("may have ended a connection that ends within 60 s of them, and no other", () => {
    const endedAfter = (ms: number) => {
      const node = new TimePairDrive("higher", true).learn()
      node.to(0)
      const end = node.connect()
      node.to(Limits.timeAnnounceMs + ms)
      node.post({ _tag: "Closed", end, reason: eof })
      return node.pair.risks
    }
    assert.strictEqual(endedAfter(-1), 0, "before it")
    assert.strictEqual(endedAfter(0), 1)
    assert.strictEqual(endedAfter(Limits.timeAnnounceMs - 1), 1)
    assert.strictEqual(endedAfter(Limits.timeAnnounceMs), 0)
  })

  it("that waited go out on the connection of then, once", () => {
    const node = announcing()
    const end = node.connect()
    node.to(100_000 + Limits.timeAnnounceMs)
    assert.deepStrictEqual(node.did.at(-1)?.[1], { _tag: "Announce", end })
    assert.isFalse(node.pair.announcing)
    assert.deepStrictEqual([...node.timers.keys()], ["unused 0"])
  })
})

describe("events that mean nothing", () => {
  it("of ends that are gone, in any phase, change nothing", () => {
    const node = dialled()
    node.connect()
    const before = node.pair
    const gone: ReadonlyArray<TimePairState.Event> = [
      { _tag: "Connected", end: 99 },
      { _tag: "DialFailed", end: 99, reached: true, detail: "" },
      { _tag: "HandshakeReceived", end: 99 },
      { _tag: "AckReceived", end: 99 },
      { _tag: "Unfit", end: 99, detail: "" },
      { _tag: "Asked", end: 99 },
      { _tag: "Closed", end: 99, reason: eof },
      { _tag: "Fired", timer: { kind: "greeting", end: 99 }, id: 98 }
    ]
    for (const event of gone) assert.deepStrictEqual(node.post(event), [], event._tag)
    assert.deepStrictEqual(node.pair, before)
  })

  it("in the wrong phase or direction change nothing", () => {
    const node = dialled()
    const end = node.dialling
    const nothing = (event: TimePairState.Event, why: string) => assert.deepStrictEqual(node.post(event), [], why)
    nothing({ _tag: "AckReceived", end }, "an Ack before TLS")
    nothing({ _tag: "HandshakeReceived", end }, "a Handshake before TLS")
    node.post({ _tag: "Connected", end })
    nothing({ _tag: "Connected", end }, "TLS done twice")
    nothing({ _tag: "HandshakeReceived", end }, "a Handshake in answer to ours is not its Ack")
    nothing({ _tag: "DialFailed", end, reached: true, detail: "" }, "a failure of a dial that is through")
    node.post({ _tag: "AckReceived", end })
    nothing({ _tag: "AckReceived", end }, "a second Ack")
    const theirs = node.accept()
    nothing({ _tag: "AckReceived", end: theirs }, "an Ack on a socket of the peer's")
    node.post({ _tag: "HandshakeReceived", end: theirs })
    nothing({ _tag: "HandshakeReceived", end: theirs }, "a second Handshake")
  })

  it("learnt twice is learnt once", () => {
    const node = dialled()
    node.post({ _tag: "Stopped", reason: eof })
    assert.lengthOf(node.post({ _tag: "Learned", id: 500 }), 1)
    assert.deepStrictEqual(node.post({ _tag: "Learned", id: 501 }), [])
  })

  it("a socket of the peer's ends our wait to dial, and its end begins it again", () => {
    const node = new TimePairDrive("lower").learn()
    assert.deepStrictEqual([...node.timers.keys()], ["dial 0"])
    const end = node.accept()
    assert.deepStrictEqual([...node.timers.keys()], [`greeting ${end}`])
    node.post({ _tag: "Closed", end, reason: eof })
    assert.deepStrictEqual([...node.timers.keys()], ["dial 0"])
  })
})
