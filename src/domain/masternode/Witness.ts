/** Peers that report a connection to a masternode. Netgroups count, not peers, because one operator can have any number of addresses. */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

export interface Witness {
  readonly ip: PeerIp
  readonly netgroup: string
  /** Monotonic ms of its last report. */
  readonly at: number
}

/** Adds a witness. Keeps a few per netgroup and a bounded total, so that one netgroup's peers crowd out only each other. */
export const add = (witnesses: ReadonlyArray<Witness>, witness: Witness): ReadonlyArray<Witness> => {
  const others = without(witnesses, witness.ip)
  const alike = others.filter(({ netgroup }) => netgroup === witness.netgroup)
  const oldest = (list: ReadonlyArray<Witness>) => list.reduce((a, b) => b.at < a.at ? b : a)
  const full = alike.length >= Limits.witnessesPerNetgroup
    ? oldest(alike)
    : others.length >= Limits.witnessesPerMasternode
    ? oldest(others)
    : undefined
  return [...others.filter((other) => other !== full), witness]
}

export const without = (witnesses: ReadonlyArray<Witness>, ip: PeerIp): ReadonlyArray<Witness> =>
  witnesses.filter((witness) => witness.ip !== ip)

/** Netgroups of the witnesses that reported within `Limits.witnessMs` before `now` (monotonic ms). */
export const groups = (witnesses: ReadonlyArray<Witness>, now: number): number =>
  new Set(witnesses.filter(({ at }) => now - at < Limits.witnessMs).map(({ netgroup }) => netgroup)).size
