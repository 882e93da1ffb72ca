/** Names of the deliberate defects; `Mutant.ts` says how each is planted. */

export type Mutant =
  /** Of two challengers, the deciding peer keeps the older one. */
  | "keep-oldest"
  /** Closing a node leaves its timer armed. */
  | "timer-left"
  /** Addresses are ordered as text: 10.0.0.10 before 10.0.0.2. */
  | "ip-as-text"
  /** A ping is not answered while anything is queued in the outbox. */
  | "pong-dropped"
  /** Connection numbers restart after a few connections. */
  | "id-reused"
  /** A Hello with another genesis is accepted. */
  | "genesis-unchecked"
  /** The heartbeat follows the wall clock, as `during`, `elapsed` and `upTo` do: setting the clock far ahead stops it. */
  | "pulse-by-wall-clock"
  /** A connection that recovered after a fault goes down again 3 s later. */
  | "flap-recovered"
  /** Of two sessions with a daemon, the older one stays open: alive there, but unused. */
  | "older-session-kept"
  /** Masternodes are counted by IP:PORT: one that moved still counts at its old address as well. */
  | "masternodes-by-address"
  /** A masternode that was connected once counts as live for ever. */
  | "masternodes-stale"
  /** One netgroup that sees a masternode counts as three. */
  | "masternodes-by-one-netgroup"

export const mutants: ReadonlyArray<Mutant> = [
  "keep-oldest",
  "timer-left",
  "ip-as-text",
  "pong-dropped",
  "id-reused",
  "genesis-unchecked",
  "pulse-by-wall-clock",
  "flap-recovered",
  "older-session-kept",
  "masternodes-by-address",
  "masternodes-stale",
  "masternodes-by-one-netgroup"
]
