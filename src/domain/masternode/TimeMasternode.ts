/**
 * Masternodes as the TIME network encodes them, and what that proves here.
 *
 * Its announcements (V2 … V4) and lists have no signature over themselves, no network and no binding time: the key, the address and the
 * tier are unproven claims of the sender. So they become hearsay, never an `Announcement`, and hearsay never makes a masternode live. V4
 * proves one thing: that the holder of a wallet key agreed to the collateral's use. Only the chain knows whose output that is.
 */
import { Result } from "effect"
import { hexText } from "../hexText.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import { type Key, type Outpoint, problem, type Tier, tiers } from "./Masternode.ts"

/** In wire order. */
export type TimeTier = "Free" | "Bronze" | "Silver" | "Gold"

/** What its lists (variant 31) and its announcements (73 … 75) have in common. */
export interface TimeMasternode {
  /** An IP as text; a port after it is ignored, as in the network. */
  readonly address: string
  readonly rewardAddress: string
  readonly tier: TimeTier
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly collateral: { readonly txid: Uint8Array; readonly vout: number } | undefined
}

/** A TIME network peer's unsigned claim about a masternode. */
export interface Hearsay {
  readonly key: Key
  readonly ip: PeerIp.PeerIp
  readonly tier: Tier
  readonly collateral: Outpoint | undefined
  readonly rewardAddress: string
}

const tierOf: Readonly<Record<TimeTier, Tier>> = { Free: "free", Bronze: "bronze", Silver: "silver", Gold: "gold" }
const timeTiers: ReadonlyArray<TimeTier> = ["Free", "Bronze", "Silver", "Gold"]

/** The IP of `203.0.113.7`, `203.0.113.7:24100` or `[2001:db8::7]:24100`. */
export const addressOf = (address: string): Result.Result<PeerIp.PeerIp, PeerIp.PeerIpError> => {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+)(?::\d+)?)$/.exec(address) ?? []
  return PeerIp.fromString(bracketed ?? plain ?? address)
}

/** The hearsay in an entry, or why it is discarded, in words. The network skips such entries too. */
export const hearsay = (told: TimeMasternode): Hearsay | string => {
  const ip = addressOf(told.address)
  if (Result.isFailure(ip)) return ip.failure.message
  if (told.publicKey.length !== 32) return `a key of ${told.publicKey.length} bytes`
  const claim = {
    key: hexText(told.publicKey) as Key,
    ip: ip.success,
    tier: tierOf[told.tier],
    collateral: told.collateral === undefined
      ? undefined
      : { txid: hexText(told.collateral.txid), vout: told.collateral.vout },
    rewardAddress: told.rewardAddress
  }
  // The network's nodes skip loopback addresses: on its testnets no masternode can be there.
  return PeerIp.classOf(claim.ip) === "loopback" ? `${claim.ip} is a loopback address` : problem(bare(claim)) ?? claim
}

const bare = ({ collateral, ip, tier }: Hearsay) => ({ ip, tier, ...(collateral === undefined ? {} : { collateral }) })

/** Encodes it as a TIME network list entry or announcement. */
export const toTime = ({ collateral, ip, key, rewardAddress, tier }: Hearsay): TimeMasternode => ({
  address: ip,
  rewardAddress,
  tier: timeTiers[tiers.indexOf(tier)] ?? "Free",
  publicKey: bytesOf(key),
  collateral: collateral === undefined ? undefined : { txid: bytesOf(collateral.txid), vout: collateral.vout }
})

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))

const claimTag = "TIME_COLLATERAL_CLAIM"
const revokeTag = "TIME_COLLATERAL_REVOKE"

/** What a V4 announcement's wallet key signs (Ed25519 over this ASCII text): `TIME_COLLATERAL_CLAIM:txid:vout`. */
export const collateralClaim = ({ txid, vout }: Outpoint): string => `${claimTag}:${txid}:${vout}`

/** What it signs to revoke that (variant 29). `timestamp`: s since 1970; the network accepts −600 … +300 s of its clock. */
export const collateralRevocation = (address: string, { txid, vout }: Outpoint, timestamp: number): string =>
  `${revokeTag}:${address}:${txid}:${vout}:${timestamp}`

/**
 * The parts of a V4 announcement's `collateral_proof`: a 64-byte signature, which the output's own key must have made, optionally preceded
 * by a 32-byte wallet key. `undefined` for any other length.
 */
export const collateralProof = (
  proof: Uint8Array
): { readonly walletKey: Key | undefined; readonly signature: Uint8Array } | undefined => {
  if (proof.length === signatureLength) return { walletKey: undefined, signature: proof }
  return proof.length === keyLength + signatureLength
    ? { walletKey: hexText(proof, 0, keyLength) as Key, signature: proof.subarray(keyLength) }
    : undefined
}

const keyLength = 32
const signatureLength = 64
