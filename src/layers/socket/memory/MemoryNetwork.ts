/**
 * `PeerSocket` inside one process, with the faults of real networks: for tests and simulation.
 *
 * A network joins hosts, each with one or more IPs. All time comes from the `Clock` and all randomness from the `Random` current where the
 * layer is built. So a run under `TestClock` and `Random.withSeed` (both around the layer too) is reproducible. Faults happen at once; their
 * effects take the links' time.
 *
 * **Model.** A dial is SYN, SYN-ACK, ACK: the dialler is connected after a round trip, the acceptor half a round trip later. No listener:
 * refused after a round trip. An IP without a host: silence until the dial's timeout. Closing with bytes unread, or bytes that arrive at a
 * closed end, cause a reset, which destroys what the other end has not read. Arrival is at whole milliseconds, rounded up; due times keep
 * their fractions. Not modelled: acknowledgements (a window opens as soon as the reader pulls), retransmission timers, and giving up after
 * minutes.
 *
 * **Processes.** After `crash` or `drop`, everything made through the host's `PeerSocket` hangs until its scopes close, as a dead process
 * does. Call `host` (or `layerHost`) again for the next process.
 */
import { Clock, Context, Effect, FiberSet, Layer, Random } from "effect"
import type { PeerIp } from "../../../domain/peer/PeerIp.ts"
import { PeerSocket } from "../../../services/PeerSocket.ts"
import * as AlarmClock from "../../time/AlarmClock.ts"
import { Fabric } from "./MemoryFabric.ts"
import type { Connection } from "./MemoryFabric.ts"
import type { HostTls } from "./MemoryHost.ts"
import { Timers } from "./MemoryLink.ts"
import type { LinkOptions } from "./MemoryLink.ts"

export type { Connection } from "./MemoryFabric.ts"
export type { HostTls } from "./MemoryHost.ts"
export type { LinkOptions } from "./MemoryLink.ts"

/** `oneWay`: only from the first IP to the second; otherwise both directions. */
export interface Direction {
  readonly oneWay?: boolean | undefined
}

const directed = (
  a: PeerIp,
  b: PeerIp,
  direction: Direction | undefined,
  f: (from: PeerIp, to: PeerIp) => void
): Effect.Effect<void> =>
  Effect.sync(() => {
    f(a, b)
    if (direction?.oneWay !== true) f(b, a)
  })

export class MemoryNetwork extends Context.Service<MemoryNetwork, {
  /**
   * A `PeerSocket` for the process that runs on the host with these IPs. The first call for an IP creates the host; later calls may add IPs. It
   * dials from its first IP of the target's family unless `from` is given; families can be mixed.
   */
  readonly host: (ip: PeerIp, ...more: ReadonlyArray<PeerIp>) => PeerSocket["Service"]
  /** Changes every link, present and future, except options that `setLink` has set. */
  readonly setDefaults: (change: Partial<LinkOptions>) => Effect.Effect<void>
  /** Changes the links between two IPs. */
  readonly setLink: (
    from: PeerIp,
    to: PeerIp,
    change: Partial<LinkOptions>,
    direction?: Direction
  ) => Effect.Effect<void>
  /** Stops all arrivals without losing anything: bytes, resets and dials wait for `heal`. Data that had arrived can be read. */
  readonly cut: (a: PeerIp, b: PeerIp, direction?: Direction) => Effect.Effect<void>
  /** Undoes `cut`. What would have arrived in the meantime arrives now. */
  readonly heal: (a: PeerIp, b: PeerIp, direction?: Direction) => Effect.Effect<void>
  /** The host's connections use TLS from now on, in name only: nothing is encrypted. `undefined`: plain, the initial state. */
  readonly secure: (ip: PeerIp, tls: HostTls | undefined) => Effect.Effect<void>
  /** Dials to `ip` are refused, even while a node listens. Existing connections stay. */
  readonly refuse: (ip: PeerIp) => Effect.Effect<void>
  /** Dials to `ip` get no answer until their timeout, like a host behind NAT. From one IP only, if `from` is given. */
  readonly block: (ip: PeerIp, from?: PeerIp) => Effect.Effect<void>
  /** Undoes `refuse(ip)` and `block(ip, from)`. */
  readonly allow: (ip: PeerIp, from?: PeerIp) => Effect.Effect<void>
  /** Resets connections between two hosts at both ends, at once: unread bytes are lost. Returns how many. */
  readonly reset: (a: PeerIp, b: PeerIp, which?: (connection: Connection) => boolean) => Effect.Effect<number>
  /** Resets connections between two hosts once the second has read `bytes` more of what the first wrote. Returns how many. */
  readonly resetAfter: (from: PeerIp, to: PeerIp, bytes: number) => Effect.Effect<number>
  /** While held, the host's process reads nothing that arrives; a new process starts reading again. It still writes. */
  readonly holdReads: (ip: PeerIp, held: boolean) => Effect.Effect<void>
  /** The host's process dies; its kernel closes the connections (FIN, or a reset if bytes were unread) and ports. */
  readonly crash: (ip: PeerIp) => Effect.Effect<void>
  /** The host vanishes silently: its connections stay open at the other ends, and nothing is answered. */
  readonly drop: (ip: PeerIp) => Effect.Effect<void>
  /** The dropped host is back, without connections: bytes sent on old ones are answered with a reset. */
  readonly restore: (ip: PeerIp) => Effect.Effect<void>
  /** Connections that at least one end holds, oldest first. */
  readonly connections: Effect.Effect<ReadonlyArray<Connection>>
}>()("timemesh/layers/socket/memory/MemoryNetwork") {
  /** Each build has its own network; all links are perfect until changed. */
  static readonly layer = Layer.effect(
    MemoryNetwork,
    Effect.gen(function*() {
      const runFork = yield* FiberSet.makeRuntime<never>()
      const clock = yield* Clock.Clock
      const timers = new Timers(clock, AlarmClock.of(clock, (effect) => runFork(effect)))
      const network = new Fabric(timers, yield* Random.Random)
      return MemoryNetwork.of({
        host: (ip, ...more) => {
          const host = network.host(ip)
          for (const other of more) network.addTo(host, other)
          return network.peerSocket(host)
        },
        setDefaults: (change) => Effect.sync(() => network.setDefaults(change)),
        setLink: (a, b, change, direction) =>
          directed(a, b, direction, (from, to) => network.setLink(from, to, change)),
        cut: (a, b, direction) => directed(a, b, direction, (from, to) => network.cut(from, to)),
        heal: (a, b, direction) => directed(a, b, direction, (from, to) => network.heal(from, to)),
        secure: (ip, tls) =>
          Effect.sync(() => {
            network.host(ip).tls = tls
          }),
        refuse: (ip) => Effect.sync(() => void network.refused.add(ip)),
        block: (ip, from) => Effect.sync(() => void network.unreachable.add(from === undefined ? ip : `${from}>${ip}`)),
        allow: (ip, from) =>
          Effect.sync(() => {
            network.refused.delete(ip)
            network.unreachable.delete(from === undefined ? ip : `${from}>${ip}`)
          }),
        reset: (a, b, which = () => true) => Effect.sync(() => network.reset(a, b, which)),
        resetAfter: (from, to, bytes) => Effect.sync(() => network.resetAfter(from, to, bytes)),
        holdReads: (ip, held) => Effect.sync(() => network.holdReads(network.host(ip), held)),
        crash: (ip) => Effect.sync(() => network.crash(network.host(ip))),
        drop: (ip) => Effect.sync(() => network.drop(network.host(ip))),
        restore: (ip) => Effect.sync(() => network.restore(network.host(ip))),
        connections: Effect.sync(() => network.list())
      })
    })
  )
}

/** The `PeerSocket` of the host with these IPs. A layer value is one process: make a new one for each. */
export const layerHost = (ip: PeerIp, ...more: ReadonlyArray<PeerIp>): Layer.Layer<PeerSocket, never, MemoryNetwork> =>
  Layer.effect(PeerSocket, MemoryNetwork.useSync((network) => network.host(ip, ...more)))
