/**
 * How much may be sent to one daemon: it counts per connection in fixed windows, and silently drops the excess. Here half of each limit
 * (`Limits.timeRates`) is used, in a sliding window, so that no window of the daemon's is ever full, whenever it began.
 */
import * as Limits from "../../Limits.ts"
import type { Tag } from "./TimeMessage.ts"

export type Name = keyof typeof Limits.timeRates

const special: Readonly<Partial<Record<Tag, Name>>> = {
  GetPeers: "peers",
  GetMasternodes: "masternodes",
  MasternodesResponse: "masternodeList",
  MasternodeAnnouncement: "announcement",
  MasternodeAnnouncementV2: "announcement",
  MasternodeAnnouncementV3: "announcement",
  MasternodeAnnouncementV4: "announcement",
  GetBlocks: "pages",
  BlockAnnouncement: "block",
  BlockResponse: "block",
  TimeLockBlockProposal: "block",
  BlocksResponse: "pageServed",
  BlockRangeResponse: "pageServed"
}

/** The daemon never counts these. */
const free: ReadonlySet<Tag> = new Set(["Ping", "Pong", "Handshake", "Ack", "Version"])

/** The bucket of a message; `undefined` if it is not counted. */
export const bucketOf = (tag: Tag): Name | undefined => free.has(tag) ? undefined : special[tag] ?? "general"

/** When the latest messages of each bucket were sent, oldest first, monotonic ms. */
export type Sent = Readonly<Partial<Record<Name, ReadonlyArray<number>>>>

export const nothing: Sent = {}

/** ms until such a message may be sent; 0 means now. */
export const waitMs = (sent: Sent, tag: Tag, now: number): number => {
  const name = bucketOf(tag)
  if (name === undefined) return 0
  const { most, ms } = Limits.timeRates[name]
  const times = sent[name] ?? []
  const oldest = times[times.length - most]
  return oldest === undefined ? 0 : Math.max(0, oldest + ms - now)
}

/** Records that such a message was sent. */
export const after = (sent: Sent, tag: Tag, now: number): Sent => {
  const name = bucketOf(tag)
  if (name === undefined) return sent
  const { most } = Limits.timeRates[name]
  return { ...sent, [name]: [...(sent[name] ?? []), now].slice(-most) }
}
