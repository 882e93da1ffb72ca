/**
 * This node as a masternode on the TIME network. Its nodes accept an announcement only from the IP that it names. A free masternode needs
 * no signature. A paid one's rewards must go to the address that holds the collateral, and V4 shows that its key signs for that address.
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
  /** Present if and only if the tier is paid. */
  readonly collateral: Outpoint | undefined
  /** TIME address for block rewards. If two masternodes share an address, a daemon refuses its own block. */
  readonly rewardAddress: string
  /** The TIME address of `key`, on this network. */
  readonly keyAddress: string
  /** When this process started, seconds since 1970. */
  readonly startedAt: number
  /** The key's signature, 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** This node's announcement; `undefined` if it has no IPv4 address, the only kind the network supports. */
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
