/**
 * How a node stands with one address, of a closed list: what `why`, `peers` and `status` say, and the table in docs/OPERATIONS.md, follow from
 * it. `SituationText` has the words.
 */
import * as DialFault from "../DialFault.ts"
import type { DisconnectReason } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { Attempt, PeerRecord } from "./PeerRecord.ts"
import type { PinReport } from "./Pins.ts"

export const situations = [
  // Connected.
  "connected",
  "quiet",
  "clock",
  // No peer of its own.
  "own-address",
  "alias",
  "moved",
  "no-family",
  "impossible",
  "unknown",
  // Not connected, because one end decides so.
  "isolated",
  "operator-here",
  "operator-there",
  "full-here",
  "full-there",
  "banned-here",
  "banned-there",
  "other-key",
  "second-node-here",
  "second-node-there",
  "incompatible",
  "self-claimed",
  "stopped",
  "evicted",
  "protocol",
  "application",
  // The way to it.
  "refused",
  "no-answer",
  "unreachable",
  "no-route",
  "network-down",
  "firewall",
  "resources",
  "system",
  "not-timemesh",
  "says-nothing",
  "closes",
  "handshake",
  // How it went before.
  "restarts",
  "flaps",
  "lost",
  "waiting-for-it",
  "in-book",
  "not-tried"
] as const

export type Situation = typeof situations[number]

/** How an address is known to be this node's own. `seen`: so peers call this node, which nothing proves. */
export type OwnAddress = "listen" | "advertise" | "host" | "former" | "dialled" | "seen"

/** A ban that an address is under. `forMs`: until it ends. */
export interface BannedFact {
  readonly by: "operator" | "score"
  readonly forMs: number
  readonly reason: string
  /** What is banned: the address, or a block that it is in. */
  readonly subnet: string
}

/** What the node knows beside the peer's row. */
export interface Facts {
  /** Why no peer can have the address, to be read after it: `is not a unicast address`. */
  readonly impossible: string | undefined
  readonly own: OwnAddress | undefined
  /** What is to be said of this node's own address, where the address is that: cause and fix of the gravest notice. */
  readonly ownNotice?: { readonly cause: string; readonly fix?: string } | undefined
  /** Where the process is now that was at this address. */
  readonly movedTo: PeerIp | undefined
  readonly isIsolated: boolean
  /** This node has banned the address. */
  readonly banned: BannedFact | undefined
  /** How the address is known by a key; absent: by none. */
  readonly pin?: PinReport | undefined
  /** The peer book holds the address. */
  readonly isInBook: boolean
  /** Every place for peers is taken: their number. */
  readonly full: number | undefined
  /** This host does without the peer's family of addresses. */
  readonly familyMissing: boolean
  /** No peer is up. */
  readonly isAlone: boolean
  /** s. By so much the peer's next block is ahead of this node's clock, when it is. */
  readonly clockBehindS: number | undefined
}

/** The situation, given the row (`undefined`: none) and what else is known. `now`: the row's wall time, ms. */
export const of = (record: PeerRecord | undefined, facts: Facts, now: number): Situation => {
  if (record?.connection !== undefined) return ofConnected(record, facts)
  if (facts.own !== undefined) return "own-address"
  if (facts.impossible !== undefined) return "impossible"
  if (facts.banned !== undefined) return "banned-here"
  if (isOtherKey(facts)) return "other-key"
  if (record?.aliasOf !== undefined) return "alias"
  if (facts.movedTo !== undefined) return "moved"
  if (record === undefined) return facts.isInBook ? crowdedOut(facts) ?? "in-book" : "unknown"
  if (facts.isIsolated) return "isolated"
  if (record.isStopped && !record.mayDial) return "operator-here"
  const { lastAttempt, lastDown } = record
  const isLater = lastAttempt !== undefined && (lastDown === undefined || lastAttempt.at >= lastDown.at)
  // What this host itself refuses comes first: it says nothing of the peer, and hides how that is.
  if (isLater && lastAttempt.reason.kind === "dial-failed" && lastAttempt.reason.by === "local") {
    return ofDial(record.ip, lastAttempt.reason, facts)
  }
  if (record.shortUps >= Limits.shortUpsReported && now - (record.lastDown?.at ?? 0) < Limits.shortUpsForMs) {
    return record.restarts > 0 ? "restarts" : "flaps"
  }
  if (isLater) {
    return ofAttempt(lastAttempt, record, facts)
  }
  if (lastDown !== undefined) return ofReason(lastDown.reason) ?? crowdedOut(facts) ?? "lost"
  if (facts.familyMissing && record.attempts === 0) return "no-family"
  return crowdedOut(facts) ?? (record.expected === "them" || !record.mayDial ? "waiting-for-it" : "not-tried")
}

const isOtherKey = ({ pin }: Facts): boolean => pin?.state === "other-key" || pin?.state === "no-key"

const crowdedOut = ({ full }: Facts): Situation | undefined => full === undefined ? undefined : "full-here"

const ofConnected = ({ connection, restarts, shortUps }: PeerRecord, { clockBehindS }: Facts): Situation => {
  if (connection === undefined) return "connected"
  const { lastByteMs, pingUnansweredMs, upMs } = connection
  if (pingUnansweredMs !== undefined && Math.min(pingUnansweredMs, lastByteMs) >= Limits.quietPingMs) return "quiet"
  if (clockBehindS !== undefined) return "clock"
  const isLoop = shortUps >= Limits.shortUpsReported && upMs < Limits.steadyUpMs
  return isLoop ? restarts > 0 ? "restarts" : "flaps" : "connected"
}

/** What one of the ends decided; `undefined`: no decision. */
const ofReason = ({ by, kind, reject }: DisconnectReason): Situation | undefined => {
  const isHere = by === "local"
  switch (reject) {
    case "operator":
      return isHere ? undefined : "operator-there"
    case "full":
      return isHere ? "full-here" : "full-there"
    case "banned":
      // A ban of ours that has ended holds nobody off.
      return isHere ? undefined : "banned-there"
    case "in-use":
      return isHere ? "second-node-there" : "second-node-here"
    case "incompatible":
      return "incompatible"
    case "self":
      return "self-claimed"
    case "shutdown":
      return isHere ? undefined : "stopped"
    case "evicted":
      return "evicted"
    case "protocol":
      return "protocol"
    case "application":
      return "application"
    case "alias":
    case "duplicate":
    case undefined:
      return kind === "bad-frame" || kind === "protocol" ? "protocol" : undefined
  }
}

const ofAttempt = (attempt: Attempt, { ip }: PeerRecord, facts: Facts): Situation => {
  const { direction, reached, reason } = attempt
  if (reason.kind === "dial-failed") return crowdedOut(facts) ?? ofDial(ip, reason, facts)
  const decided = ofReason(reason)
  // What is not a frame does not come from a node that has said nothing yet.
  if (decided !== undefined && !(reached === "socket" && reason.reject === undefined)) return decided
  if (direction === "inbound" || reached === "hello") return crowdedOut(facts) ?? "handshake"
  switch (reason.kind) {
    case "hello-timeout":
      return "says-nothing"
    case "eof":
    case "reset":
      return "closes"
    default:
      return "not-timemesh"
  }
}

const ofDial = (ip: PeerIp, { by, detail = "" }: DisconnectReason, { familyMissing, isAlone }: Facts): Situation => {
  switch (DialFault.of(detail, ip)) {
    case "peer":
      return detail === "ECONNREFUSED" ? "refused" : "no-answer"
    case "route":
      return by === "remote" ? "unreachable" : isAlone ? "network-down" : "no-route"
    case "network":
      // Of those that bind the dial's own end: no port is free, or the address is gone.
      if (detail === "EADDRNOTAVAIL" && !familyMissing) return "resources"
      return familyMissing ? "no-family" : isAlone ? "network-down" : "no-route"
    case "firewall":
      return "firewall"
    case "resources":
      return "resources"
    case "system":
      return "system"
  }
}

/** Addresses that are no peer of their own, or that this host cannot reach at all: a node without them is not short of peers. */
const notPeers: ReadonlySet<Situation> = new Set<Situation>([
  "own-address",
  "alias",
  "moved",
  "no-family",
  "impossible",
  "unknown"
])

/** Whether an address that is not connected counts as a peer that is missing. */
export const counts = (situation: Situation): boolean => !notPeers.has(situation)
