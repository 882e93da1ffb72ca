/** The parts of `MemoryNetwork`: hosts, links, connections, and the dial that joins them. */
import { Effect, Option } from "effect"
import type { Random } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Socket } from "effect/socket"
import * as Limits from "../../../domain/Limits.ts"
import * as PeerAddresses from "../../../domain/peer/PeerAddress.ts"
import type { PeerAddress } from "../../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../../domain/peer/PeerIp.ts"
import type { Dialled, DialOptions, PeerSocket } from "../../../services/PeerSocket.ts"
import { plain, type Secured } from "../../../services/PeerSocket.ts"
import { within } from "../../time/patience.ts"
import { openError, openTimeout, systemError, writeError } from "../socketErrors.ts"
import type { ConnectionEnd } from "../socketFromEnd.ts"
import { socketFromEnd } from "../socketFromEnd.ts"
import { MemoryEnd } from "./MemoryEnd.ts"
import { Host, type HostTls } from "./MemoryHost.ts"
import { Link, perfect } from "./MemoryLink.ts"
import type { LinkOptions, Timers } from "./MemoryLink.ts"
import { onTurn, Pipe } from "./MemoryPipe.ts"

/** A connection as the network sees it, from the dialler's `connected` until neither end holds it. */
export interface Connection {
  readonly initiator: PeerAddress
  readonly acceptor: PeerAddress
  /** Whether that end still holds it: not closed, not reset, its process alive. */
  readonly initiatorOpen: boolean
  readonly acceptorOpen: boolean
}

interface Joined {
  readonly initiator: MemoryEnd
  readonly acceptor: MemoryEnd
}

/** The end of a dial: exists from the start, connected later. */
class DialledEnd implements ConnectionEnd {
  abandoned = false
  end: MemoryEnd | undefined
  readonly pull = Effect.suspend(() => this.end?.pull ?? Effect.never)

  write(chunks: ReadonlyArray<Uint8Array | string>) {
    return this.end?.write(chunks) ?? Effect.fail(writeError(systemError("ENOTCONN", "not connected")))
  }
  drainTo(sink: (batch: NonEmptyReadonlyArray<Uint8Array>) => void) {
    return this.end?.drainTo(sink) ?? Effect.never
  }
  finish() {
    this.end?.finish()
  }
  close() {
    this.abandoned = true
    this.end?.close()
  }
}

export class Fabric {
  readonly timers: Timers
  private readonly random: Random.Random
  private readonly hosts = new Map<PeerIp, Host>()
  private readonly links = new Map<string, Link>()
  private readonly connections = new Set<Joined>()
  private defaults = perfect
  private readonly changes = new Map<string, Partial<LinkOptions>>()
  readonly refused = new Set<PeerIp>()
  /** Keys: `to`, or `from>to`. */
  readonly unreachable = new Set<string>()

  constructor(timers: Timers, random: Random.Random) {
    this.timers = timers
    this.random = random
  }

  // --- links ----------------------------------------------------------------------

  link(from: PeerIp, to: PeerIp): Link {
    const key = `${from}>${to}`
    let link = this.links.get(key)
    if (link === undefined) {
      link = new Link(from, to, this.timers, this.random)
      link.set({ ...this.defaults, ...this.changes.get(key) })
      this.links.set(key, link)
    }
    return link
  }

  setDefaults(change: Partial<LinkOptions>): void {
    this.defaults = { ...this.defaults, ...change }
    for (const [key, link] of this.links) this.set(link, { ...this.defaults, ...this.changes.get(key) })
  }

  setLink(from: PeerIp, to: PeerIp, change: Partial<LinkOptions>): void {
    const key = `${from}>${to}`
    this.changes.set(key, { ...this.changes.get(key), ...change })
    this.set(this.link(from, to), { ...this.defaults, ...this.changes.get(key) })
  }

  private set(link: Link, options: LinkOptions): void {
    const sooner = link.set(options)
    if (sooner === 1) return
    for (const pipe of this.pipes(link)) pipe.hurry(sooner)
  }

  cut(from: PeerIp, to: PeerIp): void {
    const link = this.link(from, to)
    if (link.cut) return
    for (const pipe of this.pipes(link)) pipe.freeze()
    link.cut = true
  }

  heal(from: PeerIp, to: PeerIp): void {
    const link = this.link(from, to)
    if (!link.cut) return
    link.release()
    for (const pipe of this.pipes(link)) pipe.arm()
  }

  private pipes(link: Link): Array<Pipe> {
    return [...this.connections].flatMap(({ initiator }) =>
      [initiator.outbound, initiator.inbound].filter((pipe) => pipe.link === link)
    )
  }

  // --- hosts ----------------------------------------------------------------------

  /** The host of `ip`, created on first use. */
  host(ip: PeerIp): Host {
    let host = this.hosts.get(ip)
    if (host === undefined) {
      host = new Host()
      this.addTo(host, ip)
    }
    return host
  }

  addTo(host: Host, ip: PeerIp): void {
    if (host.owns(ip)) return
    host.ips.push(ip)
    this.hosts.set(ip, host)
  }

  private ends(host: Host): Array<MemoryEnd> {
    return [...this.connections].flatMap(({ acceptor, initiator }) =>
      [initiator, acceptor].filter((end) => host.owns(end.address.ip))
    )
  }

  crash(host: Host): void {
    host.endProcess()
    for (const end of this.ends(host)) end.crash()
  }

  drop(host: Host): void {
    host.endProcess()
    host.down = true
    for (const end of this.ends(host)) end.vanish()
  }

  restore(host: Host): void {
    if (!host.down) return
    host.down = false
    for (const end of this.ends(host)) end.returned()
  }

  reset(a: PeerIp, b: PeerIp, which: (connection: Connection) => boolean): number {
    const [x, y] = [this.host(a), this.host(b)]
    const hit = [...this.connections].filter((joined) => {
      const [i, j] = [joined.initiator.address.ip, joined.acceptor.address.ip]
      return ((x.owns(i) && y.owns(j)) || (x.owns(j) && y.owns(i))) && which(show(joined))
    })
    for (const { acceptor, initiator } of hit) {
      initiator.reset()
      acceptor.reset()
    }
    return hit.length
  }

  /** Resets after the second host reads the next `bytes` that the first wrote. */
  resetAfter(a: PeerIp, b: PeerIp, bytes: number): number {
    const [x, y] = [this.host(a), this.host(b)]
    let hit = 0
    for (const { acceptor, initiator } of this.connections) {
      for (const [from, to] of [[initiator, acceptor], [acceptor, initiator]] as const) {
        if (!x.owns(from.address.ip) || !y.owns(to.address.ip)) continue
        hit++
        to.inbound.spendAtMost(bytes, () => {
          initiator.reset()
          acceptor.reset()
        })
      }
    }
    return hit
  }

  holdReads(host: Host, held: boolean): void {
    host.readsHeld = held
    for (const end of this.ends(host)) end.holdReads(held)
  }

  list(): Array<Connection> {
    return [...this.connections].map(show)
  }

  // --- dialling -------------------------------------------------------------------

  private connect(
    dialled: DialledEnd,
    from: PeerAddress,
    to: PeerAddress,
    host: Host
  ): Effect.Effect<void, Socket.SocketError> {
    const out = this.link(from.ip, to.ip)
    const back = this.link(to.ip, from.ip)
    const { process } = host
    const lost = () => dialled.abandoned || process.gone
    return onTurn((resume) => {
      out.deliver(() => {
        const target = this.hosts.get(to.ip)
        if (target === undefined || target.down || lost()) return
        if (this.unreachable.has(to.ip) || this.unreachable.has(`${from.ip}>${to.ip}`)) return
        const refused = this.refused.has(to.ip) || target.listenerAt(to) === undefined
        back.deliver(() => {
          if (lost()) return
          if (refused) {
            const cause = systemError("ECONNREFUSED", `connect ${PeerAddresses.format(to)}`)
            return resume(Effect.fail(openError(cause)))
          }
          if (!agrees(host, target, from)) {
            return resume(Effect.fail(openError(systemError("ECONNRESET", `TLS with ${PeerAddresses.format(to)}`))))
          }
          const joined = this.join(from, to, host)
          joined.initiator.holdReads(host.readsHeld)
          joined.acceptor.holdReads(target.readsHeld)
          if (target.down) joined.acceptor.vanish()
          dialled.end = joined.initiator
          resume(Effect.void)
          out.deliver(() => this.accept(joined, target))
        })
      })
      return () => {}
    })
  }

  private join(from: PeerAddress, to: PeerAddress, host: Host): Joined {
    const there = new Pipe(this.link(from.ip, to.ip), this.timers)
    const back = new Pipe(this.link(to.ip, from.ip), this.timers)
    const onChange = () => {
      if (!initiator.open) host.freePort(from.port)
      if (!initiator.open && !acceptor.open) this.connections.delete(joined)
    }
    const initiator = new MemoryEnd(from, back, there, onChange)
    const acceptor = new MemoryEnd(to, there, back, onChange)
    const joined: Joined = { initiator, acceptor }
    MemoryEnd.join(initiator, acceptor)
    this.connections.add(joined)
    return joined
  }

  private accept({ acceptor: end, initiator }: Joined, target: Host): void {
    if (!end.open) return
    const listener = target.listenerAt(end.address)
    if (listener === undefined) {
      end.reset()
      end.outbound.link.deliver(() => initiator.reset())
      return
    }
    const socket = socketFromEnd(
      () => end,
      () => Effect.suspend(() => end.begin() ? Effect.void : Effect.fail(openError(systemError("EPIPE", "closed"))))
    )
    const secured = securedOf(target, this.hosts.get(initiator.address.ip))
    listener.offer({
      end,
      socket,
      remote: initiator.address,
      local: end.address,
      secured,
      onceSpoken: (f, isEnough) => end.onceSpoken(f, isEnough)
    })
  }

  peerSocket(host: Host): PeerSocket["Service"] {
    const { process } = host
    const dial = (to: PeerAddress, { from, timeoutMs = Limits.dialMs }: DialOptions = {}): Effect.Effect<Dialled> =>
      Effect.sync(() => {
        let local: Option.Option<PeerAddress> = Option.none()
        const socket = socketFromEnd(
          () => new DialledEnd(),
          (dialled) =>
            Effect.suspend(() => {
              if (process.gone) return Effect.never
              const ip = from ?? host.sourceFor(to.ip)
              if (ip === undefined || !host.owns(ip)) {
                return Effect.fail(openError(systemError("EADDRNOTAVAIL", `dial from ${ip}`)))
              }
              const address = PeerAddresses.make(ip, host.takePort())
              return within(this.connect(dialled, address, to, host), timeoutMs, () => openTimeout(timeoutMs)).pipe(
                Effect.tap(() => {
                  local = Option.some(address)
                  return Effect.void
                }),
                Effect.onExit(() =>
                  Effect.sync(() => {
                    if (dialled.end === undefined) {
                      dialled.abandoned = true
                      host.freePort(address.port)
                    }
                  })
                )
              )
            })
        )
        const secured = () => securedOf(host, this.hosts.get(to.ip))
        return { socket, local: Effect.sync(() => local), secured: Effect.sync(() => Option.map(local, secured)) }
      })
    return { dial, listen: (at) => host.listen(at, process), addresses: () => host.ips }
  }
}

/** Whether a TLS handshake between the two succeeds. */
const agrees = (dialler: Host, target: Host, from: PeerAddress): boolean =>
  (dialler.tls === undefined) === (target.tls === undefined) && target.tls?.admits?.(from) !== false

/** How one end sees the other secured. */
const securedOf = ({ tls: own }: Host, other: Host | undefined): Secured =>
  own === undefined || other?.tls === undefined ? plain : {
    _tag: "Tls",
    version: "TLSv1.3",
    protocol: agreed(own, other.tls),
    key: other.tls.key
  }

const agreed = (a: HostTls, b: HostTls): string | undefined => a.protocol === b.protocol ? a.protocol : undefined

const show = ({ acceptor, initiator }: Joined): Connection => ({
  initiator: initiator.address,
  acceptor: acceptor.address,
  initiatorOpen: initiator.open,
  acceptorOpen: acceptor.open
})
