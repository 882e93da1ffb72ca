/** Real nodes and a way to wait for what they say. */
import { Context, Data, Effect, Exit, Layer, Result, Scope } from "effect"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import { type Network, networks } from "../../src/domain/Network.ts"
import type { NodeEvent } from "../../src/domain/NodeEvent.ts"
import type * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as Node from "../../src/layers/node/Node.ts"
import * as PeerStoreMemory from "../../src/layers/store/PeerStoreMemory.ts"
import { ConnectionManager } from "../../src/services/ConnectionManager.ts"
import { defaultTuning } from "../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"

/** ms. A step of a cycle takes milliseconds; one that takes this long is stuck, however busy the machine. */
const stuckMs = 20_000

/** Something a cycle waits for did not come. */
export class Stuck extends Data.TaggedError("Stuck")<{ readonly waitingFor: string; readonly seen: string }> {
  override get message() {
    return `stuck waiting for ${this.waitingFor}; ${this.seen}`
  }
}

/** A node, and what it has said so far. Rows, connections and everything else are its own. */
export interface TestNode {
  readonly ip: PeerIp.PeerIp
  readonly address: PeerAddress.PeerAddress
  readonly manager: ConnectionManager["Service"]
  /** Peers up now, by its events. */
  readonly up: ReadonlySet<PeerIp.PeerIp>
  readonly counts: { ups: number; downs: number; refused: number; dialsFailed: number }
  /** By label, for the report. */
  readonly reasons: Record<string, number>
  /** Called after every event. */
  readonly watchers: Set<() => void>
  /** Ends the node in order. */
  readonly close: Effect.Effect<void>
}

/** All waits of the pair rules that configuration can shorten are: a cycle must not wait for a redial. */
const tuning = {
  ...defaultTuning,
  graceMs: 1,
  fallbackMs: 1,
  fallbackJitterMs: 1,
  fallbackFirstMs: 1,
  fallbackFirstJitterMs: 1,
  backoffBaseMs: 1,
  backoffMaxMs: 1
}

/** Another network: its nodes are refused as `incompatible`. */
export const foreign: Network = { ...networks.devnet, genesis: "f".repeat(64) }

/** Starts a node on a free port; it lives as long as the scope. */
export const start = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  text: string,
  network: Network = networks.devnet
) {
  const ip = Result.getOrThrow(PeerIp.fromString(text))
  const scope = yield* Scope.fork(yield* Effect.scope)
  const setup = {
    network,
    listen: { ip, port: 0 },
    advertise: undefined,
    peers: [],
    software: "leak",
    tuning
  }
  const context = yield* Node.layer(setup).pipe(
    Layer.provide([Layer.succeed(PeerSocket, sockets), PeerStoreMemory.layer()]),
    Layer.buildWithMemoMap(Layer.makeMemoMapUnsafe(), scope),
    Effect.orDie
  )
  const manager = Context.get(context, ConnectionManager)
  const up = new Set<PeerIp.PeerIp>()
  const counts = { ups: 0, downs: 0, refused: 0, dialsFailed: 0 }
  const reasons: Record<string, number> = {}
  const watchers = new Set<() => void>()
  const bump = (reason: DisconnectReason.DisconnectReason) => {
    const label = DisconnectReason.label(reason)
    reasons[label] = (reasons[label] ?? 0) + 1
  }
  yield* Context.get(context, NodeEvents).listen((event: NodeEvent) => {
    switch (event._tag) {
      case "Up":
        counts.ups += 1
        up.add(event.ip)
        break
      case "Down":
        counts.downs += 1
        up.delete(event.ip)
        bump(event.reason)
        break
      case "Refused":
        counts.refused += 1
        bump(event.reason)
        break
      case "DialFailed":
        counts.dialsFailed += 1
        break
      default:
        return
    }
    for (const look of watchers) look()
  }).pipe(Scope.provide(scope))
  return {
    ip,
    address: manager.address,
    manager,
    up,
    counts,
    reasons,
    watchers,
    close: Scope.close(scope, Exit.void)
  } satisfies TestNode
})

/** Waits until `condition` holds, looking after every event of these nodes. */
export const until = (
  waitingFor: string,
  nodes: ReadonlyArray<TestNode>,
  condition: () => boolean
): Effect.Effect<void, Stuck> =>
  Effect.callback<void>((resume) => {
    const forget = () => {
      for (const { watchers } of nodes) watchers.delete(look)
    }
    const look = () => {
      if (!condition()) return
      forget()
      resume(Effect.void)
    }
    for (const { watchers } of nodes) watchers.add(look)
    look()
    return Effect.sync(forget)
  }).pipe(
    Effect.timeoutOrElse({
      duration: stuckMs,
      orElse: () =>
        Effect.fail(
          new Stuck({
            waitingFor,
            seen: nodes.map(({ counts, ip, up }) => `${ip}: up [${[...up].join(" ")}] ${JSON.stringify(counts)}`).join(
              "; "
            )
          })
        )
    })
  )

export const isUp = (a: TestNode, b: TestNode): boolean => a.up.has(b.ip) && b.up.has(a.ip)
