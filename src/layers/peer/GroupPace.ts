/**
 * Spreads outbound connections over netgroups: to one that this node has none to, it may dial at once; to others the more slowly, the more
 * it has. So what one netgroup tells of, or holds, does not take the places before others had their turn.
 *
 * **Units**: monotonic ms. **Bounds**: netgroups with an outbound socket.
 */
import * as Limits from "../../domain/Limits.ts"

export class GroupPace {
  private readonly groups = new Map<string, { count: number; at: number }>()

  /** Outbound sockets to the netgroup, dials under way among them. */
  count(group: string): number {
    return this.groups.get(group)?.count ?? 0
  }

  /** ms until one more dial to the netgroup may begin: 0 now. */
  waitMs(group: string, now: number): number {
    const known = this.groups.get(group)
    return known === undefined ? 0 : Math.max(0, known.at + known.count * Limits.sameGroupMs - now)
  }

  /** A dial to an address of the netgroup begins. */
  began(group: string, now: number): void {
    this.groups.set(group, { count: this.count(group) + 1, at: now })
  }

  /** That socket is gone. */
  ended(group: string): void {
    const known = this.groups.get(group)
    if (known === undefined) return
    if (known.count > 1) known.count -= 1
    else this.groups.delete(group)
  }
}
