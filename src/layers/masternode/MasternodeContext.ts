/**
 * State shared by the parts of `Masternodes`. The registry is replaced as a whole; links live as long as their connections. All of it is
 * touched only by synchronous code.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Sighting } from "../../domain/masternode/AnnouncementBytes.ts"
import type { Announcement, Key } from "../../domain/masternode/Masternode.ts"
import type * as Registry from "../../domain/masternode/MasternodeRegistry.ts"
import * as RegistryBounds from "../../domain/masternode/RegistryBounds.ts"
import type { Network } from "../../domain/Network.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { Message } from "../../domain/wire/time/TimeMessage.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { OwnMasternode } from "../../services/Masternodes.ts"
import type { NodeEvents } from "../../services/NodeEvents.ts"
import type { PeerMessages, PeerSession } from "../../services/PeerMessages.ts"
import type { Verifier } from "./Verifier.ts"

/** A connection to a peer that reads announcements. */
export interface Link {
  readonly origin: Origin
  readonly session: PeerSession
  readonly ipClass: PeerIp.IpClass
  readonly netgroup: string
  /** The key that the peer has proved it holds, at its address. */
  proven: Key | undefined
  /** Announcements that the peer still lacks, the latest of each key. */
  readonly outgoing: Map<Key, Announcement>
  /** Its last report of masternodes, when it arrived, and whether it lists any that are not known yet. */
  report: { readonly seen: ReadonlyArray<Sighting>; readonly at: number; readonly hasUnknown: boolean } | undefined
  /** The version and time of our last report to it. */
  reported: { readonly version: number; readonly at: number } | undefined
  out: TokenBucket.TokenBucket
  in: TokenBucket.TokenBucket
  reports: TokenBucket.TokenBucket
  proofs: TokenBucket.TokenBucket
  /** It sent more than it may, and is not read until the next beat. */
  isPaused: boolean
}

/** This node as a masternode. */
export interface Own {
  readonly identity: OwnMasternode
  readonly ip: PeerIp.PeerIp
  readonly port: number
  announcement: Announcement
  /** Monotonic ms. */
  announcedAt: number
}

/** A connection to a peer of the TIME network. */
export interface TimeLink {
  readonly origin: Origin
  /** When it was last asked for its masternode list, monotonic ms. */
  askedAt: number | undefined
}

export interface MasternodeContext {
  registry: Registry.MasternodeRegistry
  readonly links: Map<PeerIp.PeerIp, Link>
  readonly timeLinks: Map<PeerIp.PeerIp, TimeLink>
  /** Increases whenever the set of proven links changes. */
  seenVersion: number
  own: Own | undefined
  /** The same as a TIME-network message; `undefined` where that network has no such masternodes. */
  ownTime: Message<"MasternodeAnnouncementV3"> | Message<"MasternodeAnnouncementV4"> | undefined
  /** Claims that changed since the last beat, to be checked for conflicts. */
  readonly changed: Map<string, Sighting>
  readonly network: Network
  readonly messages: PeerMessages["Service"]
  readonly verifier: Verifier<Link>
  readonly emit: NodeEvents["Service"]["emit"]
  readonly now: () => Registry.Now
}

/** Whether that connection is still the peer's current one. */
export const isCurrent = ({ links }: MasternodeContext, link: Link): boolean => links.get(link.origin.ip) === link

/** Applies a registry changed by an announcement, within the bounds. */
export const change = (
  context: MasternodeContext,
  registry: Registry.MasternodeRegistry,
  announcement: Announcement
): void => {
  const { ip, key } = announcement.claim
  context.registry = RegistryBounds.fit(registry, announcement, context.now().monotonic)
  if (context.changed.size < Limits.masternodeConflictsTold) context.changed.set(`${ip} ${key}`, { ip, key })
}

/** Whether an address is of use to a peer: not private ones outside its network, and not its own. */
export const mayTell = (link: Link, ip: PeerIp.PeerIp): boolean =>
  ip !== link.origin.ip && PeerIp.isOfUse(PeerIp.classOf(ip), link.ipClass)
