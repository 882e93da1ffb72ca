/**
 * One address of the peer book: what a node remembers of it across restarts, and the rules on which addresses are worth a dial and which
 * go first (those of Bitcoin Core's address manager). Immutable. Times are wall time, ms since 1970; 0: never.
 */
import * as Limits from "../Limits.ts"
import type { PeerAddress } from "./PeerAddress.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { Direction, WireName } from "./PeerRecord.ts"

export interface KnownAddress {
  readonly ip: PeerIp
  /** Where it listens, 1…65535. */
  readonly port: number
  /** What it spoke when it was last connected. */
  readonly wire: WireName
  /** Which end opened the last good connection; `undefined`: there was none. */
  readonly direction: Direction | undefined
  /** Last time that it was connected, or that a peer told of it. */
  readonly seenAt: number
  /** Last dial. */
  readonly dialledAt: number
  /** Last time that it shook hands. */
  readonly goodAt: number
  /** Failed dials since then. */
  readonly failures: number
}

/** The tables of the book: *tried* has shaken hands with this node, *new* was only told of. */
export type Table = "new" | "tried"

/** An address with its place in the book, as it is stored. */
export interface Placed {
  readonly known: KnownAddress
  readonly table: Table
  /** Of the new table, where it does not follow from the address alone. */
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

/** Times that a wrong clock put into the future count as now: nothing is lost when the clock is set right. */
export const upTo = (known: KnownAddress, now: number): KnownAddress => ({
  ...known,
  seenAt: Math.min(known.seenAt, now),
  dialledAt: Math.min(known.dialledAt, now),
  goodAt: Math.min(known.goodAt, now)
})

/** Whether it was dialled within the last minute: its dial may still be under way. */
export const isJustDialled = ({ dialledAt }: KnownAddress, now: number): boolean =>
  dialledAt > 0 && Math.abs(now - dialledAt) <= Limits.bookJustTriedMs

/** Whether the address is not worth its place: any other address may take it. */
export const isTerrible = (known: KnownAddress, now: number): boolean => {
  const { failures, goodAt, seenAt } = known
  if (isJustDialled(known, now)) return false
  if (now - seenAt > Limits.bookHorizonMs) return true
  return goodAt === 0
    ? failures >= Limits.bookFirstFailures
    : failures >= Limits.bookFailures && now - goodAt > Limits.bookFailuresMs
}

/** Weight of the address when one is drawn, above 0 and at most 1. */
export const chance = ({ dialledAt, failures }: KnownAddress, now: number): number =>
  (dialledAt > 0 && now - dialledAt < Limits.bookRecentMs ? 0.01 : 1) * 0.66 ** Math.min(failures, 8)
