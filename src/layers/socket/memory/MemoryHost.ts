/** One host on `MemoryNetwork`: its addresses, ports, listeners, and the process that runs on it. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { SocketServer } from "effect/socket"
import type { PeerAddress } from "../../../domain/peer/PeerAddress.ts"
import * as PeerAddresses from "../../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../../domain/peer/PeerIp.ts"
import type { Accepted, Listener } from "../../../services/PeerSocket.ts"
import { Acceptor } from "../Acceptor.ts"
import { listenError, systemError } from "../socketErrors.ts"
import type { MemoryEnd } from "./MemoryEnd.ts"

/** First and last port for dials and for `listen` with port 0 (IANA's dynamic ports). */
const firstPort = 49152
const lastPort = 65535

/** An accepted connection, with its end. */
export type Arrival = Accepted & { readonly end: MemoryEnd }

/** One run of a program on a host. */
export interface Process {
  gone: boolean
}

class Bound {
  readonly at: PeerAddress
  readonly acceptor = new Acceptor<Arrival>(({ end }) => end.close())
  /** Connections are taken in the process's event loop, not in the network's. */
  private turn: ((f: () => void) => void) | undefined

  constructor(at: PeerAddress) {
    this.at = at
  }

  readonly run: Listener["run"] = (handler, door, anteroom) =>
    Effect.withFiber((fiber) => {
      this.turn = (f) => fiber.currentDispatcher.scheduleTask(f, 0)
      return this.acceptor.run(handler, door, anteroom)
    })

  offer(arrival: Arrival): void {
    if (this.turn === undefined) this.acceptor.offer(arrival)
    else this.turn(() => this.take(arrival))
  }

  private take(arrival: Arrival): void {
    if (this.acceptor.admits(arrival.remote.ip) === "refused") arrival.end.turnAway()
    else this.acceptor.offer(arrival)
  }
}

export const isIpv6 = (ip: PeerIp): boolean => ip.includes(":")

/** Whether a listener on `bound` takes dials to `ip`. `::` takes both families, as on Linux. */
const covers = (bound: PeerIp, ip: PeerIp): boolean =>
  bound === ip || bound === "::" || (bound === "0.0.0.0" && !isIpv6(ip))

/** A host's TLS identity, in name only: nothing is encrypted. */
export interface HostTls {
  /** The ALPN protocol it offers and accepts. Without one it negotiates nothing, like a TIME-network node. */
  readonly protocol?: string | undefined
  /** Its certificate's key: SHA-256 as hex. */
  readonly key?: string | undefined
  /** Whether it accepts a TCP connection from there; otherwise it hangs up before TLS. Asked once per connection. */
  readonly admits?: ((from: PeerAddress) => boolean) | undefined
}

export class Host {
  /** If set, its connections use TLS where the other end's do. */
  tls: HostTls | undefined = undefined
  readonly ips: Array<PeerIp> = []
  /** The running process. A `PeerSocket` belongs to one process, and hangs once it is gone. */
  process: Process = { gone: false }
  /** The host is down: what is sent to it is lost. */
  down = false
  /** The process reads nothing that arrives. */
  readsHeld = false
  private listeners: Array<Bound> = []
  private readonly usedPorts = new Set<number>()
  private nextPort = firstPort

  owns(ip: PeerIp): boolean {
    return this.ips.includes(ip)
  }

  /** The address to dial `to` from: the first of its family, else the first. */
  sourceFor(to: PeerIp): PeerIp | undefined {
    return this.ips.find((ip) => isIpv6(ip) === isIpv6(to)) ?? this.ips[0]
  }

  takePort(): number {
    while (this.usedPorts.has(this.nextPort)) this.nextPort = this.nextPort === lastPort ? firstPort : this.nextPort + 1
    const port = this.nextPort
    this.usedPorts.add(port)
    this.nextPort = port === lastPort ? firstPort : port + 1
    return port
  }

  freePort(port: number): void {
    this.usedPorts.delete(port)
  }

  /** The listener for connections to `to`. Listeners never overlap. */
  listenerAt(to: PeerAddress): { readonly offer: (arrival: Arrival) => void } | undefined {
    return this.listeners.find(({ at }) => at.port === to.port && covers(at.ip, to.ip))
  }

  /** Implements `PeerSocket.listen` for the given process of this host. */
  listen(at: PeerAddress, process: Process): Effect.Effect<Listener, SocketServer.SocketServerError, Scope.Scope> {
    const fail = (code: string) => Effect.fail(listenError(systemError(code, `listen ${PeerAddresses.format(at)}`)))
    return Effect.suspend(() => {
      if (process.gone) return Effect.never
      if (at.ip !== "::" && at.ip !== "0.0.0.0" && !this.owns(at.ip)) return fail("EADDRNOTAVAIL")
      const taken = this.listeners.some((other) =>
        other.at.port === at.port && (covers(other.at.ip, at.ip) || covers(at.ip, other.at.ip))
      )
      if (taken) return fail("EADDRINUSE")
      return Effect.acquireRelease(
        Effect.sync(() => {
          const bound = new Bound(at.port === 0 ? { ip: at.ip, port: this.takePort() } : at)
          this.usedPorts.add(bound.at.port)
          this.listeners.push(bound)
          return bound
        }),
        (bound) => Effect.sync(() => this.unbind(bound))
      ).pipe(Effect.map((bound) => ({ address: bound.at, run: bound.run })))
    })
  }

  private unbind(bound: Bound): void {
    if (!this.listeners.includes(bound)) return // its process is gone
    this.listeners = this.listeners.filter((other) => other !== bound)
    this.freePort(bound.at.port)
    bound.acceptor.close()
  }

  /** The process ends silently; the next one starts with free ports. */
  endProcess(): void {
    this.process.gone = true
    this.process = { gone: false }
    this.readsHeld = false
    for (const { at } of this.listeners) this.freePort(at.port)
    this.listeners = []
  }
}
