/**
 * A trace as JSON: the admin API serves it, `timemesh trace --json` prints it, and `timemesh replay` reads it.
 *
 * **Shapes**: missing fields are absent, never null; nonces are decimal texts, because they have 64 bits. A step has `before` only if it
 * differs from the state the previous step left. **Versions**: adding fields keeps the version number; changing existing ones raises it.
 */
import { Option, Predicate, Result, Schema } from "effect"
import * as DisconnectReason from "../DisconnectReason.ts"
import { networkNames } from "../Network.ts"
import { PeerIp } from "../peer/PeerIp.ts"
import type * as PairDecision from "./PairDecision.ts"
import type * as PairState from "./PairState.ts"
import type { PairTrace, Step } from "./PairTrace.ts"

export const format = "timemesh-trace"
export const version = 1

const Id = Schema.Int
const Role = Schema.Literals(["lower", "higher"])
const Reject = Schema.Literals(DisconnectReason.rejectReasons)
const Nonce = Schema.BigIntFromString
const Ms = Schema.Finite
/** Wall time, ms: the range of a date. */
const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_640_000_000_000_000 }))

const Reason = Schema.Struct({
  kind: Schema.Literals(DisconnectReason.kinds),
  by: Schema.Literals(["local", "remote"]),
  reject: Schema.optionalKey(Reject),
  detail: Schema.optionalKey(Schema.String)
})

const Timer = Schema.Struct({
  kind: Schema.Literals(["hello", "commit", "wait", "probe", "quiet", "spacing", "grace", "redial"]),
  end: Id
})

const End = Schema.Struct({
  id: Id,
  dir: Schema.Literals(["out", "in"]),
  phase: Schema.Literals(["dialing", "hello", "candidate", "committing", "up"]),
  role: Schema.optionalKey(Role),
  tag: Schema.optionalKey(Schema.String),
  process: Schema.optionalKey(Schema.String),
  self: Schema.optionalKey(PeerIp),
  order: Schema.optionalKey(Schema.Int),
  commitHeld: Schema.Boolean
})

const State = Schema.Struct({
  ends: Schema.Array(End),
  probe: Schema.optionalKey(Schema.Struct({
    end: Id,
    nonce: Nonce,
    phase: Schema.Literals(["queued", "sent", "late"]),
    urgent: Schema.Boolean
  })),
  spacing: Schema.Boolean,
  dialable: Schema.Boolean,
  redial: Schema.Boolean,
  grace: Schema.Boolean,
  rank: Schema.optionalKey(Role),
  barred: Schema.Boolean
})

const Event = Schema.TaggedUnion({
  Learned: { rank: Schema.optionalKey(Role) },
  Forgotten: {},
  Freed: {},
  Accepted: { end: Id },
  Connected: { end: Id },
  DialFailed: { end: Id, detail: Schema.String },
  Welcomed: {
    end: Id,
    role: Role,
    tag: Schema.String,
    process: Schema.String,
    self: PeerIp,
    order: Schema.optionalKey(Schema.Int),
    listens: Schema.Boolean
  },
  Refused: { end: Id, reject: Reject, detail: Schema.String, retryMs: Ms },
  CommitReceived: { end: Id },
  AckReceived: { end: Id },
  RejectReceived: { end: Id, reject: Reject, detail: Schema.String, retryMs: Ms },
  PongReceived: { end: Id, nonce: Nonce },
  Heard: { end: Id },
  Flushed: { end: Id, nonce: Nonce, rttMs: Schema.optionalKey(Ms) },
  Merged: { end: Id, detail: Schema.String },
  Closed: { end: Id, reason: Reason },
  Fired: { timer: Timer },
  HandedOver: { end: Schema.optionalKey(Id) },
  Stopped: { reject: Reject, detail: Schema.String, retryMs: Schema.optionalKey(Ms) }
})

const Action = Schema.TaggedUnion({
  Dial: { end: Id },
  SendHello: { end: Id },
  SendCommit: { end: Id },
  SendAck: { end: Id },
  SendPing: { end: Id, nonce: Nonce },
  Close: { end: Id, reason: Reason, reject: Schema.optionalKey(Reject) },
  Up: { end: Id },
  Down: { end: Id, reason: Reason },
  Arm: { timer: Timer, ms: Ms },
  Disarm: { timer: Timer },
  Aliased: { end: Id, self: PeerIp }
})

/** Codes and rules are texts, because another version may have others and only people read them. */
const Decision = Schema.Struct({
  code: Schema.String,
  rule: Schema.String,
  end: Id,
  other: Schema.optionalKey(Id),
  choice: Schema.optionalKey(Schema.Struct({ name: Schema.String, value: Schema.String }))
})

const FileStep = Schema.Struct({
  at: Time,
  before: Schema.optionalKey(State),
  event: Event,
  draw: Schema.Struct({ id: Id, nonce: Nonce, backoffMs: Ms, fallbackMs: Ms }),
  decisions: Schema.Array(Decision),
  actions: Schema.Array(Action),
  after: State
})

export const PairTraceFile = Schema.Struct({
  format: Schema.Literal(format),
  version: Schema.Literal(version),
  ip: PeerIp,
  network: Schema.Literals(networkNames),
  software: Schema.String,
  rule: Schema.Int,
  at: Time,
  earlier: Schema.Int,
  steps: Schema.Array(FileStep)
})
export type PairTraceFile = typeof PairTraceFile.Type

// --- to JSON ----------------------------------------------------------------------

/** Drops fields that are `undefined`. */
const present = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(present)
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => field === undefined ? [] : [[key, present(field)]])
  )
}

/** A trace in the form of the file. */
export const of = (trace: PairTrace): PairTraceFile => {
  const steps = trace.steps.map(({ before, ...step }, index) => {
    const follows = trace.steps[index - 1]?.after === before
    return { ...step, at: Math.round(step.at), before: follows ? undefined : before }
  })
  return present({ format, version, ...trace, at: Math.round(trace.at), steps }) as PairTraceFile
}

const encode = Schema.encodeSync(Schema.toCodecJson(PairTraceFile))

/** The JSON value, for `JSON.stringify`. */
export const toJson = (file: PairTraceFile): unknown => encode(file)

// --- from JSON --------------------------------------------------------------------

const Header = Schema.Struct({ format: Schema.Literal(format), version: Schema.Int })
const decodeHeader = Schema.decodeUnknownOption(Header)
const decode = Schema.decodeUnknownResult(Schema.toCodecJson(PairTraceFile))

/** Reads a parsed JSON value. The failure is worded to follow the file's name, and says what to do. */
export const fromJson = (value: unknown): Result.Result<PairTrace, string> => {
  const header = decodeHeader(value)
  if (Option.isNone(header)) {
    return Result.fail("is not a trace; make one with timemesh trace IP --json")
  }
  if (header.value.version !== version) {
    return Result.fail(
      `is a trace of format ${header.value.version}, and this version reads ${version}; use the version that made it`
    )
  }
  return Result.match(decode(value), {
    onFailure: ({ message }) => Result.fail(`is a damaged trace, or one of another version: ${message}`),
    onSuccess: toTrace
  })
}

/** Converts to a trace with every field of the machine's types. Fails if the first step has no state before it. */
export const toTrace = (file: PairTraceFile): Result.Result<PairTrace, string> => {
  const { at, earlier, ip, network, rule, software } = file
  const steps: Array<Step> = []
  for (const step of file.steps) {
    const before = step.before === undefined ? steps.at(-1)?.after : toState(step.before)
    if (before === undefined) return Result.fail("is a damaged trace: its first step has no state before it")
    steps.push({
      at: step.at,
      before,
      event: toEvent(step.event),
      draw: step.draw,
      decisions: step.decisions.map(toDecision),
      actions: step.actions.map(toAction),
      after: toState(step.after)
    })
  }
  return Result.succeed({ ip, network, software, rule, at, earlier, steps })
}

const toState = ({ ends, probe, rank, ...rest }: typeof State.Type): PairState.PairState => ({
  ...rest,
  probe,
  rank,
  ends: ends.map(({ order, process, role, self, tag, ...end }) => ({ ...end, role, tag, process, self, order }))
})

const toEvent = (event: typeof Event.Type): PairState.PairEvent => {
  switch (event._tag) {
    case "Learned":
      return { ...event, rank: event.rank }
    case "Welcomed":
      return { ...event, order: event.order }
    case "Flushed":
      return { ...event, rttMs: event.rttMs }
    case "HandedOver":
      return { ...event, end: event.end }
    case "Stopped":
      return { ...event, retryMs: event.retryMs }
    default:
      return event
  }
}

const toAction = (action: typeof Action.Type): PairState.PairAction =>
  action._tag === "Close" ? { ...action, reject: action.reject } : action

const toDecision = ({ choice, other, ...rest }: typeof Decision.Type): PairDecision.Decision => ({
  ...rest,
  other,
  choice
})
