/**
 * Sends messages on the TIME wire, within the daemon's limits (`TimeRates`): it silently drops messages beyond them. A peer that does not
 * read loses its connection, as on the native wire.
 */
import * as U64 from "../../domain/chain/U64.ts"
import * as TimeEncoder from "../../domain/wire/time/TimeEncoder.ts"
import type { Tag, TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import * as TimeRates from "../../domain/wire/time/TimeRates.ts"
import type { BlocksOut } from "../../services/PeerMessages.ts"
import type { NodeContext } from "./NodeContext.ts"
import { overflow } from "./overflow.ts"
import type { PeerConnection } from "./PeerConnection.ts"
import type { PeerEnd } from "./PeerEnd.ts"

/** Blocks are sent behind all other messages. */
const isBulk: ReadonlySet<Tag> = new Set<Tag>([
  "BlocksResponse",
  "BlockRangeResponse",
  "BlockResponse",
  "BlockAnnouncement",
  "GenesisAnnouncement"
])

/** This node's own announcement as a masternode: once per connection, when `TimePair` makes it due. */
const isAnnouncement: ReadonlySet<Tag> = new Set<Tag>([
  "MasternodeAnnouncement",
  "MasternodeAnnouncementV2",
  "MasternodeAnnouncementV3",
  "MasternodeAnnouncementV4"
])

/** ms until such a message may be sent to the peer; 0: now. */
export const waitMs = (ctx: NodeContext, { time }: PeerEnd, tag: Tag): number =>
  time === undefined ? 0 : TimeRates.waitMs(time.sent, tag, ctx.timers.now())

/**
 * Sends a message. False if it is not sent: the peer would drop it, its version lacks it, or the connection is gone. The sender of a request
 * that was not sent repeats it, as if it had not been answered.
 */
export const send = (ctx: NodeContext, end: PeerEnd, message: TimeMessage): boolean => {
  const { time } = end
  return time !== undefined && sendFrame(ctx, end, message._tag, () => TimeEncoder.encode(message, time.commitCount))
}

/** The same for stored blocks. */
export const sendBlocks = (ctx: NodeContext, end: PeerEnd, { as, blocks }: BlocksOut): boolean =>
  sendFrame(ctx, end, as, () => {
    if (as === "BlocksResponse" || as === "BlockRangeResponse") return TimeEncoder.encodeList(as, blocks)
    const [block] = blocks
    return block === undefined ? undefined : TimeEncoder.encodeBlock(as, block)
  })

const sendFrame = (ctx: NodeContext, end: PeerEnd, tag: Tag, encode: () => Uint8Array | undefined): boolean => {
  const { connection, time } = end
  if (connection === undefined || time === undefined || waitMs(ctx, end, tag) > 0) return false
  if (isAnnouncement.has(tag) && time.announcement !== "due") return false
  const frame = encode()
  if (frame === undefined) return false
  if (isAnnouncement.has(tag)) time.announcement = "said"
  time.sent = TimeRates.after(time.sent, tag, ctx.timers.now())
  count(ctx, connection, tag, frame)
  const fits = isBulk.has(tag) ? connection.sendBulk(frame) : connection.sendControl(frame)
  if (!fits) overflow(ctx, end)
  return fits
}

/** Answers `MempoolSyncRequest`: this node keeps no transactions. */
export const sendEmptyMempool = (ctx: NodeContext, end: PeerEnd): void => {
  const { connection } = end
  if (connection === undefined) return
  count(ctx, connection, "MempoolSyncResponse", TimeEncoder.emptyMempool)
  if (!connection.sendControl(TimeEncoder.emptyMempool)) overflow(ctx, end)
}

const count = (ctx: NodeContext, { active }: PeerConnection<PeerEnd>, type: string, frame: Uint8Array): void => {
  if (active) ctx.table.messages.time.sent.add(type, frame.length)
}

/** The time in messages: whole seconds since 1970. */
export const seconds = ({ nowMs }: NodeContext): number => Math.floor(nowMs() / 1_000)

/** A ping with our height, as the TIME network's own pings have. */
export const ping = (ctx: NodeContext, end: PeerEnd, nonce: bigint): void => {
  send(ctx, end, {
    _tag: "Ping",
    nonce: U64.of(nonce),
    timestamp: seconds(ctx),
    height: ctx.localChain.tip().height
  })
}
