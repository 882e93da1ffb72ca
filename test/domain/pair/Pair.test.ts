import { assert, describe, it } from "@effect/vitest"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import { empty } from "../../../src/domain/pair/PairState.ts"
import {
  a1,
  accepted,
  ack,
  challengeNonce,
  challenger,
  closed,
  commit,
  connected,
  crossing,
  drive,
  fired,
  flushed,
  learned,
  lowerUp,
  pong,
  rejectReceived,
  welcomed
} from "../../harness/PairDrive.ts"

describe("dialling (L6, H4)", () => {
  it("the lower dials as soon as its backoff allows, the others after the fallback", () => {
    assert.deepStrictEqual(drive().send(learned("lower")), ["Arm redial 0 7"])
    assert.deepStrictEqual(drive().send(learned("higher")), ["Arm redial 0 4000"])
    assert.deepStrictEqual(drive().send(learned()), ["Arm redial 0 4000"])
    assert.deepStrictEqual(drive().send(learned("higher"), { backoffMs: 9_000 }), ["Arm redial 0 9000"])
  })

  it("hearing of the peer again does not restart the wait", () => {
    const pair = drive()
    pair.send(learned())
    assert.deepStrictEqual(pair.send(learned("lower")), [])
  })

  it("a due dial starts one socket, a failed one waits for the backoff, whatever the rank", () => {
    const pair = drive()
    pair.send(learned("higher"))
    assert.deepStrictEqual(pair.send(fired("redial"), { id: 1 }), ["Dial 1"])
    assert.deepStrictEqual(pair.send({ _tag: "DialFailed", end: 1, detail: "refused" }), ["Arm redial 0 7"])
  })

  it("a dialled socket that never says Hello is a failed dial", () => {
    const pair = drive()
    pair.send(learned("higher"))
    pair.send(fired("redial"), { id: 1 })
    assert.deepStrictEqual(pair.send(connected(1)), ["Arm hello 1 5000", "SendHello 1"])
    assert.deepStrictEqual(pair.send(fired("hello", 1)), ["Close 1 hello-timeout", "Arm redial 0 7"])
  })

  it("an accepted socket blocks the dial until it is gone", () => {
    const pair = drive()
    pair.send(learned("lower"))
    assert.deepStrictEqual(pair.send(accepted(1)), ["Arm hello 1 5000", "SendHello 1", "Disarm redial 0"])
    assert.deepStrictEqual(pair.send(fired("redial")), [])
    assert.deepStrictEqual(pair.send(closed(1)), ["Disarm hello 1", "Arm redial 0 7"])
  })

  it("a Reject says when to dial again; an alias bars it", () => {
    const pair = drive()
    for (const reject of ["full", "self", "alias"] as const) {
      pair.send({ _tag: "Freed" })
      pair.send(accepted(1))
      pair.send(welcomed(1, "higher"))
      const actions = pair.send(rejectReceived(1, reject, 60_000)).filter((action) => action.startsWith("Arm"))
      assert.deepStrictEqual(actions, reject === "alias" ? [] : ["Arm redial 0 60000"])
    }
    assert.isTrue(pair.state().barred)
    assert.deepStrictEqual(pair.send({ _tag: "Freed" }), ["Arm redial 0 4000"])
    assert.deepStrictEqual(pair.send({ _tag: "Forgotten" }), ["Disarm redial 0"])
  })

  it("a refused Hello closes with its Reject and retries when that says", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(accepted(1))
    assert.deepStrictEqual(
      pair.send({ _tag: "Refused", end: 1, reject: "incompatible", detail: "rule 2, not 1", retryMs: 600_000 }),
      ["Close 1 rejected: incompatible!", "Disarm hello 1", "Arm redial 0 600000"]
    )
  })

  it("after a connection each dials as its rank in it says, whatever was believed before", () => {
    for (const [role, ms] of [["lower", 7], ["higher", 4_000]] as const) {
      const pair = drive()
      pair.send(learned(role === "lower" ? "higher" : "lower"))
      pair.send(accepted(1))
      pair.send(welcomed(1, role))
      pair.send(role === "lower" ? ack(1) : commit(1))
      assert.strictEqual(pair.send(closed(1)).at(-1), `Arm redial 0 ${ms}`)
    }
  })

  it("a peer that does not listen is not dialled when its connection is gone", () => {
    const pair = drive()
    pair.send(accepted(1))
    const hello = { role: "lower", tag: "p", process: "p", self: a1, order: 1, listens: false } as const
    pair.send({ _tag: "Welcomed", end: 1, ...hello })
    pair.send(ack(1))
    assert.deepStrictEqual(pair.send(closed(1)), ["Down 1 EOF"])
  })

  it("an own dial that got as far as a Hello is no failed dial", () => {
    const pair = drive()
    pair.send(learned())
    pair.send(fired("redial"), { id: 1 })
    pair.send(connected(1))
    pair.send(welcomed(1, "higher"))
    assert.strictEqual(pair.send(closed(1)).at(-1), "Arm redial 0 4000")
  })

  it("an Up unbars", () => {
    const pair = drive({ ...empty, barred: true })
    pair.send(accepted(1))
    pair.send(welcomed(1, "lower"))
    pair.send(ack(1))
    assert.isFalse(pair.state().barred)
  })
})

describe("L without a live end (L1)", () => {
  it("commits H's dial at once when none of its own is in flight", () => {
    const pair = drive()
    pair.send(accepted(1))
    assert.deepStrictEqual(pair.send(welcomed(1, "lower")), [
      "Disarm hello 1",
      "SendCommit 1",
      "Arm commit 1 5000"
    ])
    assert.deepStrictEqual(pair.send(ack(1)), ["Disarm commit 1", "Up 1"])
  })

  it("stops waiting for its own dial when H's leaves", () => {
    assert.deepStrictEqual(crossing().send(closed(2)), ["Disarm grace 0"])
  })

  it("prefers its own dial to one of H's that it holds", () => {
    const pair = crossing()
    pair.send(connected(1))
    assert.deepStrictEqual(pair.said(welcomed(1, "lower")), ["Close 2 rejected: duplicate!", "SendCommit 1"])
    assert.isFalse(pair.state().grace)
  })

  it("takes H's dial when grace passes, and aborts its own", () => {
    const pair = crossing()
    assert.deepStrictEqual(pair.said(fired("grace")), ["Close 1 rejected: duplicate", "SendCommit 2"])
  })

  it("takes H's dial when its own fails", () => {
    const pair = crossing()
    assert.deepStrictEqual(pair.send({ _tag: "DialFailed", end: 1, detail: "" }), [
      "SendCommit 2",
      "Arm commit 2 5000",
      "Disarm grace 0"
    ])
  })

  it("holds the newest of two", () => {
    const pair = crossing()
    pair.send(accepted(3))
    assert.deepStrictEqual(pair.said(welcomed(3, "lower")), ["Close 2 rejected: duplicate!"])
    assert.deepStrictEqual(pair.said(fired("grace")), ["Close 1 rejected: duplicate", "SendCommit 3"])
  })
})

describe("L with a live end (L2–L5)", () => {
  it("challenges the connection and keeps it when it answers", () => {
    const pair = lowerUp()
    assert.deepStrictEqual(challenger(pair, 2), [
      "Disarm hello 2",
      "SendPing 1 5",
      "Arm probe 0 5000",
      "Arm spacing 0 5000"
    ])
    assert.deepStrictEqual(flushed(pair, 600), ["Arm probe 0 2400", "Arm quiet 0 1000"])
    assert.deepStrictEqual(pair.send(pong(1, 4n)), [], "another ping's Pong")
    assert.deepStrictEqual(pair.send(pong(1, 5n)), [
      "Disarm probe 0",
      "Disarm quiet 0",
      "Close 2 rejected: duplicate!"
    ])
  })

  it("names another process in-use", () => {
    const pair = lowerUp()
    challenger(pair, 2, "q")
    assert.deepStrictEqual(pair.said(pong(1, challengeNonce(pair))), ["Close 2 rejected: in-use!"])
  })

  it("replaces a connection that does not answer", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    flushed(pair)
    assert.deepStrictEqual(pair.said(fired("probe")), ["Close 1 unanswered", "Down 1 unanswered", "SendCommit 2"])
    assert.deepStrictEqual(pair.said(ack(2)), ["Up 2"])
  })

  it("the probe time starts when the ping left, or should have", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    assert.deepStrictEqual(pair.send(fired("probe")), ["Arm probe 0 5000", "Arm quiet 0 1000"])
    assert.deepStrictEqual(flushed(pair, 10), [], "too late to matter")
  })

  it("the probe time is 4 round trips, at least 2 s and at most 5 s", () => {
    for (const [rttMs, ms] of [[1, 2_000], [500, 2_000], [501, 2_004], [1_250, 5_000], [1_251, 5_000]] as const) {
      const pair = lowerUp()
      challenger(pair, 2)
      assert.deepStrictEqual(flushed(pair, rttMs), [`Arm probe 0 ${ms}`, "Arm quiet 0 1000"])
    }
  })

  it("any byte is an answer, but only 1 s after the ping left", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    assert.deepStrictEqual(pair.send(fired("quiet")), [], "a stale timer")
    flushed(pair)
    assert.isUndefined(Pair.listensTo(pair.state()))
    assert.deepStrictEqual(pair.send({ _tag: "Heard", end: 1 }), [])
    pair.send(fired("quiet"))
    assert.strictEqual(Pair.listensTo(pair.state()), 1)
    assert.deepStrictEqual(pair.said({ _tag: "Heard", end: 1 }), ["Close 2 rejected: duplicate!"])
    assert.isUndefined(Pair.listensTo(pair.state()))
  })

  it("holds a challenger that comes early, and challenges when the spacing is over", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    pair.send(pong(1, challengeNonce(pair)))
    assert.deepStrictEqual(challenger(pair, 3), ["Disarm hello 3"])
    assert.deepStrictEqual(pair.send(fired("spacing"), { nonce: 99n }), [
      "SendPing 1 99",
      "Arm probe 0 5000",
      "Arm spacing 0 5000"
    ])
  })

  it("keeps the newest challenger, and the probe that runs", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    flushed(pair)
    pair.send(accepted(3))
    assert.deepStrictEqual(pair.said(welcomed(3, "lower")), ["Close 2 rejected: duplicate!"])
    assert.deepStrictEqual(pair.said(fired("probe")), ["Close 1 unanswered", "Down 1 unanswered", "SendCommit 3"])
  })

  it("a challenger that leaves ends the challenge", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    assert.deepStrictEqual(pair.send(closed(2)), ["Disarm probe 0"])
    assert.deepStrictEqual(pair.said(fired("probe")), [])
  })

  it("commits the challenger when the connection fails", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    assert.deepStrictEqual(pair.said(closed(1)), ["Down 1 EOF", "SendCommit 2"])
  })

  it("while committing, the Ack is the answer and no ping goes out", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "lower"))
    assert.deepStrictEqual(challenger(pair, 2), ["Disarm hello 2"])
    assert.deepStrictEqual(pair.said(ack(1)), ["Up 1", "Close 2 rejected: duplicate!"])
  })

  it("a Commit without Ack gives way to the challenger, without Up or Down", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "lower"))
    challenger(pair, 2)
    assert.deepStrictEqual(pair.said(fired("commit", 1)), ["Close 1 no-ack", "SendCommit 2"])
    assert.deepStrictEqual(pair.said(rejectReceived(2, "in-use")), ["Close 2 rejected: in-use"])
    assert.deepStrictEqual(pair.ups, [])
  })
})
