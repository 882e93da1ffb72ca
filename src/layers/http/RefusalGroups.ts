/** Refusals by netgroup, for the admin API: those of the groups that were refused last, however many groups there are. */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"

/** One netgroup's. `at`: wall time of the latest, ms. */
export interface RefusalGroup {
  readonly netgroup: string
  readonly refused: number
  readonly byReason: Readonly<Record<string, number>>
  readonly at: number
  /** The latest of its addresses. */
  readonly example: string
}

export class RefusalGroups {
  /** That which was refused last stands last. */
  private readonly groups = new Map<string, RefusalGroup>()
  private forgotten = 0
  private readonly most: number

  /** `most`: groups that are kept. */
  constructor(most: number) {
    this.most = most
  }

  add(ip: PeerIp.PeerIp, reason: DisconnectReason.DisconnectReason, at: number): void {
    const netgroup = PeerIp.netgroup(ip)
    const before = this.groups.get(netgroup)
    const label = DisconnectReason.label(reason)
    this.groups.delete(netgroup)
    this.groups.set(netgroup, {
      netgroup,
      refused: (before?.refused ?? 0) + 1,
      byReason: { ...before?.byReason, [label]: (before?.byReason[label] ?? 0) + 1 },
      at,
      example: ip
    })
    if (this.groups.size <= this.most) return
    const [oldest] = this.groups.values()
    if (oldest === undefined) return
    this.groups.delete(oldest.netgroup)
    this.forgotten += oldest.refused
  }

  /** The most refused first; and how many refusals were of groups that are not kept any more. */
  get report(): { readonly groups: ReadonlyArray<RefusalGroup>; readonly others: number } {
    return { groups: [...this.groups.values()].toSorted((a, b) => b.refused - a.refused), others: this.forgotten }
  }
}
