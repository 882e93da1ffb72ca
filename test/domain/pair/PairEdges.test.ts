/** The pair reducer where things are out of the ordinary: aliases, wrong or late events, bounds, stopping, anything at all. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import type { End, EndId, PairEvent, PairState } from "../../../src/domain/pair/PairState.ts"
import {
  a1,
  a2,
  accepted,
  ack,
  challengeNonce,
  challenger,
  closed,
  commit,
  connected,
  drive,
  fired,
  flushed,
  higherUp,
  learned,
  lowerUp,
  merged,
  pong,
  rejectReceived,
  stop,
  welcomed
} from "../../harness/PairDrive.ts"

describe("alias: the peer names another address of ours", () => {
  it("as L: the connection that answers stays, and the other hears its address", () => {
    const pair = lowerUp()
    challenger(pair, 2, "q", a2)
    const nonce = challengeNonce(pair)
    assert.deepStrictEqual(pair.said(pong(1, nonce)), ["Aliased 2", "Close 2 rejected: alias!"])
  })

  it("as H on the new socket: its Commit is held, even of an equal tag", () => {
    const pair = higherUp()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher", "p", a2, "another process"))
    assert.deepStrictEqual(pair.said(commit(2)), ["SendPing 1 6"])
    assert.deepStrictEqual(pair.said(pong(1, 6n)), ["Aliased 2", "Close 2 rejected: alias!"])
  })

  it("as L of the new socket while H on the connection", () => {
    const pair = higherUp()
    assert.deepStrictEqual(
      challenger(pair, 2, "p", a2, "another process").filter((action) => action.startsWith("Send")),
      ["SendPing 1 5"]
    )
    flushed(pair)
    assert.deepStrictEqual(pair.said(fired("probe")), ["Close 1 unanswered", "Down 1 unanswered", "SendCommit 2"])
  })
})

describe("alias: the process of the live end comes to another address of ours", () => {
  it("as L: it is alive, and is told at once", () => {
    const pair = lowerUp()
    pair.send(accepted(2))
    assert.deepStrictEqual(pair.said(welcomed(2, "lower", "q", a2, "p")), ["Aliased 2", "Close 2 rejected: alias!"])
  })

  it("as H: when it commits", () => {
    const pair = higherUp()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher", "q", a2, "p"))
    assert.deepStrictEqual(pair.said(commit(2)), ["Aliased 2", "Close 2 rejected: alias!"])
  })

  it("to the same address: its connection of before may be gone", () => {
    const pair = lowerUp()
    assert.deepStrictEqual(pair.said(accepted(2)), ["SendHello 2"])
    assert.deepStrictEqual(pair.said(welcomed(2, "lower", "p", a1, "p")), ["SendPing 1 5"])
  })

  it("while the live end is not up yet: its Ack decides", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "lower"))
    pair.send(accepted(2))
    assert.deepStrictEqual(pair.said(welcomed(2, "lower", "q", a2, "p")), [])
    assert.deepStrictEqual(pair.said(ack(1)), ["Up 1", "Aliased 2", "Close 2 rejected: alias!"])
  })
})

describe("Merged: another connection leads to the same process", () => {
  it("closes this one with a word, and does not dial until the other is gone", () => {
    const pair = lowerUp()
    assert.deepStrictEqual(pair.said(merged(1)), ["Close 1 rejected: alias!", "Down 1 rejected: alias"])
    assert.deepStrictEqual([...pair.timers.keys()], [])
    pair.send({ _tag: "Freed" })
    assert.deepStrictEqual([...pair.timers.keys()], ["redial 0"])
  })

  it("who is held for it takes its place", () => {
    const pair = lowerUp()
    challenger(pair, 2)
    assert.deepStrictEqual(pair.said(merged(1)), ["Close 1 rejected: alias!", "Down 1 rejected: alias", "SendCommit 2"])
  })

  it("means nothing to an end that is not up", () => {
    const pair = drive()
    pair.send(accepted(1))
    const before = pair.state()
    assert.deepStrictEqual(pair.send(merged(1)), [])
    assert.strictEqual(pair.state(), before)
  })
})

describe("HandedOver: the peer speaks another wire", () => {
  it("lets go of the dial, closes the others with a word, and does not dial until it is told to", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(fired("redial"))
    pair.send(accepted(2))
    assert.deepStrictEqual(pair.said({ _tag: "HandedOver", end: 102 }), ["Close 2 rejected: in-use!"])
    assert.deepStrictEqual(pair.state().ends, [])
    assert.isFalse(pair.state().dialable)
    pair.send(learned("lower"))
    assert.isTrue(pair.state().redial)
  })

  it("as the peer came up over it: nothing is left", () => {
    const pair = lowerUp()
    assert.deepStrictEqual(pair.said({ _tag: "HandedOver", end: undefined }).slice(0, 2), [
      "Close 1 rejected: in-use!",
      "Down 1 rejected: in-use"
    ])
    assert.isFalse(pair.state().dialable)
  })
})

describe("what must not come", () => {
  const cases: ReadonlyArray<readonly [string, () => ReturnType<typeof drive>, PairEvent]> = [
    ["a Commit to an L", lowerUp, commit(1)],
    ["a second Commit", higherUp, commit(1)],
    ["an Ack to an H", higherUp, ack(1)],
    ["a second Ack", lowerUp, ack(1)],
    ["a second Hello", lowerUp, welcomed(1, "lower")]
  ]
  for (const [what, build, event] of cases) {
    it(`${what} ends the socket`, () => {
      assert.deepStrictEqual(build().said(event), ["Close 1 protocol!", "Down 1 protocol"])
    })
  }

  it("is named to the peer that sent it", () => {
    const details = ([build, event]: readonly [() => ReturnType<typeof drive>, PairEvent]) => {
      const [, actions] = Pair.step(build().state(), event, { id: 900, nonce: 9n, backoffMs: 7, fallbackMs: 4_000 })
      return actions.flatMap((action) => action._tag === "Close" ? [action.reason] : [])
    }
    const said = (detail: string) => [DisconnectReason.rejected("protocol", "local", detail)]
    assert.deepStrictEqual(details([lowerUp, commit(1)]), said("unexpected Commit"))
    assert.deepStrictEqual(details([lowerUp, ack(1)]), said("unexpected Ack"))
    assert.deepStrictEqual(details([lowerUp, welcomed(1, "lower")]), said("second Hello"))
    // What a peer says of us is its reason, not ours.
    assert.deepStrictEqual(details([lowerUp, rejectReceived(1, "full")]), [
      DisconnectReason.rejected("full", "remote", "")
    ])
  })

  it("a Commit or Ack before Hello ends the socket", () => {
    for (const event of [commit(1), ack(1)]) {
      const pair = drive()
      pair.send(accepted(1))
      assert.deepStrictEqual(pair.said(event), ["Close 1 protocol!"])
    }
  })

  it("events of ends that are gone and timers that do not run change nothing", () => {
    const pair = lowerUp()
    const before = pair.state()
    const events: ReadonlyArray<PairEvent> = [
      closed(9),
      commit(9),
      ack(9),
      pong(1, 1n),
      connected(1),
      accepted(1),
      { _tag: "Heard", end: 1 },
      { _tag: "Flushed", end: 1, nonce: 1n, rttMs: 1 },
      ...(["hello", "commit", "wait"] as const).map((kind) => fired(kind, 1)),
      ...(["probe", "quiet", "spacing", "grace", "redial"] as const).map((kind) => fired(kind))
    ]
    for (const event of events) assert.deepStrictEqual(pair.send(event), [])
    assert.strictEqual(pair.state(), before)
  })
})

describe("at most four ends", () => {
  it("a fifth closes the oldest accepted one without Hello", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(fired("redial"), { id: 1 })
    for (const end of [2, 3, 4]) pair.send(accepted(end))
    assert.deepStrictEqual(pair.said(accepted(5)), ["Close 2 rejected: duplicate!", "SendHello 5"])
  })

  it("with Hellos on all, the one that waits longest goes, never the connection", () => {
    const pair = higherUp()
    for (const end of [2, 3, 4]) {
      pair.send(accepted(end))
      pair.send(welcomed(end, "higher"))
    }
    assert.deepStrictEqual(pair.said(accepted(5)), ["Close 2 rejected: duplicate!", "SendHello 5"])
  })
})

describe("Pair.known", () => {
  it("is the end with all that a Hello says, and nothing before that", () => {
    const pair = drive()
    pair.send(accepted(1))
    assert.isUndefined(Pair.known(pair.state(), 1))
    pair.send(welcomed(1, "higher", "p", a1, "process", 7))
    const { order, process, role, self, tag } = Pair.known(pair.state(), 1) ?? {}
    assert.deepStrictEqual({ order, process, role, self, tag }, {
      order: 7,
      process: "process",
      role: "higher",
      self: a1,
      tag: "p"
    })
    assert.isUndefined(Pair.known(pair.state(), 2))
  })

  it("wants every fact: half of a Hello is none", () => {
    const { ends, ...rest } = lowerUp().state()
    const [end] = ends
    assert(end !== undefined)
    for (const fact of ["role", "tag", "process", "self"]) {
      assert.isUndefined(Pair.known({ ...rest, ends: [{ ...end, [fact]: undefined }] }, 1), fact)
    }
  })
})

describe("Stopped", () => {
  it("tells every end, and dials again only when told to", () => {
    for (const retryMs of [undefined, 2_000]) {
      const pair = lowerUp()
      challenger(pair, 2)
      pair.send(accepted(3))
      assert.deepStrictEqual(pair.said(stop(retryMs)), [
        "Close 1 operator!",
        "Down 1 operator",
        "Close 2 operator!",
        "Close 3 operator!"
      ])
      assert.deepStrictEqual([...pair.timers], retryMs === undefined ? [] : [["redial 0", 2_000]])
    }
  })

  it("puts off a dial that was to come sooner", () => {
    const pair = drive()
    pair.send(learned("lower"))
    assert.deepStrictEqual(pair.send(stop(2_000)), ["Disarm redial 0", "Arm redial 0 2000"])
  })
})

describe("any sequence of events", () => {
  const Step = Schema.Struct({
    what: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
    which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
    odd: Schema.Boolean
  })
  const steps = Schema.Array(Step).check(Schema.isMaxLength(80))

  /** Draws an event that is likely to matter: about ends that exist, with the nonce in use. */
  const toEvent = (state: PairState, next: EndId, { odd, what, which }: typeof Step.Type): PairEvent => {
    const target: End | undefined = state.ends[which % Math.max(1, state.ends.length)]
    const end = target?.id ?? 77
    const role = which % 2 === 0 ? "lower" : "higher"
    switch (what) {
      case 0:
        return learned(odd ? role : undefined)
      case 1:
        return odd ? { _tag: "Forgotten" } : { _tag: "Freed" }
      case 2:
        return { _tag: "DialFailed", end, detail: "" }
      case 3:
      case 4:
      case 5:
        return accepted(next)
      case 6:
      case 7:
        return connected(end)
      case 8:
        return rejectReceived(end, odd ? "duplicate" : "alias")
      case 9:
        return { _tag: "Refused", end, reject: "full", detail: "", retryMs: 1 }
      case 10:
        return closed(end)
      case 11:
        return { _tag: "Stopped", reject: "shutdown", detail: "", retryMs: odd ? 1 : undefined }
      case 12:
      case 13:
      case 14:
        return welcomed(state.ends.at(-1)?.id ?? end, role, odd ? "p" : "q", which === 4 ? a2 : a1)
      case 15:
        return welcomed(end, role, odd ? "p" : "q")
      case 16:
      case 17:
      case 18:
        return commit(state.ends.find((end) => end.role === "higher" && end.phase === "candidate")?.id ?? end)
      case 19:
      case 20:
        return ack(state.ends.find((end) => end.phase === "committing")?.id ?? end)
      case 21:
        return pong(state.probe?.end ?? end, state.probe?.nonce ?? 0n)
      case 22:
        return { _tag: "Heard", end: state.probe?.end ?? end }
      case 23:
        return {
          _tag: "Flushed",
          end: state.probe?.end ?? end,
          nonce: state.probe?.nonce ?? 0n,
          rttMs: odd ? 9 : undefined
        }
      case 24:
        return fired(odd ? "probe" : "quiet")
      case 25:
        return fired(odd ? "spacing" : "grace")
      case 26:
      case 27:
        return fired("redial")
      case 28:
        return fired(odd ? "hello" : "commit", end)
      case 29:
        return merged(state.ends.find((end) => end.phase === "up")?.id ?? end)
      default:
        return odd ? fired("wait", end) : commit(end)
    }
  }

  it.prop("keeps every promise of the reducer", [Arbitrary.schema(steps)], ([sequence]) => {
    const pair = drive()
    let next = 1_000
    for (const step of sequence) pair.send(toEvent(pair.state(), ++next, step), { id: ++next })
    // Up and Down come in turns, Down of the old one first, and never for an end that was not up.
    for (const [i, what] of pair.ups.entries()) {
      if (i % 2 === 0) assert.match(what, /^Up/)
      else assert.strictEqual(what, pair.ups[i - 1]?.replace("Up", "Down"))
    }
    const up = Pair.up(pair.state())
    assert.strictEqual(pair.ups.length % 2 === 1, up !== undefined)
    // Nothing that runs, and no end, outlives the end of the pair.
    pair.send({ _tag: "Stopped", reject: "shutdown", detail: "", retryMs: undefined })
    assert.deepStrictEqual([...pair.timers.keys()], [])
    assert.deepStrictEqual(pair.state().ends, [])
    // A state with no end always has a dial coming, if it may dial.
    pair.send({ _tag: "Freed" })
    assert.include(pair.send(learned("lower")), "Arm redial 0 7")
  }, { arbitrary: { runs: 500, size: 80 } })
})
