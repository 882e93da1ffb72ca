/**
 * What a node knows of one peer beside its connections: where it listens, how the address came to be known, what its Hello said, and
 * how it went so far. Immutable; a change is a new entry. Times are monotonic ms of this process.
 */
import type { DisconnectReason } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { Attempt, Ended, PeerSource } from "./PeerRecord.ts"

/** The process of the peer's latest Up, as that proved itself: see `AliasProof.isSame`. */
export interface Process {
  /** As its Hello says; anyone may copy it. */
  readonly id: string
  /** Its instance tag towards `self`, the address of ours that it named. */
  readonly tag: string
  readonly self: PeerIp
}

export interface BookEntry {
  /** Listening port; `undefined` not known, 0 does not listen. */
  readonly port: number | undefined
  /** Ports at which it was said to listen before, newest first, at most `Limits.otherPorts`. */
  readonly otherPorts: ReadonlyArray<number>
  /** Index into `ports`: where the next dial goes. */
  readonly portAt: number
  readonly source: PeerSource
  /** It has sent a Hello, if only to be refused. */
  readonly saidHello: boolean
  /** Of the Hello of its latest connection that was up, as `tip` and `capabilities` are. */
  readonly software: string | undefined
  readonly tip: { readonly height: number; readonly hash: string } | undefined
  readonly capabilities: number
  /** Times it came up since this node started. */
  readonly ups: number
  /** End of its latest Up of at least `Limits.stableMs`. */
  readonly lastGoodAt: number | undefined
  /** How its latest connection ended, and its latest attempt that did not become one: neither hides the other. */
  readonly lastDown: Ended | undefined
  readonly lastAttempt: Attempt | undefined
  readonly process: Process | undefined
  /** Ups in a row shorter than `Limits.steadyUpMs`, and how many of them were by another process than the one before. */
  readonly shortUps: number
  readonly restarts: number
  /** The address under which the same process is connected. */
  readonly aliasOf: PeerIp | undefined
  /** The operator disconnected it, and nothing has named it since. */
  readonly isStopped: boolean
  /** The address is this node's own. */
  readonly isSelf: boolean
  /** Its last connection came from our dial although it ranks lower: it cannot dial us. */
  readonly onlyWeDial: boolean
  /** Times in a row this peer was refused with `in-use`, for the doubling `retryAfter`. */
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
  aliasOf: undefined,
  isStopped: false,
  isSelf: false,
  onlyWeDial: false,
  inUseRefusals: 0
})

/** The peer is known to listen there now. Ports known before are still tried where the new one refuses. */
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

/** The dialled port refused: the next dial goes to the next port. `portAt` is 0 again when all of them have refused. */
export const portRefused = (entry: BookEntry, usual: number): BookEntry => ({
  ...entry,
  portAt: (entry.portAt + 1) % ports(entry, usual).length
})

/** Whether this node's own system kept it from the peer: its latest dial says nothing about the peer. */
export const isOwnFault = ({ lastAttempt, lastDown }: BookEntry): boolean =>
  lastAttempt?.reason.kind === "dial-failed" && lastAttempt.reason.by === "local" &&
  (lastDown === undefined || lastDown.at <= lastAttempt.at)

/** Whether two addresses had the same process: both prove it by its tag, which no other process can know. */
export const isSameProcess = (a: BookEntry, b: BookEntry): boolean =>
  a.process !== undefined && a.process.tag === b.process?.tag && a.process.self === b.process.self

/** Whether only other peers told of the address so far. */
export const isGossip = ({ source, ups }: BookEntry): boolean => source === "gossip" && ups === 0

/** Whether the peer is known to listen somewhere. */
export const listens = ({ port }: BookEntry): boolean => (port ?? 0) > 0

/** Which entry of a full table goes first, the lowest: 0 no peer ever answered there, 1 never up, 2 a peer. */
export const evictionRank = ({ saidHello, source, ups }: BookEntry): 0 | 1 | 2 =>
  ups > 0 || source === "stored" ? 2 : saidHello ? 1 : 0

/** The later of `lastDown` and `lastAttempt`. */
export const last = ({ lastAttempt, lastDown }: BookEntry): Ended | Attempt | undefined =>
  lastDown === undefined || (lastAttempt !== undefined && lastAttempt.at >= lastDown.at) ? lastAttempt : lastDown

/** An attempt ended that did not become a connection. Losing the race of two dials says nothing of the peer: what is known stays. */
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

/** Connections that end by the rules, or by hand: no sign of trouble. */
const isByDesign = ({ kind, reject }: DisconnectReason): boolean =>
  kind === "replaced" || kind === "operator" || reject === "alias"

/** The peer came up. `process`: at the other end, where its wire tells. */
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

/** How connections end that nobody ended: the peer and this node were well, and what was between them was not, or a rule went wrong. */
const dropped: ReadonlySet<DisconnectReason["kind"]> = new Set<DisconnectReason["kind"]>([
  "eof",
  "reset",
  "silent",
  "unanswered",
  "replaced",
  "address"
])

/**
 * Whether the peer that came up is the process that was connected before, and whose connection nobody ended: so it was well all the time, and the
 * connection should not have dropped. A restart is none, nor is what was decided at either end. `now`: monotonic ms.
 */
export const isFlap = (before: BookEntry, after: BookEntry, now: number): boolean => {
  const { lastDown } = before
  return lastDown !== undefined && dropped.has(lastDown.reason.kind) &&
    now - lastDown.at <= Limits.redialKnownForMs && isSameProcess(before, after)
}
