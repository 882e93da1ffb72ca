/**
 * Which of the newcomers that ask a full node for another's place has its turn, by netgroup. The netgroup that was last let in longest ago,
 * or never, goes first; among several that never were, a secret order of this node decides. A netgroup that has knocked within
 * `Limits.newcomerWaitMs` is present, and those behind it wait. Mutable, bounded; times in monotonic ms.
 *
 * **Why**: a flood knocks a hundred times as often as a stranger, and would have a hundred times its chance. Here each netgroup has one
 * voice, however many addresses it has and however often they knock. Let `e` places be available per `Limits.evictionGraceMs`. Let `n` be
 * the other netgroups that knock and, as far as the node remembers, were never let in. A stranger has its turn after at most `n` others, so
 * within `evictionGraceMs × ⌈(n + 1) / e⌉` plus one more such time. Before that, its chance is the share of turns already given.
 */
import { putLatest } from "../latest.ts"
import * as Limits from "../Limits.ts"

interface Waiting {
  readonly cameInAt: number
  readonly order: number
  readonly knockedAt: number
}

const never = Number.NEGATIVE_INFINITY

/** Whether `a` has its turn before `b`. */
const precedes = (a: Waiting, b: Waiting): boolean =>
  a.cameInAt < b.cameInAt || (a.cameInAt === b.cameInAt && a.order < b.order)

export class NewcomerTurns {
  /** Ordered by when the netgroup last knocked or was let in, oldest first. */
  private readonly groups = new Map<string, Waiting>()

  /** Number of netgroups remembered. */
  get size(): number {
    return this.groups.size
  }

  /** A stranger of the netgroup got a place: its netgroup is now last in turn. */
  cameIn(group: string, now: number): void {
    const order = this.groups.get(group)?.order ?? 0
    putLatest(this.groups, group, { cameInAt: now, order, knockedAt: never }, Limits.evictionGroupsKnown)
  }

  /** Whether any netgroup is present: a place that comes free is for the one whose turn it is. */
  isAwaited(now: number): boolean {
    for (const { knockedAt } of this.groups.values()) if (now - knockedAt <= Limits.newcomerWaitMs) return true
    return false
  }

  /** A newcomer of the netgroup asks for a place. Returns whether it is its turn. `order`: by a key that only the node has. */
  isNext(group: string, order: number, now: number): boolean {
    const before = this.groups.get(group)
    // The first address of a netgroup fixes its order, so trying many addresses gains nothing.
    const mine = { cameInAt: before?.cameInAt ?? never, order: before?.order ?? order, knockedAt: now }
    putLatest(this.groups, group, mine, Limits.evictionGroupsKnown)
    for (const other of this.groups.values()) {
      if (now - other.knockedAt <= Limits.newcomerWaitMs && precedes(other, mine)) return false
    }
    return true
  }
}
