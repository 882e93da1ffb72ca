/**
 * At which addresses the peers see this node: each Hello names the receiver's address as its sender dialled or observed it.
 *
 * **Votes.** Nothing proves what a Hello says, and addresses cost an attacker little: netgroups do. So each netgroup has one vote per scope, the
 * address that most of its peers name. An address is *confirmed* when `Limits.ownAddressGroups` netgroups name it and they are more than half
 * of those that vote. What is confirmed is shown and told to peers; it never keeps this node from dialling that address, so a lie costs no
 * peer.
 *
 * **Scopes.** A host has one address per family towards the internet, another one in its private network and another on itself: those do not
 * contradict one another.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"
import type { Reachable } from "./Reach.ts"

/** What one connected peer says. */
export interface Observation {
  readonly from: PeerIp.PeerIp
  /** This node's address, as that peer sees it. */
  readonly seen: PeerIp.PeerIp
}

/** The votes of one scope. */
export interface Seen {
  /** Named by most netgroups. */
  readonly ip: PeerIp.PeerIp
  /** Netgroups that name it, and those that vote. */
  readonly groups: number
  readonly of: number
  /** Named by at least two netgroups as well, the most frequent first. */
  readonly others: ReadonlyArray<PeerIp.PeerIp>
}

export const scopeOf = (ip: PeerIp.PeerIp): string => `${PeerIp.classOf(ip)} ${PeerIp.isIpv6(ip) ? "IPv6" : "IPv4"}`

/** Most first, then the lower address: the same whatever the order of the votes. */
const ranked = (counts: ReadonlyMap<PeerIp.PeerIp, number>): ReadonlyArray<readonly [PeerIp.PeerIp, number]> =>
  [...counts].toSorted(([a, x], [b, y]) => y - x || PeerIp.compare(a, b))

const add = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

/** The votes, scope by scope: routable addresses first, IPv4 before IPv6. */
export const count = (observations: Iterable<Observation>): ReadonlyArray<Seen> => {
  /** By scope and voter: how many of its peers name each address. */
  const scopes = new Map<string, Map<string, Map<PeerIp.PeerIp, number>>>()
  for (const { from, seen } of observations) {
    const scope = scopeOf(seen)
    const groups = scopes.get(scope) ?? new Map<string, Map<PeerIp.PeerIp, number>>()
    scopes.set(scope, groups)
    const voter = PeerIp.operatorOf(from)
    const named = groups.get(voter) ?? new Map<PeerIp.PeerIp, number>()
    groups.set(voter, named)
    add(named, seen)
  }
  const all: Array<Seen> = []
  for (const groups of scopes.values()) {
    const votes = new Map<PeerIp.PeerIp, number>()
    for (const named of groups.values()) {
      const [first] = ranked(named)
      if (first !== undefined) add(votes, first[0])
    }
    const [most, ...rest] = ranked(votes)
    if (most === undefined) continue
    const others = rest.filter(([, votes]) => votes >= 2).map(([ip]) => ip)
    all.push({ ip: most[0], groups: most[1], of: groups.size, others })
  }
  return all.toSorted((a, b) => rankOf(a.ip) - rankOf(b.ip))
}

const classes: ReadonlyArray<PeerIp.IpClass> = ["routable", "private", "loopback", "special"]
const rankOf = (ip: PeerIp.PeerIp): number => 2 * classes.indexOf(PeerIp.classOf(ip)) + (PeerIp.isIpv6(ip) ? 1 : 0)

/** More than half of those that vote name it, however few they are. */
export const isMajority = ({ groups, of }: Seen): boolean => 2 * groups > of

export const isConfirmed = (seen: Seen): boolean => seen.groups >= Limits.ownAddressGroups && isMajority(seen)

/** The confirmed addresses. */
export const confirmed = (all: ReadonlyArray<Seen>): ReadonlyArray<PeerIp.PeerIp> =>
  all.filter(isConfirmed).map(({ ip }) => ip)

/** What an operator should know of this node's own address, of a closed list. `OwnAddressText` has the words. */
export const notices = [
  "unseen",
  "unconfirmed",
  "disagreement",
  "mismatch",
  "translated",
  "several",
  "second-node",
  "unreachable"
] as const
export type Notice = typeof notices[number]

/** What is known beside the votes. */
export interface Facts {
  /** By `--advertise`, or a specific `--listen` IP. */
  readonly announced: PeerIp.PeerIp | undefined
  /** Of this host's interfaces; `undefined`: not known. */
  readonly host: ReadonlyArray<PeerIp.PeerIp> | undefined
  readonly reachable: Reachable
  /** A peer found another process behind this node's address. */
  readonly hasSecondNode: boolean
  /** The addresses that the votes confirmed last. */
  readonly confirmed: ReadonlyArray<PeerIp.PeerIp>
}

/** How this node stands with its own address. */
export interface OwnView {
  /** As announced, else as confirmed, else as most peers see it. */
  readonly ip: PeerIp.PeerIp | undefined
  readonly isConfirmed: boolean
  readonly seen: ReadonlyArray<Seen>
  readonly reachable: Reachable
  readonly notices: ReadonlyArray<Notice>
}

/** What is announced; but a router gives a node in a private network another address towards the internet. */
const best = (seen: ReadonlyArray<Seen>, { announced, confirmed }: Facts): PeerIp.PeerIp | undefined => {
  if (announced !== undefined && PeerIp.classOf(announced) !== "private") return announced
  const outside = seen.find((votes) => PeerIp.classOf(votes.ip) === "routable" && isMajority(votes))
  const known = [...confirmed].toSorted((a, b) => rankOf(a) - rankOf(b))[0]
  if (announced !== undefined) {
    return known !== undefined && PeerIp.classOf(known) === "routable" ? known : outside?.ip ?? announced
  }
  return known ?? seen.find(isMajority)?.ip
}

/** What the votes and the facts say together. */
export const view = (seen: ReadonlyArray<Seen>, facts: Facts): OwnView => {
  const { announced, host, reachable } = facts
  const ip = best(seen, facts)
  const here = ip === undefined ? seen[0] : seen.find((votes) => scopeOf(votes.ip) === scopeOf(ip))
  const found = new Set<Notice>()
  if (seen.length === 0) found.add("unseen")
  else if (here !== undefined && !isMajority(here)) found.add("disagreement")
  else if (here !== undefined && here.ip !== ip && isMajority(here)) found.add("mismatch")
  else if (ip !== announced && (here === undefined || !isConfirmed(here))) found.add("unconfirmed")
  if (seen.some(({ others }) => others.length > 0)) found.add("several")
  const isTranslated = ip !== undefined && PeerIp.classOf(ip) === "routable" && host !== undefined && !host.includes(ip)
  if (isTranslated) found.add("translated")
  if (facts.hasSecondNode) found.add("second-node")
  if (reachable === "no") found.add("unreachable")
  return {
    ip,
    isConfirmed: ip !== undefined && here !== undefined && here.ip === ip && isConfirmed(here),
    seen,
    reachable,
    notices: notices.filter((notice) => found.has(notice))
  }
}
