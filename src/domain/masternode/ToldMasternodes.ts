/**
 * Masternodes of which this node knows by the word of peers of the TIME network alone, keyed by IP. Nothing of it is signed
 * (`TimeMasternode`), so it never takes anything from a masternode whose announcement is: `MasternodeReport` lays one over the other.
 *
 * **What is believed.** That a host says of itself, from its own IP, that it is a masternode: its connection shows the IP. Of all
 * else only that someone said it. Live is one that said so on a connection that is up, or that peers of `Limits.witnessNetgroups` netgroups
 * report as active (the TIME network's own rule). A key proves nothing here: it is shown, and keeps no other IP from being counted.
 *
 * **Bounds.** `Limits.toldMasternodes` IPs, `Limits.masternodesPerIp` keys of one, `Limits.toldPerMessage` entries of one message. A full
 * registry drops entries of the netgroup that named the most, and never a live one.
 */
import { HashMap, Option } from "effect"
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import type { State } from "./Masternode.ts"
import type { Hearsay } from "./TimeMasternode.ts"
import * as Witness from "./Witness.ts"

/** Both clocks, ms. `wall`: since 1970. `monotonic`: never set, any origin. */
export interface Now {
  readonly wall: number
  readonly monotonic: number
}

/** What is said of an IP with one key. */
export interface Claim {
  readonly hearsay: Hearsay
  /** Peers whose lists name it. */
  readonly by: ReadonlyArray<Witness.Witness>
  /** It said so itself, from its own IP, once. */
  readonly isAnnounced: boolean
  /** When it was heard of last. */
  readonly heard: Now
}

/** What is said of an IP. */
export interface Place {
  readonly claims: ReadonlyArray<Claim>
  /** Connection, up, on which it announced itself. */
  readonly connection: number | undefined
  /** Peers that report it as active. */
  readonly witnesses: ReadonlyArray<Witness.Witness>
  /** Netgroup of the peer that named it first. */
  readonly source: string
}

export type ToldMasternodes = HashMap.HashMap<PeerIp.PeerIp, Place>

export const empty: ToldMasternodes = HashMap.empty()

const placeAt = (told: ToldMasternodes, ip: PeerIp.PeerIp, by: PeerIp.PeerIp): Place =>
  Option.getOrElse(HashMap.get(told, ip), () => ({
    claims: [],
    connection: undefined,
    witnesses: [],
    source: PeerIp.netgroup(by)
  }))

const update = (
  told: ToldMasternodes,
  ip: PeerIp.PeerIp,
  change: (place: Place) => Place
): ToldMasternodes => {
  const place = Option.getOrUndefined(HashMap.get(told, ip))
  return place === undefined ? told : HashMap.set(told, ip, change(place))
}

/** The claim with this hearsay's key; of one key's words the latest holds. */
const claimOf = ({ claims }: Place, hearsay: Hearsay, now: Now): Claim => {
  const known = claims.find((claim) => claim.hearsay.key === hearsay.key)
  return { ...known ?? { by: [], isAnnounced: false }, hearsay, heard: now }
}

const withClaim = (place: Place, claim: Claim, now: number): Place => {
  const others = place.claims.filter(({ hearsay }) => hearsay.key !== claim.hearsay.key)
  const kept = others.length < Limits.masternodesPerIp ? others : ranked(others, now).slice(0, -1)
  return { ...place, claims: [...kept, claim] }
}

/** A peer's list names masternodes: others, or itself. */
export const listed = (
  told: ToldMasternodes,
  masternodes: ReadonlyArray<Hearsay>,
  by: PeerIp.PeerIp,
  now: Now
): ToldMasternodes => {
  let next = told
  for (const hearsay of masternodes.slice(0, Limits.toldPerMessage)) {
    const place = placeAt(next, hearsay.ip, by)
    const claim = claimOf(place, hearsay, now)
    // What it says of itself is worth more than what others say of it.
    const hearsayKept = claim.isAnnounced
      ? place.claims.find(({ hearsay: { key } }) => key === hearsay.key)?.hearsay ?? hearsay
      : hearsay
    const witness = { ip: by, netgroup: PeerIp.netgroup(by), at: now.monotonic }
    const named = { ...claim, hearsay: hearsayKept, by: Witness.add(claim.by, witness) }
    next = HashMap.set(next, hearsay.ip, withClaim(place, named, now.monotonic))
  }
  return fit(next, now.monotonic)
}

/** The peer at `hearsay.ip` says on a connection of ours that it is this masternode. */
export const announced = (
  told: ToldMasternodes,
  hearsay: Hearsay,
  connection: number,
  now: Now
): ToldMasternodes => {
  const place = placeAt(told, hearsay.ip, hearsay.ip)
  const claim = { ...claimOf(place, hearsay, now), isAnnounced: true }
  // One host is one masternode: the last key that it names is its own.
  const others = place.claims.map((other) => ({ ...other, isAnnounced: false }))
  const next = withClaim({ ...place, claims: others, connection }, claim, now.monotonic)
  return fit(HashMap.set(told, hearsay.ip, next), now.monotonic)
}

/** That connection is no more. */
export const closed = (told: ToldMasternodes, ip: PeerIp.PeerIp, connection: number): ToldMasternodes =>
  update(told, ip, (place) => place.connection === connection ? { ...place, connection: undefined } : place)

/**
 * A peer reports all masternodes that it sees as active: what it said before and does not say again is withdrawn. No masternode is its own
 * witness, and of IPs that are not known nothing is kept.
 */
export const reported = (
  told: ToldMasternodes,
  by: PeerIp.PeerIp,
  active: ReadonlySet<PeerIp.PeerIp>,
  now: number
): ToldMasternodes => {
  const witness = { ip: by, netgroup: PeerIp.netgroup(by), at: now }
  let next = told
  for (const [ip, place] of told) {
    const isSeen = active.has(ip) && ip !== by
    if (!isSeen && !place.witnesses.some((known) => known.ip === by)) continue
    const witnesses = isSeen ? Witness.add(place.witnesses, witness) : Witness.without(place.witnesses, by)
    next = HashMap.set(next, ip, { ...place, witnesses })
  }
  return next
}

/** A peer says that a masternode is active no more: its own word for it is withdrawn, and no other's. */
export const inactive = (told: ToldMasternodes, ip: PeerIp.PeerIp, by: PeerIp.PeerIp): ToldMasternodes =>
  update(told, ip, (place) => ({
    ...place,
    connection: ip === by ? undefined : place.connection,
    witnesses: Witness.without(place.witnesses, by)
  }))

/** The claims of a place, the one that counts first: said by itself, told by more netgroups, heard later. */
const ranked = (claims: ReadonlyArray<Claim>, now: number): ReadonlyArray<Claim> =>
  claims.toSorted((a, b) =>
    Number(b.isAnnounced) - Number(a.isAnnounced) ||
    Witness.groups(b.by, now) - Witness.groups(a.by, now) ||
    b.heard.monotonic - a.heard.monotonic ||
    (a.hearsay.key < b.hearsay.key ? -1 : 1)
  )

/** What a place counts for; `undefined`: nothing is claimed. `now`: monotonic ms. */
export const holder = ({ claims }: Place, now: number): Claim | undefined => ranked(claims, now)[0]

export const stateOf = (place: Place, now: number): State => {
  if (place.connection !== undefined) return "live"
  if (!place.claims.some(({ heard }) => now - heard.monotonic < Limits.masternodeExpiryMs)) return "expired"
  return Witness.groups(place.witnesses, now) >= Limits.witnessNetgroups ? "live" : "known"
}

const latest = ({ claims }: Place): number =>
  claims.reduce((at, { heard }) => Math.max(at, heard.monotonic), Number.NEGATIVE_INFINITY)

/** Within its bound again. Room is made for several at once, so that each costs little. */
const fit = (told: ToldMasternodes, now: number): ToldMasternodes => {
  if (HashMap.size(told) <= Limits.toldMasternodes) return told
  const groups = new Map<string, Array<readonly [PeerIp.PeerIp, Place]>>()
  for (const entry of told) {
    const [, place] = entry
    if (stateOf(place, now) === "live") continue
    const group = groups.get(place.source)
    if (group === undefined) groups.set(place.source, [entry])
    else group.push(entry)
  }
  const most = [...groups.values()].reduce<ReadonlyArray<readonly [PeerIp.PeerIp, Place]>>(
    (a, b) => b.length > a.length ? b : a,
    []
  )
  const going = most.toSorted(([, a], [, b]) => latest(a) - latest(b)).slice(0, Limits.masternodesEvicted)
  return going.reduce((next, [ip]) => HashMap.remove(next, ip), told)
}

/** Without what no peer has named for `Limits.masternodeKeepMs`. */
export const withoutForgotten = (told: ToldMasternodes, now: number): ToldMasternodes => {
  let next = told
  for (const [ip, place] of told) {
    if (place.connection === undefined && now - latest(place) >= Limits.masternodeKeepMs) {
      next = HashMap.remove(next, ip)
    }
  }
  return next
}
