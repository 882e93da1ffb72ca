/**
 * The first message of each end of a TIME connection: what this node states about itself, and what it requires of the peer. The daemon
 * requires the same: its network's magic, protocol version 2 or later, and a commit count that is recent enough. It never compares the
 * network's name.
 */
import type { NetworkName } from "../Network.ts"
import { commitCount, type Message } from "../wire/time/TimeMessage.ts"

type Handshake = Message<"Handshake">

const magics: Readonly<Partial<Record<NetworkName, Uint8Array>>> = {
  testnet: Uint8Array.of(0x54, 0x49, 0x4d, 0x45),
  mainnet: Uint8Array.of(0xc0, 0x1d, 0x7e, 0x4d)
}

const protocolVersion = 2

/** The daemon's own bound: it bans a peer with an older count for four hours. */
const leastCommitCount = 2_062

/** Whether the network has nodes that speak the TIME wire; devnet has none. */
export const isSpoken = (network: NetworkName): boolean => magics[network] !== undefined

/** This node's Handshake; `undefined` if the network does not use this wire. */
export const own = (network: NetworkName): Handshake | undefined => {
  const magic = magics[network]
  return magic === undefined
    ? undefined
    : { _tag: "Handshake", magic, version: protocolVersion, network, commitCount }
}

/** Why a peer with this Handshake is unfit, in words; `undefined` if it is fit. */
export const unfit = (network: NetworkName, { commitCount, magic, network: named, version }: Handshake) => {
  const ours = magics[network]
  if (ours === undefined || !ours.every((byte, at) => byte === magic[at])) {
    return `the peer is on another network ("${named}"), this node on ${network}`
  }
  if (version < protocolVersion) return `the peer speaks protocol ${version}, this node ${protocolVersion} and later`
  if (commitCount < leastCommitCount) {
    return `the peer's version (commit count ${commitCount}) is older than ${leastCommitCount}, the oldest of its network`
  }
  return undefined
}
