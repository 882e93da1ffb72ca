/**
 * What follows from peers' offences and the operator's bans. Code that finds an offence calls `report`, and itself ends a connection that
 * cannot continue. Bans are decided here, from all that is known of the address (docs/decisions/0063).
 */
import * as DialFault from "../../domain/DialFault.ts"
import type { DisconnectReason } from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Subnet from "../../domain/peer/Subnet.ts"
import type { Ban } from "../../domain/protection/BanList.ts"
import * as IsolationFloor from "../../domain/protection/IsolationFloor.ts"
import type { Offender } from "../../domain/protection/Ledger.ts"
import * as Offence from "../../domain/protection/Offence.ts"
import * as OwnTrouble from "../../domain/protection/OwnTrouble.ts"
import * as Score from "../../domain/protection/Score.ts"
import { recordFlood } from "../../services/PeerSocket.ts"
import type { StoredBan, StoredOffender } from "../../services/PeerStore.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import * as PairTimers from "./PairTimers.ts"
import { type Peer, redialKey } from "./Peer.ts"
import type { PeerEnd } from "./PeerEnd.ts"

// --- offences -----------------------------------------------------------------------

/** The peer at `ip`, connected or not, did what no honest peer does. Costs a few µs: call it once per proof, not per byte. */
export const report = (ctx: NodeContext, ip: PeerIp, offence: Offence.Offence): void => {
  const { bans, ledger } = ctx.protection
  const now = ctx.timers.now()
  look(ctx)
  const { score } = ledger.add(ip, offence, now)
  const isDue = Score.isEnough(score, now) && bans.find(ip, now) === undefined
  const spared = isDue ? IsolationFloor.spared(standing(ctx, ip, now)) : undefined
  ctx.emit({
    _tag: "Offence",
    ip,
    kind: offence.kind,
    detail: offence.detail,
    points: Math.round(Score.pointsAt(score, now)),
    ...(spared === undefined ? {} : { spared })
  })
  if (!isDue || spared !== undefined) return
  const until = now + IsolationFloor.banMs(ledger.banned(ip))
  ban(ctx, { subnet: Subnet.ofOne(ip), since: now, until, by: "score", reason: `${offence.kind}: ${offence.detail}` })
}

/** The peer sent a malformed message: an offence, and the end of the connection. */
export const malformed = (ctx: NodeContext, end: PeerEnd, detail: string): void => {
  report(ctx, end.ip, Offence.make("malformed", detail))
  Outgoing.close(ctx, end, "bad-frame", detail)
}

/** The peer sent a message that the protocol does not allow now: an offence, and the end of the connection. */
export const violated = (ctx: NodeContext, end: PeerEnd, detail: string): void => {
  report(ctx, end.ip, Offence.make("protocol", detail))
  Outgoing.close(ctx, end, "protocol", detail)
}

/** The peer sent more before Up than any link explains: an offence, and the end. After Up it is only read more slowly: nothing is proven. */
export const flooded = (ctx: NodeContext, end: PeerEnd, detail: string): void => {
  report(ctx, end.ip, Offence.make("flood", detail))
  Outgoing.close(ctx, end, "protocol", detail)
}

/** The transport ended the connection: an offence if no honest peer does what the transport saw. */
export const transported = (ctx: NodeContext, ip: PeerIp, { by, detail, kind }: DisconnectReason): void => {
  if (by === "local" && kind === "protocol" && detail === recordFlood) {
    report(ctx, ip, Offence.make("protocol", recordFlood))
  }
}

const standing = (ctx: NodeContext, ip: PeerIp, now: number): IsolationFloor.Standing => {
  const { protection, table } = ctx
  let goodPeersLeft = 0
  for (const peer of table.peers()) {
    if (peer.up === undefined || peer.ip === ip) continue
    if (protection.ledger.points(peer.ip, now) < Limits.goodPeerPoints) goodPeersLeft += 1
  }
  return {
    isConfigured: table.get(ip)?.book.source === "configured",
    goodPeersLeft,
    trouble: OwnTrouble.current(protection.trouble, now)
  }
}

/** Compares the wall clock with the monotonic clock. Called when the node starts, and with every offence. */
const look = ({ nowMs, protection, timers }: NodeContext): void => {
  protection.trouble = OwnTrouble.looked(protection.trouble, nowMs(), timers.now())
}

/** Watches the node's own events for signs of trouble, and for useful peers. */
export const observe = (ctx: NodeContext, event: NodeEvent): void => {
  const { protection } = ctx
  const note = (trouble: OwnTrouble.Trouble) => {
    protection.trouble = OwnTrouble.noted(protection.trouble, trouble, ctx.timers.now())
  }
  switch (event._tag) {
    case "TipChanged": {
      const peer = event.from === undefined ? undefined : ctx.table.get(event.from)
      if (peer !== undefined) peer.usefulAt = ctx.timers.now()
      return
    }
    case "MasternodeLive":
      return void protection.masternodes.add(event.ip)
    case "MasternodeGone":
      return void protection.masternodes.delete(event.ip)
    case "LoopLag":
      return event.ms >= Limits.troubleLagMs ? note("lag") : undefined
    case "StoreFailed":
      return note("store")
    case "DialFailed":
      return DialFault.of(event.detail, event.ip) === "resources" ? note("network") : undefined
    case "Down": {
      const { by, kind } = event.reason
      if (by !== "local" || (kind !== "silent" && kind !== "unanswered")) return
      protection.trouble = OwnTrouble.timedOut(protection.trouble, event.ip, ctx.slots.upCount, ctx.timers.now())
    }
  }
}

// --- bans -----------------------------------------------------------------------------

/** Adds a ban and closes the connections it forbids. False if the list is full, or an operator's ban covers the same addresses. */
export const ban = (ctx: NodeContext, ban: Ban): boolean => {
  const { protection } = ctx
  if (!protection.bans.put(ban)) return false
  changed(ctx)
  const { by, reason, subnet } = ban
  ctx.emit({ _tag: "Banned", subnet, by, detail: reason, forMs: Math.round(ban.until - ban.since) })
  for (const peer of peersIn(ctx, subnet)) {
    post(ctx, peer, { _tag: "Stopped", reject: "banned", detail: reason, retryMs: holdMs(ban.until - ban.since) })
  }
  return true
}

/** Lifts exactly that ban. False if there is no such ban. */
export const unban = (ctx: NodeContext, subnet: Subnet.Subnet): boolean => {
  const lifted = ctx.protection.bans.remove(subnet)
  if (lifted === undefined) return false
  ended(ctx, [lifted], "operator")
  return true
}

/** How long a dial to a banned address waits before the ban is checked again, ms. */
export const holdMs = (bannedMs: number): number => Math.min(bannedMs, Limits.retryMaxMs)

/**
 * How long a banned peer is asked to stay away, ms; `undefined`: it is not banned. A peer that we dial when the ban ends need not ask
 * before. Other peers may ask now and then: nothing else can tell them that a ban was lifted early.
 */
export const toldMs = ({ protection, timers }: NodeContext, peer: Peer): number | undefined => {
  const bannedMs = protection.bannedMs(peer.ip, timers.now())
  if (bannedMs === undefined || peer.dialable) return bannedMs
  return Math.min(bannedMs, Limits.retryBannedMs)
}

/** Whether to accept a socket of the address. A banned address is accepted now and then, to send it a Reject; `isTold`: one will be sent. */
export const mayEnter = (ctx: NodeContext, ip: PeerIp, isTold: boolean): boolean => {
  const { protection, timers } = ctx
  const now = timers.now()
  const found = protection.bans.find(ip, now)
  if (found === undefined) return true
  if (protection.isWorthAWord(found, now)) {
    if (isTold) protection.tells(found, now)
    return true
  }
  protection.turnedAway += 1
  protection.unreported += 1
  if (protection.unreported === 1) {
    timers.arm(Limits.turnedAwayEveryMs, () => {
      ctx.emit({ _tag: "TurnedAway", ip, sockets: protection.unreported })
      protection.unreported = 0
    })
  }
  return false
}

const peersIn = ({ table }: NodeContext, subnet: Subnet.Subnet): ReadonlyArray<Peer> => {
  const { ip, isOne } = Subnet.parts(subnet)
  if (!isOne) return [...table.peers()].filter((peer) => Subnet.contains(subnet, peer.ip))
  const peer = table.get(ip)
  return peer === undefined ? [] : [peer]
}

const changed = (ctx: NodeContext): void => {
  const { protection, timers } = ctx
  protection.isUnsaved = true
  if (protection.expiry !== undefined) timers.disarm(protection.expiry)
  const next = protection.bans.nextEnd
  protection.expiry = next === undefined ? undefined : timers.arm(next - timers.now(), () => {
    protection.expiry = undefined
    ended(ctx, protection.bans.expire(timers.now()), "time")
  })
}

/** Peers that are no longer banned are dialled soon, and start without points. */
const ended = (ctx: NodeContext, bans: ReadonlyArray<Ban>, by: "operator" | "time"): void => {
  const { protection, timers } = ctx
  let place = 0
  for (const { subnet } of bans) {
    ctx.emit({ _tag: "Unbanned", subnet, by })
    protection.ledger.forgive(subnet)
    for (const peer of peersIn(ctx, subnet)) {
      if (peer.timers?.get(redialKey) === undefined || protection.bannedMs(peer.ip, timers.now()) !== undefined) {
        continue
      }
      const ms = (place + ctx.jitter()) * 1_000 / Limits.unbannedDialsPerSecond
      PairTimers.arm(ctx, peer, { kind: "redial", end: 0 }, ms)
      place += 1
    }
  }
  changed(ctx)
}

// --- the store ------------------------------------------------------------------------

/** Restores stored bans for the time they have left, and offenders, whose points have decayed in the meantime. */
export const restore = (
  ctx: NodeContext,
  { bans, offenders }: {
    readonly bans: ReadonlyArray<StoredBan>
    readonly offenders: ReadonlyArray<StoredOffender>
  }
): void => {
  look(ctx)
  const wallMs = ctx.nowMs()
  const now = ctx.timers.now()
  for (const { by, reason, since, subnet, until } of bans) {
    // A wrong clock must not make a ban longer than it was.
    const leftMs = Math.min(until - wallMs, until - since)
    if (leftMs > 0) {
      ctx.protection.bans.put({ subnet, since: now + leftMs - (until - since), until: now + leftMs, by, reason })
    }
  }
  if (bans.length > 0) changed(ctx)
  ctx.protection.ledger.restore(offenders.map((offender) => moved(offender, now - wallMs)), now)
}

/** Shifts its times to another clock. */
const moved = ({ bans, ip, lines, score }: Offender, byMs: number): Offender => ({
  ip,
  bans,
  score: { ...score, at: score.at + byMs },
  lines: lines.map((line) => ({ ...line, at: line.at + byMs }))
})

/** Offenders to be stored, in wall time. */
export const inWallTime = (ctx: NodeContext, offenders: ReadonlyArray<Offender>): ReadonlyArray<StoredOffender> => {
  const offsetMs = ctx.nowMs() - ctx.timers.now()
  return offenders.map((offender) => moved(offender, offsetMs))
}

/** All bans, in wall time. */
export const toStore = (ctx: NodeContext): ReadonlyArray<StoredBan> => {
  const offsetMs = ctx.nowMs() - ctx.timers.now()
  return [...ctx.protection.bans.entries()].map(({ by, reason, since, subnet, until }) => ({
    subnet,
    since: Math.round(since + offsetMs),
    until: Math.round(until + offsetMs),
    by,
    reason
  }))
}
