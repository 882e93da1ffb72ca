import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Limits from "../../src/domain/Limits.ts"
import * as Pair from "../../src/domain/peer/Pair.ts"
import type {
  Draw,
  End,
  EndId,
  PairAction,
  PairEvent,
  PairState,
  Role,
  Timer
} from "../../src/domain/peer/PairState.ts"
import { empty } from "../../src/domain/peer/PairState.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"

const a1 = PeerIp.fromStringUnsafe("10.0.0.1")
const a2 = PeerIp.fromStringUnsafe("10.0.9.1")
const eof = DisconnectReason.remote("eof")

const name = (action: PairAction): string => {
  switch (action._tag) {
    case "Arm":
      return `Arm ${key(action.timer)} ${action.ms}`
    case "Disarm":
      return `Disarm ${key(action.timer)}`
    case "Close":
      return `Close ${action.end} ${DisconnectReason.label(action.reason)}${action.reject === undefined ? "" : "!"}`
    case "Down":
      return `Down ${action.end} ${DisconnectReason.label(action.reason)}`
    case "SendPing":
      return `SendPing ${action.end} ${action.nonce}`
    default:
      return `${action._tag} ${action.end}`
  }
}

/** Drives one pair, names its actions shortly, and holds the promises every step must keep. */
const drive = (initial: PairState = empty) => {
  let state = initial
  let ids = 100
  let nonces = 0n
  const timers = new Map<string, number>()
  const ups: Array<string> = []

  const send = (event: PairEvent, change: Partial<Draw> = {}): ReadonlyArray<string> => {
    const draw: Draw = { id: ++ids, nonce: ++nonces, backoffMs: 7, fallbackMs: 4_000, ...change }
    if (event._tag === "Fired") timers.delete(key(event.timer))
    const [next, actions] = Pair.step(state, event, draw)
    for (const action of actions) {
      if (action._tag === "Arm") timers.set(key(action.timer), action.ms)
      if (action._tag === "Disarm") {
        assert.isTrue(timers.delete(key(action.timer)), `disarms ${key(action.timer)}, which does not run`)
      }
      if (action._tag === "Up" || action._tag === "Down") ups.push(`${action._tag} ${action.end}`)
    }
    state = next
    assert.isAtMost(state.ends.length, Limits.endsPerPair)
    assert.isAtMost(state.ends.filter((end) => end.phase === "up" || end.phase === "committing").length, 1)
    assert.isAtMost(state.ends.filter((end) => end.commitHeld).length, 1)
    if (state.probe !== undefined) assert.strictEqual(Pair.phaseOf(state, state.probe.end), "up", "the challenged end")
    assert.deepStrictEqual([...timers.keys()].toSorted(), expectedTimers(state), "running timers")
    return actions.map(name)
  }

  /** As `send`, without timers: most rules are about what is said and closed. */
  const said = (event: PairEvent, change?: Partial<Draw>) =>
    send(event, change).filter((action) => !/^(Arm|Disarm)/.test(action))

  return { send, said, ups, timers, state: () => state }
}

const key = (timer: Timer) => `${timer.kind} ${timer.end}`

/** Which timers run, told from the state alone: what the actions say must add up to this. */
const expectedTimers = (state: PairState): ReadonlyArray<string> => {
  const keys: Array<string> = []
  for (const end of state.ends) {
    if (end.phase === "hello") keys.push(`hello ${end.id}`)
    if (end.phase === "committing") keys.push(`commit ${end.id}`)
    if (end.phase === "candidate" && end.role === "higher" && !end.commitHeld) keys.push(`wait ${end.id}`)
  }
  if (state.probe !== undefined) keys.push("probe 0")
  if (state.probe?.phase === "sent") keys.push("quiet 0")
  if (state.spacing) keys.push("spacing 0")
  if (state.grace) keys.push("grace 0")
  if (state.redial) keys.push("redial 0")
  return keys.toSorted()
}

const fired = (kind: Timer["kind"], end: EndId = 0): PairEvent => ({ _tag: "Fired", timer: { kind, end } })
const accepted = (end: EndId): PairEvent => ({ _tag: "Accepted", end })
const connected = (end: EndId): PairEvent => ({ _tag: "Connected", end })
const welcomed = (end: EndId, role: Role, tag = "p", self = a1): PairEvent => ({
  _tag: "Welcomed",
  end,
  role,
  tag,
  self,
  listens: true
})
const commit = (end: EndId): PairEvent => ({ _tag: "CommitReceived", end })
const ack = (end: EndId): PairEvent => ({ _tag: "AckReceived", end })
const pong = (end: EndId, nonce: bigint): PairEvent => ({ _tag: "PongReceived", end, nonce })
const closed = (end: EndId): PairEvent => ({ _tag: "Closed", end, reason: eof })
const rejectReceived = (end: EndId, reject: DisconnectReason.RejectReason, retryMs = 1_000): PairEvent => ({
  _tag: "RejectReceived",
  end,
  reject,
  detail: "",
  retryMs
})
const learned = (rank?: Role): PairEvent => ({ _tag: "Learned", rank })

/** An L whose connection is end 1, accepted. */
const lowerUp = () => {
  const pair = drive()
  pair.send(accepted(1))
  pair.send(welcomed(1, "lower"))
  pair.send(ack(1))
  return pair
}

/** An H whose connection is end 1, accepted. */
const higherUp = () => {
  const pair = drive()
  pair.send(accepted(1))
  pair.send(welcomed(1, "higher"))
  pair.send(commit(1))
  return pair
}

/** Brings a challenger of the same L as far as its Hello. */
const challenger = (pair: ReturnType<typeof drive>, end: EndId, tag = "p", self = a1) => {
  pair.send(accepted(end))
  return pair.send(welcomed(end, "lower", tag, self))
}

const challengeNonce = (pair: ReturnType<typeof drive>): bigint => {
  const { probe } = pair.state()
  assert.isDefined(probe)
  return probe?.nonce ?? -1n
}

const flushed = (pair: ReturnType<typeof drive>, rttMs?: number): ReadonlyArray<string> =>
  pair.send({ _tag: "Flushed", end: pair.state().probe?.end ?? 0, nonce: challengeNonce(pair), rttMs })

/** An L that holds H's dial, end 2, while its own, end 1, is in flight. */
const crossing = () => {
  const pair = drive()
  pair.send(learned("lower"))
  pair.send(fired("redial"), { id: 1 })
  pair.send(accepted(2))
  assert.deepStrictEqual(pair.send(welcomed(2, "lower")), ["Disarm hello 2", "Arm grace 0 500"])
  return pair
}

/** An H that is up on end 1 and holds the Commit of another process on end 2. */
const foreign = () => {
  const pair = higherUp()
  pair.send(accepted(2))
  pair.send(welcomed(2, "higher", "q"))
  assert.deepStrictEqual(pair.send(commit(2)), ["Disarm wait 2", "SendPing 1 6", "Arm probe 0 1000"])
  return pair
}

const stop = (retryMs: number | undefined): PairEvent => ({
  _tag: "Stopped",
  reject: "operator",
  detail: "",
  retryMs
})

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

  it("a Reject says when to dial again; alias and self bar it", () => {
    const pair = drive()
    for (const reject of ["full", "alias", "self"] as const) {
      pair.send({ _tag: "Freed" })
      pair.send(accepted(1))
      pair.send(welcomed(1, "higher"))
      const actions = pair.send(rejectReceived(1, reject, 60_000)).filter((action) => action.startsWith("Arm"))
      assert.deepStrictEqual(actions, reject === "full" ? ["Arm redial 0 60000"] : [])
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

describe("H (H1–H3)", () => {
  it("waits for Commit, answers it, is up", () => {
    const pair = drive()
    pair.send(accepted(1))
    assert.deepStrictEqual(pair.send(welcomed(1, "higher")), ["Disarm hello 1", "Arm wait 1 12000"])
    assert.deepStrictEqual(pair.send(commit(1)), ["SendAck 1", "Disarm wait 1", "Up 1"])
  })

  it("gives up an L that decides nothing", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "higher"))
    assert.deepStrictEqual(pair.said(fired("wait", 1)), ["Close 1 no-commit"])
  })

  it("aborts its own dial when L commits", () => {
    const pair = drive()
    pair.send(learned("higher"))
    pair.send(fired("redial"), { id: 1 })
    pair.send(connected(1))
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher"))
    pair.send(welcomed(1, "higher"))
    assert.deepStrictEqual(pair.said(commit(2)), ["Close 1 rejected: duplicate!", "SendAck 2", "Up 2"])
  })

  it("follows its L from socket to socket, Down before Up", () => {
    const pair = higherUp()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher"))
    assert.deepStrictEqual(pair.said(commit(2)), ["Close 1 replaced", "Down 1 replaced", "SendAck 2", "Up 2"])
  })

  it("protects its connection against another process", () => {
    const pair = foreign()
    assert.deepStrictEqual(flushed(pair), ["Arm probe 0 3000", "Arm quiet 0 1000"])
    assert.deepStrictEqual(pair.said(pong(1, 6n)), ["Close 2 rejected: in-use!"])
  })

  it("goes with another process when its connection is dead", () => {
    for (const event of [fired("probe"), closed(1)]) {
      const pair = foreign()
      flushed(pair, 5_000)
      assert.deepStrictEqual(pair.said(event).slice(-3), [
        event._tag === "Closed" ? "Down 1 EOF" : "Down 1 unanswered",
        "SendAck 2",
        "Up 2"
      ])
    }
  })

  it("a second Commit on a socket whose first is held ends that socket", () => {
    assert.deepStrictEqual(foreign().said(commit(2)), ["Close 2 protocol!"])
  })

  it("a connection that fails under two conflicts leaves nothing of its challenge behind", () => {
    const pair = foreign()
    challenger(pair, 3, "p", a2)
    flushed(pair)
    assert.deepStrictEqual(pair.said(closed(1)).slice(0, 2), ["Down 1 EOF", "SendCommit 3"])
    assert.isUndefined(pair.state().probe)
  })

  it("a newer Commit replaces the held one", () => {
    const pair = foreign()
    pair.send(accepted(3))
    pair.send(welcomed(3, "higher", "r"))
    assert.deepStrictEqual(pair.said(commit(3)), ["Close 2 rejected: duplicate!"])
    flushed(pair)
    assert.deepStrictEqual(pair.said(fired("probe")).slice(-2), ["SendAck 3", "Up 3"])
  })

  it("the time in the outbox and the probe together beat L's commit time", () => {
    assert.isBelow(Limits.probeHigherQueuedMs + Limits.probeHigherMaxMs, Limits.commitMs)
    assert.isBelow(Limits.challengeSpacingMs + Limits.probeMaxMs, Limits.waitMs)
  })
})

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
    pair.send(welcomed(2, "higher", "p", a2))
    assert.deepStrictEqual(pair.said(commit(2)), ["SendPing 1 6"])
    assert.deepStrictEqual(pair.said(pong(1, 6n)), ["Aliased 2", "Close 2 rejected: alias!"])
  })

  it("as L of the new socket while H on the connection", () => {
    const pair = higherUp()
    assert.deepStrictEqual(challenger(pair, 2, "p", a2).filter((action) => action.startsWith("Send")), ["SendPing 1 5"])
    flushed(pair)
    assert.deepStrictEqual(pair.said(fired("probe")), ["Close 1 unanswered", "Down 1 unanswered", "SendCommit 2"])
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
    what: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 29 })),
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
    assert.isFalse(Pair.live(pair.state()))
    // A state with no end always has a dial coming, if it may dial.
    pair.send({ _tag: "Freed" })
    assert.include(pair.send(learned("lower")), "Arm redial 0 7")
  }, { arbitrary: { runs: 500, size: 80 } })
})
