/**
 * Messages to TIME-network peers: requests for their masternode lists, and this node's own announcement. A daemon that is syncing ignores both.
 * Only one announcement may be sent per connection, so it waits for an answer to the request.
 */
import * as TimeAddress from "../../domain/chain/TimeAddress.ts"
import * as Limits from "../../domain/Limits.ts"
import * as TimeOwnMasternode from "../../domain/masternode/TimeOwnMasternode.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import { sha256 } from "../crypto/sha256.ts"
import type { MasternodeContext, Own } from "./MasternodeContext.ts"

/** What this node announces there. `undefined`: the network has no TIME wire, or no masternodes at such addresses. */
export const announcementOf = (
  { network, now }: MasternodeContext,
  { identity, ip }: Own
): MasternodeContext["ownTime"] => {
  if (network.name === "devnet") return undefined
  const { collateral, key, sign, tier } = identity
  const keyAddress = TimeAddress.ofPublicKey({ sha256 }, Buffer.from(key, "hex"))[network.name]
  return TimeOwnMasternode.announcement({
    ip,
    key,
    tier,
    collateral,
    keyAddress,
    rewardAddress: identity.rewards ?? keyAddress,
    startedAt: Math.floor(now().wall / 1_000),
    sign
  })
}

/** Asks the peers that are due. A request that cannot be sent now is tried again at the next beat. */
export const ask = ({ messages, now, timeLinks }: MasternodeContext): void => {
  const { monotonic } = now()
  for (const link of timeLinks.values()) {
    const isDue = link.askedAt === undefined || monotonic - link.askedAt >= Limits.timeMasternodesMs
    if (isDue && messages.sendTime(link.origin, { _tag: "GetMasternodes" })) link.askedAt = monotonic
  }
}

/** The peer has answered, so it reads masternode messages: announces. Does nothing if the announcement is not due, or was sent already. */
export const answered = ({ messages, ownTime }: MasternodeContext, origin: Origin): void => {
  if (ownTime !== undefined) messages.sendTime(origin, ownTime)
}
