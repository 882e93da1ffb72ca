/**
 * Whose turn it is among the newcomers that ask a full node for another's place, by netgroup: that of the netgroup which came in the longest ago, or never;
 * among several that never did, by an order that only the node knows. A netgroup that has knocked within `Limits.newcomerWaitMs` is there, and those behind it
 * wait. Mutable, bounded; times in monotonic ms.
 *
 * **Why**: a flood knocks a hundred times as often as a stranger, and would have a hundred times its chance. Here each netgroup has one voice, however many
 * addresses it has and however often they knock. Let `e` places be free to be taken per `Limits.evictionGraceMs`, and `n` other netgroups knock that never came in
 * since the node remembers: a stranger has its turn after at most `n` others, so within `evictionGraceMs × ⌈(n + 1) / e⌉` and one more such time, and at
 * any moment before with the share of the turns that were given.
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
  /** The one that knocked or came in the longest ago first. */
  private readonly groups = new Map<string, Waiting>()

  /** Netgroups that are remembered. */
  get size(): number {
    return this.groups.size
  }

  /** A stranger of the netgroup has a place: its netgroup is the last in turn. */
  cameIn(group: string, now: number): void {
    const order = this.groups.get(group)?.order ?? 0
    putLatest(this.groups, group, { cameInAt: now, order, knockedAt: never }, Limits.evictionGroupsKnown)
  }

  /** Whether any netgroup has knocked and is there: a place that comes free is for the one whose turn it is. */
  isAwaited(now: number): boolean {
    for (const { knockedAt } of this.groups.values()) if (now - knockedAt <= Limits.newcomerWaitMs) return true
    return false
  }

  /** A newcomer of the netgroup asks for a place. Whether it is its turn. `order`: by a key that only the node has. */
  isNext(group: string, order: number, now: number): boolean {
    const before = this.groups.get(group)
    // The first address of a netgroup decides on its order: none is better for having tried many.
    const mine = { cameInAt: before?.cameInAt ?? never, order: before?.order ?? order, knockedAt: now }
    putLatest(this.groups, group, mine, Limits.evictionGroupsKnown)
    for (const other of this.groups.values()) {
      if (now - other.knockedAt <= Limits.newcomerWaitMs && precedes(other, mine)) return false
    }
    return true
  }
}
