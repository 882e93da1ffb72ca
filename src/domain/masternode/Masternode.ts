/**
 * A masternode as announced: an Ed25519 key, its one IP, and the tier it claims.
 *
 * What proves what: a signature proves that the key's holder made the claim, for this network, at that time. It proves nothing about the
 * IP: only a connection to the masternode, or witnesses of one, show that it is there (`MasternodeRegistry`). A paid tier is a claim too:
 * only the chain knows whether the collateral exists.
 */
import { Schema } from "effect"
import * as PeerIp from "../peer/PeerIp.ts"

/** In the order of the TIME network's wire, which encodes the list index. */
export const tiers = ["free", "bronze", "silver", "gold"] as const
export type Tier = typeof tiers[number]

/**
 * `live`: connected to this node now, or recently seen by witnesses of `Limits.witnessNetgroups` netgroups. `known`: announced or reported,
 * but not live. `expired`: its announcement or report is too old.
 */
export type State = "live" | "known" | "expired"
export const states: ReadonlyArray<State> = ["live", "known", "expired"]

/**
 * How well the masternode at an IP is proven, weakest first. `told`: peers of the TIME network name it. `announced`: the host claimed it
 * from that IP over the TIME wire, which signs nothing. `signed`: its key signed the announcement. `proved`: its key signed a connection of
 * this node to that IP, now or earlier.
 */
export const proofs = ["told", "announced", "signed", "proved"] as const
export type Proof = typeof proofs[number]

/** The TIME network's requirements for a tier. `collateral`: whole TIME that the masternode's transaction output must hold. */
export interface TierTerms {
  readonly tier: Tier
  readonly collateral: number
}

/** From the reference daemon (commit c9c9001, src/types.rs: the discriminants of MasternodeTier; src/message_handler/masternode.rs). */
export const terms: Readonly<Record<Tier, TierTerms>> = {
  free: { tier: "free", collateral: 0 },
  bronze: { tier: "bronze", collateral: 1_000 },
  silver: { tier: "silver", collateral: 10_000 },
  gold: { tier: "gold", collateral: 100_000 }
}

/** Public Ed25519 key, 64 lower-case hex digits: the masternode's identity, wherever it runs. */
export const Key = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)).pipe(Schema.brand("timemesh/MasternodeKey"))
export type Key = typeof Key.Type

/** The transaction output that backs a paid tier. */
export const Outpoint = Schema.Struct({
  /** 64 hex digits. */
  txid: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  vout: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))
})
export type Outpoint = typeof Outpoint.Type

/** A masternode's statement about itself. */
export const Claim = Schema.Struct({
  key: Key,
  ip: PeerIp.PeerIp,
  /** Listening port; 0 if it does not listen. A property of the masternode, never part of its identity. */
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
  tier: Schema.Literals(tiers),
  /** Present if and only if the tier is paid. */
  collateral: Schema.optionalKey(Outpoint),
  /** When it was signed, by the signer's clock, ms since 1970. Of two announcements of a key, the later wins. */
  at: Schema.Natural.check(Schema.isLessThanOrEqualTo(Number.MAX_SAFE_INTEGER))
}).check(
  Schema.makeFilter((claim) => problem(claim) === undefined, { expected: "a claim that a masternode can make" })
)
export type Claim = typeof Claim.Type

/** A claim and its key's signature over it (`AnnouncementBytes.signed`). */
export const Announcement = Schema.Struct({
  claim: Claim,
  /** 64 bytes. */
  signature: Schema.Uint8Array.check(Schema.makeFilter((bytes) => bytes.length === 64, { expected: "64 bytes" }))
})
export type Announcement = typeof Announcement.Type

/** Why no masternode can make this claim, in words; `undefined` if one can. A peer that relays such a claim did not check it. */
export const problem = (
  { collateral, ip, tier }: Pick<Claim, "ip" | "tier" | "collateral">
): string | undefined => {
  if (PeerIp.classOf(ip) === "special") return `masternode address ${ip} is not a unicast address`
  // An all-zero outpoint encodes "no collateral".
  if (collateral !== undefined && collateral.vout === 0 && /^0+$/.test(collateral.txid)) {
    return "a null output as collateral"
  }
  return (tier === "free") === (collateral === undefined)
    ? undefined
    : `a ${tier} masternode with${collateral === undefined ? "out" : ""} collateral`
}

/** `txid:vout`, as people write it. */
export const formatOutpoint = ({ txid, vout }: Outpoint): string => `${txid}:${vout}`

/** Parses `txid:vout`; `undefined` if the text is anything else. */
export const parseOutpoint = (text: string): Outpoint | undefined => {
  const match = /^([0-9a-f]{64}):(\d{1,10})$/i.exec(text)
  const vout = Number(match?.[2])
  return match?.[1] === undefined || vout > 0xffff_ffff ? undefined : { txid: match[1].toLowerCase(), vout }
}
