/** What `why` and the API list of a pair's past, read from its trace: Ups, Downs, and attempts that came to nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as PairPast from "../../../src/domain/pair/PairPast.ts"
import { empty, type End, type PairEvent } from "../../../src/domain/pair/PairState.ts"
import type { PairTrace, Step } from "../../../src/domain/pair/PairTrace.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { bareEnd } from "../../harness/PairDrive.ts"

const eof = DisconnectReason.remote("eof")
const step = (
  at: number,
  before: ReadonlyArray<End>,
  event: PairEvent,
  after: ReadonlyArray<End>,
  actions: Step["actions"] = []
): Step => ({
  at,
  before: { ...empty, ends: before },
  event,
  draw: { id: 1, nonce: 1n, backoffMs: 0, fallbackMs: 0 },
  actions,
  after: { ...empty, ends: after },
  decisions: []
})
const past = (steps: ReadonlyArray<Step>, most = 50) => {
  const trace: PairTrace = {
    ip: PeerIp.fromStringUnsafe("10.0.0.5"),
    network: "devnet",
    software: "timemesh/test",
    rule: 1,
    at: 10_000,
    earlier: 0,
    steps
  }
  return PairPast.of(trace, most)
}

const ack: PairEvent = { _tag: "AckReceived", end: 2 }
const cameUp = step(1_000.4, [bareEnd(2, "out", "committing")], ack, [bareEnd(2, "out", "up")], [{
  _tag: "Up",
  end: 2
}])
const wentDown = step(4_500.2, [bareEnd(2, "out", "up")], { _tag: "Closed", end: 2, reason: eof }, [], [
  { _tag: "Down", end: 2, reason: eof }
])
const up = {
  at: 1_000,
  what: "up",
  connection: 2,
  direction: "outbound",
  reason: undefined,
  upMs: undefined
} as const
const down = { at: 4_500, what: "down", connection: 2, direction: "outbound", reason: eof, upMs: 3_500 } as const

describe("the past of a pair", () => {
  it("has a connection's Up and its Down, with the reason and how long it was up, in whole milliseconds", () =>
    assert.deepStrictEqual(past([cameUp, wentDown]), [up, down]))

  it("does not guess how long a connection was up whose Up is not kept", () =>
    assert.deepStrictEqual(past([wentDown]), [{ ...down, upMs: undefined }]))

  it("has the latest ones, oldest first, and no more than were asked for", () => {
    assert.deepStrictEqual(past([cameUp, wentDown], 1), [down])
    assert.deepStrictEqual(past([]), [])
  })

  it("says of an end that never came up why it went: what it was closed for, how its dial failed, how its socket ended", () => {
    const reject = DisconnectReason.rejected("duplicate", "local")
    const closed: PairEvent = { _tag: "Closed", end: 3, reason: eof }
    const failed: PairEvent = { _tag: "DialFailed", end: 3, detail: "ECONNREFUSED" }
    const refused = { _tag: "Close", end: 3, reason: reject, reject: "duplicate" } as const
    const cases: ReadonlyArray<readonly [PairEvent, Step["actions"], DisconnectReason.DisconnectReason | undefined]> = [
      [closed, [], eof],
      [failed, [], DisconnectReason.remote("dial-failed", "ECONNREFUSED")],
      [ack, [refused], reject],
      [closed, [refused], reject],
      [closed, [{ _tag: "SendAck", end: 3 }], eof],
      // What happened to another end is not its reason.
      [{ ...closed, end: 9 }, [], undefined],
      [{ ...failed, end: 9 }, [], undefined],
      [ack, [{ ...refused, end: 9 }], undefined],
      [ack, [{ _tag: "SendAck", end: 3 }], undefined]
    ]
    for (const [event, actions, reason] of cases) {
      assert.deepStrictEqual(past([step(1, [bareEnd(3, "in", "hello")], event, [], actions)]), [
        { at: 1, what: "attempt", connection: 3, direction: "inbound", reason, upMs: undefined }
      ])
    }
  })

  it("has no attempt of an end that stays, nor of one that was up", () => {
    const others = [bareEnd(3, "in", "hello"), bareEnd(4, "out", "dialing")]
    assert.deepStrictEqual(past([step(1, others, { _tag: "Heard", end: 3 }, others)]), [])
    assert.deepStrictEqual(past([wentDown]).map(({ what }) => what), ["down"])
    const one = step(1, others, { _tag: "DialFailed", end: 4, detail: "" }, others.slice(0, 1))
    assert.deepStrictEqual(past([one]).map(({ connection }) => connection), [4], "another one that stays keeps none")
  })

  it("knows the direction of an end by either state, and of each end its own", () => {
    const both = [bareEnd(3, "in", "hello"), bareEnd(4, "out", "dialing")]
    const stopped: PairEvent = { _tag: "Stopped", reject: "operator", detail: "", retryMs: undefined }
    assert.deepStrictEqual(
      past([step(1, both, stopped, [])]).map(({ connection, direction }) => [connection, direction]),
      [
        [3, "inbound"],
        [4, "outbound"]
      ]
    )
    // An end that comes up in the step in which it came in.
    const atOnce = step(1, [], ack, [bareEnd(2, "out", "up")], [{ _tag: "Up", end: 2 }])
    assert.deepStrictEqual(past([atOnce]).map(({ direction }) => direction), ["outbound"])
  })
})
