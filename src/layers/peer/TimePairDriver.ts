/**
 * Drives the pairs with TIME-network peers: feeds `TimePair` its events and performs its actions. Which wire an end speaks is known once its
 * socket is secured (`wireOf`); from then on its events go to this machine.
 *
 * **One identity.** A peer is its IP whatever it speaks, and has one row. While a connection of one wire is up, a socket of the other is refused.
 * When none is, the wire that comes up wins, and the other machine neither dials nor keeps an end.
 */
import * as DialFault from "../../domain/DialFault.ts"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { knownAddress } from "../../domain/NodeSetup.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import type { PairEvent } from "../../domain/pair/PairState.ts"
import * as TimeHandshake from "../../domain/pair/TimeHandshake.ts"
import * as TimePairState from "../../domain/pair/TimePairState.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TransportText from "../../domain/TransportText.ts"
import { TimeFraming } from "../../domain/wire/time/TimeFraming.ts"
import { wireOf } from "../../services/PeerSocket.ts"
import * as ConnectionLife from "./ConnectionLife.ts"
import type { Parts } from "./ConnectionLife.ts"
import { type NodeContext, post, postTime } from "./NodeContext.ts"
import * as PairTimers from "./PairTimers.ts"
import { type Peer, timeTimerKey } from "./Peer.ts"
import { type PeerEnd, unheard } from "./PeerEnd.ts"
import * as TimeOutgoing from "./TimeOutgoing.ts"
import * as TimeSession from "./TimeSession.ts"

const spoken = ({ setup }: NodeContext): boolean => TimeHandshake.isSpoken(setup.network.name)

// --- which machine ----------------------------------------------------------------

/** The end speaks TIME from now on. Call it before its first byte is read. */
const becomeTime = (ctx: NodeContext, end: PeerEnd): void => {
  end.time = unheard()
  end.connection?.speak(TimeFraming, ctx.timeFrames)
}

/** The peer's machine of this wire, made if needed. `self`: this node's address on a socket with the peer. */
const machineOf = (ctx: NodeContext, peer: Peer, self: PeerIp | undefined): TimePairState.TimePairState => {
  const own = knownAddress(ctx.setup) ?? self
  // If our rank is unknown, we wait: dialling against the rule does harm, not dialling only delays.
  const rank = own === undefined || ctx.rules.rank(own, peer.ip) !== "higher" ? "lower" : "higher"
  return { ...(peer.time ?? TimePairState.empty(rank, ctx.announces)), rank }
}

/** Why a TIME-wire socket from an address is refused, for the log: it is closed without a Reject. `undefined`: it is accepted. */
export const refusal = (ctx: NodeContext, ip: PeerIp): string | undefined =>
  !spoken(ctx)
    ? `the peer speaks the TIME wire, which ${ctx.setup.network.name} does not have`
    : ctx.table.get(ip)?.up?.end.wire === "native"
    ? "this address is connected over timemesh/1"
    : ctx.protection.bannedMs(ip, ctx.timers.now()) !== undefined
    ? "this node has banned the address"
    : undefined

/** An accepted socket speaks TIME; its end is already in `peer.ends`. */
export const accepted = (ctx: NodeContext, peer: Peer, end: PeerEnd): void => {
  becomeTime(ctx, end)
  peer.time = machineOf(ctx, peer, end.connection?.local)
  postTime(ctx, peer, { _tag: "Accepted", id: end.id })
}

/** The peer spoke TIME when last connected: it is dialled by its network's rules from the first dial on. */
export const remembered = (ctx: NodeContext, peer: Peer): void => {
  if (!spoken(ctx) || peer.time !== undefined || peer.ends.length > 0 || peer.pair.dialable) return
  peer.time = machineOf(ctx, peer, undefined)
  peer.speaks = "time"
}

/** A dial connected: the wire that the peer chose is now known. */
export const dialled = (ctx: NodeContext, peer: Peer, end: PeerEnd): void => {
  const chosen = wireOf(end.connection?.secured)
  if (end.wire === "native" && chosen === "native") return post(ctx, peer, { _tag: "Connected", end: end.id })
  if (chosen === "native") return becameNative(ctx, peer)
  if (end.wire === "time") {
    // If this node does not know its address, the socket's address decides which of the two is higher.
    peer.time = machineOf(ctx, peer, end.connection?.local)
    end.connection?.speak(TimeFraming, ctx.timeFrames)
    return postTime(ctx, peer, { _tag: "Connected", end: end.id })
  }
  if (!spoken(ctx)) {
    return post(ctx, peer, {
      _tag: "Refused",
      end: end.id,
      reject: "incompatible",
      detail: `the peer speaks the TIME wire, which ${ctx.setup.network.name} does not have`,
      retryMs: Limits.retryIncompatibleMs
    })
  }
  becomeTime(ctx, end)
  peer.time = machineOf(ctx, peer, end.connection?.local)
  peer.speaks = "time"
  post(ctx, peer, { _tag: "HandedOver", end: end.id })
  postTime(ctx, peer, { _tag: "Adopted", id: end.id })
  postTime(ctx, peer, { _tag: "Learned", id: ctx.slots.nextId })
}

/** A TIME-network peer has become a native one. */
const becameNative = (ctx: NodeContext, peer: Peer): void => {
  const reason = DisconnectReason.local("replaced", "the peer speaks timemesh/1 now")
  postTime(ctx, peer, { _tag: "Stopped", reason })
  peer.speaks = "native"
  post(ctx, peer, { _tag: "Learned", rank: peer.pair.rank })
}

/**
 * A dial ended before the peer's wire was known. A break between TCP and TLS may be a daemon that refuses this node at once, and counts each
 * attempt. Until the peer shows its wire, it is dialled by the TIME network's rules.
 */
export const dialFailed = (ctx: NodeContext, peer: Peer, end: PeerEnd, detail: string): void => {
  const reached = DialFault.isBreak(detail) || TransportText.isTlsFailed(detail)
  if (end.wire === "time") return postTime(ctx, peer, { _tag: "DialFailed", end: end.id, reached, detail })
  post(ctx, peer, { _tag: "DialFailed", end: end.id, detail })
  if (!reached || !spoken(ctx) || peer.book.saidHello || peer.forgotten) return
  peer.time = machineOf(ctx, peer, undefined)
  peer.speaks = "time"
  post(ctx, peer, { _tag: "Forgotten" })
  postTime(ctx, peer, { _tag: "Suspected" })
  postTime(ctx, peer, { _tag: "Learned", id: ctx.slots.nextId })
}

/** A connection over `timemesh/1` is up. */
export const nativeIsUp = (ctx: NodeContext, peer: Peer): void => {
  peer.speaks = "native"
  if (peer.time === undefined) return
  postTime(ctx, peer, {
    _tag: "Stopped",
    reason: DisconnectReason.local("replaced", "this address is connected over timemesh/1")
  })
}

/** Handles an event of the peer's if it belongs to this machine; returns whether it did. Events that end everything go to both machines. */
export const takes = (ctx: NodeContext, parts: Parts, peer: Peer, event: PairEvent): boolean => {
  if (peer.time === undefined) return false
  switch (event._tag) {
    case "Learned":
      if (peer.speaks === "native") return false
      step(ctx, parts, peer, { _tag: "Learned", id: ctx.slots.nextId })
      return true
    case "Stopped":
      step(ctx, parts, peer, {
        _tag: "Stopped",
        reason: DisconnectReason.rejected(event.reject, "local", event.detail),
        retryMs: event.retryMs
      })
      return false
    case "Forgotten":
      if (peer.book.isSelf) step(ctx, parts, peer, { _tag: "Stopped", reason: DisconnectReason.local("operator") })
      return false
    case "Closed": {
      if (peer.end(event.end)?.wire !== "time") return false
      step(ctx, parts, peer, event)
      return true
    }
    default:
      return false
  }
}

// --- the machine ------------------------------------------------------------------

/** Takes one event. */
export const step = (ctx: NodeContext, parts: Parts, peer: Peer, event: TimePairState.Event): void => {
  if (peer.time === undefined) return
  const [state, actions] = ctx.rules.timePairStep(peer.time, event, ctx.timers.now(), ctx.jitter())
  peer.time = state
  for (const action of actions) perform(ctx, parts, peer, action)
  prune(ctx, parts, peer, event)
}

const perform = (ctx: NodeContext, parts: Parts, peer: Peer, action: TimePairState.Action): void => {
  switch (action._tag) {
    case "Arm": {
      const { timer } = action
      return PairTimers.armAs(
        ctx,
        peer,
        timeTimerKey(timer),
        action.ms,
        timer.kind === "dial" ? "dial" : "answer",
        () => postTime(ctx, peer, { _tag: "Fired", timer, id: ctx.slots.nextId })
      )
    }
    case "Disarm":
      return PairTimers.disarmAs(ctx, peer, timeTimerKey(action.timer))
    case "Dial": {
      ctx.slots.tookId()
      const end = parts.dialler.dial(peer, action.end)
      end.time = unheard()
      return
    }
  }
  const end = peer.end(action.end)
  if (end === undefined) return
  switch (action._tag) {
    case "SendHandshake":
      return TimeSession.greet(ctx, end)
    case "Greet":
      TimeOutgoing.send(ctx, end, { _tag: "Ack", of: "Handshake" })
      return TimeSession.greet(ctx, end)
    case "Announce":
      // `layers/masternode` sends it when the peer has shown that it reads.
      if (end.time !== undefined) end.time.announcement = "due"
      return
    case "Close":
      if (end.up === undefined) ConnectionLife.refused(ctx, peer, end, action.reason)
      return ConnectionLife.close(ctx, parts, end, undefined)
    case "Up":
      return goUp(ctx, parts, peer, end)
    case "Down":
      return goDown(ctx, peer, end, action.reason)
  }
}

const goUp = (ctx: NodeContext, parts: Parts, peer: Peer, end: PeerEnd): void => {
  const { network } = ctx.setup
  const { connection, direction, time } = end
  if (connection === undefined || time === undefined) throw new Error("a connection of the TIME wire without a socket")
  end.greeting = {
    software: TimeSession.softwareOf(time.commitCount),
    tip: { height: 0, hash: network.genesis },
    process: "",
    nonce: 0n,
    capabilities: Capability.chain,
    listens: network.port,
    namesUs: connection.local ?? peer.ip
  }
  const up = ConnectionLife.up(ctx, parts, peer, end, {
    role: peer.time?.rank ?? "lower",
    rttMs: undefined,
    book: (book) => ({
      // It listens on its network's port, whatever gossip claims; the port that our own dial reached is better evidence.
      ...BookEntry.cameUp(
        direction === "inbound" && (book.port ?? 0) === 0 ? BookEntry.learnPort(book, network.port) : book,
        undefined
      ),
      saidHello: true,
      software: TimeSession.softwareOf(time.commitCount),
      capabilities: Capability.chain
    })
  })
  if (up === undefined) return turnAway(ctx, peer)
  peer.speaks = "time"
  peer.backoff = Backoff.start
  // The native machine's ends belong to a node that no longer answers here.
  if (peer.pair.dialable || peer.pair.ends.length > 0) {
    post(ctx, peer, { _tag: "HandedOver", end: undefined })
  }
  postTime(ctx, peer, { _tag: "Learned", id: ctx.slots.nextId })
  TimeSession.opened(ctx, up)
  ctx.timeChain.onUp(up)
  ctx.timeMasternodes.onUp(up)
}

const turnAway = (ctx: NodeContext, peer: Peer): void =>
  postTime(ctx, peer, {
    _tag: "Stopped",
    reason: DisconnectReason.rejected("full", "local", `peer limit reached (${ctx.setup.tuning.maxPeers})`),
    retryMs: Limits.retryFullMs
  })

const goDown = (ctx: NodeContext, peer: Peer, end: PeerEnd, reason: DisconnectReason.DisconnectReason): void => {
  const up = ConnectionLife.down(ctx, peer, end, reason)
  if (up === undefined) return
  ctx.timeChain.onDown(up)
  ctx.timeMasternodes.onDown(up)
}

/** Drops the ends that the machine no longer has; their sockets are closing or closed. */
const prune = (ctx: NodeContext, parts: Parts, peer: Peer, event: TimePairState.Event): void => {
  const held = peer.time?.ends ?? []
  const gone = peer.ends.filter((end) => end.wire === "time" && !held.some(({ id }) => id === end.id))
  if (gone.length === 0) return
  peer.isFeeler = false
  peer.ends = peer.ends.filter((end) => !gone.includes(end))
  if (peer.ends.length === 0) ctx.slots.givePlaceBack(peer.ip)
  for (const end of gone) {
    ctx.slots.released(end)
    if (event._tag === "DialFailed" && event.end === end.id) {
      const reason = DisconnectReason.remote("dial-failed", event.detail)
      if (!ConnectionLife.isAlone(ctx)) ctx.book.failed(peer.ip)
      peer.backoff = Backoff.failed(peer.backoff)
      peer.book = BookEntry.attemptEnded(peer.book, ConnectionLife.attemptOf(ctx, end, reason))
    }
    if (event._tag !== "Closed" || event.end !== end.id) continue
    if (end.downReason === undefined) ConnectionLife.refused(ctx, peer, end, event.reason)
    ConnectionLife.close(ctx, parts, end, undefined)
  }
}
