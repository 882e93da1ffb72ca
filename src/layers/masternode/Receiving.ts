/**
 * Handles masternode messages. Peers verify before they relay, so a wrong signature is the sender's fault and ends its connection. Anything
 * that a clock, a bound or another peer's claim may explain is ignored.
 */
import * as Limits from "../../domain/Limits.ts"
import * as Bytes from "../../domain/masternode/AnnouncementBytes.ts"
import type { Announcement } from "../../domain/masternode/Masternode.ts"
import * as Registry from "../../domain/masternode/MasternodeRegistry.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { MasternodeMessage, OwnMasternode } from "../../domain/wire/MasternodeMessage.ts"
import * as Announcing from "./Announcing.ts"
import * as Context from "./MasternodeContext.ts"
import type { Link, MasternodeContext } from "./MasternodeContext.ts"

/** The peer sent more than it may: pauses reading, so that its messages cost no more than its limits allow. */
const flooded = ({ messages }: MasternodeContext, link: Link): void => {
  if (link.isPaused) return
  link.isPaused = true
  messages.pauseReading(link.origin)
}

/** Takes one of the peer's tokens; false if none is left. */
const mayGo = (
  context: MasternodeContext,
  link: Link,
  bucket: "in" | "reports" | "proofs",
  rate: TokenBucket.Rate
): boolean => {
  const left = TokenBucket.take(link[bucket], rate, context.now().monotonic)
  if (left === undefined) flooded(context, link)
  else link[bucket] = left
  return left !== undefined
}

const blame = ({ messages }: MasternodeContext, link: Link, detail: string): void => messages.drop(link.origin, detail)

const isWorthKnowing = (novelty: Registry.Novelty): boolean => novelty === "new" || novelty === "older"

const announced = (context: MasternodeContext, link: Link, announcement: Announcement): void => {
  const { claim, signature } = announcement
  // Both ends have it now: no need to send it.
  if (link.outgoing.get(claim.key)?.claim.at === claim.at) link.outgoing.delete(claim.key)
  if (!PeerIp.isOfUse(PeerIp.classOf(claim.ip), link.ipClass)) return
  const novelty = () => Registry.novelty(context.registry, announcement, context.now())
  if (!isWorthKnowing(novelty())) return
  context.verifier.submit(link, {
    key: claim.key,
    message: () => Bytes.signed(context.network, claim),
    signature,
    isWanted: () => isWorthKnowing(novelty()),
    done: (isRight) => {
      if (!isRight) return blame(context, link, "masternode announcement with a wrong signature")
      const now = novelty()
      if (!isWorthKnowing(now)) return
      const registry = Registry.announced(context.registry, announcement, link.netgroup, context.now())
      Context.change(context, registry, announcement)
      if (now === "new") Announcing.relay(context, announcement, link)
    }
  })
}

const proved = (context: MasternodeContext, link: Link, announcement: Announcement): void => {
  if (!Context.isCurrent(context, link)) return
  const { ip, key } = announcement.claim
  const isNew = Registry.novelty(context.registry, announcement, context.now()) === "new"
  const registry = link.proven === undefined || link.proven === key
    ? context.registry
    : Registry.disconnected(context.registry, ip, link.origin.connection)
  link.proven = key
  context.seenVersion += 1
  const next = Registry.connected(registry, announcement, link.origin.connection, context.now())
  Context.change(context, next, announcement)
  if (isNew) Announcing.relay(context, announcement, link)
}

/** A peer claims to be a masternode. If it announces another address than its own, the claim is only hearsay. */
const ownAnnounced = (context: MasternodeContext, link: Link, { announcement, proof }: OwnMasternode): void => {
  const { claim, signature } = announcement
  if (claim.ip !== link.origin.ip) return announced(context, link, announcement)
  const isWanted = () => Context.isCurrent(context, link)
  context.verifier.submit(link, {
    key: claim.key,
    message: () => Bytes.signed(context.network, claim),
    signature,
    isWanted,
    done: (isRight) => {
      if (!isRight) return blame(context, link, "its masternode announcement has a wrong signature")
      context.verifier.submit(link, {
        key: claim.key,
        message: () =>
          Bytes.signedOnConnection(context.network, claim, {
            masternode: link.session.peerNonce,
            peer: link.session.ownNonce,
            peerIp: link.session.ownIp
          }),
        signature: proof,
        isWanted,
        done: (isRight) =>
          isRight
            ? proved(context, link, announcement)
            : blame(context, link, "it does not hold the masternode key that it announces")
      })
    }
  })
}

/** A peer reports which masternodes it is connected to. */
export const witnessed = (
  context: MasternodeContext,
  link: Link,
  seen: ReadonlyArray<Bytes.Sighting>,
  at: number
): void => {
  context.registry = Registry.witnessed(context.registry, link.origin.ip, seen, at)
  const hasUnknown = seen.some(({ ip, key }) => Registry.entryOf(context.registry, ip, key) === undefined)
  link.report = { seen, at, hasUnknown }
}

export const received = (context: MasternodeContext, link: Link, message: MasternodeMessage): void => {
  switch (message._tag) {
    case "OwnMasternode":
      return mayGo(context, link, "proofs", Limits.masternodeProofs) ? ownAnnounced(context, link, message) : undefined
    case "Masternodes":
      for (const announcement of message.announcements) {
        if (!mayGo(context, link, "in", Limits.announcementsIn)) return
        announced(context, link, announcement)
      }
      return
    case "SeenMasternodes":
      return mayGo(context, link, "reports", Limits.witnessPace)
        ? witnessed(context, link, message.seen, context.now().monotonic)
        : undefined
  }
}
