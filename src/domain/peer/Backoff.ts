/**
 * When to dial a peer again. Times in ms; `jitter` is a uniform draw from 0…1.
 *
 * Only failed dials and connections that were up for less than `stableMs` lengthen the wait. A refusal is not a failure: the peer says when
 * to return (`Handshake.clampRetry`), within `refusedMs`.
 */
import * as Limits from "../Limits.ts"

/** Failures in a row. */
export interface State {
  readonly failures: number
}

export interface Params {
  /** Wait after the first failure. */
  readonly baseMs: number
  readonly maxMs: number
  /** An Up at least this long ends a row of failures. */
  readonly stableMs: number
}

export const defaults: Params = {
  baseMs: Limits.backoffBaseMs,
  maxMs: Limits.backoffMaxMs,
  stableMs: Limits.stableMs
}

/** No failure yet. */
export const start: State = { failures: 0 }

/** A dial failed. */
export const failed = (state: State): State => ({ failures: state.failures + 1 })

/** A connection that was up ended. */
export const ended = (state: State, upForMs: number, params: Params = defaults): State =>
  upForMs < params.stableMs ? failed(state) : start

/** Wait before the next dial: 0 without failures, else 50–100 % of `baseMs` doubled per further failure, at most `maxMs`. */
export const delay = (state: State, jitter: number, params: Params = defaults): number =>
  state.failures === 0
    ? 0
    : Math.min(params.baseMs * 2 ** (state.failures - 1), params.maxMs) * (0.5 + 0.5 * jitter)

/** Minimum wait after the n-th Reject in a row, ms: a host that asks to be dialled again at once, for ever, would use up this node's dials. */
export const refusedMs = (refusals: number): number =>
  refusals <= Limits.refusalsFree
    ? 0
    : Math.min(Limits.refusedMs * 2 ** (refusals - Limits.refusalsFree - 1), Limits.refusedMaxMs)

/** Waits for a peer that is expected to dial us, ms: a fixed part and the maximum random part. */
export interface FallbackParams {
  readonly fallbackMs: number
  readonly fallbackJitterMs: number
  readonly fallbackFirstMs: number
  readonly fallbackFirstJitterMs: number
}

/**
 * Wait before this node dials a peer that is expected to dial first. `first`: at first contact with a configured peer, when only this side
 * can dial, or when the rank is unknown; `later`: otherwise.
 */
export const fallbackMs = (contact: "first" | "later", jitter: number, params: FallbackParams = Limits): number =>
  contact === "first"
    ? params.fallbackFirstMs + jitter * params.fallbackFirstJitterMs
    : params.fallbackMs + jitter * params.fallbackJitterMs
