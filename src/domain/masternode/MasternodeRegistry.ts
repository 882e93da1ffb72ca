/**
 * What a node knows of masternodes: per IP, the keys that claim it, with the evidence for each claim. Pure and immutable.
 * `MasternodeReport` derives states, counts and conflicts from it.
 *
 * **Merging.** Per key and IP, the latest announcement and the time of the earliest are kept. Older announcements of a key never replace
 * later ones, so arrival order makes no difference unless a bound is reached.
 *
 * **Time.** A signed time is compared with the wall clock, within bounds, on arrival. After that only the monotonic clock counts, so
 * setting the wall clock makes no masternode appear or expire.
 *
 * **Bounds.** `Limits.masternodeClaims` in all, `masternodesPerIp`, `ipsPerMasternode`, witnesses per claim: see `RegistryBounds`.
 */
import { HashMap, Option } from "effect"
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import * as TokenBucket from "../peer/TokenBucket.ts"
import type { Sighting } from "./AnnouncementBytes.ts"
import type { Announcement, Key } from "./Masternode.ts"
import * as ToldMasternodes from "./ToldMasternodes.ts"
import * as Witness from "./Witness.ts"

export type Now = ToldMasternodes.Now

/** A key's claim to be at an IP. */
export interface Entry {
  /** The key's latest announcement for this IP. */
  readonly announcement: Announcement
  /** `at` of the earliest announcement, and monotonic ms at which the latest expires. */
  readonly firstAt: number
  readonly expiresAt: number
  /** Netgroup of the peer that first reported it; `own`: this node; `stored`: an earlier run of this node. */
  readonly source: string
  /** Our connections whose other end has proved to hold the key, at this IP. `self`: this node itself. */
  readonly connections: ReadonlySet<number | "self">
  /** It was connected before. */
  readonly isProven: boolean
  readonly witnesses: ReadonlyArray<Witness.Witness>
}

interface KeyFacts {
  readonly ips: ReadonlyArray<PeerIp.PeerIp>
  readonly pace: TokenBucket.TokenBucket
}

export interface MasternodeRegistry {
  readonly entries: HashMap.HashMap<PeerIp.PeerIp, ReadonlyArray<Entry>>
  readonly keys: HashMap.HashMap<Key, KeyFacts>
  /** Latest report of each witness. */
  readonly reports: HashMap.HashMap<PeerIp.PeerIp, ReadonlyArray<Sighting>>
  /** Total number of entries. */
  readonly size: number
  /** Masternodes reported, unsigned, by peers of the TIME network. */
  readonly told: ToldMasternodes.ToldMasternodes
}

export const empty: MasternodeRegistry = {
  entries: HashMap.empty(),
  keys: HashMap.empty(),
  reports: HashMap.empty(),
  size: 0,
  told: ToldMasternodes.empty
}

export const keyOf = ({ announcement }: Entry): Key => announcement.claim.key
export const ipOf = ({ announcement }: Entry): PeerIp.PeerIp => announcement.claim.ip
export const atOf = ({ announcement }: Entry): number => announcement.claim.at

export const entriesAt = ({ entries }: MasternodeRegistry, ip: PeerIp.PeerIp): ReadonlyArray<Entry> =>
  Option.getOrElse(HashMap.get(entries, ip), () => [])

export const entryOf = (registry: MasternodeRegistry, ip: PeerIp.PeerIp, key: Key): Entry | undefined =>
  entriesAt(registry, ip).find((entry) => keyOf(entry) === key)

/** All entries of a key, one per IP. */
export const entriesOf = (registry: MasternodeRegistry, key: Key): ReadonlyArray<Entry> =>
  ipsOf(registry, key).flatMap((ip) => entryOf(registry, ip, key) ?? [])

const ipsOf = ({ keys }: MasternodeRegistry, key: Key): ReadonlyArray<PeerIp.PeerIp> =>
  Option.match(HashMap.get(keys, key), { onNone: () => [], onSome: ({ ips }) => ips })

export const all = ({ entries }: MasternodeRegistry): ReadonlyArray<Entry> => [...HashMap.values(entries)].flat()

/** Replaces the same key's entry at the same IP. */
export const put = (registry: MasternodeRegistry, entry: Entry): MasternodeRegistry => {
  const { entries, size } = registry
  const [ip, key] = [ipOf(entry), keyOf(entry)]
  const others = entriesAt(registry, ip).filter((other) => keyOf(other) !== key)
  const isNew = others.length === entriesAt(registry, ip).length
  const placed = { ...registry, entries: HashMap.set(entries, ip, [...others, entry]) }
  if (!isNew) return placed
  const facts = Option.getOrUndefined(HashMap.get(registry.keys, key))
  const pace = facts?.pace ?? { tokens: Limits.masternodePace.burst, at: Number.NEGATIVE_INFINITY }
  const keys = HashMap.set(registry.keys, key, { ips: [...facts?.ips ?? [], ip], pace })
  return { ...placed, keys, size: size + 1 }
}

export const remove = (registry: MasternodeRegistry, entry: Entry): MasternodeRegistry => {
  const [ip, key] = [ipOf(entry), keyOf(entry)]
  const others = entriesAt(registry, ip).filter((other) => keyOf(other) !== key)
  const ips = ipsOf(registry, key).filter((other) => other !== ip)
  const facts = Option.getOrUndefined(HashMap.get(registry.keys, key))
  return {
    ...registry,
    entries: others.length === 0
      ? HashMap.remove(registry.entries, ip)
      : HashMap.set(registry.entries, ip, others),
    keys: ips.length === 0 || facts === undefined
      ? HashMap.remove(registry.keys, key)
      : HashMap.set(registry.keys, key, { ...facts, ips }),
    size: registry.size - 1
  }
}

/**
 * Classifies an announcement without checking its signature. `new`: later than what is known, or a claim unknown so far. `older`: its key
 * has made a later claim. `known`: it adds nothing. The others are refused: `stale` and `ahead` by our clock, `too-often` by its key's
 * rate. None of these is a fault of the peer that relays it.
 */
export type Novelty = "new" | "older" | "known" | "stale" | "ahead" | "too-often"

const isAhead = ({ claim }: Announcement, { wall }: Now): boolean => claim.at - wall > Limits.masternodeAheadMs

/**
 * Whether `a` replaces `b`. The later one wins; of two different ones with the same time, the one with the lower signature (any rule works
 * if all nodes share it). An announcement ahead of our clock came with a proof on a connection; any that is not ahead replaces it.
 */
const supersedes = (a: Announcement, b: Announcement, now: Now): boolean =>
  isAhead(a, now) !== isAhead(b, now)
    ? isAhead(b, now)
    : a.claim.at === b.claim.at
    ? compareBytes(a.signature, b.signature) < 0
    : a.claim.at > b.claim.at

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export const novelty = (registry: MasternodeRegistry, announcement: Announcement, now: Now): Novelty => {
  const { claim } = announcement
  if (isAhead(announcement, now)) return "ahead"
  if (now.wall - claim.at >= Limits.masternodeExpiryMs) return "stale"
  const known = entryOf(registry, claim.ip, claim.key)
  if (known !== undefined && known.firstAt <= claim.at && !supersedes(announcement, known.announcement, now)) {
    return "known"
  }
  const pace = Option.getOrUndefined(HashMap.get(registry.keys, claim.key))?.pace
  if (pace !== undefined && TokenBucket.take(pace, Limits.masternodePace, now.monotonic) === undefined) {
    return "too-often"
  }
  return entriesOf(registry, claim.key).some((entry) => atOf(entry) > claim.at && !isAhead(entry.announcement, now))
    ? "older"
    : "new"
}

/** Takes one of the key's tokens, so that it cannot make the network relay more than its share. */
const paced = (registry: MasternodeRegistry, key: Key, now: number): MasternodeRegistry => {
  const facts = Option.getOrUndefined(HashMap.get(registry.keys, key))
  const pace = facts === undefined ? undefined : TokenBucket.take(facts.pace, Limits.masternodePace, now)
  if (facts === undefined || pace === undefined) return registry
  return { ...registry, keys: HashMap.set(registry.keys, key, { ...facts, pace }) }
}

const merged = (
  registry: MasternodeRegistry,
  announcement: Announcement,
  source: string,
  now: Now
): Entry => {
  const { at, ip, key } = announcement.claim
  // The remaining life is clamped between none and all of it: a time ahead of ours buys no longer life.
  const age = Math.min(Math.max(now.wall - at, 0), Limits.masternodeExpiryMs)
  const expiresAt = now.monotonic + Limits.masternodeExpiryMs - age
  const known = entryOf(registry, ip, key)
  if (known === undefined) {
    const none = { connections: new Set<number>(), isProven: false, witnesses: [] }
    return { announcement, firstAt: at, expiresAt, source, ...none }
  }
  const firstAt = Math.min(known.firstAt, at)
  return supersedes(announcement, known.announcement, now)
    ? { ...known, announcement, firstAt, expiresAt: Math.max(expiresAt, known.expiresAt) }
    : { ...known, firstAt }
}

/**
 * Merges an announcement with a valid signature whose `novelty` is `new` or `older`. The caller must enforce the bounds:
 * `RegistryBounds.fit`.
 */
export const announced = (
  registry: MasternodeRegistry,
  announcement: Announcement,
  source: string,
  now: Now
): MasternodeRegistry =>
  paced(put(registry, merged(registry, announcement, source, now)), announcement.claim.key, now.monotonic)

/**
 * The other end of our connection, at the IP it announces, has proved to hold the key. The announcement's time does not matter: the proof
 * is fresh, and either clock may be wrong.
 */
export const connected = (
  registry: MasternodeRegistry,
  announcement: Announcement,
  connection: number | "self",
  now: Now
): MasternodeRegistry => {
  const { ip } = announcement.claim
  const entry = merged(registry, announcement, connection === "self" ? "own" : PeerIp.netgroup(ip), now)
  const connections = new Set(entry.connections).add(connection)
  return put(registry, { ...entry, connections, isProven: true })
}

/**
 * Restores what an earlier run stored: an announcement with a valid signature, the time of the earliest, and whether its key was once
 * proved. It has no evidence yet, so it is not live; it may have expired. Existing entries stay.
 */
export const restored = (
  registry: MasternodeRegistry,
  { announcement, firstAt, isProven }: Pick<Entry, "announcement" | "firstAt" | "isProven">,
  now: Now
): MasternodeRegistry => {
  const { at, ip, key } = announcement.claim
  if (entryOf(registry, ip, key) !== undefined || isAhead(announcement, now)) return registry
  const expiresAt = now.monotonic + Limits.masternodeExpiryMs - Math.max(now.wall - at, 0)
  const none = { connections: new Set<number>(), witnesses: [] }
  return put(registry, { announcement, firstAt, expiresAt, source: "stored", isProven, ...none })
}

/** That connection is gone. */
export const disconnected = (
  registry: MasternodeRegistry,
  ip: PeerIp.PeerIp,
  connection: number
): MasternodeRegistry => {
  for (const entry of entriesAt(registry, ip)) {
    if (!entry.connections.has(connection)) continue
    const connections = new Set(entry.connections)
    connections.delete(connection)
    return put(registry, { ...entry, connections })
  }
  return registry
}

const isOf = ({ ip, key }: Sighting) => (other: Sighting): boolean => other.ip === ip && other.key === key

/**
 * A peer reports all masternodes that it is connected to; anything missing from its previous report is withdrawn. Reports of unknown
 * masternodes are dropped, and no masternode is its own witness.
 */
export const witnessed = (
  registry: MasternodeRegistry,
  by: PeerIp.PeerIp,
  seen: ReadonlyArray<Sighting>,
  now: number
): MasternodeRegistry => {
  let next = registry
  const netgroup = PeerIp.netgroup(by)
  const before = Option.getOrElse(HashMap.get(registry.reports, by), (): ReadonlyArray<Sighting> => [])
  for (const sighting of before) {
    if (!seen.some(isOf(sighting))) next = withWitnesses(next, sighting, (list) => Witness.without(list, by))
  }
  const counted = seen.filter(({ ip, key }) => ip !== by && entryOf(registry, ip, key) !== undefined)
  for (const sighting of counted) {
    next = withWitnesses(next, sighting, (list) => Witness.add(list, { ip: by, netgroup, at: now }))
  }
  return {
    ...next,
    reports: counted.length === 0 ? HashMap.remove(next.reports, by) : HashMap.set(next.reports, by, counted)
  }
}

const withWitnesses = (
  registry: MasternodeRegistry,
  { ip, key }: Sighting,
  change: (witnesses: ReadonlyArray<Witness.Witness>) => ReadonlyArray<Witness.Witness>
): MasternodeRegistry => {
  const entry = entryOf(registry, ip, key)
  return entry === undefined ? registry : put(registry, { ...entry, witnesses: change(entry.witnesses) })
}
