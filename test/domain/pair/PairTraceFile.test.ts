/** A trace as JSON: every event, action, phase and timer comes back as it was, missing fields are absent, and bounds are kept. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import { networkNames } from "../../../src/domain/Network.ts"
import {
  empty,
  type End,
  type PairAction,
  type PairEvent,
  type PairState,
  type Timer
} from "../../../src/domain/pair/PairState.ts"
import type { PairTrace, Step } from "../../../src/domain/pair/PairTrace.ts"
import * as PairTraceFile from "../../../src/domain/pair/PairTraceFile.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { bareEnd } from "../../harness/PairDrive.ts"

const ip = PeerIp.fromStringUnsafe("10.0.0.5")
const self = PeerIp.fromStringUnsafe("2001:db8::1")
const nonce = 2n ** 64n - 1n
const reason = DisconnectReason.rejected("in-use", "remote", "another process")
const told = { end: 2, reject: "full", detail: "125 peers", retryMs: 1_000.5 } as const

const kinds: ReadonlyArray<Timer["kind"]> = ["hello", "commit", "wait", "probe", "quiet", "spacing", "grace", "redial"]

const events: ReadonlyArray<PairEvent> = [
  { _tag: "Learned", rank: "lower" },
  { _tag: "Learned", rank: undefined },
  { _tag: "Forgotten" },
  { _tag: "Freed" },
  { _tag: "Accepted", end: 2 },
  { _tag: "Connected", end: 2 },
  { _tag: "DialFailed", end: 2, detail: "ECONNREFUSED" },
  { _tag: "Welcomed", end: 2, role: "higher", tag: "t", process: "p", self, order: 7, listens: true },
  { _tag: "Welcomed", end: 2, role: "lower", tag: "t", process: "p", self, order: undefined, listens: false },
  { _tag: "Refused", ...told },
  { _tag: "CommitReceived", end: 2 },
  { _tag: "AckReceived", end: 2 },
  { _tag: "RejectReceived", ...told },
  { _tag: "PongReceived", end: 2, nonce },
  { _tag: "Heard", end: 2 },
  { _tag: "Flushed", end: 2, nonce, rttMs: 12.5 },
  { _tag: "Flushed", end: 2, nonce, rttMs: undefined },
  { _tag: "Merged", end: 2, detail: "10.0.0.7" },
  { _tag: "Closed", end: 2, reason },
  { _tag: "Closed", end: 2, reason: DisconnectReason.local("eof") },
  ...kinds.map((kind): PairEvent => ({ _tag: "Fired", timer: { kind, end: 2 } })),
  { _tag: "HandedOver", end: 2 },
  { _tag: "HandedOver", end: undefined },
  { _tag: "Stopped", reject: "operator", detail: "", retryMs: 60_000 },
  { _tag: "Stopped", reject: "banned", detail: "", retryMs: undefined }
]

const actions: ReadonlyArray<PairAction> = [
  { _tag: "Dial", end: 2 },
  { _tag: "SendHello", end: 2 },
  { _tag: "SendCommit", end: 2 },
  { _tag: "SendAck", end: 2 },
  { _tag: "SendPing", end: 2, nonce },
  { _tag: "Close", end: 2, reason, reject: "in-use" },
  { _tag: "Close", end: 2, reason, reject: undefined },
  { _tag: "Up", end: 2 },
  { _tag: "Down", end: 2, reason },
  { _tag: "Arm", timer: { kind: "redial", end: 0 }, ms: 7.5 },
  { _tag: "Disarm", timer: { kind: "wait", end: 2 } },
  { _tag: "Aliased", end: 2, self }
]

const hello: End = { ...bareEnd(2, "in", "candidate"), role: "higher", tag: "t", process: "p", self, order: 7 }
const probe = { end: 1, nonce, urgent: true } as const

const states: ReadonlyArray<PairState> = [
  empty,
  { ...empty, ends: [hello, { ...hello, id: 3, role: "lower", commitHeld: true }], rank: "higher" },
  {
    ...empty,
    ends: (["dialing", "hello", "candidate", "committing", "up"] as const).map((phase) => bareEnd(1, "out", phase))
  },
  { ...empty, probe: { ...probe, phase: "queued" } },
  { ...empty, probe: { ...probe, phase: "sent" } },
  { ...empty, probe: { ...probe, phase: "late" } },
  { ...empty, spacing: true, dialable: true, rank: "lower" },
  { ...empty, redial: true, grace: true, barred: true }
]

const step: Step = {
  at: 1_000,
  before: empty,
  event: { _tag: "Freed" },
  draw: { id: 500, nonce, backoffMs: 7.5, fallbackMs: 4_000 },
  decisions: [],
  actions: [],
  after: empty
}

const traceOf = (...steps: ReadonlyArray<Step>): PairTrace => ({
  ip,
  network: "testnet",
  software: "timemesh/0.1.0",
  rule: 1,
  at: 2_000,
  earlier: 3,
  steps
})

const jsonOf = (trace: PairTrace): unknown => JSON.parse(JSON.stringify(PairTraceFile.toJson(PairTraceFile.of(trace))))
const read = (trace: PairTrace): PairTrace => Result.getOrThrow(PairTraceFile.fromJson(jsonOf(trace)))
const comesBack = (...steps: ReadonlyArray<Step>) => assert.deepStrictEqual(read(traceOf(...steps)), traceOf(...steps))

describe("the file of a trace gives back", () => {
  for (const event of events) {
    it(`the event ${JSON.stringify(event, (_, value) => typeof value === "bigint" ? `${value}` : value)}`, () =>
      comesBack({ ...step, event }))
  }

  it("every action, in order", () => comesBack({ ...step, actions }))

  it("every state, before a step and after it", () =>
    comesBack(...states.map((after, index) => ({ ...step, before: states.at(index - 1) ?? empty, after }))))

  it("decisions, with the other end and the choice, and without", () =>
    comesBack({
      ...step,
      decisions: [
        { code: "refuse", rule: "L3", end: 2, other: 1, choice: { name: "keep", value: "oldest" } },
        { code: "of-another-version", rule: "X9", end: 0, other: undefined, choice: undefined }
      ]
    }))

  it("every network", () => {
    for (const network of networkNames) assert.strictEqual(read({ ...traceOf(step), network }).network, network)
  })
})

describe("the file of a trace", () => {
  const nothing = { ends: [], spacing: false, dialable: false, redial: false, grace: false, barred: false }
  const second = { ...step, at: 1_001.6, before: states[6] ?? empty, after: empty }

  it("reads as documented: nonces are decimal texts, missing fields absent, times whole, a state only where it is new", () => {
    const after = states[6] ?? empty
    const draw = { id: 500, nonce: "18446744073709551615", backoffMs: 7.5, fallbackMs: 4_000 }
    const common = { event: { _tag: "Freed" }, draw, decisions: [], actions: [] }
    const changed = { ...nothing, spacing: true, dialable: true, rank: "lower" }
    assert.deepStrictEqual(
      jsonOf({ ...traceOf({ ...step, at: 1_000.4, after }, second, { ...step, before: { ...empty } }), at: 2_000.4 }),
      {
        format: "timemesh-trace",
        version: 1,
        ip: "10.0.0.5",
        network: "testnet",
        software: "timemesh/0.1.0",
        rule: 1,
        at: 2_000,
        earlier: 3,
        steps: [
          { at: 1_000, before: nothing, ...common, after: changed },
          { at: 1_002, ...common, after: nothing },
          { at: 1_000, before: nothing, ...common, after: nothing }
        ]
      }
    )
  })

  it("takes the state that the step before left, where none is written", () => {
    const trace = traceOf({ ...step, after: second.before }, { ...second, at: 1_001 })
    const [, { before } = step] = read(trace).steps
    assert.deepStrictEqual(before, second.before)
  })

  const fault = (value: unknown): string =>
    Result.match(PairTraceFile.fromJson(value), { onFailure: (text) => text, onSuccess: () => "" })
  const good = jsonOf(traceOf(step)) as Readonly<Record<string, unknown>>

  it("has times within the range of a date", () => {
    const most = 8_640_000_000_000_000
    for (const at of [0, most]) assert.strictEqual(fault({ ...good, at }), "", String(at))
    for (const at of [-1, most + 1, 0.5]) {
      assert.match(fault({ ...good, at }), /^is a damaged trace, or one of another version: /, String(at))
    }
  })

  for (
    const [what, part] of [
      ["an end", { after: { ...nothing, ends: [{}] } }],
      ["a timer", { event: { _tag: "Fired", timer: {} } }],
      ["a reason", { event: { _tag: "Closed", end: 2, reason: {} } }],
      ["a decision", { decisions: [{}] }],
      ["a choice", { decisions: [{ code: "refuse", rule: "L3", end: 2, choice: {} }] }]
    ] as const
  ) {
    it(`is damaged where ${what} lacks what it is made of`, () => {
      const [first] = good["steps"] as ReadonlyArray<object>
      assert.strictEqual(fault({ ...good, steps: [{ ...first, after: nothing }] }), "")
      assert.match(
        fault({ ...good, steps: [{ ...first, ...part }] }),
        /^is a damaged trace, or one of another version: /
      )
    })
  }

  it("is refused in words that follow its name: no trace, another version, no state to begin with", () => {
    for (const value of [null, [], { ...good, format: "other" }, { ...good, version: "1" }]) {
      assert.strictEqual(fault(value), "is not a trace; make one with timemesh trace IP --json")
    }
    assert.strictEqual(
      fault({ ...good, version: 2 }),
      "is a trace of format 2, and this version reads 1; use the version that made it"
    )
    const [first] = good["steps"] as ReadonlyArray<Readonly<Record<string, unknown>>>
    const { before: _, ...bare } = first ?? {}
    assert.strictEqual(
      fault({ ...good, steps: [bare] }),
      "is a damaged trace: its first step has no state before it"
    )
  })
})
