/**
 * What a node knows of one peer besides its connections: where it listens, how its address became known, what its Hello said, and its
 * history. Immutable; a change is a new entry. Times are monotonic ms of this process.
 */
import type { DisconnectReason } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { Attempt, Ended, PeerSource } from "./PeerRecord.ts"

/** The process of the peer's latest Up, as it proved itself (see `isSameProcess`). */
export interface Process {
  /** From its Hello; any host may copy it. */
  readonly id: string
  /** Its instance tag towards `self`, the address of ours that it named. */
  readonly tag: string
  readonly self: PeerIp
}

export interface BookEntry {
  /** Listening port; `undefined`: not known; 0: does not listen. */
  readonly port: number | undefined
  /** Earlier listening ports, newest first, at most `Limits.otherPorts`. */
  readonly otherPorts: ReadonlyArray<number>
  /** Index into `ports`: the port of the next dial. */
  readonly portAt: number
  readonly source: PeerSource
  /** It has sent a Hello, even if that was refused. */
  readonly saidHello: boolean
  /** From the Hello of its latest connection that was up, like `tip` and `capabilities`. */
  readonly software: string | undefined
  readonly tip: { readonly height: number; readonly hash: string } | undefined
  readonly capabilities: number
  /** Times it came up since this node started. */
  readonly ups: number
  /** End of its latest Up of at least `Limits.stableMs`. */
  readonly lastGoodAt: number | undefined
  /** How its latest connection ended, and its latest attempt that did not become one; kept separately, so that neither hides the other. */
  readonly lastDown: Ended | undefined
  readonly lastAttempt: Attempt | undefined
  readonly process: Process | undefined
  /** Consecutive Ups shorter than `Limits.steadyUpMs`, and how many of them were by another process than the one before. */
  readonly shortUps: number
  readonly restarts: number
  /** Its connections that dropped although both processes were healthy (`isFlap`), since this node started. */
  readonly flaps: number
  /** The address under which the same process is connected. */
  readonly aliasOf: PeerIp | undefined
  /** The operator disconnected it, and it has not been named since. */
  readonly isStopped: boolean
  /** The address is this node's own. */
  readonly isSelf: boolean
  /** Its last connection came from our dial although it ranks lower: it cannot dial us. */
  readonly onlyWeDial: boolean
  /** Consecutive `in-use` refusals of this peer, for the doubling `retryAfter`. */
  readonly inUseRefusals: number
}

export const make = (port: number | undefined, source: PeerSource): BookEntry => ({
  port,
  otherPorts: [],
  portAt: 0,
  source,
  saidHello: false,
  software: undefined,
  tip: undefined,
  capabilities: 0,
  ups: 0,
  lastGoodAt: undefined,
  lastDown: undefined,
  lastAttempt: undefined,
  process: undefined,
  shortUps: 0,
  restarts: 0,
  flaps: 0,
  aliasOf: undefined,
  isStopped: false,
  isSelf: false,
  onlyWeDial: false,
  inUseRefusals: 0
})

/** The peer is known to listen on this port now. Earlier ports are still tried if the new one refuses. */
export const learnPort = (entry: BookEntry, port: number): BookEntry => {
  if (port === entry.port) return entry
  const before = entry.port === undefined || entry.port === 0 ? [] : [entry.port]
  const otherPorts = [...before, ...entry.otherPorts.filter((other) => other !== port)].slice(0, Limits.otherPorts)
  return { ...entry, port, otherPorts, portAt: 0 }
}

const ports = ({ otherPorts, port }: BookEntry, usual: number): ReadonlyArray<number> => [
  ...new Set([...(port === undefined || port === 0 ? [] : [port]), ...otherPorts, usual])
]

/** Where to dial the peer now. `usual`: the network's port. */
export const dialPort = (entry: BookEntry, usual: number): number => ports(entry, usual)[entry.portAt] ?? usual

/** The dialled port refused, so the next dial uses the next port. `portAt` returns to 0 when all of them have refused. */
export const portRefused = (entry: BookEntry, usual: number): BookEntry => ({
  ...entry,
  portAt: (entry.portAt + 1) % ports(entry, usual).length
})

/** Whether this node's own system kept it from the peer, so that its latest dial says nothing about the peer. */
export const isOwnFault = ({ lastAttempt, lastDown }: BookEntry): boolean =>
  lastAttempt?.reason.kind === "dial-failed" && lastAttempt.reason.by === "local" &&
  (lastDown === undefined || lastDown.at <= lastAttempt.at)

/** Whether two addresses belonged to the same process: both prove it by the process's tag, which no other process can know. */
export const isSameProcess = (a: BookEntry, b: BookEntry): boolean =>
  a.process !== undefined && a.process.tag === b.process?.tag && a.process.self === b.process.self

/** Whether the address is known by gossip only, so far. */
export const isGossip = ({ source, ups }: BookEntry): boolean => source === "gossip" && ups === 0

/** Whether the peer is known to listen somewhere. */
export const listens = ({ port }: BookEntry): boolean => (port ?? 0) > 0

/** Eviction order of entries in a full table, lowest first: 0 no peer ever answered there, 1 never up, 2 a peer. */
export const evictionRank = ({ saidHello, source, ups }: BookEntry): 0 | 1 | 2 =>
  ups > 0 || source === "stored" ? 2 : saidHello ? 1 : 0

/** The later of `lastDown` and `lastAttempt`. */
export const last = ({ lastAttempt, lastDown }: BookEntry): Ended | Attempt | undefined =>
  lastDown === undefined || (lastAttempt !== undefined && lastAttempt.at >= lastDown.at) ? lastAttempt : lastDown

/** An attempt ended without becoming a connection. Losing the race of two dials says nothing about the peer, so that changes nothing. */
export const attemptEnded = (entry: BookEntry, attempt: Attempt): BookEntry =>
  attempt.reason.reject === "duplicate" && last(entry) !== undefined ? entry : { ...entry, lastAttempt: attempt }

/** A connection ended. */
export const wentDown = (entry: BookEntry, down: Ended): BookEntry => {
  const isGood = down.upMs >= Limits.stableMs
  const isSteady = down.upMs >= Limits.steadyUpMs
  return {
    ...entry,
    lastDown: down,
    lastGoodAt: isGood ? down.at : entry.lastGoodAt,
    shortUps: isSteady ? 0 : isByDesign(down.reason) ? entry.shortUps : entry.shortUps + 1,
    restarts: isSteady ? 0 : entry.restarts
  }
}

/** Connections that ended by the rules or by an operator: no sign of trouble. */
const isByDesign = ({ kind, reject }: DisconnectReason): boolean =>
  kind === "replaced" || kind === "operator" || reject === "alias"

/** The peer came up. `process`: at the other end, if its wire tells it. */
export const cameUp = (entry: BookEntry, process: Process | undefined): BookEntry => ({
  ...entry,
  process,
  ups: entry.ups + 1,
  inUseRefusals: 0,
  aliasOf: undefined,
  restarts:
    entry.process !== undefined && process !== undefined && entry.process.id !== process.id && entry.shortUps > 0
      ? entry.restarts + 1
      : entry.restarts
})

/** How connections end that neither end closed deliberately: the path between two healthy nodes failed, or a rule went wrong. */
const dropped: ReadonlySet<DisconnectReason["kind"]> = new Set<DisconnectReason["kind"]>([
  "eof",
  "reset",
  "silent",
  "unanswered",
  "replaced",
  "address"
])

/**
 * Whether the peer that came up is the process that was connected before, although neither end closed that connection deliberately. It was
 * healthy throughout, so the connection should not have dropped. A restart is no flap, nor is an end that either side decided. `now`:
 * monotonic ms.
 */
export const isFlap = (before: BookEntry, after: BookEntry, now: number): boolean => {
  const { lastDown } = before
  return lastDown !== undefined && dropped.has(lastDown.reason.kind) &&
    now - lastDown.at <= Limits.redialKnownForMs && isSameProcess(before, after)
}
