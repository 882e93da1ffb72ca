/**
 * Application messages between simulated nodes, and the promises about them: in order, each at most once, no loss within
 * one connection, and every `send` has an outcome.
 */
import { Context, Effect, Random } from "effect"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { Running, SimulatedNode } from "../SimulatedNode.ts"

/** Channel of this traffic. */
export const trafficChannel = 7

const headBytes = 8

export interface TrafficHost {
  readonly now: () => number
  readonly violated: (invariant: string, detail: string) => void
  /** See `PairWatch.connected`. */
  readonly connected: (node: number) => ReadonlyArray<{ readonly node: number; readonly ip: PeerIp }>
  /** When the node was last disturbed, ms: infinite while it is. */
  readonly disturbedAt: (node: number) => number
}

interface Sending {
  readonly node: SimulatedNode
  readonly to: PeerIp
  readonly since: number
  late: boolean
}

export class Traffic {
  private readonly host: TrafficHost
  private readonly sending = new Set<Sending>()
  private senders = 0
  received = 0

  constructor(host: TrafficHost) {
    this.host = host
  }

  /** Sends and receives until the process ends. */
  start(node: SimulatedNode, { process, scope, services }: Running): void {
    const manager = Context.get(services, ConnectionManager)
    const sender = this.senders++
    /** By node, because its address may change. */
    const sent = new Map<number, number>()
    process.start(
      Effect.forkIn(
        Effect.gen({ self: this }, function*() {
          yield* this.receive(node, manager)
          while (true) {
            yield* Effect.sleep((0.2 + 1.6 * (yield* Random.next)) * SimulationLimits.trafficMs)
            const others = this.host.connected(node.index)
            const other = others[Math.floor((yield* Random.next) * others.length)]
            if (other === undefined) continue
            const { ip: to } = other
            const seq = (sent.get(other.node) ?? 0) + 1
            sent.set(other.node, seq)
            const payload = new Uint8Array(headBytes + Math.floor((yield* Random.next) * SimulationLimits.trafficBytes))
            const head = new DataView(payload.buffer)
            head.setUint32(0, sender)
            head.setUint32(4, seq)
            const sending = { node, to, since: this.host.now(), late: false }
            this.sending.add(sending)
            yield* Effect.ensuring(
              Effect.ignore(manager.send(to, trafficChannel, payload)),
              Effect.sync(() => this.sending.delete(sending))
            )
          }
        }).pipe(Effect.scoped, Effect.ignoreCause),
        scope
      )
    )
  }

  private receive(node: SimulatedNode, manager: ConnectionManager["Service"]) {
    const last = new Map<string, number>()
    const lastOf = new Map<number, number>()
    return Effect.orDie(manager.receive(trafficChannel, (from, payloads) => {
      for (const payload of payloads) {
        this.received += 1
        const head = new DataView(payload.buffer, payload.byteOffset, payload.length)
        const sender = head.getUint32(0)
        const seq = head.getUint32(4)
        const key = `${sender}/${from.connection}`
        const before = last.get(key)
        const ever = lastOf.get(sender) ?? 0
        if (seq <= ever) {
          this.host.violated("messages come once, in order", `node ${node.index}: ${seq} after ${ever} from ${from.ip}`)
        }
        if (before !== undefined && seq !== before + 1) {
          this.host.violated(
            "no message is lost within a connection",
            `node ${node.index}: ${seq} after ${before} from ${from.ip}`
          )
        }
        last.set(key, seq)
        lastOf.set(sender, Math.max(ever, seq))
      }
    }))
  }

  /** The node's process is gone. */
  gone(node: SimulatedNode): void {
    for (const sending of this.sending) if (sending.node === node) this.sending.delete(sending)
  }

  check(): void {
    const now = this.host.now()
    for (const sending of this.sending) {
      const since = Math.max(sending.since, this.host.disturbedAt(sending.node.index))
      if (sending.late || now - since < SimulationLimits.sendMs) continue
      sending.late = true
      this.host.violated(
        "nothing waits for ever",
        `node ${sending.node.index}: a send to ${sending.to} for ${Math.round((now - since) / 1_000)} s`
      )
    }
  }
}
