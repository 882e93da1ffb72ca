/**
 * What a node knows of one peer beside its connections: where it listens, how the address came to be known, what its Hello said, and
 * how it went so far. Immutable; a change is a new entry. Times are monotonic ms of this process.
 */
import type { DisconnectReason } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { PeerSource } from "./PeerRecord.ts"

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
  /** How its latest connection or attempt ended. */
  readonly last: { readonly at: number; readonly reason: DisconnectReason; readonly wasUp: boolean } | undefined
  /** The address under which the same process is connected. */
  readonly aliasOf: PeerIp | undefined
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
  last: undefined,
  aliasOf: undefined,
  isSelf: false,
  onlyWeDial: false,
  inUseRefusals: 0
})

/** The peer listens there, as far as is known now. Ports known before are still tried where the new one refuses. */
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

/** Whether only other peers told of the address so far. */
export const isGossip = ({ source, ups }: BookEntry): boolean => source === "gossip" && ups === 0

/** Whether the peer is known to listen somewhere. */
export const listens = ({ port }: BookEntry): boolean => (port ?? 0) > 0

/** Which entry of a full table goes first, the lowest: 0 no peer ever answered there, 1 never up, 2 a peer. */
export const evictionRank = ({ saidHello, source, ups }: BookEntry): 0 | 1 | 2 =>
  ups > 0 || source === "stored" ? 2 : saidHello ? 1 : 0

/** A connection or attempt ended. Losing the race of two dials says nothing of the peer: the reason before it stays. */
export const ended = (entry: BookEntry, at: number, reason: DisconnectReason, wasUp: boolean): BookEntry =>
  !wasUp && reason.reject === "duplicate" && entry.last !== undefined
    ? entry
    : { ...entry, last: { at, reason, wasUp } }
