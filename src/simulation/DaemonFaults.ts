/** What a fault does to a daemon of the TIME network. Only faults of machines, processes and clocks apply; faults of our own wire do not. */
import { Effect } from "effect"
import type { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import type { Fault } from "./plan/Fault.ts"
import type { SimulatedDaemon } from "./SimulatedDaemon.ts"

export interface DaemonWorld {
  readonly time: VirtualTime
  readonly network: MemoryNetwork["Service"]
}

type Undo = () => void

const kill = ({ network }: DaemonWorld, daemon: SimulatedDaemon): Undo => {
  Effect.runSync(network.crash(daemon.ip))
  daemon.kill()
  return () => daemon.start()
}

const vanish = ({ network }: DaemonWorld, daemon: SimulatedDaemon): Undo => {
  Effect.runSync(network.drop(daemon.ip))
  daemon.kill()
  return () => {
    Effect.runSync(network.restore(daemon.ip))
    daemon.start()
  }
}

const pause = (daemon: SimulatedDaemon): Undo => {
  daemon.pause()
  return () => daemon.resume()
}

/** Applies the fault; `undefined` if it does not concern a single machine. */
export const inject = (world: DaemonWorld, daemon: SimulatedDaemon, fault: Fault): Undo | undefined => {
  const { network, time } = world
  const { ip } = daemon
  switch (fault.kind) {
    case "kill":
      return kill(world, daemon)
    case "pause":
    case "stall":
      return pause(daemon)
    case "vanish":
      return vanish(world, daemon)
    case "crash-loop": {
      let boot: Undo = () => {}
      for (const { downMs, upMs } of fault.reboots) {
        time.at(downMs, () => {
          boot = vanish(world, daemon)
        })
        time.at(upMs, () => boot())
      }
      return () => boot()
    }
    case "refuse":
      Effect.runSync(network.refuse(ip))
      return () => Effect.runSync(network.allow(ip))
    case "slow-reader":
      Effect.runSync(network.holdReads(ip, true))
      return () => Effect.runSync(network.holdReads(ip, false))
    case "jump":
      daemon.jump(fault.ms)
      return () => daemon.jump(-fault.ms)
    case "drift":
      daemon.drift(fault.rate)
      return () => daemon.drift(undefined)
    default:
      return undefined
  }
}
