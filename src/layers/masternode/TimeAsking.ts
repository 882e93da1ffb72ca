/**
 * What goes out to peers of the TIME network: the question for their lists, and that this node is a masternode. A daemon that syncs reads neither, and
 * does not answer the question. So the announcement, of which there is one per connection, follows an answer.
 */
import * as TimeAddress from "../../domain/chain/TimeAddress.ts"
import * as Limits from "../../domain/Limits.ts"
import * as TimeOwnMasternode from "../../domain/masternode/TimeOwnMasternode.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import { sha256 } from "../chain/HasherLive.ts"
import type { MasternodeContext, Own } from "./MasternodeContext.ts"

/** What this node announces there; `undefined`: the network has no TIME wire, or no masternodes at such addresses. */
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

/** Asks those whose turn it is. One that is not sent now is tried again with the next beat. */
export const ask = ({ messages, now, timeLinks }: MasternodeContext): void => {
  const { monotonic } = now()
  for (const link of timeLinks.values()) {
    const isDue = link.askedAt === undefined || monotonic - link.askedAt >= Limits.timeMasternodesMs
    if (isDue && messages.sendTime(link.origin, { _tag: "GetMasternodes" })) link.askedAt = monotonic
  }
}

/** The peer has answered: it reads what masternodes say. Before the announcement is due, and after it, this sends nothing. */
export const answered = ({ messages, ownTime }: MasternodeContext, origin: Origin): void => {
  if (ownTime !== undefined) messages.sendTime(origin, ownTime)
}
