/**
 * Drives the pairs: feeds the machine one event at a time, supplies the random values and the history that the machine may not keep, and
 * performs its actions. No protocol rule lives here.
 */
import * as DialFault from "../../domain/DialFault.ts"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import type { Draw, PairAction, PairEvent } from "../../domain/pair/PairState.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as Recovery from "../../domain/peer/Recovery.ts"
import type { Wire } from "../../domain/wire/Wire.ts"
import * as Aliases from "./Aliases.ts"
import * as ConnectionLife from "./ConnectionLife.ts"
import type { Parts } from "./ConnectionLife.ts"
import * as Discovery from "./Discovery.ts"
import * as Gate from "./Gate.ts"
import * as HelloExchange from "./HelloExchange.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import * as OwnAddressWatch from "./OwnAddressWatch.ts"
import * as PairHistory from "./PairHistory.ts"
import * as PairTimers from "./PairTimers.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"
import * as Redials from "./Redials.ts"
import * as TimePairDriver from "./TimePairDriver.ts"

/** Starts the machine of all pairs. */
export const start = (ctx: NodeContext, parts: Parts): void =>
  ctx.pairs.start((input) => {
    const { peer } = input
    if (peer.forgotten) return
    // There are two machines: the wire of the end, or else of the peer, selects one.
    if ("time" in input) TimePairDriver.step(ctx, parts, peer, input.time)
    else if (!TimePairDriver.takes(ctx, parts, peer, input.event)) step(ctx, parts, peer, input.event)
    ctx.table.changed(peer)
    Gate.left(ctx, peer)
    if (!peer.forgotten) Aliases.left(ctx, peer)
  })

const step = (ctx: NodeContext, parts: Parts, peer: Peer, event: PairEvent): void => {
  const draw = drawFor(ctx, peer, event)
  let asked = { event, draw }
  let [state, actions] = ctx.rules.pairStep(peer.pair, event, draw)
  const { port } = ctx.setup.network
  const cutOff = event._tag === "DialFailed" && isCutOff(ctx, peer)
  const history = PairHistory.after(peer, event, state, actions, port, ctx.timers.now(), cutOff)
  peer.book = history.book
  if (history.backoff !== peer.backoff) {
    // The step's outcome decides the backoff, which the step itself needs. The machine is pure, so it is run again.
    peer.backoff = history.backoff
    const backoffMs = backoffFor(ctx, peer)
    asked = { event: withWait(event, actions, backoffMs), draw: { ...draw, backoffMs } }
    ;[state, actions] = ctx.rules.pairStep(peer.pair, asked.event, asked.draw)
  }
  ctx.table.flights.record(peer.ip, { at: ctx.timers.now(), before: peer.pair, ...asked, actions, after: state })
  peer.pair = state
  for (const action of actions) perform(ctx, parts, peer, action)
  prune(ctx, parts, peer, event)
}

/** A peer that repeatedly rejects a connection soon after Up is not dialled sooner than a peer whose dials just fail. */
const withWait = (event: PairEvent, actions: ReadonlyArray<PairAction>, backoffMs: number): PairEvent =>
  event._tag === "RejectReceived" && actions.some((action) => action._tag === "Down")
    ? { ...event, retryMs: Math.max(event.retryMs, backoffMs) }
    : event

// --- what the machine may not keep ------------------------------------------------

/**
 * Whether nothing shows that this node has a network that reaches the peer: no peer on a network like it is up. A peer on this host proves no
 * path to other hosts, and a peer on a private network no path to public addresses.
 */
const isCutOff = (ctx: NodeContext, { ipClass }: Peer): boolean => {
  if (ConnectionLife.isAlone(ctx)) return true
  for (const ip of ctx.slots.placed) {
    const other = ctx.table.get(ip)
    if (other?.up !== undefined && (other.ipClass === ipClass || other.ipClass === "routable")) return false
  }
  return true
}

const backoffFor = (ctx: NodeContext, peer: Peer): number => {
  const { backoffBaseMs, backoffMaxMs } = ctx.setup.tuning
  const maxMs = Recovery.longestWaitMs(Redials.known(peer), ConnectionLife.isAlone(ctx), backoffMaxMs, ctx.timers.now())
  return Backoff.delay(peer.backoff, ctx.jitter(), { baseMs: backoffBaseMs, maxMs, stableMs: Limits.stableMs })
}

/** Like `backoffFor`, with its own rule after a dial that failed through this node's own fault. */
const waitAfter = (ctx: NodeContext, peer: Peer, event: PairEvent): number => {
  if (event._tag !== "DialFailed" || !DialFault.isOwn(DialFault.of(event.detail, peer.ip), isCutOff(ctx, peer))) {
    return backoffFor(ctx, peer)
  }
  let waiting = 1
  for (const other of ctx.table.peers()) if (other !== peer && BookEntry.isOwnFault(other.book)) waiting += 1
  return Recovery.ownFaultWaitMs(waiting, ctx.jitter())
}

const drawFor = (ctx: NodeContext, peer: Peer, event: PairEvent): Draw => {
  const { book, pair } = peer
  // The rank as it will be when the machine asks for the wait.
  const rank = event._tag === "Learned" ? event.rank ?? pair.rank : event._tag === "Welcomed" ? event.role : pair.rank
  const isFirst = book.onlyWeDial || rank === undefined || (book.source === "configured" && book.ups === 0)
  return {
    id: ctx.slots.nextId,
    nonce: ctx.entropy.nonce(),
    backoffMs: waitAfter(ctx, peer, event),
    fallbackMs: Backoff.fallbackMs(isFirst ? "first" : "later", ctx.jitter(), ctx.setup.tuning)
  }
}

// --- actions ----------------------------------------------------------------------

const perform = (ctx: NodeContext, parts: Parts, peer: Peer, action: PairAction): void => {
  switch (action._tag) {
    case "Arm":
      return PairTimers.arm(ctx, peer, action.timer, action.ms)
    case "Disarm":
      return PairTimers.disarm(ctx, peer, action.timer)
    case "Dial":
      ctx.slots.tookId()
      parts.dialler.dial(peer, action.end)
      return
  }
  const end = peer.end(action.end)
  if (end === undefined) return
  switch (action._tag) {
    case "SendHello":
      return HelloExchange.send(ctx, end)
    case "SendCommit":
      return HelloExchange.sendCommit(ctx, peer, end)
    case "SendAck":
      return Outgoing.control(ctx, end, { _tag: "Ack" })
    case "SendPing":
      return challenge(ctx, peer, end, action.nonce)
    case "Up":
      return goUp(ctx, parts, peer, end)
    case "Down":
      return goDown(ctx, peer, end, action.reason)
    case "Close":
      if (end.up === undefined) ConnectionLife.refused(ctx, peer, end, action.reason)
      return ConnectionLife.close(ctx, parts, end, rejectFor(ctx, peer, end, action))
    case "Aliased":
      return ctx.emit({
        _tag: "Aliased",
        ip: peer.ip,
        other: action.self,
        detail: `this peer is connected to ${action.self} and came again to another address of ours`
      })
  }
}

const challenge = (ctx: NodeContext, peer: Peer, end: PeerEnd, nonce: bigint): void => {
  const { up } = end
  if (up === undefined) return
  Outgoing.ping(
    ctx,
    up,
    nonce,
    () => post(ctx, peer, { _tag: "Flushed", end: end.id, nonce, rttMs: up.liveness.rtt?.smoothedMs })
  )
}

const goUp = (ctx: NodeContext, parts: Parts, peer: Peer, end: PeerEnd): void => {
  const known = Pair.known(peer.pair, end.id)
  const { committedAt, greeting } = end
  if (greeting === undefined || known === undefined) throw new Error("a connection came up whose peer never said Hello")
  const { capabilities, listens, software, tip } = greeting
  // The peer's claim about its port holds, unless we reached it by dialling another port.
  const tellsPort = listens > 0 && (peer.book.port === undefined || end.direction === "inbound")
  const process = { id: greeting.process, tag: known.tag, self: known.self }
  const up = ConnectionLife.up(ctx, parts, peer, end, {
    role: known.role,
    rttMs: committedAt === undefined ? undefined : ctx.timers.now() - committedAt,
    book: (book) => ({
      ...BookEntry.cameUp(tellsPort ? BookEntry.learnPort(book, listens) : book, process),
      // Only at Up: a process refused at an address that another live process holds must not change its entry.
      capabilities,
      software,
      tip,
      onlyWeDial: known.role === "higher" && end.direction === "outbound"
    })
  })
  if (up === undefined) return turnAway(ctx, peer)
  TimePairDriver.nativeIsUp(ctx, peer)
  Discovery.onUp(ctx, up)
  OwnAddressWatch.onUp(ctx)
  Aliases.onUp(ctx, up)
  ctx.sync.onUp(up)
  ctx.masternodes.onUp(up)
}

/** The peer already has its `Ack` and came up at its end only; the Reject is what it reads next. */
const turnAway = (ctx: NodeContext, peer: Peer): void =>
  post(ctx, peer, {
    _tag: "Stopped",
    reject: "full",
    detail: `peer limit reached (${ctx.setup.tuning.maxPeers})`,
    retryMs: Handshake.clampRetry(Handshake.retryAfterMs("full"), ctx.jitter())
  })

const goDown = (ctx: NodeContext, peer: Peer, end: PeerEnd, reason: DisconnectReason.DisconnectReason): void => {
  const up = ConnectionLife.down(ctx, peer, end, reason)
  if (up === undefined) return
  if (ctx.timers.now() - up.at >= Limits.stableMs) peer.refusals = 0
  ctx.sync.onDown(up)
  ctx.masternodes.onDown(up)
  Aliases.onDown(ctx, peer)
}

const rejectFor = (
  ctx: NodeContext,
  peer: Peer,
  end: PeerEnd,
  { reason, reject }: PairAction & { readonly _tag: "Close" }
): Uint8Array | undefined => {
  if (reject === undefined || end.connection === undefined) return undefined
  if (reject === "in-use") peer.note({ inUseRefusals: peer.book.inUseRefusals + 1 })
  const bannedMs = Protection.toldMs(ctx, peer)
  const retryFacts = { refusals: peer.book.inUseRefusals, ...(bannedMs === undefined ? {} : { bannedMs }) }
  const address = reject === "alias" ? Aliases.addressKept(ctx, peer, end) : undefined
  const { wire } = end.connection
  const rejected = wire.encode({
    _tag: "Reject",
    reason: reject,
    text: reason.detail ?? "",
    retryAfterMs: Handshake.retryAfterMs(reject, retryFacts),
    ...(address === undefined ? {} : { address })
  })[0]
  const elsewhere = reject === "full" && end.readsRefusals ? Discovery.elsewhere(ctx, peer) : undefined
  return elsewhere === undefined ? rejected : Buffer.concat([...wire.encode(elsewhere), rejected])
}

// --- ends that left the state -----------------------------------------------------

/** Drops the ends that the machine no longer has; their sockets are closing or closed. */
const prune = (ctx: NodeContext, parts: Parts, peer: Peer, event: PairEvent): void => {
  const gone = peer.ends.filter((end) => end.wire === "native" && Pair.phaseOf(peer.pair, end.id) === undefined)
  if (gone.length === 0) return
  peer.isFeeler = false
  peer.ends = peer.ends.filter((end) => !gone.includes(end))
  if (!peer.ends.some(({ greeting }) => greeting !== undefined)) ctx.slots.givePlaceBack(peer.ip)
  for (const end of gone) {
    ctx.slots.released(end)
    if (event._tag === "DialFailed" && event.end === end.id) {
      const reason = DisconnectReason.dialFailed(event.detail, isCutOff(ctx, peer), peer.ip)
      // While no peer is up, the fault may be this node's own network.
      if (!ConnectionLife.isAlone(ctx) && reason.by === "remote") ctx.book.failed(peer.ip)
      peer.book = BookEntry.attemptEnded(peer.book, ConnectionLife.attemptOf(ctx, end, reason))
    }
    if (event._tag !== "Closed" || event.end !== end.id) continue
    if (end.downReason === undefined) ConnectionLife.refused(ctx, peer, end, event.reason)
    ConnectionLife.close(ctx, parts, end, faultReject(end.connection?.wire, event.reason))
  }
}

/** The Reject for a fault that the peer should learn of before the socket closes. */
const faultReject = (wire: Wire | undefined, reason: DisconnectReason.DisconnectReason): Uint8Array | undefined =>
  wire !== undefined && reason.by === "local" && (reason.kind === "bad-frame" || reason.kind === "protocol")
    ? wire.encode({
      _tag: "Reject",
      reason: "protocol",
      text: reason.detail ?? reason.kind,
      retryAfterMs: Handshake.retryAfterMs("protocol")
    })[0]
    : undefined
