/**
 * This node as a masternode, in the words of the TIME network. Its nodes take an announcement only from the IP that it names. They ask no signature of
 * a free one; of a paid one that rewards go to the address that holds the collateral, and V4 shows that its key signs for that address.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import type { Message } from "../wire/time/TimeMessage.ts"
import type { Key, Outpoint, Tier } from "./Masternode.ts"
import * as TimeMasternode from "./TimeMasternode.ts"

export interface TimeOwnMasternode {
  readonly ip: PeerIp.PeerIp
  readonly key: Key
  readonly tier: Tier
  /** Present exactly with a paid tier. */
  readonly collateral: Outpoint | undefined
  /** Where block rewards go: a TIME address. Two masternodes with one address make a daemon refuse its own block. */
  readonly rewardAddress: string
  /** The TIME address of `key`, on this network. */
  readonly keyAddress: string
  /** When this process began, seconds since 1970. */
  readonly startedAt: number
  /** The key's signature, 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** What it announces; `undefined`: the network knows masternodes at IPv4 addresses only. */
export const announcement = (
  own: TimeOwnMasternode
): Message<"MasternodeAnnouncementV3"> | Message<"MasternodeAnnouncementV4"> | undefined => {
  if (PeerIp.isIpv6(own.ip)) return undefined
  const { collateral, rewardAddress } = own
  const shared = {
    ...TimeMasternode.toTime({ ip: own.ip, key: own.key, tier: own.tier, collateral, rewardAddress }),
    certificate: new Uint8Array(Limits.timeCertificateBytes),
    startedAt: own.startedAt
  }
  return collateral === undefined || rewardAddress !== own.keyAddress
    ? { _tag: "MasternodeAnnouncementV3", ...shared }
    : {
      _tag: "MasternodeAnnouncementV4",
      ...shared,
      collateralProof: own.sign(new TextEncoder().encode(TimeMasternode.collateralClaim(collateral)))
    }
}
