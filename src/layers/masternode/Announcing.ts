/** Sends announcements: this node's own with its proof on each connection, others' in batches, and reports. */
import * as Limits from "../../domain/Limits.ts"
import * as Bytes from "../../domain/masternode/AnnouncementBytes.ts"
import type { Announcement, Claim } from "../../domain/masternode/Masternode.ts"
import * as Registry from "../../domain/masternode/MasternodeRegistry.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { OwnMasternode } from "../../services/Masternodes.ts"
import * as Context from "./MasternodeContext.ts"
import type { Link, MasternodeContext, Own } from "./MasternodeContext.ts"
import * as TimeAsking from "./TimeAsking.ts"

const sign = ({ network }: MasternodeContext, own: Pick<Own, "identity" | "ip" | "port">, at: number): Announcement => {
  const { collateral, key, sign, tier } = own.identity
  const claim: Claim = {
    key,
    ip: own.ip,
    port: own.port,
    tier,
    at,
    ...(collateral === undefined ? {} : { collateral })
  }
  return { claim, signature: sign(Bytes.signed(network, claim)) }
}

/** Starts announcing this node as a masternode. */
export const start = (context: MasternodeContext, identity: OwnMasternode, ip: PeerIp, port: number): void => {
  const now = context.now()
  const announcement = sign(context, { identity, ip, port }, now.wall)
  context.own = { identity, ip, port, announcement, announcedAt: now.monotonic }
  context.ownTime = TimeAsking.announcementOf(context, context.own)
  Context.change(context, Registry.connected(context.registry, announcement, "self", now), announcement)
  for (const link of context.links.values()) prove(context, link)
}

/**
 * Announces again when due, or when peers know a later announcement than ours: one of an earlier run, before the clock was set back.
 */
export const repeat = (context: MasternodeContext, own: Own): void => {
  const now = context.now()
  const known = Registry.entryOf(context.registry, own.ip, own.identity.key)
  const latest = known === undefined ? 0 : Registry.atOf(known)
  const isDue = now.monotonic - own.announcedAt >= Limits.masternodeAnnounceMs
  if (!isDue && latest <= own.announcement.claim.at) return
  own.announcement = sign(context, own, Math.max(now.wall, latest + 1))
  own.announcedAt = now.monotonic
  Context.change(context, Registry.connected(context.registry, own.announcement, "self", now), own.announcement)
  relay(context, own.announcement, undefined)
}

/** Sends the peer our announcement, with a proof that we hold its key. */
export const prove = ({ messages, network, own }: MasternodeContext, { origin, session }: Link): void => {
  if (own === undefined) return
  const proof = own.identity.sign(Bytes.signedOnConnection(network, own.announcement.claim, {
    masternode: session.ownNonce,
    peer: session.peerNonce,
    peerIp: origin.ip
  }))
  messages.send(origin, { _tag: "OwnMasternode", announcement: own.announcement, proof })
}

/** Queues the announcement for every other peer, once. */
export const relay = (context: MasternodeContext, announcement: Announcement, from: Link | undefined): void => {
  const { ip, key } = announcement.claim
  for (const link of context.links.values()) {
    if (link !== from && Context.mayTell(link, ip)) link.outgoing.set(key, announcement)
  }
}

/** Queues announcements for a newcomer: the latest of each key that peers still accept. */
export const greet = (context: MasternodeContext, link: Link): void => {
  const { registry } = context
  const now = context.now()
  for (const [key] of registry.keys) {
    const latest = Registry.entriesOf(registry, key).reduce((a, b) => Registry.atOf(b) > Registry.atOf(a) ? b : a)
    const { announcement } = latest
    const fresh = now.monotonic < latest.expiresAt && announcement.claim.at - now.wall <= Limits.masternodeAheadMs
    if (fresh && Context.mayTell(link, announcement.claim.ip)) link.outgoing.set(key, announcement)
  }
  prove(context, link)
}

/** Sends the announcements that a peer still lacks, as many as its limit allows now. */
export const flush = ({ messages }: MasternodeContext, link: Link, now: number): void => {
  while (link.outgoing.size > 0) {
    const count = Math.min(
      link.outgoing.size,
      Limits.announcementsPerMessage,
      Math.floor(TokenBucket.available(link.out, Limits.announcementsOut, now))
    )
    const left = TokenBucket.take(link.out, Limits.announcementsOut, now, count)
    if (count === 0 || left === undefined) return
    link.out = left
    const announcements: Array<Announcement> = []
    for (const [key, announcement] of link.outgoing) {
      if (announcements.length === count) break
      announcements.push(announcement)
      link.outgoing.delete(key)
    }
    messages.send(link.origin, { _tag: "Masternodes", announcements })
  }
}

/** The masternodes that this node is connected to. */
export const seenNow = ({ links }: MasternodeContext): ReadonlyArray<Bytes.Sighting> =>
  [...links.values()].flatMap(({ origin, proven }) => proven === undefined ? [] : [{ ip: origin.ip, key: proven }])
    .slice(0, Limits.sightingsPerReport)

/** Reports them to a peer, if they have changed or a report is due. */
export const report = (
  { messages, seenVersion }: MasternodeContext,
  link: Link,
  seen: ReadonlyArray<Bytes.Sighting>,
  now: number
): void => {
  const { reported } = link
  if (reported === undefined && seen.length === 0) return
  const since = reported === undefined ? Number.POSITIVE_INFINITY : now - reported.at
  const isDue = reported?.version === seenVersion
    ? seen.length > 0 && since >= Limits.witnessEveryMs
    : since >= Limits.witnessSoonestMs
  if (!isDue) return
  link.reported = { version: seenVersion, at: now }
  messages.send(link.origin, {
    _tag: "SeenMasternodes",
    seen: seen.filter(({ ip }) => Context.mayTell(link, ip))
  })
}
