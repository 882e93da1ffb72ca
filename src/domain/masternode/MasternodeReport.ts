/**
 * Derived from the registry: which masternodes exist, their states and counts, and which claims contradict one another.
 *
 * Whatever is claimed, a key is at one IP and an IP belongs to one masternode: the claim with the most evidence wins. So no masternode is
 * counted twice, however many ports, keys or addresses it shows.
 */
import { HashMap, Option } from "effect"
import { hexText } from "../hexText.ts"
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import {
  formatOutpoint,
  type Key,
  type Outpoint,
  type Proof,
  proofs,
  type State,
  type Tier,
  tiers
} from "./Masternode.ts"
import * as Registry from "./MasternodeRegistry.ts"
import * as ToldMasternodes from "./ToldMasternodes.ts"
import * as Witness from "./Witness.ts"

/** `now`: monotonic ms. A connection outlives the announcement that came on it; witnesses do not. */
export const stateOf = (entry: Registry.Entry, now: number): State =>
  entry.connections.size > 0
    ? "live"
    : now >= entry.expiresAt
    ? "expired"
    : Witness.groups(entry.witnesses, now) >= Limits.witnessNetgroups
    ? "live"
    : "known"

export const isLive = (entry: Registry.Entry, now: number): boolean => stateOf(entry, now) === "live"

/** The evidence for an entry, strongest first; more is better. */
const weight = (entry: Registry.Entry, now: number): ReadonlyArray<number> => [
  entry.connections.size > 0 ? 1 : 0,
  now < entry.expiresAt ? 1 : 0
]

const first = (
  entries: ReadonlyArray<Registry.Entry>,
  compare: (a: Registry.Entry, b: Registry.Entry) => number
): Registry.Entry | undefined => entries.toSorted(compare)[0]

const byWeight = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const at = a.findIndex((value, i) => value !== b[i])
  return at < 0 ? 0 : (b[at] ?? 0) - (a[at] ?? 0)
}

const byText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** The key's location: where it is connected, else its latest announcement. */
const placeOf = (registry: Registry.MasternodeRegistry, key: Key, now: number): Registry.Entry | undefined =>
  first(
    Registry.entriesOf(registry, key),
    (a, b) =>
      byWeight([...weight(a, now), Registry.atOf(a)], [...weight(b, now), Registry.atOf(b)]) ||
      PeerIp.compare(Registry.ipOf(a), Registry.ipOf(b))
  )

/** Keys that are at this IP and nowhere else, the winner first. */
const holders = (
  registry: Registry.MasternodeRegistry,
  entries: ReadonlyArray<Registry.Entry>,
  now: number
): ReadonlyArray<Registry.Entry> => {
  const [only] = entries
  // The common case: one key that claims this IP and no other.
  if (entries.length === 1 && only !== undefined && Registry.entriesOf(registry, Registry.keyOf(only)).length === 1) {
    return entries
  }
  const told = (entry: Registry.Entry): ReadonlyArray<number> => [
    ...weight(entry, now),
    isLive(entry, now) ? 1 : 0,
    entry.isProven ? 1 : 0,
    Witness.groups(entry.witnesses, now),
    Registry.atOf(entry)
  ]
  return entries
    .filter((entry) => placeOf(registry, Registry.keyOf(entry), now) === entry)
    .toSorted((a, b) => byWeight(told(a), told(b)) || byText(Registry.keyOf(a), Registry.keyOf(b)))
}

/** Claims that cannot all be true. */
export type Conflict =
  /** Several keys claim one IP: one host has several keys, or one of them lies. */
  | { readonly _tag: "OneIp"; readonly ip: PeerIp.PeerIp; readonly keys: ReadonlyArray<Key> }
  /** One key announces itself at several IPs in turn: it is used twice, or was stolen. */
  | { readonly _tag: "OneKey"; readonly key: Key; readonly ips: ReadonlyArray<PeerIp.PeerIp> }
  /** Several keys name one transaction output as their collateral. */
  | { readonly _tag: "OneCollateral"; readonly collateral: Outpoint; readonly keys: ReadonlyArray<Key> }

/** The conflict in words. */
export const describeConflict = (conflict: Conflict): string => {
  switch (conflict._tag) {
    case "OneIp":
      return `${conflict.keys.length} keys claim ${conflict.ip}: ${conflict.keys.map(shortKey).join(", ")}`
    case "OneKey":
      return `key ${shortKey(conflict.key)} is used at ${conflict.ips.join(", ")}`
    case "OneCollateral":
      return `${conflict.keys.length} keys name the collateral ${formatOutpoint(conflict.collateral)}: ${
        conflict.keys.map(shortKey).join(", ")
      }`
  }
}

/** Enough of a key to distinguish it in a log. */
export const shortKey = (key: Key): string => key.slice(0, shortKeyDigits)

const shortKeyDigits = 16

/** One masternode, as people and programs see it. */
export interface MasternodeRow {
  readonly ip: PeerIp.PeerIp
  readonly key: Key
  readonly port: number
  readonly tier: Tier
  readonly state: State
  readonly proof: Proof
  readonly isConnected: boolean
  /** This node itself. */
  readonly isSelf: boolean
  /** Number of witnesses' netgroups. */
  readonly witnesses: number
  /** ms since 1970 by the masternode's clock; if it signed nothing, by ours when it was last heard of. */
  readonly announcedAt: number
  readonly collateral: Outpoint | undefined
  readonly isContested: boolean
}

export type Counts = Readonly<Record<State, Readonly<Record<Tier, number>>>>

export interface MasternodeReport {
  /** One per IP, ordered by IP. */
  readonly masternodes: ReadonlyArray<MasternodeRow>
  readonly counts: Counts
  readonly conflicts: ReadonlyArray<Conflict>
}

const ipConflict = (held: ReadonlyArray<Registry.Entry>, now: number): ReadonlyArray<Conflict> => {
  const current = held.filter((entry) => stateOf(entry, now) !== "expired")
  const [one] = current
  return one === undefined || current.length < 2
    ? []
    : [{ _tag: "OneIp", ip: Registry.ipOf(one), keys: current.map(Registry.keyOf).toSorted() }]
}

/** Whether both places were announced in turn, or are both connected. A masternode that moved left the old place before it reached the new one. */
const overlap = (a: Registry.Entry, b: Registry.Entry): boolean =>
  (a.connections.size > 0 && b.connections.size > 0) ||
  (a.firstAt <= Registry.atOf(b) && b.firstAt <= Registry.atOf(a))

const keyConflict = (registry: Registry.MasternodeRegistry, key: Key, now: number): ReadonlyArray<Conflict> => {
  const current = Registry.entriesOf(registry, key).filter((entry) => stateOf(entry, now) !== "expired")
  const ips = current.filter((entry) => current.some((other) => other !== entry && overlap(entry, other)))
  return ips.length === 0
    ? []
    : [{ _tag: "OneKey", key, ips: ips.map(Registry.ipOf).toSorted(PeerIp.compare) }]
}

const collateralConflicts = (rows: ReadonlyArray<MasternodeRow>): ReadonlyArray<Conflict> => {
  const users = new Map<string, Array<MasternodeRow>>()
  for (const row of rows) {
    if (row.collateral === undefined || row.state === "expired") continue
    const name = formatOutpoint(row.collateral)
    const group = users.get(name)
    if (group === undefined) users.set(name, [row])
    else group.push(row)
  }
  return [...users.values()].flatMap((group): ReadonlyArray<Conflict> => {
    const collateral = group[0]?.collateral
    return collateral === undefined || group.length < 2
      ? []
      : [{ _tag: "OneCollateral", collateral, keys: group.map(({ key }) => key).toSorted() }]
  })
}

const noCounts = (): Record<State, Record<Tier, number>> => {
  const zero = () => ({ free: 0, bronze: 0, silver: 0, gold: 0 })
  return { live: zero(), known: zero(), expired: zero() }
}

const rowOf = (entry: Registry.Entry, isContested: boolean, now: number): MasternodeRow => {
  const { at, collateral, ip, key, port, tier } = entry.announcement.claim
  return {
    ip,
    key,
    port,
    tier,
    state: stateOf(entry, now),
    proof: entry.isProven ? "proved" : "signed",
    isConnected: entry.connections.size > 0,
    isSelf: entry.connections.has("self"),
    witnesses: Witness.groups(entry.witnesses, now),
    announcedAt: at,
    collateral,
    isContested
  }
}

/** The row of a masternode that only TIME network peers report. They name no port, so it has the network's. */
const toldRow = (place: ToldMasternodes.Place, isContested: boolean, now: number): MasternodeRow | undefined => {
  const claim = ToldMasternodes.holder(place, now)
  if (claim === undefined) return undefined
  const { collateral, ip, key, tier } = claim.hearsay
  return {
    ip,
    key,
    port: 0,
    tier,
    state: ToldMasternodes.stateOf(place, now),
    proof: claim.isAnnounced ? "announced" : "told",
    isConnected: place.connection !== undefined,
    isSelf: false,
    witnesses: Witness.groups(place.witnesses, now),
    announcedAt: claim.heard.wall,
    collateral,
    isContested
  }
}

const standing: ReadonlyArray<State> = ["expired", "known", "live"]

/** Which of two wins an IP: the live one, then the better proven one. So a stranger's signature alone displaces no masternode. */
const isBetter = (a: MasternodeRow, b: MasternodeRow): boolean =>
  a.state === b.state
    ? proofs.indexOf(a.proof) > proofs.indexOf(b.proof)
    : standing.indexOf(a.state) > standing.indexOf(b.state)

/** The masternode that wins an IP, and the keys that claim the IP. */
const rowAt = (
  registry: Registry.MasternodeRegistry,
  ip: PeerIp.PeerIp,
  now: number
): { readonly row: MasternodeRow; readonly conflicts: ReadonlyArray<Conflict> } | undefined => {
  const held = holders(registry, Registry.entriesAt(registry, ip), now)
  const [holder] = held
  const conflicts = ipConflict(held, now)
  const signed = holder === undefined ? undefined : rowOf(holder, conflicts.length > 0, now)
  const place = Option.getOrUndefined(HashMap.get(registry.told, ip))
  const told = place === undefined ? undefined : toldRow(place, conflicts.length > 0, now)
  const row = signed === undefined || (told !== undefined && isBetter(told, signed)) ? told : signed
  return row === undefined ? undefined : { row, conflicts }
}

/** All IPs in order; parses the bytes of each once. */
const ips = ({ entries, told }: Registry.MasternodeRegistry): ReadonlyArray<PeerIp.PeerIp> =>
  [...new Set([...HashMap.keys(entries), ...HashMap.keys(told)])]
    .map((ip) => [hexText(PeerIp.toBytes(ip)), ip] as const)
    .toSorted(([a], [b]) => byText(a, b))
    .map(([, ip]) => ip)

/** `now`: monotonic ms. */
export const report = (registry: Registry.MasternodeRegistry, now: number): MasternodeReport => {
  const masternodes: Array<MasternodeRow> = []
  const conflicts: Array<Conflict> = []
  const counts = noCounts()
  for (const ip of ips(registry)) {
    const at = rowAt(registry, ip, now)
    if (at === undefined) continue
    masternodes.push(at.row)
    conflicts.push(...at.conflicts)
    counts[at.row.state][at.row.tier] += 1
  }
  for (const key of [...registry.keys].map(([key]) => key).toSorted()) {
    conflicts.push(...keyConflict(registry, key, now))
  }
  conflicts.push(...collateralConflicts(masternodes))
  return { masternodes, counts, conflicts }
}

/** Masternodes of a state, of all tiers. */
export const total = (counts: Counts, state: State): number => tiers.reduce((sum, tier) => sum + counts[state][tier], 0)

/** The masternodes that are live at `now`, one per IP, unordered. Cheap if few are live, however many are only claimed. */
export const live = (registry: Registry.MasternodeRegistry, now: number): ReadonlyArray<MasternodeRow> => {
  const found = new Map<PeerIp.PeerIp, MasternodeRow>()
  const look = (ip: PeerIp.PeerIp): void => {
    const row = rowAt(registry, ip, now)?.row
    if (row?.state === "live") found.set(ip, row)
  }
  for (const [ip, entries] of registry.entries) if (entries.some((entry) => isLive(entry, now))) look(ip)
  for (const [ip, place] of registry.told) if (ToldMasternodes.stateOf(place, now) === "live") look(ip)
  return [...found.values()]
}

/** The conflicts that involve an entry. */
export const conflictsOf = (
  registry: Registry.MasternodeRegistry,
  ip: PeerIp.PeerIp,
  key: Key,
  now: number
): ReadonlyArray<Conflict> => [
  ...ipConflict(holders(registry, Registry.entriesAt(registry, ip), now), now),
  ...keyConflict(registry, key, now)
]
