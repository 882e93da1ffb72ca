/** Programs on a simulated network that are not its nodes: second processes behind a node's address, and hostile peers. */
import { Effect, Exit, Layer, Scope } from "effect"
import type { Network } from "../domain/Network.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import * as PeerIps from "../domain/peer/PeerIp.ts"
import * as Node from "../layers/node/Node.ts"
import type { MemoryNetwork } from "../layers/socket/memory/MemoryNetwork.ts"
import * as PeerStoreMemory from "../layers/store/PeerStoreMemory.ts"
import { defaultTuning } from "../services/NodeConfig.ts"
import { PeerSocket } from "../services/PeerSocket.ts"
import * as misbehave from "./hostile/misbehave.ts"
import * as Seeds from "./machine/Seeds.ts"
import { VirtualProcess } from "./machine/VirtualProcess.ts"
import type { VirtualTime } from "./machine/VirtualTime.ts"
import * as Mutant from "./Mutant.ts"
import type { Hostility } from "./plan/Fault.ts"
import * as SimulationLimits from "./plan/Limits.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

/** Genesis of a hostile peer of another network. */
const foreignGenesis = "f".repeat(64)

/** Size of a crowd of hostile peers: those that advertise addresses, or hold sync up, do more damage in numbers. */
const crowdOf = (how: Hostility, draw: (below: number) => number): number => {
  switch (how) {
    case "spam":
      return draw(SimulationLimits.crowds) === 0 ? SimulationLimits.crowd : 1
    case "drip":
    case "withhold":
    case "claim":
      return draw(SimulationLimits.holdUpCrowds) === 0 ? SimulationLimits.holdUpCrowd : 1
    default:
      return 1
  }
}

export class Intruders {
  readonly wallMs: number
  private readonly time: VirtualTime
  private readonly seed: string
  private readonly network: MemoryNetwork["Service"]
  private readonly net: Network
  private readonly twins = new Map<number, VirtualProcess>()
  private readonly foreign = new Set<PeerIp>()
  private born = 0

  constructor(time: VirtualTime, seed: string, wallMs: number, network: MemoryNetwork["Service"], net: Network) {
    this.time = time
    this.seed = seed
    this.wallMs = wallMs
    this.network = network
    this.net = net
  }

  private process(name: string): VirtualProcess {
    this.born += 1
    return new VirtualProcess(this.time, {
      name,
      seed: `${this.seed}/intruder ${this.born}`,
      wallMs: this.wallMs,
      rate: 1
    })
  }

  private ownIp(): PeerIp {
    const n = this.born + 1
    return PeerIps.fromStringUnsafe(`10.9.${n >> 8 & 255}.${n & 255}`)
  }

  /** Starts a node without a chain; the result closes it. A node of another network accepts any Hello: the others must refuse it. */
  private node(
    process: VirtualProcess,
    sockets: PeerSocket["Service"],
    ip: PeerIp,
    port: number,
    network: Network,
    peers: ReadonlyArray<PeerIp>
  ) {
    const scope = Scope.makeUnsafe()
    const layer = Node.layer({
      network,
      listen: { ip, port },
      advertise: undefined,
      peers: peers.map((peer) => PeerAddress.make(peer, this.net.port)),
      software: "timemesh/intruder",
      tuning: defaultTuning
    }).pipe(Layer.provide([
      Layer.succeed(PeerSocket, sockets),
      PeerStoreMemory.layer(),
      Mutant.layer(network === this.net ? undefined : "genesis-unchecked")
    ]))
    process.start(Effect.ignoreCause(Layer.buildWithMemoMap(layer, Layer.makeMemoMapUnsafe(), scope)))
    return () => process.start(Scope.close(scope, Exit.void), () => process.end())
  }

  /** A second process behind the node's address, on the next port, configured with the node's own peers. */
  twin(node: SimulatedNode): () => void {
    this.endTwin(node.index)
    const process = this.process(`twin of ${node.index}`)
    this.twins.set(node.index, process)
    const peers = node.options.peers.filter((ip) => ip !== node.ip)
    const close = this.node(process, this.network.host(node.ip), node.ip, this.net.port + 1, this.net, peers)
    return () => {
      if (process.state !== "ended") close()
      if (this.twins.get(node.index) === process) this.twins.delete(node.index)
    }
  }

  /** Whether a node of another network is at the address. */
  isForeign(ip: PeerIp): boolean {
    return this.foreign.has(ip)
  }

  hasTwin(node: number): boolean {
    return this.twins.has(node)
  }

  /** The twin's machine or its sockets are gone. */
  endTwin(node: number): void {
    this.twins.get(node)?.end()
    this.twins.delete(node)
  }

  /** Starts one hostile peer, or a crowd of them. */
  hostile(how: Hostility, node: SimulatedNode, name: string): () => void {
    const draw = Seeds.below(`${this.seed}/crowd ${name}`)
    const ends = Array.from({ length: crowdOf(how, draw) }, () => this.hostilePeer(how, node, name))
    return () => {
      for (const end of ends) end()
    }
  }

  private hostilePeer(how: Hostility, node: SimulatedNode, name: string): () => void {
    const own = this.ownIp()
    const process = this.process(`${how} peer at ${name}`)
    const sockets = this.network.host(own)
    if (how === "foreign") {
      this.foreign.add(own)
      this.node(process, sockets, own, this.net.port, { ...this.net, genesis: foreignGenesis }, [node.ip])
    } else {
      const target = PeerAddress.make(node.ip, this.net.port)
      process.start(misbehave.run(how, { sockets, own, target, network: this.net }))
    }
    return () => {
      process.end()
      Effect.runSync(this.network.crash(own))
    }
  }
}
