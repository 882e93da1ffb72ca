/**
 * The addresses at which peers see this node: each Hello names the receiver's address as its sender dialled or observed it.
 *
 * **Votes.** Nothing proves a Hello's claims. Addresses cost an attacker little, but netgroups do not. So each netgroup has one vote per
 * scope: the address that most of its peers name. An address is *confirmed* when `Limits.ownAddressGroups` netgroups name it and they are
 * more than half of those that vote. A confirmed address is shown and advertised to peers. It never keeps this node from dialling that
 * address, so a lie costs no peer.
 *
 * **Scopes.** A host has one address per family towards the internet, another in its private network and another on itself. These do not
 * contradict one another.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"
import type { Reachable } from "./Reach.ts"

/** What one connected peer reports. */
export interface Observation {
  readonly from: PeerIp.PeerIp
  /** This node's address, as that peer sees it. */
  readonly seen: PeerIp.PeerIp
}

/** The votes in one scope. */
export interface Seen {
  /** The address that most netgroups name. */
  readonly ip: PeerIp.PeerIp
  /** Netgroups that name it, and all that vote. */
  readonly groups: number
  readonly of: number
  /** Other addresses that at least two netgroups name, the most frequent first. */
  readonly others: ReadonlyArray<PeerIp.PeerIp>
}

export const scopeOf = (ip: PeerIp.PeerIp): string => `${PeerIp.classOf(ip)} ${PeerIp.isIpv6(ip) ? "IPv6" : "IPv4"}`

/** Most first, then the lower address, so that the order of votes does not matter. */
const ranked = (counts: ReadonlyMap<PeerIp.PeerIp, number>): ReadonlyArray<readonly [PeerIp.PeerIp, number]> =>
  [...counts].toSorted(([a, x], [b, y]) => y - x || PeerIp.compare(a, b))

/** The first of `ranked`, without an order of the others: most groups have one peer, and a status asks for this twice. */
const first = (counts: ReadonlyMap<PeerIp.PeerIp, number>): PeerIp.PeerIp | undefined => {
  let [best, most]: [PeerIp.PeerIp | undefined, number] = [undefined, 0]
  for (const [ip, count] of counts) {
    if (best === undefined || count > most || (count === most && PeerIp.compare(ip, best) < 0)) {
      ;[best, most] = [ip, count]
    }
  }
  return best
}

const add = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1)

/** The votes, scope by scope: routable addresses first, IPv4 before IPv6. */
export const count = (observations: Iterable<Observation>): ReadonlyArray<Seen> => {
  /** By scope and voter: how many of its peers name each address. */
  const scopes = new Map<string, Map<string, Map<PeerIp.PeerIp, number>>>()
  /** Nearly all peers name the same address. */
  const scopeOfAddress = new Map<PeerIp.PeerIp, string>()
  for (const { from, seen } of observations) {
    const scope = scopeOfAddress.get(seen) ?? scopeOf(seen)
    scopeOfAddress.set(seen, scope)
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
      const choice = first(named)
      if (choice !== undefined) add(votes, choice)
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

/** Whether more than half of those that vote name it, however few they are. */
export const isMajority = ({ groups, of }: Seen): boolean => 2 * groups > of

export const isConfirmed = (seen: Seen): boolean => seen.groups >= Limits.ownAddressGroups && isMajority(seen)

/** The confirmed addresses. */
export const confirmed = (all: ReadonlyArray<Seen>): ReadonlyArray<PeerIp.PeerIp> =>
  all.filter(isConfirmed).map(({ ip }) => ip)

/** What an operator should know about this node's own address: a closed list. `OwnAddressText` has the wording. */
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

/** What is known besides the votes. */
export interface Facts {
  /** From `--advertise`, or a specific `--listen` IP. */
  readonly announced: PeerIp.PeerIp | undefined
  /** Addresses of this host's interfaces; `undefined` if not known. */
  readonly host: ReadonlyArray<PeerIp.PeerIp> | undefined
  readonly reachable: Reachable
  /** A peer found another process behind this node's address. */
  readonly hasSecondNode: boolean
  /** The addresses that the votes last confirmed. */
  readonly confirmed: ReadonlyArray<PeerIp.PeerIp>
}

/** State of this node's own address. */
export interface OwnView {
  /** The advertised address, else the confirmed one, else the one most peers see. */
  readonly ip: PeerIp.PeerIp | undefined
  readonly isConfirmed: boolean
  readonly seen: ReadonlyArray<Seen>
  readonly reachable: Reachable
  readonly notices: ReadonlyArray<Notice>
}

/** The advertised address, except that behind a router a node in a private network has another address towards the internet. */
const best = (seen: ReadonlyArray<Seen>, { announced, confirmed }: Facts): PeerIp.PeerIp | undefined => {
  if (announced !== undefined && PeerIp.classOf(announced) !== "private") return announced
  const outside = seen.find((votes) => PeerIp.classOf(votes.ip) === "routable" && isMajority(votes))
  const known = [...confirmed].toSorted((a, b) => rankOf(a) - rankOf(b))[0]
  if (announced !== undefined) {
    return known !== undefined && PeerIp.classOf(known) === "routable" ? known : outside?.ip ?? announced
  }
  return known ?? seen.find(isMajority)?.ip
}

/** Combines votes and facts. */
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
    isConfirmed: here !== undefined && here.ip === ip && isConfirmed(here),
    seen,
    reachable,
    notices: notices.filter((notice) => found.has(notice))
  }
}
