/** Does to a simulated network what a fault says, and undoes it. Which pairs that excuses is not decided here. */
import { Effect } from "effect"
import { Context } from "effect"
import * as Limits from "../domain/Limits.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import { ConnectionManager } from "../services/ConnectionManager.ts"
import { branch } from "./ChainJudge.ts"
import type { Intruders } from "./Intruders.ts"
import type { Links } from "./Links.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import type { Fault } from "./plan/Fault.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

export interface FaultWorld {
  readonly time: VirtualTime
  readonly network: MemoryNetwork["Service"]
  readonly links: Links
  readonly intruders: Intruders
  /** The nodes that exist. */
  readonly nodes: ReadonlyMap<number, SimulatedNode>
  /** The node's process has ended: what watches it forgets it. */
  readonly gone: (node: SimulatedNode) => void
  /** Blocks were made that no producer made. */
  readonly made: (hashes: ReadonlyArray<string>) => void
}

/** Ends the fault. */
export type Undo = () => void

const nothing: Undo = () => {}

/** Channel of application data that nobody listens to. */
export const floodChannel = 8
const floodPayload = new Uint8Array(64 * 1024)

export const inject = (world: FaultWorld, fault: Fault): Undo => {
  const { links, network, nodes, time } = world
  const name = `fault ${fault.id}`
  const on = (index: number, begin: (node: SimulatedNode) => Undo): Undo => {
    const node = nodes.get(index)
    return node === undefined ? nothing : begin(node)
  }
  /** Kills the process; the kernel lives. */
  const kill = (node: SimulatedNode): void => {
    Effect.runSync(network.crash(node.ip))
    world.intruders.endTwin(node.index)
    node.kill()
    world.gone(node)
  }
  /** The machine is gone; the result boots it. */
  const vanish = (node: SimulatedNode): Undo => {
    const { ip } = node
    Effect.runSync(network.drop(ip))
    world.intruders.endTwin(node.index)
    node.kill()
    world.gone(node)
    return () => {
      Effect.runSync(network.restore(ip))
      node.start()
    }
  }
  const cut = (pairs: Iterable<readonly [number, number]>): Undo => {
    const all = [...pairs]
    for (const [from, to] of all) links.trouble(from, to, name, { cut: true })
    return () => {
      for (const [from, to] of all) links.trouble(from, to, name, undefined)
    }
  }
  /** Every link to and from a node, or every link. */
  const linksOf = (node?: number): Array<readonly [number, number]> =>
    [...nodes.keys()].flatMap((from) =>
      [...nodes.keys()].filter((to) => to !== from && (node === undefined || from === node || to === node)).map((to) =>
        [from, to] as const
      )
    )

  switch (fault.kind) {
    case "kill":
      return on(fault.node, (node) => {
        kill(node)
        if (!fault.keepsState) node.wipe()
        return () => node.start()
      })
    case "pause":
    case "stall":
      return on(fault.node, (node) => {
        node.pause()
        return () => node.resume()
      })
    case "vanish":
      return on(fault.node, vanish)
    case "crash-loop":
      return on(fault.node, (node) => {
        let boot = nothing
        for (const { downMs, upMs } of fault.reboots) {
          time.at(downMs, () => {
            boot = vanish(node)
          })
          time.at(upMs, () => boot())
        }
        return () => boot()
      })
    case "cut":
      return cut(fault.oneWay ? [[fault.a, fault.b]] : [[fault.a, fault.b], [fault.b, fault.a]])
    case "partition":
      return cut(
        linksOf().filter(([from, to]) => {
          const leaves = fault.side.includes(from) && !fault.side.includes(to)
          const enters = !fault.side.includes(from) && fault.side.includes(to)
          return (leaves && fault.way !== "in") || (enters && fault.way !== "out")
        })
      )
    case "clog":
      for (const [from, to] of [[fault.a, fault.b], [fault.b, fault.a]] as const) {
        links.trouble(from, to, name, { latencyMs: fault.latencyMs })
      }
      return () => {
        links.trouble(fault.a, fault.b, name, undefined)
        links.trouble(fault.b, fault.a, name, undefined)
      }
    case "swizzle": {
      for (const { a, b, restoreMs, stopMs } of fault.links) {
        let undo = nothing
        time.at(stopMs, () => {
          undo = cut([[a, b], [b, a]])
        })
        time.at(restoreMs, () => undo())
      }
      return () => {
        for (const { a, b } of fault.links) {
          links.trouble(a, b, name, undefined)
          links.trouble(b, a, name, undefined)
        }
      }
    }
    case "storm":
    case "narrow": {
      const hit = fault.kind === "storm" ? linksOf() : linksOf(fault.node)
      const trouble = fault.kind === "storm"
        ? { latencyMs: fault.latencyMs, jitterMs: fault.jitterMs }
        : { bandwidth: fault.bandwidth }
      for (const [from, to] of hit) links.trouble(from, to, name, trouble)
      return () => {
        for (const [from, to] of hit) links.trouble(from, to, name, undefined)
      }
    }
    case "reset":
      return on(fault.a, (a) =>
        on(fault.b, (b) => {
          if (fault.bytes === 0) Effect.runSync(network.reset(a.ip, b.ip))
          else Effect.runSync(network.resetAfter(a.ip, b.ip, fault.bytes))
          return () => Effect.runSync(network.resetAfter(a.ip, b.ip, Number.POSITIVE_INFINITY))
        }))
    case "refuse":
      return on(fault.node, ({ ip }) => {
        Effect.runSync(network.refuse(ip))
        return () => Effect.runSync(network.allow(ip))
      })
    case "jump":
      return on(fault.node, (node) => {
        node.jump(fault.ms)
        return () => node.jump(-fault.ms)
      })
    case "drift":
      return on(fault.node, (node) => {
        node.drift(fault.rate)
        return () => node.drift(undefined)
      })
    case "slow-reader":
      return on(fault.node, (node) => holdReads(network, node.ip))
    case "flood":
      return on(fault.to, (to) => {
        on(fault.from, (from) => {
          flood(from, to.ip, fault.bytes)
          return nothing
        })
        return holdReads(network, to.ip)
      })
    case "readdress":
      return on(fault.node, (node) => {
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
      })
    case "twin":
      return on(fault.node, (node) => world.intruders.twin(node))
    case "hostile":
      return on(fault.node, (node) => world.intruders.hostile(fault.how, node, name))
    case "fork":
      return on(fault.node, (node) => {
        if (node.running === undefined || node.changing) return nothing
        kill(node)
        const blocks = branch(
          node.disk.store,
          fault.depth,
          name,
          Math.floor((time.now + world.intruders.wallMs) / 1_000)
        )
        if (blocks !== undefined) {
          world.made(blocks.added.map((block) => block.hash))
          Effect.runSync(Effect.orDie(node.disk.store.append(blocks.after, blocks.added)))
        }
        return () => node.start()
      })
    case "alias":
      return on(fault.node, ({ options: { outer } }) => {
        if (outer === undefined) return nothing
        for (const index of fault.told) tell(nodes.get(index), outer)
        return nothing
      })
  }
}

/** As an application does that hears of a peer. */
const tell = (node: SimulatedNode | undefined, ip: PeerIp): void => {
  const running = node?.running
  if (running === undefined) return
  const { address, connect } = Context.get(running.services, ConnectionManager)
  running.process.start(connect(PeerAddress.make(ip, address.port)))
}

const holdReads = (network: MemoryNetwork["Service"], ip: PeerIp): Undo => {
  Effect.runSync(network.holdReads(ip, true))
  return () => Effect.runSync(network.holdReads(ip, false))
}

/** Sends more than is read: half of it waits for room, the other half does not. */
const flood = (from: SimulatedNode, to: PeerIp, bytes: number): void => {
  if (from.running === undefined) return
  const manager = Context.get(from.running.services, ConnectionManager)
  const payloads = Array.from({ length: Math.ceil(bytes / floodPayload.length) }, () => floodPayload)
  const some = payloads.slice(0, Math.floor(Limits.outboxHighBytes / floodPayload.length))
  from.running.process.start(
    Effect.ignore(Effect.andThen(manager.sendAll(to, floodChannel, some), manager.sendAll(to, floodChannel, payloads)))
  )
}
