/** Renders a trace as text: what happened, what the node decided, by which rule of docs/PROTOCOL.md, and what it did. Pure. */
import { DateTime } from "effect"
import * as DisconnectReason from "../DisconnectReason.ts"
import type { Code, Decision } from "./PairDecision.ts"
import * as PairRules from "./PairRules.ts"
import type { End, EndId, PairAction, PairEvent, PairState, Timer } from "./PairState.ts"
import type { Difference, PairTrace, Step } from "./PairTrace.ts"

/** `2026-11-29 20:01:02.345`, UTC. */
const time = (at: number): string =>
  DateTime.formatIso(DateTime.makeUnsafe(Math.round(at))).replace("T", " ").replace("Z", "")

/** `#3`: an end, by its number in the log. */
const end = (id: EndId): string => `#${id}`

const reason = (why: DisconnectReason.DisconnectReason): string =>
  `${DisconnectReason.label(why)}, by ${why.by}${why.detail === undefined ? "" : `: ${why.detail}`}`

const said = (detail: string): string => detail === "" ? "" : `: ${detail}`

const timers: Readonly<Record<Timer["kind"], string>> = {
  hello: "no Hello in time",
  commit: "no Ack in time",
  wait: "no Commit in time",
  probe: "the time of the challenge is over",
  quiet: "from now on any byte answers the challenge",
  spacing: "the next challenge may start",
  grace: "the peer's dial has been held for long enough",
  redial: "time to dial"
}

/** What happened, in one sentence. */
export const event = (happened: PairEvent): string => {
  switch (happened._tag) {
    case "Learned":
      return `an address to dial is known${happened.rank === undefined ? "" : `; this node is the ${happened.rank}`}`
    case "Forgotten":
      return "this node must no longer dial the peer"
    case "Freed":
      return "the connection to the peer's other address is down"
    case "Accepted":
      return `${end(happened.end)} came in`
    case "Connected":
      return `${end(happened.end)} is connected`
    case "DialFailed":
      return `${end(happened.end)} failed to connect${said(happened.detail)}`
    case "Welcomed": {
      const order = happened.order === undefined ? "" : `, its socket number ${happened.order}`
      return `Hello on ${
        end(happened.end)
      }: process ${happened.process}, calls this node ${happened.self} (the ${happened.role})${order}`
    }
    case "Refused":
      return `Hello on ${end(happened.end)} does not pass (${happened.reject}${said(happened.detail)})`
    case "CommitReceived":
      return `Commit on ${end(happened.end)}`
    case "AckReceived":
      return `Ack on ${end(happened.end)}`
    case "RejectReceived":
      return `Reject on ${end(happened.end)} (${happened.reject}${said(happened.detail)})`
    case "PongReceived":
      return `Pong on ${end(happened.end)}`
    case "Heard":
      return `bytes on ${end(happened.end)}`
    case "Flushed":
      return `the challenge on ${end(happened.end)} has left`
    case "Merged":
      return `${end(happened.end)} leads to a process that another connection has${said(happened.detail)}`
    case "Closed":
      return `${end(happened.end)} closed (${reason(happened.reason)})`
    case "Fired":
      return `${timers[happened.timer.kind]}${happened.timer.end === 0 ? "" : ` on ${end(happened.timer.end)}`}`
    case "HandedOver":
      return `the peer speaks the TIME wire${happened.end === undefined ? "" : `, which takes ${end(happened.end)}`}`
    case "Stopped":
      return `this node ends the connection (${happened.reject}${said(happened.detail)})`
  }
}

type Words = (at: string, other: string) => string

const words: Readonly<Record<Code, Words>> = {
  dial: (at) => `dials, as ${at}: no end of the pair is left`,
  "wait-to-dial": () => "plans the next dial",
  "hold-for-own-dial": (at, other) => `holds ${at} while its own dial ${other} is in flight`,
  "keep-dial": (at, other) => `of two dials that are held, gives up ${at} for ${other}`,
  "keep-challenger": (at, other) => `of two challengers, gives up ${at} for ${other}`,
  "keep-commit": (at, other) => `of two Commits, gives up ${at} for ${other}`,
  commit: (at) => `chooses ${at}: no other end is the connection`,
  "commit-blindly": (at, other) => `gives up ${at} for ${other} without asking it`,
  "hold-challenger": (at, other) => `holds ${at} until ${other} has shown whether it lives`,
  challenge: (at) => `challenges ${at}`,
  "challenge-later": (_, other) => `challenges ${other} later: the last challenge was less than 5 s ago`,
  "refuse-older": (at, other) => `refuses ${at}: the same process is up on ${other}, a newer socket of its own`,
  "refuse-known-process": (at, other) => `refuses ${at}: the process of ${other} came again, to another address`,
  "refuse-conflict": (at, other) => `refuses ${at} without asking ${other} whether it lives`,
  "wait-for-commit": (at) => `waits for the peer to choose ${at}`,
  accept: (at) => `accepts ${at}: the peer chose it, and no other end is the connection`,
  "replace-older": (at, other) => `gives up ${at}: the same process chose ${other}`,
  "keep-incumbent": (at, other) => `keeps ${other}, although the peer chose ${at}`,
  "obey-stranger": (at, other) => `gives up ${at} for ${other}, the choice of another process`,
  "refuse-crossed": (at, other) => `refuses ${at}: this node's own choice ${other} is under way`,
  "hold-commit": (at, other) => `holds the Commit on ${at} until ${other} has shown whether it lives`,
  answered: (at) => `${at} lives: it answered the challenge`,
  refuse: (at, other) => `refuses ${at}: ${other} is the connection`,
  unanswered: (at) => `gives up ${at}: it did not answer the challenge`,
  acked: (at) => `${at} is the connection: the peer acknowledged it`,
  "no-ack": (at) => `gives up ${at}: the peer did not acknowledge it in time`,
  "no-commit": (at) => `gives up ${at}: the peer did not choose it in time`,
  "no-hello": (at) => `gives up ${at}: no Hello in time`,
  "clear-way": (at, other) => `gives up ${at}, because ${other} becomes the connection`,
  "make-room": (at) => `gives up ${at} to make room: four ends are the limit of a pair`,
  "reject-hello": (at) => `rejects ${at} for what its Hello says`,
  "reject-frame": (at) => `rejects ${at}: that frame is not allowed now`,
  "told-to-close": (at) => `closes ${at}, as the peer asks`,
  merge: (at) => `closes ${at}: one connection per process`,
  "other-wire": (at) => `rejects ${at}: the peer is connected over the TIME wire`,
  stop: (at) => `closes ${at}`
}

const isCode = (code: string): code is Code => Object.hasOwn(words, code)

/** Which value of the rules made the difference, if it is not the protocol's. */
const deviation = ({ choice }: Decision): string => {
  if (choice === undefined) return ""
  const usual = Object.entries(PairRules.production).find(([name]) => name === choice.name)?.[1]
  return usual === undefined || usual === choice.value
    ? ""
    : `; its rule says ${choice.name} = ${choice.value}, the protocol's ${choice.name} = ${usual}`
}

/** One decision, with its rule. */
export const decision = (decided: Decision): string => {
  const { code, other, rule } = decided
  const text = isCode(code)
    ? words[code](end(decided.end), other === undefined ? "another" : end(other))
    : `${code} ${end(decided.end)}`
  return `${text} [${rule}${deviation(decided)}]`
}

const action = (done: PairAction): string | undefined => {
  switch (done._tag) {
    case "Dial":
      return `dials ${end(done.end)}`
    case "SendHello":
      return `Hello on ${end(done.end)}`
    case "SendCommit":
      return `Commit on ${end(done.end)}`
    case "SendAck":
      return `Ack on ${end(done.end)}`
    case "SendPing":
      return `Ping on ${end(done.end)}`
    case "Close":
      return `closes ${end(done.end)} (${DisconnectReason.label(done.reason)})`
    case "Up":
      return `UP ${end(done.end)}`
    case "Down":
      return `DOWN ${end(done.end)} (${reason(done.reason)})`
    case "Arm":
      return done.timer.kind === "redial" ? `next dial in ${Math.round(done.ms)} ms` : undefined
    case "Disarm":
      return undefined
    case "Aliased":
      return `reports the peer's other way, to ${done.self}`
  }
}

/** The actions, in order; timers are omitted, except the next dial's. */
export const done = (actions: ReadonlyArray<PairAction>): string =>
  actions.flatMap((one) => action(one) ?? []).join(", ")

const endText = ({ dir, id, phase, role }: End): string =>
  `${end(id)} ${dir === "out" ? "dialled" : "accepted"}, ${phase}${role === undefined ? "" : ` as the ${role}`}`

/** `#1 dialled, up as the lower`, or that there are no ends. */
export const state = ({ ends, redial }: PairState): string =>
  ends.length === 0 ? redial ? "no end; a dial is planned" : "no end" : ends.map(endText).join("; ")

const indent = "  "

const outcome = ({ actions, decisions }: Pick<Step, "actions" | "decisions">): ReadonlyArray<string> => {
  const did = done(actions)
  return [...decisions.map((decided) => `- ${decision(decided)}`), ...(did === "" ? [] : [`> ${did}`])]
}

/** One step: its time and event, then the decisions and actions. */
const stepLines = (step: Step): ReadonlyArray<string> => [
  `${time(step.at)}  ${event(step.event)}`,
  ...outcome(step).map((line) => `${indent}${line}`)
]

const heading = ({ at, earlier, ip, network, rule, software, steps }: PairTrace): ReadonlyArray<string> => [
  `${ip} on ${network}, as ${software} saw it (rules ${rule}) until ${time(at)} UTC`,
  `${steps.length} ${steps.length === 1 ? "step" : "steps"}${
    earlier === 0 ? "" : `; ${earlier} earlier ones are no longer kept`
  }`
]

/** The whole story, line by line. */
export const lines = (trace: PairTrace): ReadonlyArray<string> => {
  const [first] = trace.steps
  return [
    ...heading(trace),
    ...(first === undefined ? [] : ["", `before: ${state(first.before)}`]),
    ...trace.steps.flatMap(stepLines),
    ...(first === undefined ? [] : [`now: ${state(trace.steps.at(-1)?.after ?? first.before)}`])
  ]
}

/** The result of a replay, line by line. */
export const verdict = (trace: PairTrace, differences: ReadonlyArray<Difference>): ReadonlyArray<string> => {
  const { steps } = trace
  if (differences.length === 0) {
    return [...heading(trace), `this version decides the same in each of the ${steps.length} steps`]
  }
  return [
    ...heading(trace),
    `this version differs in ${differences.length} of the ${steps.length} steps`,
    ...differences.flatMap(({ index, input, now }) => {
      const step = steps[index]
      if (step === undefined) return []
      return [
        "",
        `step ${index + 1}: ${time(step.at)}  ${event(step.event)}`,
        `${indent}before: ${state(step.before)}`,
        ...(input === undefined ? [] : [`${indent}wrong input: ${input}`]),
        ...outcome(step).map((line) => `${indent}then ${line}`),
        ...outcome(now).map((line) => `${indent}now  ${line}`),
        `${indent}then left ${state(step.after)}`,
        `${indent}now leaves ${state(now.after)}`
      ]
    })
  ]
}
