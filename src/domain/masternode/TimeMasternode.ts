/**
 * Masternodes as the TIME network writes them, and what they are worth here.
 *
 * Its announcements (V2 … V4) and its lists carry no signature over themselves, no network and no time that binds: the key, the address and
 * the tier are unproven claims of the sender. So they become hearsay, never an `Announcement`, and no hearsay makes a masternode live.
 * V4 proves one thing, that the holder of a wallet key agreed to the collateral's use; whose output that is only the chain knows.
 */
import { Result } from "effect"
import { hexText } from "../hexText.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import { type Key, type Outpoint, problem, type Tier, tiers } from "./Masternode.ts"

/** In the order of its wire. */
export type TimeTier = "Free" | "Bronze" | "Silver" | "Gold"

/** What its lists (variant 31) and its announcements (73 … 75) have in common. */
export interface TimeMasternode {
  /** An IP in text; a port behind it is passed over, as the network does. */
  readonly address: string
  readonly rewardAddress: string
  readonly tier: TimeTier
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly collateral: { readonly txid: Uint8Array; readonly vout: number } | undefined
}

/** What a peer of the TIME network says of a masternode: nobody has signed it. */
export interface Hearsay {
  readonly key: Key
  readonly ip: PeerIp.PeerIp
  readonly tier: Tier
  readonly collateral: Outpoint | undefined
  readonly rewardAddress: string
}

const tierOf: Readonly<Record<TimeTier, Tier>> = { Free: "free", Bronze: "bronze", Silver: "silver", Gold: "gold" }
const timeTiers: ReadonlyArray<TimeTier> = ["Free", "Bronze", "Silver", "Gold"]

/** `203.0.113.7`, `203.0.113.7:24100`, `[2001:db8::7]:24100`: the IP. */
export const addressOf = (address: string): Result.Result<PeerIp.PeerIp, PeerIp.PeerIpError> => {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+)(?::\d+)?)$/.exec(address) ?? []
  return PeerIp.fromString(bracketed ?? plain ?? address)
}

/** What an entry of the network says, or why it is nothing to keep, in words. The network skips such entries too. */
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
  // The network's nodes skip loopback addresses: on its testnets nobody can be there.
  return PeerIp.classOf(claim.ip) === "loopback" ? `${claim.ip} is a loopback address` : problem(bare(claim)) ?? claim
}

const bare = ({ collateral, ip, tier }: Hearsay) => ({ ip, tier, ...(collateral === undefined ? {} : { collateral }) })

/** As an entry of a list or an announcement of the network. */
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

/** What the wallet key of a V4 announcement signs (Ed25519 over this text in ASCII): `TIME_COLLATERAL_CLAIM:txid:vout`. */
export const collateralClaim = ({ txid, vout }: Outpoint): string => `${claimTag}:${txid}:${vout}`

/** What it signs to take that back (variant 29). `timestamp`: s since 1970; the network takes −600 … +300 s of its clock. */
export const collateralRevocation = (address: string, { txid, vout }: Outpoint, timestamp: number): string =>
  `${revokeTag}:${address}:${txid}:${vout}:${timestamp}`

/**
 * The parts of a V4 announcement's `collateral_proof`: a signature of 64 bytes, which the output's own key must have made, or a wallet key
 * of 32 bytes before it. `undefined`: it is neither.
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
