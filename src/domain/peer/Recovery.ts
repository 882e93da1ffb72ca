/**
 * When to cancel the waits between dials: what this node may conclude about its own network, and how soon it then redials.
 *
 * **Evidence.** One lost peer says something about that peer. Several lost together say something about the network between, and so does
 * the first of them that returns: the others are then dialled at once, however long they were unreachable. A dial that this node's own
 * system refused says nothing about the peer.
 *
 * **Shapes.** Facts in, verdicts out. **Units.** ms, monotonic.
 */
import * as Limits from "../Limits.ts"

/** What this node knows of a peer. */
export interface Known {
  /** The operator named it. */
  readonly isConfigured: boolean
  /** End of its latest Up of at least `Limits.stableMs`; `undefined` if none. */
  readonly lostAt: number | undefined
  /** Consecutive failed dials. */
  readonly failures: number
}

const wasUpWithin = ({ lostAt }: Known, now: number, ms: number): boolean => lostAt !== undefined && now - lostAt < ms

/**
 * Maximum wait before the next dial. A peer that was well connected within the last hour is expected back. Peers that an operator named, or
 * that were ever well connected, are what a node without any connection has left. Any other address may be unreachable only for now.
 *
 * @param mostMs the configured maximum
 * @param isAlone whether no peer is up
 */
export const longestWaitMs = (peer: Known, isAlone: boolean, mostMs: number, now: number): number => {
  if (wasUpWithin(peer, now, Limits.redialKnownForMs)) return Math.min(mostMs, Limits.redialKnownMs)
  if (peer.failures <= Limits.redialNewTries) return Math.min(mostMs, Limits.redialNewMs)
  const isHope = peer.isConfigured || peer.lostAt !== undefined
  return isAlone && isHope ? Math.min(mostMs, Limits.redialAloneMs) : mostMs
}

/**
 * Wait after a dial that this node's own system refused; `jitter` 0…1. It does not grow with failures, because they say nothing about the
 * peer. Many addresses that wait for this share a pace: one of them finds out that the network is back.
 *
 * @param waiting how many addresses wait for this reason, this one included
 */
export const ownFaultWaitMs = (waiting: number, jitter: number): number =>
  Math.min(Math.max(waiting * Limits.redialOwnFaultEachMs, Limits.redialOwnFaultMs), Limits.redialOwnFaultMaxMs) *
  (0.5 + 0.5 * jitter)

/** A peer that came up. */
export interface Returned {
  readonly lostAt: number | undefined
  /** No other peer was up before. */
  readonly wasAlone: boolean
}

/**
 * Whether the wait for another peer is cancelled now: it was lost together with the one that returned, or nothing was reachable before. Not
 * called for a wait that the peer itself asked for.
 */
export const isVoid = (returned: Returned, other: Known): boolean => {
  if (returned.wasAlone) return other.isConfigured || other.lostAt !== undefined
  if (returned.lostAt === undefined || other.lostAt === undefined) return false
  return Math.abs(returned.lostAt - other.lostAt) <= Limits.lostTogetherMs
}

/** New wait of the peer at position `place`, from 0, among the cancelled waits; `jitter` 0…1. At most `redialsPerSecond` become due. */
export const restartMs = (place: number, jitter: number): number => (place + jitter) / Limits.redialsPerSecond * 1_000
