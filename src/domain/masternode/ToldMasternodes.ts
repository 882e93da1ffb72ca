/**
 * Masternodes that this node knows only from claims of TIME network peers, keyed by IP. Nothing here is signed (`TimeMasternode`), so it
 * never displaces a masternode with a signed announcement: `MasternodeReport` overlays the two.
 *
 * **What is believed.** A host's claim from its own IP that it is a masternode, because the connection shows the IP. Of any other claim,
 * only that some peer made it. A masternode is live if it said so on a connection that is up. It is also live if peers of
 * `Limits.witnessNetgroups` netgroups report it as active (the TIME network's own rule). A key proves nothing here: it is shown, but does
 * not stop another IP from being counted.
 *
 * **Bounds.** `Limits.toldMasternodes` IPs, `Limits.masternodesPerIp` keys per IP, `Limits.toldPerMessage` entries per message. A full
 * registry evicts entries of the netgroup that named the most, and never a live one.
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

/** Claims about one IP with one key. */
export interface Claim {
  readonly hearsay: Hearsay
  /** Peers whose lists name it. */
  readonly by: ReadonlyArray<Witness.Witness>
  /** It has claimed so itself, from its own IP. */
  readonly isAnnounced: boolean
  /** When it was last heard of. */
  readonly heard: Now
}

/** All claims about one IP. */
export interface Place {
  readonly claims: ReadonlyArray<Claim>
  /** Live connection on which it announced itself. */
  readonly connection: number | undefined
  /** Peers that report it as active. */
  readonly witnesses: ReadonlyArray<Witness.Witness>
  /** Netgroup of the peer that first named it. */
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

/** The claim with this hearsay's key; a key's latest statement wins. */
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
    // Its own statement outweighs what others say about it.
    const hearsayKept = claim.isAnnounced
      ? place.claims.find(({ hearsay: { key } }) => key === hearsay.key)?.hearsay ?? hearsay
      : hearsay
    const witness = { ip: by, netgroup: PeerIp.netgroup(by), at: now.monotonic }
    const named = { ...claim, hearsay: hearsayKept, by: Witness.add(claim.by, witness) }
    next = HashMap.set(next, hearsay.ip, withClaim(place, named, now.monotonic))
  }
  return fit(next, now.monotonic)
}

/** The peer at `hearsay.ip` claims on our connection to be this masternode. */
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

/** That connection is gone. */
export const closed = (told: ToldMasternodes, ip: PeerIp.PeerIp, connection: number): ToldMasternodes =>
  update(told, ip, (place) => place.connection === connection ? { ...place, connection: undefined } : place)

/**
 * A peer reports all masternodes that it sees as active; anything missing from its previous report is withdrawn. No masternode is its own
 * witness, and reports of unknown IPs are dropped.
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

/** A peer reports a masternode as no longer active: only that peer's own report is withdrawn. */
export const inactive = (told: ToldMasternodes, ip: PeerIp.PeerIp, by: PeerIp.PeerIp): ToldMasternodes =>
  update(told, ip, (place) => ({
    ...place,
    connection: ip === by ? undefined : place.connection,
    witnesses: Witness.without(place.witnesses, by)
  }))

/** The claims of a place, the winner first: self-announced, named by more netgroups, heard of later. */
const ranked = (claims: ReadonlyArray<Claim>, now: number): ReadonlyArray<Claim> =>
  claims.toSorted((a, b) =>
    Number(b.isAnnounced) - Number(a.isAnnounced) ||
    Witness.groups(b.by, now) - Witness.groups(a.by, now) ||
    b.heard.monotonic - a.heard.monotonic ||
    (a.hearsay.key < b.hearsay.key ? -1 : 1)
  )

/** The winning claim of a place; `undefined` if nothing is claimed. `now`: monotonic ms. */
export const holder = ({ claims }: Place, now: number): Claim | undefined => ranked(claims, now)[0]

export const stateOf = (place: Place, now: number): State => {
  if (place.connection !== undefined) return "live"
  if (!place.claims.some(({ heard }) => now - heard.monotonic < Limits.masternodeExpiryMs)) return "expired"
  return Witness.groups(place.witnesses, now) >= Limits.witnessNetgroups ? "live" : "known"
}

const latest = ({ claims }: Place): number =>
  claims.reduce((at, { heard }) => Math.max(at, heard.monotonic), Number.NEGATIVE_INFINITY)

/** Back within its bound. Evicts several at once to spread the cost. */
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

/** The registry without entries that no peer has named for `Limits.masternodeKeepMs`. */
export const withoutForgotten = (told: ToldMasternodes, now: number): ToldMasternodes => {
  let next = told
  for (const [ip, place] of told) {
    if (place.connection === undefined && now - latest(place) >= Limits.masternodeKeepMs) {
      next = HashMap.remove(next, ip)
    }
  }
  return next
}
