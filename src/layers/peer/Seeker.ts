/**
 * Chooses which addresses of the peer book to connect to: each gets a row in the peer table, and with it a pair that dials (`Dialler`).
 *
 * **At the start**: the anchors, then the most recent handshakes. **Later**: gossiped addresses while there are rows, and every
 * `Limits.seekEveryMs` a selection from the book, in place of rows whose dials failed. **When every place is taken**: now and then a feeler,
 * a dial that only tests an address, so that the book has good addresses when they are needed.
 */
import * as Limits from "../../domain/Limits.ts"
import * as KnownAddress from "../../domain/peer/KnownAddress.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerSource } from "../../domain/peer/PeerRecord.ts"
import * as Discovery from "./Discovery.ts"
import * as Gate from "./Gate.ts"
import type { NodeContext } from "./NodeContext.ts"
import type { Up } from "./PeerEnd.ts"
import * as TimePairDriver from "./TimePairDriver.ts"

/** Seeks the best of the book, now and at every interval. */
export const start = (ctx: NodeContext, anchors: ReadonlyArray<PeerIp.PeerIp>): void => {
  const first = new Map<PeerIp.PeerIp, KnownAddress.KnownAddress>()
  for (const known of [...anchors.flatMap((ip) => ctx.book.get(ip) ?? []), ...ctx.book.lastGood(Limits.storedPeers)]) {
    first.set(known.ip, known)
  }
  for (const known of first.values()) seek(ctx, known, "stored")
  look(ctx, Limits.seekFirstRows)
  const allAsked: AllAsked = { until: 0, lastUp: 0 }
  again(ctx, Limits.seekEveryMs, 0, (ctx) => {
    if (look(ctx, Limits.seekRows) === 0) askInNeed(ctx, allAsked)
  })
  again(ctx, Limits.feelerEveryMs, 1, feel)
  again(ctx, Limits.askEveryMs, 1, ask)
}

/** Calls `f` every `ms`; with `spread` 1, each wait varies at random by up to half. */
const again = (ctx: NodeContext, ms: number, spread: 0 | 1, f: (ctx: NodeContext) => void): void => {
  const wait = ms * (1 + spread * (ctx.jitter() - 0.5))
  ctx.timers.arm(wait, () => {
    if (ctx.slots.closed) return
    f(ctx)
    again(ctx, ms, spread, f)
  })
}

/** An address that the book marks as TIME-network gets a row that is dialled by that network's rules, before it is learned. */
export const remember = (ctx: NodeContext, { ip, port }: PeerAddress, source: PeerSource): void => {
  if (ctx.book.get(ip)?.wire !== "time" || !Gate.address(ctx, ip)) return
  const row = Gate.admit(ctx, ip, port, source)
  if (row !== undefined) TimePairDriver.remembered(ctx, row)
}

const seek = (
  ctx: NodeContext,
  { direction, ip, port }: KnownAddress.KnownAddress,
  source: "stored" | "gossip"
): boolean => {
  remember(ctx, { ip, port }, source)
  if (!Discovery.learn(ctx, { ip, port }, source)) return false
  const peer = ctx.table.get(ip)
  if (peer !== undefined && direction === "outbound" && peer.pair.rank === "higher") peer.note({ onlyWeDial: true })
  return true
}

const isFull = ({ setup, slots }: NodeContext): boolean => slots.placesTaken >= setup.tuning.maxPeers

/**
 * Seeks more addresses of the book, until `rows` sought addresses are untried. Returns how many are; `undefined` when every place is taken,
 * and none is wanted.
 */
const look = (ctx: NodeContext, rows: number): number | undefined => {
  const now = ctx.nowMs()
  ctx.book.settleTests(now)
  if (isFull(ctx)) return undefined
  const room = Gate.room(ctx)
  if (!fill(ctx, room, rows)) return room.untried
  return isFull(ctx) ? undefined : Gate.room(ctx).untried
}

/** Gives rows to addresses of the book. Returns whether there were any. */
const fill = (ctx: NodeContext, room: Gate.Room, rows: number): boolean => {
  const now = ctx.nowMs()
  const missing = Math.min(ctx.book.size - room.inBook, rows - room.untried)
  const chosen: Array<KnownAddress.KnownAddress> = []
  /** Addresses of netgroups that have connections: used after those of netgroups without. */
  const later: Array<KnownAddress.KnownAddress> = []
  // Extra draws, because some drawn addresses are sought already.
  for (let tries = 4 * missing; tries > 0 && chosen.length < missing; tries--) {
    const known = ctx.book.pick(now, ctx.jitter)
    if (known === undefined) break
    if (ctx.table.get(known.ip) !== undefined || KnownAddress.isJustDialled(known, now)) continue
    if (ctx.protection.bannedMs(known.ip, ctx.timers.now()) !== undefined) continue
    const isSpread = ctx.groups.count(PeerIp.operatorOf(known.ip)) === 0
    ;(isSpread ? chosen : later).push(known)
  }
  let added = 0
  for (const known of [...chosen, ...later]) {
    if (added >= missing) break
    if (ctx.table.get(known.ip) !== undefined) continue
    if (!room.take()) break
    const isTried = ctx.book.tableOf(known.ip) === "tried"
    if (seek(ctx, known, isTried ? "stored" : "gossip")) added += 1
  }
  return chosen.length + later.length > 0
}

/** Dials one address only to test it. */
const feel = (ctx: NodeContext): void => {
  if (!isFull(ctx)) return
  const now = ctx.nowMs()
  const known = ctx.book.toTest(now) ?? untested(ctx, now)
  if (known === undefined || ctx.table.get(known.ip)?.up !== undefined) return
  if (!seek(ctx, known, ctx.book.tableOf(known.ip) === "tried" ? "stored" : "gossip")) return
  const peer = ctx.table.get(known.ip)
  if (peer !== undefined) peer.isFeeler = true
}

/** An address known only by gossip. Several draws, because some drawn addresses may be connected. */
const untested = (ctx: NodeContext, now: number): KnownAddress.KnownAddress | undefined => {
  for (let tries = Limits.feelerDraws; tries > 0; tries--) {
    const known = ctx.book.pick(now, ctx.jitter, "new")
    if (known === undefined) return undefined
    if (ctx.table.get(known.ip)?.up === undefined && !KnownAddress.isJustDialled(known, now)) return known
  }
  return undefined
}

/** No peer may be asked before `until` (monotonic ms), unless a connection has come up since `lastUp` (`Slots.lastUp`). */
interface AllAsked {
  until: number
  lastUp: number
}

/** Places are free and no address is left to try: asks the peer that was asked longest ago, if any may be asked again. */
const askInNeed = (ctx: NodeContext, allAsked: AllAsked): void => {
  const now = ctx.timers.now()
  const { lastUp } = ctx.slots
  if (now < allAsked.until && lastUp === allAsked.lastUp) return
  let chosen: Up | undefined
  let until = Number.POSITIVE_INFINITY
  for (const { up } of ctx.table.peers()) {
    if (up === undefined) continue
    const { at, times } = up.asked ?? { at: Number.NEGATIVE_INFINITY, times: 0 }
    if (times >= Limits.askNeedyTimes) continue
    const waitMs = Limits.askNeedyMs * 2 ** Math.max(0, times - 1)
    if (now - at < waitMs) {
      // A moment early: the sum is rounded.
      until = Math.min(until, at + waitMs - 1)
      continue
    }
    if (chosen === undefined || at < (chosen.asked?.at ?? 0)) chosen = up
  }
  if (chosen !== undefined) return Discovery.ask(ctx, chosen)
  allAsked.until = until
  allAsked.lastUp = lastUp
}

/** Asks one peer for addresses. */
const ask = (ctx: NodeContext): void => {
  const ups = [...ctx.table.peers()].flatMap(({ up }) => up ?? [])
  const chosen = ups[Math.floor(ctx.jitter() * ups.length)]
  if (chosen !== undefined) Discovery.ask(ctx, chosen)
}
