/**
 * Whether the peer of an Up connection is still alive, and its round trip.
 *
 * **Shapes.** One small immutable state per connection, from Up to Down. Call `tick` at the time `nextDue` gives, or at any other: an early
 * tick does nothing. Any received byte is a sign of life (`heard`); pings are sent at a fixed pace regardless.
 *
 * **In step.** A node that answers a ping sends its own with the answer if that is due within half an interval (`withAnswer`): one write
 * and one read less per round, and two ends that ping at the same pace stay in step. Whoever's ping is due first leads.
 *
 * **Units.** All times are ms on a monotonic clock, fractions allowed.
 *
 * **Our own lag.** A node whose event loop stalled must not blame its peers. The allowed silence grows by the lag since the last byte, and
 * a late tick never condemns: it pings and gives the peer `answerMs`. In that time the node reads what is still in the kernel's buffers.
 *
 * **Frames.** While a frame is arriving, the peer is slow rather than silent: it has `frameMs` to complete the frame.
 */
import * as Limits from "../Limits.ts"

export interface Params {
  readonly pingMs: number
  /** Silence after which the peer counts as dead. */
  readonly deadMs: number
  /** A frame must be complete this long after it began. */
  readonly frameMs: number
  /** Minimum time between a ping and the verdict. */
  readonly answerMs: number
  /** Lag from which a tick counts as late; less is ordinary scheduling. */
  readonly lateMs: number
}

export const defaults: Params = {
  pingMs: Limits.pingMs,
  deadMs: Limits.deadMs,
  frameMs: Limits.frameMs,
  answerMs: Limits.answerMs,
  lateMs: Limits.lagFloorMs
}

/** Whether a connection survives one lost pong: the dead time must exceed two ping intervals. The only place of that rule. */
export const toleratesLostPong = ({ deadMs, pingMs }: Pick<Params, "deadMs" | "pingMs">): boolean =>
  pingMs > 0 && deadMs > 2 * pingMs

/** Round trips. `smoothedMs` as in RFC 6298: seven parts old, one part new. */
export interface Rtt {
  readonly smoothedMs: number
  readonly leastMs: number
  readonly lastMs: number
}

export interface State {
  /** When the last byte arrived; Up counts as one. */
  readonly heardAt: number
  /** Our own lag since then, at most the time since then. */
  readonly lagMs: number
  /** When the next ping at the fixed pace is due. */
  readonly pingAt: number
  /** The first ping since the last byte and the last late tick: the one the peer must answer. */
  readonly askedAt: number | undefined
  /** When the arriving frame began, shifted by our own lag. */
  readonly frameAt: number | undefined
  /** Pings without pong, oldest first, at most `Limits.outstandingPings`. */
  readonly pings: ReadonlyArray<{ readonly nonce: bigint; readonly at: number }>
  readonly rtt: Rtt | undefined
}

export type Action =
  | { readonly _tag: "None" }
  /** Draw a nonce, send the ping, and call `pingSent`. */
  | { readonly _tag: "SendPing" }
  /** Nothing arrived for this long: `silent`. */
  | { readonly _tag: "Dead"; readonly silentForMs: number }
  /** A frame was not complete in time: also `silent`, but the peer was sending. */
  | { readonly _tag: "Stalled"; readonly frameForMs: number }

const noPings: State["pings"] = []
const none: Action = { _tag: "None" }
const sendPing: Action = { _tag: "SendPing" }

/** The connection came up. The first ping is due at once. */
export const start = (now: number): State => ({
  heardAt: now,
  lagMs: 0,
  pingAt: now,
  askedAt: undefined,
  frameAt: undefined,
  pings: noPings,
  rtt: undefined
})

/**
 * Bytes arrived. Call once per batch of chunks, after it was split into frames.
 *
 * @param frames how many frames ended in this batch
 * @param arriving whether a frame has begun and not ended (`FrameReader.arriving`)
 */
export const heard = (state: State, now: number, frames: number, arriving: boolean): State => ({
  ...state,
  heardAt: now,
  lagMs: 0,
  askedAt: undefined,
  frameAt: !arriving ? undefined : frames > 0 ? now : state.frameAt ?? now
})

/** A ping was sent, at the fixed pace or as a challenge. */
export const pingSent = (state: State, nonce: bigint, now: number): State => ({
  ...state,
  askedAt: state.askedAt ?? now,
  pings: state.pings.length === 0
    ? [{ nonce, at: now }]
    : [...state.pings.slice(1 - Limits.outstandingPings), { nonce, at: now }]
})

/**
 * The peer's ping is answered: the state with our own ping sent now and the next one an interval from now, or `undefined` if ours is not
 * due within half an interval. So a peer that pings too often makes us ping at most twice as often. Call `pingSent` after it.
 */
export const withAnswer = (state: State, now: number, { pingMs }: Params): State | undefined =>
  state.pingAt - now > pingMs / 2 ? undefined : { ...state, pingAt: now + pingMs }

/**
 * A pong arrived. Returns its round trip in ms, or `undefined` if the nonce is not ours. Older pings are forgotten: a stream keeps order,
 * so their answers will not come.
 */
export const pong = (state: State, nonce: bigint, now: number): readonly [State, number | undefined] => {
  const index = state.pings.findIndex((ping) => ping.nonce === nonce)
  const ping = state.pings[index]
  if (ping === undefined) return [state, undefined]
  const rttMs = Math.max(0, now - ping.at)
  const next = index + 1
  const pings = next === state.pings.length ? noPings : state.pings.slice(next)
  return [sample({ ...state, pings }, rttMs), rttMs]
}

/** A round trip measured otherwise: Commit to Ack is the first. */
export const sample = (state: State, rttMs: number): State => ({
  ...state,
  rtt: state.rtt === undefined ? { smoothedMs: rttMs, leastMs: rttMs, lastMs: rttMs } : {
    smoothedMs: state.rtt.smoothedMs * 0.875 + rttMs * 0.125,
    leastMs: Math.min(state.rtt.leastMs, rttMs),
    lastMs: rttMs
  }
})

/** When the verdict is due, unless a byte arrives first. */
const endDue = (state: State, params: Params): number => {
  if (state.frameAt !== undefined) return state.frameAt + params.frameMs
  const dead = state.heardAt + state.lagMs + params.deadMs
  return state.askedAt === undefined ? dead : Math.max(dead, state.askedAt + params.answerMs)
}

/** When to tick next. After a tick that did not end the connection, always later than that tick. */
export const nextDue = (state: State, params: Params): number => Math.min(state.pingAt, endDue(state, params))

/**
 * Time passed. Returns at most one action; after `Dead` or `Stalled`, discard the state.
 *
 * @param lagMs our own event-loop lag since the preceding tick, if known. Less than `lateMs` is ignored.
 */
export const tick = (state: State, now: number, params: Params, lagMs: number): readonly [State, Action] => {
  const current = lagMs < params.lateMs ? state : lagged(state, now, lagMs)
  const over = now >= endDue(current, params)
  if (over && current.frameAt !== undefined) {
    return [current, { _tag: "Stalled", frameForMs: now - current.frameAt }]
  }
  if (over && current.askedAt !== undefined) return [current, { _tag: "Dead", silentForMs: now - current.heardAt }]
  if (!over && now < current.pingAt) return [current, none]
  return [{
    ...current,
    pingAt: nextPing(current.pingAt, now, params.pingMs),
    askedAt: current.askedAt ?? now
  }, sendPing]
}

/**
 * The pace does not drift: the next ping is a whole number of intervals after the due one, and in the future. A ping not yet due, as when a
 * late verdict asks for one out of turn, is kept: it is never more than an interval ahead.
 */
const nextPing = (pingAt: number, now: number, pingMs: number): number =>
  pingAt + pingMs * (1 + Math.floor((now - pingAt) / pingMs))

/** The lag is ours: it counts neither as silence nor as slowness, and no answer to an earlier ping can be demanded. */
const lagged = (state: State, now: number, lagMs: number): State => ({
  ...state,
  lagMs: Math.min(state.lagMs + lagMs, Math.max(0, now - state.heardAt)),
  askedAt: undefined,
  frameAt: state.frameAt === undefined ? undefined : Math.min(state.frameAt + lagMs, now)
})
