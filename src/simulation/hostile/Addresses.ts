/** Addresses that a misbehaving peer tells of: mostly places where nobody is. */
import { Option } from "effect"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { Message } from "../../domain/wire/Message.ts"
import type { Draw } from "./Draw.ts"
import type { Stranger } from "./Stranger.ts"

const v4 = (...octets: ReadonlyArray<number>) => PeerIp.fromStringUnsafe(octets.join("."))

/** With these first bytes, the rest drawn. */
const v6 = (draw: Draw, ...first: ReadonlyArray<number>) => {
  const bytes = draw.bytes(16)
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

const nobody = (draw: Draw): PeerIp.PeerIp => {
  const octet = () => draw.below(256)
  switch (draw.below(8)) {
    case 0:
      return v4(172, draw.between(16, 31), octet(), octet())
    case 1:
      return v4(192, 168, octet(), octet())
    case 2:
      return v4(127, octet(), octet(), octet())
    case 3:
      return v6(draw, 0x20, 0x01, 0x0d, 0xb8)
    case 4:
      return v6(draw, 0xfd)
    case 5:
      return v4(draw.between(11, 99), octet(), octet(), octet())
    default:
      return v4(10, draw.between(64, 255), octet(), octet())
  }
}

const port = (draw: Draw) => draw.between(1, 65_535)

/** One address; it is a peer's now and then, with a port where that does not listen. */
const one = (self: Stranger): PeerAddress => {
  const { draw, heard, network, own, target } = self
  const at = (ip: PeerIp.PeerIp): PeerAddress => ({ ip, port: draw.chance(0.7) ? network.port : port(draw) })
  switch (draw.below(24)) {
    case 0:
      return at(target.ip)
    case 1:
      return at(own)
    case 2:
      return at(draw.pick(special))
    case 3: {
      const known = [...heard.keys()][draw.below(heard.size + 1)]
      return { ip: known ?? nobody(draw), port: port(draw) }
    }
    default:
      return at(nobody(draw))
  }
}

export const some = (self: Stranger, count: number): Array<PeerAddress> =>
  Array.from({ length: count }, () => one(self))

/** Those that peers told, each with another port. */
export const retold = ({ draw, heard }: Stranger, count: number): Array<PeerAddress> =>
  [...heard.values()].slice(0, count).map(({ ip }) => ({ ip, port: port(draw) }))

/** Remembers what a peer told, as far as there is room. */
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
