/**
 * How one node is set up, and the rules for it: the same for flags, environment, file and embedding code. Pure, without knowledge of the
 * host: `addresses` are those of its interfaces, where the caller knows them.
 */
import { Result } from "effect"
import * as Limits from "./Limits.ts"
import type { Network } from "./Network.ts"
import * as PeerAddress from "./peer/PeerAddress.ts"
import * as PeerIp from "./peer/PeerIp.ts"
import type { Seed } from "./peer/Seed.ts"
import * as Tuning from "./Tuning.ts"
import { cleanText } from "./wire/Message.ts"

export interface NodeSetup {
  readonly network: Network
  /** `any`: every address of the host: `[::]`, or 0.0.0.0 where there is no IPv6. Port 0 picks a free port. */
  readonly listen: { readonly ip: PeerIp.PeerIp | "any"; readonly port: number }
  /** The address at which peers know us, if it differs from a specific listen IP. */
  readonly advertise?: PeerIp.PeerIp | undefined
  /** The port at which peers reach this node, if it differs from the listen port because a router forwards it. */
  readonly advertisePort?: number | undefined
  /** Peers to connect to from the start. Must not include this node. */
  readonly peers: ReadonlyArray<PeerAddress.PeerAddress>
  /** Asked for peers while no peer is up. */
  readonly seeds?: ReadonlyArray<Seed> | undefined
  /** Software name in our Hello, ≤ 64 bytes. */
  readonly software: string
  readonly tuning: Tuning.Tuning
  /** Tells peers that this node makes test blocks (`Producer`, devnet). */
  readonly produces?: boolean | undefined
  /** Keeps a registry of the network's masternodes, and relays masternode announcements (`Masternodes`). */
  readonly masternodes?: boolean | undefined
}

/** In the format of `--listen`: `any:24100`, `203.0.113.7:24100`. */
export const formatListen = ({ ip, port }: NodeSetup["listen"]): string =>
  ip === "any" ? `any:${port}` : PeerAddress.format({ ip, port })

/** The address at which peers know the node, if its set-up says so. */
export const knownAddress = (
  { advertise, listen }: Pick<NodeSetup, "listen" | "advertise">
): PeerIp.PeerIp | undefined => advertise ?? (listen.ip === "any" ? undefined : listen.ip)

/** What is wrong with a set-up. */
export interface SetupProblem {
  /** `listen.port`, `peers[2]`, `tuning.deadMs`. */
  readonly field: string
  /** The value, as text; absent when the problem is not one value. */
  readonly input?: string | undefined
  /** Reads on from the value: `is not a unicast address`. */
  readonly problem: string
  /** What to do, as an imperative. */
  readonly fix: string
}

/** Why an address cannot be a node's, worded to follow the address; `undefined` if it can. */
export const addressProblem = (ip: PeerIp.PeerIp): string | undefined =>
  PeerIp.isLinkLocal(ip)
    ? "is a link-local address, which names another host on every link and so identifies no peer"
    : PeerIp.classOf(ip) === "special"
    ? "is not a unicast address"
    : undefined

/** How an address is known to be this node's own. `any`: a loopback address at the port on which it listens on every address. */
export type Own = "advertise" | "listen" | "host" | "any"

/** Whether a peer is this node itself, and how we know. */
export const ownAddress = (
  peer: PeerAddress.PeerAddress,
  { advertise, listen }: Pick<NodeSetup, "listen" | "advertise">,
  addresses: ReadonlyArray<PeerIp.PeerIp> = []
): Own | undefined => {
  if (peer.ip === advertise) return "advertise"
  if (listen.ip !== "any") return peer.ip === listen.ip ? "listen" : undefined
  // A socket dialled to one of our addresses has that same source address, except within 127.0.0.0/8.
  if (addresses.includes(peer.ip)) return "host"
  return PeerIp.classOf(peer.ip) === "loopback" && peer.port === listen.port ? "any" : undefined
}

const isPort = (port: number, least: 0 | 1): boolean => Number.isInteger(port) && port >= least && port <= 65_535

/** A `PeerIp` that code made with a cast may not be an address, or not in canonical form. */
const ipProblem = (field: string, ip: string): SetupProblem | undefined => {
  const read = PeerIp.fromString(ip)
  if (Result.isFailure(read)) {
    return { field, input: ip, problem: "is not an IP address", fix: read.failure.reason }
  }
  if (read.success !== ip) {
    return { field, input: ip, problem: "is not in its canonical form", fix: "make it with PeerIp.fromString" }
  }
  const problem = addressProblem(read.success)
  return problem === undefined ? undefined : { field, input: ip, problem, fix: "use the IP of one host" }
}

const networkProblem = ({ genesis, name, port }: Network): SetupProblem | undefined =>
  !/^[!-~]+$/.test(name) || name.length > Limits.networkNameBytes
    ? {
      field: "network.name",
      input: name,
      problem: "is not a network name",
      fix: `use 1 to ${Limits.networkNameBytes} printable ASCII characters`
    }
    : !/^[0-9a-f]{64}$/.test(genesis)
    ? { field: "network.genesis", input: genesis, problem: "is not a hash", fix: "use 64 lower-case hex digits" }
    : !isPort(port, 1)
    ? { field: "network.port", input: String(port), problem: "is not a port", fix: "use 1 to 65535" }
    : undefined

/** What is wrong with a peer to connect to, named by `field`: its address or port is invalid, or it is this node. */
export const peerProblem = (
  peer: PeerAddress.PeerAddress,
  setup: Pick<NodeSetup, "listen" | "advertise">,
  field: string,
  addresses: ReadonlyArray<PeerIp.PeerIp> = []
): SetupProblem | undefined => {
  const wrong = ipProblem(field, peer.ip)
  if (wrong !== undefined) return wrong
  const input = `${peer.ip} port ${peer.port}`
  if (!isPort(peer.port, 1)) return { field, input, problem: "has an invalid port", fix: "use 1 to 65535" }
  const own = ownAddress(peer, setup, addresses)
  return own === undefined ? undefined : ownPeer(peer, field, own)
}

/** The problem of a peer that is this node. `how`: how we know; `found`: a dial reached ourselves. */
export const ownPeer = (
  { ip, port }: PeerAddress.PeerAddress,
  field = "peer",
  how: Own | "found" = "found"
): SetupProblem => ({
  field,
  input: PeerAddress.format({ ip, port }),
  problem: `is this node itself (${how})`,
  fix: "a peer is its IP: name other hosts"
})

const peersProblem = (setup: NodeSetup, addresses: ReadonlyArray<PeerIp.PeerIp>): SetupProblem | undefined => {
  if (setup.peers.length > Limits.configuredPeers) {
    return {
      field: "peers",
      input: `${setup.peers.length} addresses`,
      problem: `exceeds the limit of ${Limits.configuredPeers} configured peers`,
      fix: "name fewer: the node learns the others from its peers"
    }
  }
  const ports = new Map<PeerIp.PeerIp, number>()
  for (const [at, peer] of setup.peers.entries()) {
    const field = `peers[${at}]`
    const wrong = peerProblem(peer, setup, field, addresses)
    if (wrong !== undefined) return wrong
    const port = ports.get(peer.ip)
    if (port !== undefined && port !== peer.port) {
      const input = `${peer.ip} port ${peer.port}`
      return { field, input, problem: `repeats it with another port (${port} before)`, fix: "name each IP once" }
    }
    ports.set(peer.ip, peer.port)
  }
  return undefined
}

const seedsProblem = ({ seeds = [] }: NodeSetup): SetupProblem | undefined =>
  seeds.length > Limits.seeds
    ? {
      field: "seeds",
      input: `${seeds.length} seeds`,
      problem: `exceeds the limit of ${Limits.seeds}`,
      fix: "name fewer: the node learns the others from its peers"
    }
    : undefined

/** The first problem found; `undefined` if the set-up is valid. */
export const problem = (
  setup: NodeSetup,
  addresses: ReadonlyArray<PeerIp.PeerIp> = []
): SetupProblem | undefined => {
  const { advertise, advertisePort, listen, network, produces, software, tuning } = setup
  const tuned = Tuning.problem(tuning)
  return networkProblem(network) ??
    (listen.ip === "any" ? undefined : ipProblem("listen.ip", listen.ip)) ??
    (isPort(listen.port, 0)
      ? undefined
      : { field: "listen.port", input: String(listen.port), problem: "is not a port", fix: "use 0 to 65535" }) ??
    (advertise === undefined ? undefined : ipProblem("advertise", advertise)) ??
    (advertisePort === undefined || isPort(advertisePort, 1)
      ? undefined
      : { field: "advertisePort", input: String(advertisePort), problem: "is not a port", fix: "use 1 to 65535" }) ??
    peersProblem(setup, addresses) ??
    seedsProblem(setup) ??
    (cleanText(software, Limits.softwareBytes) === software
      ? undefined
      : {
        field: "software",
        input: cleanText(software, Limits.softwareBytes),
        problem: "is not printable, or too long",
        fix: `use at most ${Limits.softwareBytes} bytes of UTF-8 without control characters`
      }) ??
    (produces === true && !mayProduce(network) ? producesProblem(network) : undefined) ??
    (tuned === undefined
      ? undefined
      : { field: `tuning.${tuned.fields[0]}`, problem: tuned.problem, fix: tuned.fix })
}

const producesProblem = ({ name }: Network): SetupProblem => ({
  field: "produces",
  problem: `makes test blocks, which is not consensus and for devnet only; this node's network is ${name}`,
  fix: "use devnet, or do not produce"
})

/** Whether nodes of that network may make test blocks. */
export const mayProduce = ({ name }: Network): boolean => name === "devnet"
