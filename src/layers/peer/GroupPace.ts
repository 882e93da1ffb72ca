/**
 * Spreads outbound connections over netgroups. A netgroup without an outbound socket may be dialled at once; the more it has, the longer the
 * next dial waits. So the addresses that one netgroup advertises or holds do not take all places before other netgroups had a turn.
 *
 * **Units**: monotonic ms. **Bounds**: one entry per netgroup with an outbound socket.
 */
import * as Limits from "../../domain/Limits.ts"

export class GroupPace {
  private readonly groups = new Map<string, { count: number; at: number }>()

  /** Outbound sockets to the netgroup, including dials in flight. */
  count(group: string): number {
    return this.groups.get(group)?.count ?? 0
  }

  /** ms until the next dial to the netgroup may begin; 0: now. */
  waitMs(group: string, now: number): number {
    const known = this.groups.get(group)
    return known === undefined ? 0 : Math.max(0, known.at + known.count * Limits.sameGroupMs - now)
  }

  /** A dial to an address of the netgroup begins. */
  began(group: string, now: number): void {
    this.groups.set(group, { count: this.count(group) + 1, at: now })
  }

  /** An outbound socket to the netgroup has ended. */
  ended(group: string): void {
    const known = this.groups.get(group)
    if (known === undefined) return
    if (known.count > 1) known.count -= 1
    else this.groups.delete(group)
  }
}
