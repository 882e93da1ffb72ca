/** Applies a fault to a simulated network, and undoes it. Which pairs the fault excuses is decided elsewhere. */
import { Context, Effect } from "effect"
import * as Limits from "../domain/Limits.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import { ConnectionManager } from "../services/ConnectionManager.ts"
import { branch } from "./ChainJudge.ts"
import * as DaemonFaults from "./DaemonFaults.ts"
import type { Intruders } from "./Intruders.ts"
import type { Links, LinkTrouble } from "./Links.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import type { Fault } from "./plan/Fault.ts"
import type { SimulatedDaemon } from "./SimulatedDaemon.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

export interface FaultWorld {
  readonly time: VirtualTime
  readonly network: MemoryNetwork["Service"]
  readonly links: Links
  readonly intruders: Intruders
  /** The nodes that exist. */
  readonly nodes: ReadonlyMap<number, SimulatedNode>
  readonly daemons: ReadonlyMap<number, SimulatedDaemon>
  /** The node's process has ended: its watchers forget it. */
  readonly gone: (node: SimulatedNode) => void
  /** Calls `f` when the node next sends a ping to one of these addresses, in the same turn; `undefined` cancels. */
  readonly onPing: (node: number, to: ReadonlyArray<PeerIp>, f: (() => void) | undefined) => void
  /** Registers blocks that no producer made. */
  readonly made: (hashes: ReadonlyArray<string>) => void
}

/** Ends the fault. */
export type Undo = () => void

const nothing: Undo = () => {}

/** An application channel that has no receiver. */
export const floodChannel = 8
const floodPayload = new Uint8Array(64 * 1024)

/** Applies `begin` to a node if it exists. */
const on = (world: FaultWorld, index: number, begin: (node: SimulatedNode) => Undo): Undo => {
  const node = world.nodes.get(index)
  return node === undefined ? nothing : begin(node)
}

/** Kills the process; its kernel survives. */
const kill = (world: FaultWorld, node: SimulatedNode): void => {
  Effect.runSync(world.network.crash(node.ip))
  world.intruders.endTwin(node.index)
  node.kill()
  world.gone(node)
}

/** Kills the process after this many statements of its next write. The result restarts it, or does nothing if it never wrote. */
const killInWrite = (world: FaultWorld, node: SimulatedNode, statements: number): Undo => {
  const { disk } = node
  disk.onWrite(statements, () => kill(world, node))
  return () => {
    disk.onWrite(0, undefined)
    node.start()
  }
}

const stall = (node: SimulatedNode): Undo => {
  node.pause()
  return () => node.resume()
}

/** A second process at the peer's address makes the node challenge its connection to the peer; the node stalls at that moment. */
const stallInChallenge = (
  world: FaultWorld,
  node: SimulatedNode,
  { ms, peer }: NonNullable<Extract<Fault, { readonly kind: "stall" }>["challenge"]>
): Undo => {
  let resume = nothing
  const endTwin = on(world, peer, (other) => {
    world.onPing(node.index, other.addresses, () => {
      resume = stall(node)
      world.time.at(world.time.now + ms, () => resume())
    })
    return world.intruders.twin(other)
  })
  return () => {
    world.onPing(node.index, [], undefined)
    resume()
    endTwin()
  }
}

/** Takes the machine down silently; the result boots it. */
const vanish = (world: FaultWorld, node: SimulatedNode): Undo => {
  const { ip } = node
  Effect.runSync(world.network.drop(ip))
  world.intruders.endTwin(node.index)
  node.kill()
  world.gone(node)
  return () => {
    Effect.runSync(world.network.restore(ip))
    node.start()
  }
}

/** Takes the machine down and boots it at each reboot's times; the result boots it for good. */
const crashLoop = (
  world: FaultWorld,
  node: SimulatedNode,
  reboots: Extract<Fault, { readonly kind: "crash-loop" }>["reboots"]
): Undo => {
  let boot = nothing
  for (const { downMs, upMs } of reboots) {
    world.time.at(downMs, () => {
      boot = vanish(world, node)
    })
    world.time.at(upMs, () => boot())
  }
  return () => boot()
}

/** A link, from one node to another. */
type Way = readonly [from: number, to: number]

const bothWays = (a: number, b: number): ReadonlyArray<Way> => [[a, b], [b, a]]

/** Every link to and from one node, or every link of the network. */
const linksOf = (world: FaultWorld, node?: number): ReadonlyArray<Way> => {
  const all = [...world.nodes.keys(), ...world.daemons.keys()]
  return all.flatMap((from) =>
    all.filter((to) => to !== from && (node === undefined || from === node || to === node)).map((to) =>
      [from, to] as const
    )
  )
}

/** Puts these links into this trouble, named after the fault, until undone. */
const trouble = ({ links }: FaultWorld, fault: Fault, ways: ReadonlyArray<Way>, what: LinkTrouble): Undo => {
  const name = nameOf(fault)
  for (const [from, to] of ways) links.trouble(from, to, name, what)
  return () => {
    for (const [from, to] of ways) links.trouble(from, to, name, undefined)
  }
}

const swizzle = (world: FaultWorld, fault: Extract<Fault, { readonly kind: "swizzle" }>): Undo => {
  const undos = fault.links.map(({ a, b, restoreMs, stopMs }) => {
    let undo = nothing
    world.time.at(stopMs, () => {
      undo = trouble(world, fault, bothWays(a, b), { cut: true })
    })
    world.time.at(restoreMs, () => undo())
    return () => undo()
  })
  return () => {
    for (const undo of undos) undo()
  }
}

/** The links that a partition stops. */
const parted = (
  world: FaultWorld,
  { side, way }: Extract<Fault, { readonly kind: "partition" }>
): ReadonlyArray<Way> =>
  linksOf(world).filter(([from, to]) => {
    const leaves = side.includes(from) && !side.includes(to)
    const enters = !side.includes(from) && side.includes(to)
    return (leaves && way !== "in") || (enters && way !== "out")
  })

const reset = (
  world: FaultWorld,
  { a, b, bytes }: Extract<Fault, { readonly kind: "reset" }>
): Undo => {
  const { daemons, network, nodes } = world
  const [from, to] = [a, b].map((index) => (nodes.get(index) ?? daemons.get(index))?.ip)
  if (from === undefined || to === undefined) return nothing
  Effect.runSync(bytes === 0 ? network.reset(from, to) : network.resetAfter(from, to, bytes))
  return () => Effect.runSync(network.resetAfter(from, to, Number.POSITIVE_INFINITY))
}

/** Moves the node to its other address, and back when undone. */
const readdress = (world: FaultWorld, node: SimulatedNode): Undo => {
  const move = (ip: PeerIp) => {
    if (node.running === undefined || node.changing) return
    world.intruders.endTwin(node.index)
    node.stop(() => {
      world.gone(node)
      node.ip = ip
      node.start()
    })
  }
  const [home, away] = node.options.ips
  move(away)
  return () => move(home)
}

/** Writes a branch to the node's disk while the node is down, and restarts the node when undone. */
const fork = (world: FaultWorld, node: SimulatedNode, depth: number, name: string): Undo => {
  if (node.running === undefined || node.changing) return nothing
  kill(world, node)
  const now = Math.floor((world.time.now + world.intruders.wallMs) / 1_000)
  const blocks = node.disk.use((store) => Effect.sync(() => branch(store, depth, name, now)))
  if (blocks !== undefined) {
    world.made(blocks.added.map((block) => block.hash))
    node.disk.use((store) => store.append(blocks.after, blocks.added))
  }
  return () => node.start()
}

const nameOf = ({ id }: Fault): string => `fault ${id}`

export const inject = (world: FaultWorld, fault: Fault): Undo => {
  const { intruders, network, nodes } = world
  const daemon = "node" in fault ? world.daemons.get(fault.node) : undefined
  const atDaemon = daemon === undefined ? undefined : DaemonFaults.inject(world, daemon, fault)
  if (atDaemon !== undefined) return atDaemon
  switch (fault.kind) {
    case "kill":
      return on(world, fault.node, (node) => {
        if (fault.inWrite !== undefined) return killInWrite(world, node, fault.inWrite)
        kill(world, node)
        if (!fault.keepsState) node.wipe()
        return () => node.start()
      })
    case "pause":
      return on(world, fault.node, stall)
    case "stall":
      return on(
        world,
        fault.node,
        (node) => fault.challenge === undefined ? stall(node) : stallInChallenge(world, node, fault.challenge)
      )
    case "vanish":
      return on(world, fault.node, (node) => vanish(world, node))
    case "crash-loop":
      return on(world, fault.node, (node) => crashLoop(world, node, fault.reboots))
    case "cut":
      return trouble(world, fault, fault.oneWay ? [[fault.a, fault.b]] : bothWays(fault.a, fault.b), { cut: true })
    case "partition":
      return trouble(world, fault, parted(world, fault), { cut: true })
    case "clog":
      return trouble(world, fault, bothWays(fault.a, fault.b), { latencyMs: fault.latencyMs })
    case "swizzle":
      return swizzle(world, fault)
    case "storm":
      return trouble(world, fault, linksOf(world), { latencyMs: fault.latencyMs, jitterMs: fault.jitterMs })
    case "narrow":
      return trouble(world, fault, linksOf(world, fault.node), { bandwidth: fault.bandwidth })
    case "reset":
      return reset(world, fault)
    case "refuse":
      return on(world, fault.node, ({ ip }) => {
        Effect.runSync(network.refuse(ip))
        return () => Effect.runSync(network.allow(ip))
      })
    case "jump":
      return on(world, fault.node, (node) => {
        node.jump(fault.ms)
        return () => node.jump(-fault.ms)
      })
    case "drift":
      return on(world, fault.node, (node) => {
        node.drift(fault.rate)
        return () => node.drift(undefined)
      })
    case "slow-reader":
      return on(world, fault.node, (node) => holdReads(network, node.ip))
    case "flood":
      return on(world, fault.to, (to) => {
        const from = nodes.get(fault.from)
        if (from !== undefined) flood(from, to.ip, fault.bytes)
        return holdReads(network, to.ip)
      })
    case "readdress":
      return on(world, fault.node, (node) => readdress(world, node))
    case "twin":
      return on(world, fault.node, (node) => intruders.twin(node))
    case "hostile":
      return on(world, fault.node, (node) => intruders.hostile(fault.how, node, nameOf(fault)))
    case "fork":
      return on(world, fault.node, (node) => fork(world, node, fault.depth, nameOf(fault)))
    case "alias":
      return on(world, fault.node, ({ options: { outer } }) => {
        if (outer !== undefined) { for (const index of fault.told) tell(nodes.get(index), outer) }
        return nothing
      })
  }
}

/** Calls `connect`, as an application does that learns of a peer. */
const tell = (node: SimulatedNode | undefined, ip: PeerIp): void => {
  const running = node?.running
  if (running === undefined) return
  const { address, connect } = Context.get(running.services, ConnectionManager)
  // The call fails once the node has found out that the address is its own.
  running.process.start(Effect.ignore(connect(PeerAddress.make(ip, address.port))))
}

const holdReads = (network: MemoryNetwork["Service"], ip: PeerIp): Undo => {
  Effect.runSync(network.holdReads(ip, true))
  return () => Effect.runSync(network.holdReads(ip, false))
}

/** Sends more than the peer reads: the first half waits for room in the outbox, the rest does not. */
const flood = (from: SimulatedNode, to: PeerIp, bytes: number): void => {
  if (from.running === undefined) return
  const manager = Context.get(from.running.services, ConnectionManager)
  const payloads = Array.from({ length: Math.ceil(bytes / floodPayload.length) }, () => floodPayload)
  const some = payloads.slice(0, Math.floor(Limits.outboxBytes / 2 / floodPayload.length))
  from.running.process.start(
    Effect.ignore(Effect.andThen(manager.sendAll(to, floodChannel, some), manager.sendAll(to, floodChannel, payloads)))
  )
}
