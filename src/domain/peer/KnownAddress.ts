/**
 * One address of the peer book: what a node remembers of it across restarts. Also the rules on which addresses are worth a dial and which
 * are evicted first (as in Bitcoin Core's address manager). Immutable. Times are wall time, ms since 1970; 0: never.
 */
import * as Limits from "../Limits.ts"
import type { PeerAddress } from "./PeerAddress.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { Direction, WireName } from "./PeerRecord.ts"

export interface KnownAddress {
  readonly ip: PeerIp
  /** Listening port, 1…65535. */
  readonly port: number
  /** Its wire when last connected. */
  readonly wire: WireName
  /** Which end opened the last good connection; `undefined` if there was none. */
  readonly direction: Direction | undefined
  /** When it was last connected or gossiped. */
  readonly seenAt: number
  /** When it was last dialled. */
  readonly dialledAt: number
  /** When its last handshake succeeded. */
  readonly goodAt: number
  /** Failed dials since that handshake. */
  readonly failures: number
}

/** The tables of the book: *tried* addresses have shaken hands with this node, *new* ones are known by gossip only. */
export type Table = "new" | "tried"

/** An address with its place in the book, as it is stored. */
export interface Placed {
  readonly known: KnownAddress
  readonly table: Table
  /** Meaningful in the new table, where the address alone does not determine the bucket. */
  readonly bucket: number
}

/** What changed in the book since it was last stored. */
export interface Changes {
  readonly changed: ReadonlyArray<Placed>
  readonly removed: ReadonlyArray<PeerIp>
}

export const make = ({ ip, port }: PeerAddress, seenAt: number): KnownAddress => ({
  ip,
  port,
  wire: "native",
  direction: undefined,
  seenAt,
  dialledAt: 0,
  goodAt: 0,
  failures: 0
})

/** Times that a wrong clock put in the future count as now, so that nothing is lost when the clock is corrected. */
export const upTo = (known: KnownAddress, now: number): KnownAddress => ({
  ...known,
  seenAt: Math.min(known.seenAt, now),
  dialledAt: Math.min(known.dialledAt, now),
  goodAt: Math.min(known.goodAt, now)
})

/** Whether it was dialled within the last minute, so that the dial may still be in flight. */
export const isJustDialled = ({ dialledAt }: KnownAddress, now: number): boolean =>
  dialledAt > 0 && Math.abs(now - dialledAt) <= Limits.bookJustTriedMs

/** Whether the address does not deserve its slot: any other address may take it. */
export const isTerrible = (known: KnownAddress, now: number): boolean => {
  const { failures, goodAt, seenAt } = known
  if (isJustDialled(known, now)) return false
  if (now - seenAt > Limits.bookHorizonMs) return true
  return goodAt === 0
    ? failures >= Limits.bookFirstFailures
    : failures >= Limits.bookFailures && now - goodAt > Limits.bookFailuresMs
}

/** Relative probability that the address is drawn, above 0 and at most 1. */
export const chance = ({ dialledAt, failures }: KnownAddress, now: number): number =>
  (dialledAt > 0 && now - dialledAt < Limits.bookRecentMs ? 0.01 : 1) * 0.66 ** Math.min(failures, 8)
