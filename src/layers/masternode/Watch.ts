/** Reports changes since its last look: masternodes that became live or ceased to be, and new conflicts. */
import * as Limits from "../../domain/Limits.ts"
import type { Key, Tier } from "../../domain/masternode/Masternode.ts"
import type * as Registry from "../../domain/masternode/MasternodeRegistry.ts"
import * as MasternodeReport from "../../domain/masternode/MasternodeReport.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { MasternodeContext } from "./MasternodeContext.ts"

interface Live {
  readonly key: Key
  readonly tier: Tier
}

export class Watch {
  private live: ReadonlyMap<PeerIp, Live> = new Map()
  /** Conflicts already reported, oldest first. */
  private readonly told = new Set<string>()
  private seen: Registry.MasternodeRegistry | undefined
  private lookedAt = Number.NEGATIVE_INFINITY

  /**
   * Emits the events, and returns the registry without entries that may be forgotten. An unchanged registry is checked rarely: then only
   * the passing of time can end masternodes.
   */
  look(
    context: MasternodeContext,
    withoutForgotten: (registry: Registry.MasternodeRegistry, now: number) => Registry.MasternodeRegistry
  ): Registry.MasternodeRegistry {
    const { monotonic } = context.now()
    const isDue = monotonic - this.lookedAt >= Limits.masternodeLookMs
    if (context.registry === this.seen && !isDue) return context.registry
    this.tellLive(context, monotonic)
    this.tellConflicts(context, monotonic)
    const registry = isDue ? withoutForgotten(context.registry, monotonic) : context.registry
    if (isDue) this.lookedAt = monotonic
    this.seen = registry
    return registry
  }

  private tellLive({ emit, registry }: MasternodeContext, now: number): void {
    const live = new Map(
      MasternodeReport.live(registry, now).map(({ ip, key, tier }) => [ip, { key, tier }] as const)
    )
    for (const [ip, { key }] of this.live) {
      if (live.get(ip)?.key !== key) emit({ _tag: "MasternodeGone", ip, key, others: live.size })
    }
    for (const [ip, { key, tier }] of live) {
      if (this.live.get(ip)?.key !== key) emit({ _tag: "MasternodeLive", ip, key, tier, others: live.size - 1 })
    }
    this.live = live
  }

  private tellConflicts({ changed, emit, registry }: MasternodeContext, now: number): void {
    for (const { ip, key } of changed.values()) {
      for (const conflict of MasternodeReport.conflictsOf(registry, ip, key, now)) {
        const detail = MasternodeReport.describeConflict(conflict)
        if (this.told.has(detail)) continue
        const [oldest] = this.told
        if (this.told.size >= Limits.masternodeConflictsTold && oldest !== undefined) this.told.delete(oldest)
        this.told.add(detail)
        emit({ _tag: "MasternodeConflict", detail })
      }
    }
    changed.clear()
  }
}
