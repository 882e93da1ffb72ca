/**
 * The links of a simulated network, each with the combined effect of the faults on it. A fault that ends undoes only its own
 * part.
 */
import { Effect } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { LinkOptions, MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"

/** A link without faults: ms, bytes. */
export interface LinkNature {
  readonly latencyMs: number
  readonly jitterMs: number
  readonly maxChunk: number
}

/** What a fault does to a link. Where several apply, the worst value counts. */
export interface LinkTrouble {
  readonly latencyMs?: number | undefined
  readonly jitterMs?: number | undefined
  /** bytes/s */
  readonly bandwidth?: number | undefined
  readonly cut?: boolean | undefined
}

interface LinkState {
  readonly nature: LinkNature
  readonly troubles: Map<string, LinkTrouble>
  cut: boolean
}

export class Links {
  private readonly network: MemoryNetwork["Service"]
  private readonly ips: (node: number) => ReadonlyArray<PeerIp>
  private readonly links = new Map<string, LinkState>()

  /** `ips`: every address a node has or may have. */
  constructor(network: MemoryNetwork["Service"], ips: (node: number) => ReadonlyArray<PeerIp>) {
    this.network = network
    this.ips = ips
  }

  /** Sets a link's normal properties between two nodes, in both directions. */
  add(a: number, b: number, nature: LinkNature): void {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      this.links.set(`${from}>${to}`, { nature, troubles: new Map(), cut: false })
      this.apply(from, to)
    }
  }

  /** `name`: the fault that causes the trouble. `undefined` ends it. */
  trouble(from: number, to: number, name: string, trouble: LinkTrouble | undefined): void {
    const link = this.links.get(`${from}>${to}`)
    if (link === undefined) return
    if (trouble === undefined) link.troubles.delete(name)
    else link.troubles.set(name, trouble)
    this.apply(from, to)
  }

  private apply(from: number, to: number): void {
    const link = this.links.get(`${from}>${to}`)
    if (link === undefined) return
    const { latencyMs, maxChunk, jitterMs } = link.nature
    const troubles = [...link.troubles.values()]
    const options: LinkOptions = {
      latency: Math.max(latencyMs, ...troubles.map((trouble) => trouble.latencyMs ?? 0)),
      jitter: Math.max(jitterMs, ...troubles.map((trouble) => trouble.jitterMs ?? 0)),
      bandwidth: Math.min(
        Number.POSITIVE_INFINITY,
        ...troubles.map((trouble) => trouble.bandwidth ?? Number.POSITIVE_INFINITY)
      ),
      maxChunk,
      bufferBytes: 256 * 1024
    }
    const cut = troubles.some((trouble) => trouble.cut === true)
    for (const a of this.ips(from)) {
      for (const b of this.ips(to)) {
        Effect.runSync(this.network.setLink(a, b, options, { oneWay: true }))
        if (cut !== link.cut) Effect.runSync(this.network[cut ? "cut" : "heal"](a, b, { oneWay: true }))
      }
    }
    link.cut = cut
  }
}
