/** Refusals by netgroup, for the admin API: a bounded number of groups, the most recently refused. */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"

/** Refusals of one netgroup. `at`: wall time of the latest, ms. */
export interface RefusalGroup {
  readonly netgroup: string
  readonly refused: number
  readonly byReason: Readonly<Record<string, number>>
  readonly at: number
  /** The address refused most recently. */
  readonly example: string
}

export class RefusalGroups {
  /** The most recently refused group is last. */
  private readonly groups = new Map<string, RefusalGroup>()
  private readonly most: number

  /** `most`: maximum number of groups kept. */
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
    if (oldest !== undefined) this.groups.delete(oldest.netgroup)
  }

  /** Most refusals first. */
  get report(): ReadonlyArray<RefusalGroup> {
    return [...this.groups.values()].toSorted((a, b) => b.refused - a.refused)
  }
}
