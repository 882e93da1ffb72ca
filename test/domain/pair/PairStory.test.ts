/** A trace in words: every event, decision and action as a person reads it, and the whole of a story and of a verdict. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as PairDecision from "../../../src/domain/pair/PairDecision.ts"
import { empty, type PairAction, type PairEvent, type Timer } from "../../../src/domain/pair/PairState.ts"
import * as PairStory from "../../../src/domain/pair/PairStory.ts"
import type { PairTrace, Step } from "../../../src/domain/pair/PairTrace.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { bareEnd } from "../../harness/PairDrive.ts"

const ip = PeerIp.fromStringUnsafe("10.0.0.5")
const self = PeerIp.fromStringUnsafe("10.0.0.1")
const eof = DisconnectReason.remote("eof")
const badFrame = DisconnectReason.local("bad-frame", "frame length 9 exceeds limit 8")

describe("an event reads", () => {
  const welcomed: PairEvent = {
    _tag: "Welcomed",
    end: 3,
    role: "lower",
    tag: "t",
    process: "p1",
    self,
    order: undefined,
    listens: true
  }
  const refused = { _tag: "Refused", end: 3, reject: "full", retryMs: 0 } as const
  const told = { _tag: "RejectReceived", end: 3, reject: "duplicate", retryMs: 0 } as const
  const stopped = { _tag: "Stopped", reject: "operator", retryMs: undefined } as const
  const fired = (kind: Timer["kind"], end: number): PairEvent => ({ _tag: "Fired", timer: { kind, end } })
  const cases: ReadonlyArray<readonly [PairEvent, string]> = [
    [{ _tag: "Learned", rank: undefined }, "an address to dial is known"],
    [{ _tag: "Learned", rank: "lower" }, "an address to dial is known; this node is the lower"],
    [{ _tag: "Forgotten" }, "this node must no longer dial the peer"],
    [{ _tag: "Freed" }, "the connection to the peer's other address is down"],
    [{ _tag: "Accepted", end: 3 }, "#3 came in"],
    [{ _tag: "Connected", end: 3 }, "#3 is connected"],
    [{ _tag: "DialFailed", end: 3, detail: "ECONNREFUSED" }, "#3 failed to connect: ECONNREFUSED"],
    [{ _tag: "DialFailed", end: 3, detail: "" }, "#3 failed to connect"],
    [welcomed, "Hello on #3: process p1, calls this node 10.0.0.1 (the lower)"],
    [
      { ...welcomed, order: 7 },
      "Hello on #3: process p1, calls this node 10.0.0.1 (the lower), its socket number 7"
    ],
    [{ ...refused, detail: "125 peers" }, "Hello on #3 does not pass (full: 125 peers)"],
    [{ ...refused, detail: "" }, "Hello on #3 does not pass (full)"],
    [{ _tag: "CommitReceived", end: 3 }, "Commit on #3"],
    [{ _tag: "AckReceived", end: 3 }, "Ack on #3"],
    [{ ...told, detail: "" }, "Reject on #3 (duplicate)"],
    [{ ...told, detail: "one is enough" }, "Reject on #3 (duplicate: one is enough)"],
    [{ _tag: "PongReceived", end: 3, nonce: 1n }, "Pong on #3"],
    [{ _tag: "Heard", end: 3 }, "bytes on #3"],
    [{ _tag: "Flushed", end: 3, nonce: 1n, rttMs: undefined }, "the challenge on #3 has left"],
    [
      { _tag: "Merged", end: 3, detail: "10.0.0.7" },
      "#3 leads to a process that another connection has: 10.0.0.7"
    ],
    [{ _tag: "Closed", end: 3, reason: eof }, "#3 closed (EOF, by remote)"],
    [
      { _tag: "Closed", end: 3, reason: badFrame },
      "#3 closed (bad-frame, by local: frame length 9 exceeds limit 8)"
    ],
    [fired("hello", 3), "no Hello in time on #3"],
    [fired("commit", 3), "no Ack in time on #3"],
    [fired("wait", 3), "no Commit in time on #3"],
    [fired("probe", 0), "the time of the challenge is over"],
    [fired("quiet", 0), "from now on any byte answers the challenge"],
    [fired("spacing", 0), "the next challenge may start"],
    [fired("grace", 0), "the peer's dial has been held for long enough"],
    [fired("redial", 0), "time to dial"],
    [{ _tag: "HandedOver", end: undefined }, "the peer speaks the TIME wire"],
    [{ _tag: "HandedOver", end: 3 }, "the peer speaks the TIME wire, which takes #3"],
    [{ ...stopped, detail: "by hand" }, "this node ends the connection (operator: by hand)"],
    [{ ...stopped, detail: "" }, "this node ends the connection (operator)"]
  ]
  for (const [event, text] of cases) it(text, () => assert.strictEqual(PairStory.event(event), text))
})

describe("a decision reads", () => {
  /** `#3` is the end decided on, `#7` the one that it was weighed against. The rule is the lower's. */
  const cases: Readonly<Record<PairDecision.Code, string>> = {
    dial: "dials, as #3: no end of the pair is left [L6]",
    "wait-to-dial": "plans the next dial [L6]",
    "hold-for-own-dial": "holds #3 while its own dial #7 is in flight [L1]",
    "keep-dial": "of two dials that are held, gives up #3 for #7 [L1]",
    "keep-challenger": "of two challengers, gives up #3 for #7 [L2]",
    "keep-commit": "of two Commits, gives up #3 for #7 [H2]",
    commit: "chooses #3: no other end is the connection [L1]",
    "commit-blindly": "gives up #3 for #7 without asking it [L2]",
    "hold-challenger": "holds #3 until #7 has shown whether it lives [L2]",
    challenge: "challenges #3 [L2]",
    "challenge-later": "challenges #7 later: the last challenge was less than 5 s ago [L2]",
    "refuse-older": "refuses #3: the same process is up on #7, a newer socket of its own [L2]",
    "refuse-known-process": "refuses #3: the process of #7 came again, to another address [3.2]",
    "refuse-conflict": "refuses #3 without asking #7 whether it lives [L2]",
    "wait-for-commit": "waits for the peer to choose #3 [H1]",
    accept: "accepts #3: the peer chose it, and no other end is the connection [H2]",
    "replace-older": "gives up #3: the same process chose #7 [H2]",
    "keep-incumbent": "keeps #7, although the peer chose #3 [H2]",
    "obey-stranger": "gives up #3 for #7, the choice of another process [H2]",
    "refuse-crossed": "refuses #3: this node's own choice #7 is under way [H2]",
    "hold-commit": "holds the Commit on #3 until #7 has shown whether it lives [H2]",
    answered: "#3 lives: it answered the challenge [L3]",
    refuse: "refuses #3: #7 is the connection [L3]",
    unanswered: "gives up #3: it did not answer the challenge [L4]",
    acked: "#3 is the connection: the peer acknowledged it [4]",
    "no-ack": "gives up #3: the peer did not acknowledge it in time [L5]",
    "no-commit": "gives up #3: the peer did not choose it in time [H1]",
    "no-hello": "gives up #3: no Hello in time [5]",
    "clear-way": "gives up #3, because #7 becomes the connection [4]",
    "make-room": "gives up #3 to make room: four ends are the limit of a pair [4]",
    "reject-hello": "rejects #3 for what its Hello says [3.2]",
    "reject-frame": "rejects #3: that frame is not allowed now [3]",
    "told-to-close": "closes #3, as the peer asks [L5]",
    merge: "closes #3: one connection per process [4.1]",
    "other-wire": "rejects #3: the peer is connected over the TIME wire [4]",
    stop: "closes #3 [3.4]"
  }
  for (const code of PairDecision.codes) {
    it(cases[code], () =>
      assert.strictEqual(
        PairStory.decision({ code, rule: PairDecision.ruleOf(code, "lower"), end: 3, other: 7, choice: undefined }),
        cases[code]
      ))
  }

  const refuse = { code: "refuse", rule: "L3", end: 3, other: undefined, choice: undefined }

  it("as one against another, where that end is not known", () =>
    assert.strictEqual(PairStory.decision(refuse), "refuses #3: another is the connection [L3]"))

  it("by its code, where another version had it and this one does not", () => {
    for (const code of ["leap", "constructor"]) {
      assert.strictEqual(PairStory.decision({ ...refuse, code }), `${code} #3 [L3]`)
    }
  })

  it("with the rule that made the difference, where that is not the protocol's", () => {
    const text = (name: string, value: string) => PairStory.decision({ ...refuse, other: 7, choice: { name, value } })
    assert.strictEqual(
      text("keep", "oldest"),
      "refuses #3: #7 is the connection [L3; its rule says keep = oldest, the protocol's keep = newest]"
    )
    assert.strictEqual(text("keep", "newest"), "refuses #3: #7 is the connection [L3]")
    assert.strictEqual(text("unheard", "of"), "refuses #3: #7 is the connection [L3]", "a rule of another version")
  })

  for (
    const [name, other, usual] of [
      ["keep", "oldest", "newest"],
      ["conflict", "refuse", "challenge"],
      ["early", "reject", "hold"],
      ["chooser", "higher", "lower"],
      ["foreignCommit", "obey", "challenge"],
      ["older", "obey", "refuse"]
    ] as const
  ) {
    it(`with the protocol's ${name}, which is ${usual}`, () =>
      assert.include(
        PairStory.decision({ ...refuse, choice: { name, value: other } }),
        `; its rule says ${name} = ${other}, the protocol's ${name} = ${usual}]`
      ))
  }

  it("by the rule of the role at that end; a node that does not know its own decides as the higher", () => {
    const both = (code: PairDecision.Code) =>
      (["lower", "higher", undefined] as const).map((role) => PairDecision.ruleOf(code, role))
    assert.deepStrictEqual(both("dial"), ["L6", "H4", "H4"])
    assert.deepStrictEqual(both("wait-to-dial"), ["L6", "H4", "H4"])
    assert.deepStrictEqual(both("challenge"), ["L2", "H2", "H2"])
    assert.deepStrictEqual(both("refuse-older"), ["L2", "H2", "H2"])
    assert.deepStrictEqual(both("answered"), ["L3", "H2", "H2"])
    assert.deepStrictEqual(both("refuse"), ["L3", "H2", "H2"])
    assert.deepStrictEqual(both("unanswered"), ["L4", "H2", "H2"])
    assert.deepStrictEqual(both("told-to-close"), ["L5", "H3", "H3"])
    assert.deepStrictEqual(both("merge"), ["4.1", "4.1", "4.1"])
  })
})

describe("what was done reads", () => {
  const cases: ReadonlyArray<readonly [PairAction, string]> = [
    [{ _tag: "Dial", end: 3 }, "dials #3"],
    [{ _tag: "SendHello", end: 3 }, "Hello on #3"],
    [{ _tag: "SendCommit", end: 3 }, "Commit on #3"],
    [{ _tag: "SendAck", end: 3 }, "Ack on #3"],
    [{ _tag: "SendPing", end: 3, nonce: 1n }, "Ping on #3"],
    [
      { _tag: "Close", end: 3, reason: DisconnectReason.rejected("duplicate", "local"), reject: "duplicate" },
      "closes #3 (rejected: duplicate)"
    ],
    [{ _tag: "Up", end: 3 }, "UP #3"],
    [{ _tag: "Down", end: 3, reason: eof }, "DOWN #3 (EOF, by remote)"],
    [{ _tag: "Arm", timer: { kind: "redial", end: 0 }, ms: 1_234.6 }, "next dial in 1235 ms"],
    [{ _tag: "Aliased", end: 3, self }, "reports the peer's other way, to 10.0.0.1"]
  ]
  for (const [action, text] of cases) it(text, () => assert.strictEqual(PairStory.done([action]), text))

  it("in order, without timers but the next dial's, and as nothing where only those changed", () => {
    const timers: ReadonlyArray<PairAction> = [
      { _tag: "Arm", timer: { kind: "commit", end: 3 }, ms: 5_000 },
      { _tag: "Disarm", timer: { kind: "hello", end: 3 } }
    ]
    assert.strictEqual(PairStory.done(timers), "")
    assert.strictEqual(
      PairStory.done([{ _tag: "SendCommit", end: 3 }, ...timers, { _tag: "Up", end: 3 }]),
      "Commit on #3, UP #3"
    )
  })
})

const end = bareEnd(1, "out", "hello")

describe("a state reads", () => {
  it("as its ends, or as what is planned without one", () => {
    assert.strictEqual(PairStory.state(empty), "no end")
    assert.strictEqual(PairStory.state({ ...empty, redial: true }), "no end; a dial is planned")
    assert.strictEqual(PairStory.state({ ...empty, redial: true, ends: [end] }), "#1 dialled, hello")
    assert.strictEqual(
      PairStory.state({ ...empty, ends: [end, { ...end, id: 4, dir: "in", phase: "up", role: "lower" }] }),
      "#1 dialled, hello; #4 accepted, up as the lower"
    )
  })
})

const draw = { id: 2, nonce: 1n, backoffMs: 0, fallbackMs: 0 }
const first: Step = {
  at: Date.UTC(2026, 10, 29, 20, 1, 2, 345),
  before: { ...empty, redial: true },
  event: { _tag: "Fired", timer: { kind: "redial", end: 0 } },
  draw,
  actions: [{ _tag: "Dial", end: 1 }],
  after: { ...empty, ends: [{ ...end, phase: "dialing" }] },
  decisions: [{ code: "dial", rule: "L6", end: 1, other: undefined, choice: undefined }]
}
const second: Step = {
  at: Date.UTC(2026, 10, 29, 20, 1, 2, 400),
  before: first.after,
  event: { _tag: "Connected", end: 1 },
  draw,
  actions: [],
  after: { ...empty, ends: [end] },
  decisions: []
}
const trace: PairTrace = {
  ip,
  network: "devnet",
  software: "timemesh/1.0",
  rule: 1,
  at: Date.UTC(2026, 10, 29, 21),
  earlier: 0,
  steps: [first, second]
}
const heading = "10.0.0.5 on devnet, as timemesh/1.0 saw it (rules 1) until 2026-11-29 21:00:00.000 UTC"

describe("a story", () => {
  it("tells what was before, each step with its decisions and actions, and what is now", () =>
    assert.deepStrictEqual(PairStory.lines(trace), [
      heading,
      "2 steps",
      "",
      "before: no end; a dial is planned",
      "2026-11-29 20:01:02.345  time to dial",
      "  - dials, as #1: no end of the pair is left [L6]",
      "  > dials #1",
      "2026-11-29 20:01:02.400  #1 is connected",
      "now: #1 dialled, hello"
    ]))

  it("says how many steps there are, and how many are not kept", () => {
    const headOf = (earlier: number, steps: ReadonlyArray<Step>) => PairStory.lines({ ...trace, earlier, steps })[1]
    assert.strictEqual(headOf(0, [first]), "1 step")
    assert.strictEqual(headOf(12, [first, second]), "2 steps; 12 earlier ones are no longer kept")
  })

  it("ends with what its last step left", () =>
    assert.deepStrictEqual(
      [[first], [first, second, { ...second, after: empty }]].map((steps) =>
        PairStory.lines({ ...trace, steps }).at(-1)
      ),
      ["now: #1 dialled, dialing", "now: no end"]
    ))

  it("of no step is its heading alone", () =>
    assert.deepStrictEqual(PairStory.lines({ ...trace, steps: [] }), [heading, "0 steps"]))
})

describe("a verdict", () => {
  it("says that nothing differs", () =>
    assert.deepStrictEqual(PairStory.verdict(trace, []), [
      heading,
      "2 steps",
      "this version decides the same in each of the 2 steps"
    ]))

  it("shows a step that differs: what was before, then and now, side by side", () => {
    const now = { after: { ...empty, redial: true }, actions: [], decisions: [] }
    assert.deepStrictEqual(PairStory.verdict(trace, [{ index: 0, now, input: undefined }]), [
      heading,
      "2 steps",
      "this version differs in 1 of the 2 steps",
      "",
      "step 1: 2026-11-29 20:01:02.345  time to dial",
      "  before: no end; a dial is planned",
      "  then - dials, as #1: no end of the pair is left [L6]",
      "  then > dials #1",
      "  then left #1 dialled, dialing",
      "  now leaves no end; a dial is planned"
    ])
  })

  it("has nothing to show of a step that the trace has not", () => {
    const now = { after: empty, actions: [], decisions: [] }
    assert.deepStrictEqual(PairStory.verdict(trace, [{ index: 2, now, input: undefined }]), [
      heading,
      "2 steps",
      "this version differs in 1 of the 2 steps"
    ])
  })

  it("shows what was wrong with the event itself", () => {
    const now = {
      after: second.after,
      actions: [{ _tag: "SendHello", end: 1 }],
      decisions: [{ code: "wait-for-commit", rule: "H1", end: 1, other: undefined, choice: undefined }]
    } as const
    assert.deepStrictEqual(PairStory.verdict(trace, [{ index: 1, now, input: "end #1 is new" }]).slice(3), [
      "",
      "step 2: 2026-11-29 20:01:02.400  #1 is connected",
      "  before: #1 dialled, dialing",
      "  wrong input: end #1 is new",
      "  now  - waits for the peer to choose #1 [H1]",
      "  now  > Hello on #1",
      "  then left #1 dialled, hello",
      "  now leaves #1 dialled, hello"
    ])
  })
})
