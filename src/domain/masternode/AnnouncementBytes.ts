/**
 * The bytes of announcements, as sent and as signed (docs/PROTOCOL.md section 3.12).
 *
 * Signed bytes begin with a tag that is unique to the kind of statement, and bind the network. Every field has a fixed length or a length
 * prefix. So no signature can pass for another statement, for another network, or for other field boundaries.
 */
import { Option, Result } from "effect"
import { Hex } from "effect/encoding"
import { concat } from "../bytes.ts"
import { hexText } from "../hexText.ts"
import type { Network } from "../Network.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import { type Announcement, type Claim, type Key, problem, tiers } from "./Masternode.ts"

/** bytes. Key, ip, port, tier, at, collateral. */
export const claimBytes = 32 + 16 + 2 + 1 + 8 + 36
export const signatureBytes = 64
export const announcementBytes = claimBytes + signatureBytes
/** bytes. One masternode in a witness's report: ip, key. */
export const sightingBytes = 16 + 32

const announcementTag = "timemesh/masternode/announcement/1\0"
const connectionTag = "timemesh/masternode/connection/1\0"

const ascii = new TextEncoder()
const bytesOf = (hex: string): Uint8Array => Result.getOrThrow(Hex.decode(hex))

const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value)
  return bytes
}

/** Genesis hash and length-prefixed name, which also distinguish networks in a Hello. */
const networkBytes = ({ genesis, name }: Network): Uint8Array => {
  const text = ascii.encode(name)
  return concat(bytesOf(genesis), Uint8Array.of(text.length), text)
}

const putClaim = (into: Uint8Array, { at, collateral, ip, key, port, tier }: Claim): void => {
  const view = new DataView(into.buffer, into.byteOffset)
  into.set(bytesOf(key), 0)
  into.set(PeerIp.toBytes(ip), 32)
  view.setUint16(48, port)
  into[50] = tiers.indexOf(tier)
  view.setBigUint64(51, BigInt(at))
  if (collateral === undefined) return
  into.set(bytesOf(collateral.txid), 59)
  view.setUint32(91, collateral.vout)
}

const encodeClaim = (claim: Claim): Uint8Array => {
  const bytes = new Uint8Array(claimBytes)
  putClaim(bytes, claim)
  return bytes
}

/** The bytes of a claim that its key signs. */
export const signed = (network: Network, claim: Claim): Uint8Array =>
  concat(ascii.encode(announcementTag), networkBytes(network), encodeClaim(claim))

/** One connection between a masternode and a peer, as both know it from their Hellos. */
export interface Session {
  /** Nonces of the masternode's Hello and of the peer's. */
  readonly masternode: bigint
  readonly peer: bigint
  /** The peer's address as the masternode's Hello names it. */
  readonly peerIp: PeerIp.PeerIp
}

/**
 * The bytes that the key signs to prove that its holder is at the other end of a connection, at the address it claims. The peer's nonce
 * makes the proof fresh. A relayed proof is useless, because it names the wrong nonces or the wrong peer.
 */
export const signedOnConnection = (network: Network, { ip }: Pick<Claim, "ip">, session: Session): Uint8Array =>
  concat(
    ascii.encode(connectionTag),
    networkBytes(network),
    u64(session.masternode),
    u64(session.peer),
    PeerIp.toBytes(ip),
    PeerIp.toBytes(session.peerIp)
  )

export const encode = ({ claim, signature }: Announcement): Uint8Array => concat(encodeClaim(claim), signature)

const ipAt = (b: Uint8Array, at: number): PeerIp.PeerIp => Option.getOrThrow(PeerIp.fromBytes(b.subarray(at, at + 16)))

const isZero = (b: Uint8Array, from: number, to: number): boolean => b.subarray(from, to).every((byte) => byte === 0)

/** The announcement at `at`, or what is wrong with it in words. Copies everything, no views. `b` must have `announcementBytes` from `at`. */
export const decode = (b: Uint8Array, at = 0): Announcement | string => {
  const view = new DataView(b.buffer, b.byteOffset + at, announcementBytes)
  const tier = tiers[view.getUint8(50)]
  if (tier === undefined) return `masternode tier ${view.getUint8(50)}`
  const signedAt = view.getBigUint64(51)
  if (signedAt > BigInt(Number.MAX_SAFE_INTEGER)) return "a masternode's time beyond 2^53"
  const claim: Claim = {
    key: hexText(b, at, 32) as Key,
    ip: ipAt(b, at + 32),
    port: view.getUint16(48),
    tier,
    at: Number(signedAt),
    ...(isZero(b, at + 59, at + claimBytes)
      ? {}
      : { collateral: { txid: hexText(b, at + 59, 32), vout: view.getUint32(91) } })
  }
  return problem(claim) ?? { claim, signature: new Uint8Array(b.subarray(at + claimBytes, at + announcementBytes)) }
}

/** A masternode that a witness is connected to. */
export interface Sighting {
  readonly ip: PeerIp.PeerIp
  readonly key: Key
}

export const encodeSighting = ({ ip, key }: Sighting): Uint8Array => concat(PeerIp.toBytes(ip), bytesOf(key))

/** The sighting at `at`. */
export const decodeSighting = (b: Uint8Array, at: number): Sighting => ({
  ip: ipAt(b, at),
  key: hexText(b, at + 16, 32) as Key
})
