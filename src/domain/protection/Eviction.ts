/**
 * Which inbound peer is evicted for a newcomer when all places are taken, after Bitcoin Core's `SelectNodeToEvict`. Peers that an attacker
 * cannot easily imitate are protected first: a few netgroups by a secret order, the lowest round trips, the latest new blocks, masternodes,
 * and the longest-connected half. Of the rest, the youngest of the netgroup with most peers is evicted. Peers that this node dialled, or
 * the operator named, are not candidates. Pure (docs/decisions/0064).
 *
 * **No churn**: a place changes hands if that makes the peers more diverse, which can happen only so often. It also does if the newcomer
 * says that it has few peers. So a full network of honest nodes, which have enough peers, is stable.
 */
import * as Limits from "../Limits.ts"

/** An inbound peer that is up. Times in monotonic ms. */
export interface Candidate {
  /** The same for all peers of one netgroup. */
  readonly group: string
  /** Hash of the group under a key that only this node has. */
  readonly keyed: number
  /** ms; `undefined` if not measured. */
  readonly leastRttMs: number | undefined
  /** When it last sent a new block. */
  readonly usefulAt: number | undefined
  readonly isMasternode: boolean
  /** Whether it had been well connected before it came. */
  readonly isKnown: boolean
  /** When it came up. */
  readonly since: number
}

export interface Newcomer {
  readonly group: string
  /** Number of connections it reports; `undefined` if it reports none. */
  readonly peers: number | undefined
  /** Whether it had been well connected before. */
  readonly isKnown: boolean
  /** When a peer of its group was last given another's place because it had few. */
  readonly groupHelpedAt: number | undefined
  /** Whether no other newcomer in need precedes it. */
  readonly isItsTurn: boolean
}

/** Whether the newcomer may be given another's place because it has few peers, judged by itself alone. */
export const isInNeed = ({ groupHelpedAt, peers }: Omit<Newcomer, "isItsTurn">, now: number): boolean =>
  peers !== undefined && peers < Limits.enoughPeers &&
  (groupHelpedAt === undefined || now - groupHelpedAt >= Limits.evictionEveryMs)

/** The candidate to evict, and whether only because the newcomer has few peers. `undefined`: none. */
export const choose = <C extends Candidate>(
  candidates: ReadonlyArray<C>,
  newcomer: Newcomer,
  now: number
): { readonly victim: C; readonly isHelp: boolean } | undefined => {
  // A wave of strangers that fills every place must not lock out a known peer until the grace time ends.
  const mayGo = ({ isKnown, since }: C) => now - since >= Limits.evictionGraceMs || (newcomer.isKnown && !isKnown)
  const groups = Map.groupBy(unprotected(candidates).filter(mayGo), ({ group }) => group)
  // Size of each group, protected peers included.
  const sizes = new Map<string, number>()
  for (const { group } of candidates) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  let victim: C | undefined
  let size = 0
  for (const [group, members] of groups) {
    const youngest = members.reduce((a, b) => b.since > a.since ? b : a)
    const of = sizes.get(group) ?? 0
    if (victim === undefined || of > size || (of === size && youngest.since > victim.since)) {
      victim = youngest
      size = of
    }
  }
  if (victim === undefined) return undefined
  if (size >= (sizes.get(newcomer.group) ?? 0) + 2) return { victim, isHelp: false }
  return newcomer.isItsTurn && isInNeed(newcomer, now) ? { victim, isHelp: true } : undefined
}

/** The candidates that no rule protects. */
export const unprotected = <C extends Candidate>(candidates: ReadonlyArray<C>): ReadonlyArray<C> => {
  let left = [...candidates]
  const protect = (most: number, order: (a: C, b: C) => number, which: (candidate: C) => boolean = () => true) => {
    const kept = new Set(left.filter(which).toSorted(order).slice(0, most))
    left = left.filter((candidate) => !kept.has(candidate))
  }
  // An attacker cannot foresee which netgroups these are.
  protect(Limits.evictionGroups, (a, b) => a.keyed - b.keyed)
  // An attacker cannot fake a shorter round trip.
  protect(Limits.evictionNearest, byLess(({ leastRttMs }) => leastRttMs))
  // An attacker would have to be useful.
  protect(
    Limits.evictionUseful,
    byLess(({ usefulAt }) => usefulAt === undefined ? undefined : -usefulAt),
    ({ usefulAt }) => usefulAt !== undefined
  )
  protect(Limits.evictionMasternodes, (a, b) => a.since - b.since, ({ isMasternode }) => isMasternode)
  // An attacker would have had to be there first.
  protect(Math.ceil(left.length / 2), (a, b) => a.since - b.since)
  return left
}

/** Ascending, with unknown values last. */
const byLess = (of: (candidate: Candidate) => number | undefined) => (a: Candidate, b: Candidate): number =>
  (of(a) ?? Number.POSITIVE_INFINITY) - (of(b) ?? Number.POSITIVE_INFINITY) || a.since - b.since
