/** Addresses that a hostile peer advertises: mostly dead ones. */
import { Option } from "effect"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { Message } from "../../domain/wire/Message.ts"
import type { Rng } from "../plan/Rng.ts"
import type { HostilePeer } from "./HostilePeer.ts"

const v4 = (...octets: ReadonlyArray<number>) => PeerIp.fromStringUnsafe(octets.join("."))

/** Starts with these bytes; the rest is drawn. */
const v6 = (random: Rng, ...first: ReadonlyArray<number>) => {
  const bytes = random.bytes(16)
  bytes.set(first)
  return Option.getOrElse(PeerIp.fromBytes(bytes), () => v4(0, 0, 0, 0))
}

/** Unspecified, multicast, broadcast, reserved. */
const special = [
  v4(0, 0, 0, 0),
  v4(0, 1, 2, 3),
  v4(224, 0, 0, 1),
  v4(240, 1, 1, 1),
  v4(255, 255, 255, 255),
  PeerIp.fromStringUnsafe("::"),
  PeerIp.fromStringUnsafe("ff02::1")
] as const

const dead = (random: Rng): PeerIp.PeerIp => {
  const octet = () => random.below(256)
  switch (random.below(8)) {
    case 0:
      return v4(172, random.between(16, 31), octet(), octet())
    case 1:
      return v4(192, 168, octet(), octet())
    case 2:
      return v4(127, octet(), octet(), octet())
    case 3:
      return v6(random, 0x20, 0x01, 0x0d, 0xb8)
    case 4:
      return v6(random, 0xfd)
    case 5:
      return v4(random.between(11, 99), octet(), octet(), octet())
    default:
      return v4(10, random.between(64, 255), octet(), octet())
  }
}

const port = (random: Rng) => random.between(1, 65_535)

/** One address; now and then a real peer's, with a port where that peer does not listen. */
const one = (self: HostilePeer): PeerAddress => {
  const { random, heard, network, own, target } = self
  const at = (ip: PeerIp.PeerIp): PeerAddress => ({ ip, port: random.happens(0.7) ? network.port : port(random) })
  switch (random.below(24)) {
    case 0:
      return at(target.ip)
    case 1:
      return at(own)
    case 2:
      return at(random.pick(special))
    case 3: {
      const known = [...heard.keys()][random.below(heard.size + 1)]
      return { ip: known ?? dead(random), port: port(random) }
    }
    default:
      return at(dead(random))
  }
}

export const some = (self: HostilePeer, count: number): Array<PeerAddress> =>
  Array.from({ length: count }, () => one(self))

/** Addresses that peers advertised, each with a different port. */
export const retold = ({ random, heard }: HostilePeer, count: number): Array<PeerAddress> =>
  [...heard.values()].slice(0, count).map(({ ip }) => ({ ip, port: port(random) }))

/** Remembers the addresses that a peer sent, while there is room. */
export const listen = (
  heard: Map<PeerIp.PeerIp, PeerAddress>,
  most: number,
  message: { readonly _tag: string }
): void => {
  if (!isPeers(message)) return
  for (const address of message.peers) if (heard.size < most) heard.set(address.ip, address)
}

const isPeers = (message: { readonly _tag: string }): message is Extract<Message, { readonly _tag: "Peers" }> =>
  message._tag === "Peers"
