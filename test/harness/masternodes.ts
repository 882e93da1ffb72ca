/** Masternodes for tests: keys from small numbers, always the same, and what they sign. */
import { createPrivateKey, type KeyObject } from "node:crypto"
import * as Bytes from "../../src/domain/masternode/AnnouncementBytes.ts"
import type { Announcement, Claim, Outpoint } from "../../src/domain/masternode/Masternode.ts"
import { type Network, networks } from "../../src/domain/Network.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as MasternodeKey from "../../src/layers/masternode/MasternodeKey.ts"
import type { OwnMasternode } from "../../src/services/Masternodes.ts"

/** The DER of an Ed25519 private key before its 32-byte seed (RFC 8410). */
const pkcs8Head = "302e020100300506032b657004220420"

/** The key whose seed is `n` 32 times. Seed 7 is that of the TIME network's vectors. */
export const privateKey = (n: number): KeyObject =>
  createPrivateKey({
    key: Buffer.from(pkcs8Head + Buffer.alloc(32, n).toString("hex"), "hex"),
    format: "der",
    type: "pkcs8"
  })

const made = new Map<number, OwnMasternode>()

/** The free masternode with that key. */
export const masternode = (n: number): OwnMasternode => {
  const known = made.get(n) ?? MasternodeKey.identity(privateKey(n), "free")
  made.set(n, known)
  return known
}

export const collateral = (n: number): Outpoint => ({ txid: n.toString(16).padStart(2, "0").repeat(32), vout: n })

/** Announces key `n` at an IP. */
export const announce = (
  n: number,
  ip: string,
  at: number,
  more: Partial<Claim> = {},
  network: Network = networks.devnet
): Announcement => {
  const { key, sign } = masternode(n)
  const claim: Claim = { key, ip: PeerIp.fromStringUnsafe(ip), port: 24_200, tier: "free", at, ...more }
  return { claim, signature: sign(Bytes.signed(network, claim)) }
}
