/**
 * What the reducer leaves and reports at its edges: which end is up, timers and pings of ends that are gone, the end that another wire takes,
 * and states that no step makes but a damaged trace may hold (`timemesh replay` takes a step from any state).
 */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import { empty, type PairAction, type PairEvent, type PairState } from "../../../src/domain/pair/PairState.ts"
import {
  a1,
  accepted,
  ack,
  bareEnd,
  challengeNonce,
  challenger,
  closed,
  commit,
  connected,
  drive,
  fired,
  learned,
  lowerUp,
  pong,
  welcomed
} from "../../harness/PairDrive.ts"

const draw = { id: 500, nonce: 500n, backoffMs: 7, fallbackMs: 4_000 }

/** The state after the events, and all actions on the way. */
const after = (from: PairState, ...events: ReadonlyArray<PairEvent>) =>
  events.reduce(({ actions, state }, event) => {
    const [next, more] = Pair.step(state, event, draw)
    return { state: next, actions: [...actions, ...more] }
  }, { state: from, actions: [] as ReadonlyArray<PairAction> })

describe("the end that is up", () => {
  it("is found behind older ends that are not, and no end is invented", () => {
    const waiting = bareEnd(1, "in", "hello")
    assert.isUndefined(Pair.up({ ...empty, ends: [waiting] }))
    const up = bareEnd(2, "in", "up")
    assert.strictEqual(Pair.up({ ...empty, ends: [waiting, up] }), up)
    assert.isUndefined(Pair.phaseOf(empty, 1))
  })
})

describe("what comes late", () => {
  it("a timer of an end that is gone changes nothing", () => {
    const state = lowerUp().state()
    for (const kind of ["hello", "commit", "wait"] as const) {
      assert.strictEqual(Pair.step(state, fired(kind, 9), draw)[0], state, kind)
    }
  })

  it("the flush of a ping of before does not start the challenge's time", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    const nonce = challengeNonce(pair)
    assert.deepStrictEqual(pair.send({ _tag: "Flushed", end: 1, nonce: nonce + 1n, rttMs: 1 }), [])
    assert.strictEqual(pair.state().probe?.phase, "queued")
  })

  it("a refusal of our own dial says when the next one comes, whatever the backoff says", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(fired("redial"), { id: 1 })
    pair.send(connected(1))
    pair.send({ _tag: "Refused", end: 1, reject: "full", detail: "", retryMs: 60_000 })
    assert.deepStrictEqual([...pair.timers], [["redial 0", 60_000]])
  })
})

describe("an L that holds a challenger", () => {
  it("keeps it when another socket is ruled out", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "lower", "p", a1, "p", 2))
    pair.send(ack(1))
    challenger(pair, 2, "q")
    pair.send(accepted(3))
    assert.deepStrictEqual(pair.said(welcomed(3, "lower", "p", a1, "p", 1)), ["Close 3 rejected: duplicate!"])
    assert.strictEqual(Pair.phaseOf(pair.state(), 2), "candidate")
  })

  it("rejects a Commit on it: an L receives none", () => {
    const pair = lowerUp()
    challenger(pair, 2, "q")
    assert.deepStrictEqual(pair.said(commit(2)), ["Close 2 protocol!"])
  })
})

describe("an accepted socket whose Hello has not come", () => {
  it("is no dial of our own: nothing waits for it, and its end asks for no backoff", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(accepted(1))
    pair.send(accepted(2))
    assert.deepStrictEqual(pair.said(welcomed(2, "lower")), ["SendCommit 2"])
    const alone = drive()
    alone.send(learned("higher"))
    alone.send(accepted(1))
    alone.send(closed(1))
    assert.deepStrictEqual([...alone.timers], [["redial 0", 4_000]])
  })
})

describe("another wire", () => {
  it("that takes the connection ends it as replaced; other ends hear which wire has the address", () => {
    const { actions } = after(lowerUp().state(), accepted(2), { _tag: "HandedOver", end: 1 })
    assert.deepStrictEqual(actions.filter(({ _tag }) => _tag === "Down" || _tag === "Close"), [
      { _tag: "Down", end: 1, reason: DisconnectReason.local("replaced") },
      {
        _tag: "Close",
        end: 2,
        reason: DisconnectReason.rejected("in-use", "local", "this address is connected over the TIME wire"),
        reject: "in-use"
      }
    ])
  })
})

describe("room for a fifth end", () => {
  it("is made by an accepted end without Hello before our own dial, though that is older", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(fired("redial"), { id: 1 })
    pair.send(connected(1))
    for (const end of [2, 3, 4]) pair.send(accepted(end))
    assert.include(pair.said(accepted(5)), "Close 2 rejected: duplicate!")
  })
})

describe("a state that no step makes", () => {
  it("a challenge of an end that is not there ends with its time", () => {
    const probe = { end: 9, nonce: 1n, phase: "sent", urgent: false } as const
    assert.isUndefined(after({ ...empty, probe }, fired("probe")).state.probe)
  })

  it("four ends of which none can go: a fifth still comes", () => {
    const ends = [1, 2, 3, 4].map((id) => bareEnd(id, "in", "up"))
    assert.lengthOf(after({ ...empty, ends }, accepted(5)).state.ends, 5)
  })

  it("a connection without the address that its Hello gave: none is reported as ours", () => {
    const ends = [{ ...bareEnd(1, "in", "up"), role: "lower", tag: "p", process: "p" } as const]
    const challenged = [accepted(2), welcomed(2, "lower", "q", a1)]
    const { actions } = after({ ...empty, ends }, ...challenged, pong(1, draw.nonce))
    assert.notInclude(actions.map(({ _tag }) => _tag), "Aliased")
    assert.include(actions.map(({ _tag }) => _tag), "Close")
  })
})
