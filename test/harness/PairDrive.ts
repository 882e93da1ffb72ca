/** Drives the pair reducer in tests: short names for events and actions, and the promises that every step must keep. */
import { assert } from "@effect/vitest"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Limits from "../../src/domain/Limits.ts"
import * as Pair from "../../src/domain/pair/Pair.ts"
import type {
  Draw,
  End,
  EndId,
  PairAction,
  PairEvent,
  PairState,
  Role,
  Timer
} from "../../src/domain/pair/PairState.ts"
import { empty } from "../../src/domain/pair/PairState.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"

export const a1 = PeerIp.fromStringUnsafe("10.0.0.1")
export const a2 = PeerIp.fromStringUnsafe("10.0.9.1")
export const eof = DisconnectReason.remote("eof")

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
export const drive = (initial: PairState = empty) => {
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

export const fired = (kind: Timer["kind"], end: EndId = 0): PairEvent => ({ _tag: "Fired", timer: { kind, end } })
export const accepted = (end: EndId): PairEvent => ({ _tag: "Accepted", end })
export const connected = (end: EndId): PairEvent => ({ _tag: "Connected", end })
/** Its process is its tag, unless told otherwise. */
export const welcomed = (
  end: EndId,
  role: Role,
  tag = "p",
  self = a1,
  process = tag,
  order?: number
): PairEvent => ({
  _tag: "Welcomed",
  end,
  role,
  tag,
  process,
  self,
  order,
  listens: true
})
export const commit = (end: EndId): PairEvent => ({ _tag: "CommitReceived", end })
export const ack = (end: EndId): PairEvent => ({ _tag: "AckReceived", end })
export const pong = (end: EndId, nonce: bigint): PairEvent => ({ _tag: "PongReceived", end, nonce })
export const closed = (end: EndId): PairEvent => ({ _tag: "Closed", end, reason: eof })
export const rejectReceived = (end: EndId, reject: DisconnectReason.RejectReason, retryMs = 1_000): PairEvent => ({
  _tag: "RejectReceived",
  end,
  reject,
  detail: "",
  retryMs
})
export const merged = (end: EndId): PairEvent => ({ _tag: "Merged", end, detail: "" })
export const learned = (rank?: Role): PairEvent => ({ _tag: "Learned", rank })

/** An L whose connection is end 1, accepted. */
export const lowerUp = () => {
  const pair = drive()
  pair.send(accepted(1))
  pair.send(welcomed(1, "lower"))
  pair.send(ack(1))
  return pair
}

/** An H whose connection is end 1, accepted. */
export const higherUp = () => {
  const pair = drive()
  pair.send(accepted(1))
  pair.send(welcomed(1, "higher"))
  pair.send(commit(1))
  return pair
}

/** Brings a challenger of the same L as far as its Hello. */
export const challenger = (pair: ReturnType<typeof drive>, end: EndId, tag = "p", self = a1, process = tag) => {
  pair.send(accepted(end))
  return pair.send(welcomed(end, "lower", tag, self, process))
}

export const challengeNonce = (pair: ReturnType<typeof drive>): bigint => {
  const { probe } = pair.state()
  assert.isDefined(probe)
  return probe?.nonce ?? -1n
}

export const flushed = (pair: ReturnType<typeof drive>, rttMs?: number): ReadonlyArray<string> =>
  pair.send({ _tag: "Flushed", end: pair.state().probe?.end ?? 0, nonce: challengeNonce(pair), rttMs })

/** An L that holds H's dial, end 2, while its own, end 1, is in flight. */
export const crossing = () => {
  const pair = drive()
  pair.send(learned("lower"))
  pair.send(fired("redial"), { id: 1 })
  pair.send(accepted(2))
  assert.deepStrictEqual(pair.send(welcomed(2, "lower")), ["Disarm hello 2", "Arm grace 0 500"])
  return pair
}

/** An H that is up on end 1 and holds the Commit of another process on end 2. */
export const foreign = () => {
  const pair = higherUp()
  pair.send(accepted(2))
  pair.send(welcomed(2, "higher", "q"))
  assert.deepStrictEqual(pair.send(commit(2)), ["Disarm wait 2", "SendPing 1 6", "Arm probe 0 1000"])
  return pair
}

export const stop = (retryMs: number | undefined): PairEvent => ({
  _tag: "Stopped",
  reject: "operator",
  detail: "",
  retryMs
})

/** An end of which nothing is known but how it began. */
export const bareEnd = (id: number, dir: End["dir"], phase: End["phase"]): End => ({
  id,
  dir,
  phase,
  role: undefined,
  tag: undefined,
  process: undefined,
  self: undefined,
  order: undefined,
  commitHeld: false
})
