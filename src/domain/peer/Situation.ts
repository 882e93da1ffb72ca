/**
 * A node's relation to one address: a closed list. `why`, `peers`, `status` and the table in docs/OPERATIONS.md follow from it.
 * `SituationText` has the wording.
 */
import * as DialFault from "../DialFault.ts"
import type { DisconnectReason } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import * as TransportText from "../TransportText.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { Attempt, PeerRecord } from "./PeerRecord.ts"
import type { PinReport } from "./Pins.ts"

export const situations = [
  // Connected.
  "connected",
  "quiet",
  "clock",
  // Not a separate peer.
  "own-address",
  "alias",
  "moved",
  "no-family",
  "impossible",
  "unknown",
  // Not connected because one end decides so.
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
  // The path to it.
  "refused",
  "no-answer",
  "unreachable",
  "no-route",
  "network-down",
  "firewall",
  "resources",
  "system",
  "not-timemesh",
  "transport",
  "silent-refusal",
  "says-nothing",
  "closes",
  "handshake",
  // Its history.
  "restarts",
  "flaps",
  "lost",
  "waiting-for-it",
  "in-book",
  "not-tried"
] as const

export type Situation = typeof situations[number]

/** How an address is known to be this node's own. `seen`: peers see this node there, which nothing proves. */
export type OwnAddress = "listen" | "advertise" | "host" | "former" | "dialled" | "seen"

/** A ban that covers an address. `forMs`: time until it ends. */
export interface BannedFact {
  readonly by: "operator" | "score"
  readonly forMs: number
  readonly reason: string
  /** What is banned: the address, or a subnet that contains it. */
  readonly subnet: string
}

/** What the node knows besides the peer's row. */
export interface Facts {
  /** Why no peer can have the address, worded to follow it: `is not a unicast address`. */
  readonly impossible: string | undefined
  readonly own: OwnAddress | undefined
  /** Cause and fix of the most serious notice about this node's own address, if this is that address. */
  readonly ownNotice?: { readonly cause: string; readonly fix?: string } | undefined
  /** The current address of the process that was at this address. */
  readonly movedTo: PeerIp | undefined
  readonly isIsolated: boolean
  /** This node has banned the address. */
  readonly banned: BannedFact | undefined
  /** The pinned key for this address; absent if there is none. */
  readonly pin?: PinReport | undefined
  /** The peer book holds the address. */
  readonly isInBook: boolean
  /** The number of places, if all are taken. */
  readonly full: number | undefined
  /** This host lacks the peer's address family. */
  readonly familyMissing: boolean
  /** No peer is up. */
  readonly isAlone: boolean
  /** s. How far the peer's next block is ahead of this node's clock, if it is. */
  readonly clockBehindS: number | undefined
}

/** The situation, given the row (`undefined` if there is none) and other facts. `now`: the row's wall time, ms. */
export const of = (record: PeerRecord | undefined, facts: Facts, now: number): Situation => {
  if (record?.connection !== undefined) return ofConnected(record, record.connection, facts)
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
  // What this host itself refuses comes first: it says nothing about the peer, and hides the peer's state.
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

const ofConnected = (
  { restarts, shortUps }: PeerRecord,
  { lastByteMs, pingUnansweredMs, upMs }: NonNullable<PeerRecord["connection"]>,
  { clockBehindS }: Facts
): Situation => {
  if (pingUnansweredMs !== undefined && Math.min(pingUnansweredMs, lastByteMs) >= Limits.quietPingMs) return "quiet"
  if (clockBehindS !== undefined) return "clock"
  const isLoop = shortUps >= Limits.shortUpsReported && upMs < Limits.steadyUpMs
  return isLoop ? restarts > 0 ? "restarts" : "flaps" : "connected"
}

/** What one end decided; `undefined`: no decision. */
const ofReason = ({ by, kind, reject }: DisconnectReason): Situation | undefined => {
  const isHere = by === "local"
  switch (reject) {
    case "operator":
      return isHere ? undefined : "operator-there"
    case "full":
      return isHere ? "full-here" : "full-there"
    case "banned":
      // An expired ban of ours keeps no peer away.
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
  if (TransportText.isMismatch(reason.detail)) return crowdedOut(facts) ?? "transport"
  if (reason.kind === "dial-failed") return crowdedOut(facts) ?? ofDial(ip, reason, facts)
  const decided = ofReason(reason)
  // Bytes that are not a frame do not come from a node that has sent nothing yet.
  if (decided !== undefined && !(reached === "socket" && reason.reject === undefined)) return decided
  if (direction === "inbound" || reached === "hello") return crowdedOut(facts) ?? "handshake"
  switch (reason.kind) {
    case "hello-timeout":
      return "says-nothing"
    // Native dials wait for an Ack after the Hello only.
    case "no-ack":
      return "silent-refusal"
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
      return detail === "ECONNREFUSED" ? "refused" : DialFault.isBreak(detail) ? "closes" : "no-answer"
    case "route":
      return by === "remote" ? "unreachable" : isAlone ? "network-down" : "no-route"
    case "network":
      // Codes from binding the dial's own end: no port is free, or the address is gone.
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

/** Addresses that are not separate peers, or that this host cannot reach at all: a node without them is not short of peers. */
const notPeers: ReadonlySet<Situation> = new Set<Situation>([
  "own-address",
  "alias",
  "moved",
  "no-family",
  "impossible",
  "unknown"
])

/** Whether an address that is not connected counts as a missing peer. */
export const counts = (situation: Situation): boolean => !notPeers.has(situation)
