/**
 * Headers-first sync as a pure planner: whom to ask for which headers and bodies, and who pays when they do not come.
 *
 * `step(state, event) → [state, actions]`. Total: events of peers that are gone and answers to requests that are void
 * change nothing. Actions are to be done in order; an `Arm` of a running timer replaces it. Vocabulary: SyncState.ts.
 *
 * **Rules.** Headers come from one peer at a time, the one that tells of the best chain. Bodies come from every peer that
 * has them, in a moving window over our chain, each peer asked for as much as it sends in half a second. A peer that is
 * late by its own pace is not dropped: others are asked for the rest, and its next wait is twice as long; any byte of an
 * answer clears it. Blamed is only what an honest peer does not do, however slow. A header chain whose next body nobody
 * who answers has is given up for one that is to be had.
 */
import * as Limits from "../Limits.ts"
import * as Ranges from "./Ranges.ts"
import * as SyncSchedule from "./SyncSchedule.ts"
import { isBetter, type SyncAction, type SyncEvent, type SyncPeer, type SyncState } from "./SyncState.ts"
import * as SyncWork from "./SyncWork.ts"
import type { Work } from "./SyncWork.ts"

const none: ReadonlyArray<SyncAction> = []

export const step = (state: SyncState, event: SyncEvent): readonly [SyncState, ReadonlyArray<SyncAction>] => {
  const work = SyncWork.open(state)
  if (!apply(work, event)) return [state, none]
  SyncSchedule.settle(work)
  return [SyncWork.close(work), work.actions]
}

/** Whether the event meant anything. */
const apply = (work: Work, event: SyncEvent): boolean => {
  switch (event._tag) {
    case "PeerUp":
      if (SyncWork.find(work, event.peer) !== undefined) return false
      work.peers = [...work.peers, SyncWork.newPeer(event.peer, event.tip)]
      return true
    case "PeerDown":
      if (SyncWork.find(work, event.peer) === undefined) return false
      SyncWork.release(work, event.peer)
      work.peers = work.peers.filter((peer) => peer.id !== event.peer)
      return true
    case "Stored":
      stored(work, event)
      return true
    case "Fired":
      return fired(work, event.timer.peer)
    default: {
      const peer = SyncWork.find(work, event.peer)
      return peer !== undefined && atPeer(work, event, peer)
    }
  }
}

type PeerEvent = Exclude<SyncEvent, { readonly _tag: "PeerUp" | "PeerDown" | "Stored" | "Fired" }>

const atPeer = (work: Work, event: PeerEvent, given: SyncPeer): boolean => {
  // Silence is no lie: who answers after all, having stood still for a while, is used again.
  const answers = event._tag === "HeadersReceived" || event._tag === "HeadersVoid" || event._tag === "BlocksReceived"
  const forgiven = answers && given.blamed === "unresponsive"
  if (forgiven) SyncWork.change(work, given.id, { blamed: undefined })
  const peer = forgiven ? { ...given, blamed: undefined } : given
  switch (event._tag) {
    case "TipAnnounced":
      if (peer.blamed !== undefined && peer.blamed !== "unresponsive") return false
      SyncWork.change(work, peer.id, { tip: event.tip, lacks: Infinity, tooDeep: false })
      return true
    case "Progress":
      if (peer.blamed !== undefined) return false
      SyncWork.alive(work, peer)
      return true
    case "PeerLied":
      SyncWork.blame(work, peer.id, event.fault, event.detail)
      return true
    case "HeadersReceived":
      // The driver's header chain has moved, whoever moved it.
      if (event.choice === "adopted") adopt(work, event.fork, event.base, event.last, event.heldBytes)
      else if (peer.blamed !== undefined) return false
      if (peer.blamed === undefined) headersReceived(work, event, SyncWork.find(work, peer.id) ?? peer)
      return true
    case "HeadersVoid":
      if (peer.blamed !== undefined) return false
      SyncWork.alive(work, peer)
      answered(work, event.request, peer)
      return true
    case "BlocksReceived":
      if (peer.blamed !== undefined) return false
      blocksReceived(work, event, peer)
      return true
  }
}

// --- headers ----------------------------------------------------------------------

/** An answer about headers came: the request that is under way ends (and is given), or a void one. */
const answered = (work: Work, request: number, peer: SyncPeer): Work["headerRequest"] => {
  const conversation = work.headerRequest?.id === request ? work.headerRequest : undefined
  if (conversation === undefined) SyncWork.owe(work, peer.id, -1)
  else work.headerRequest = undefined
  return conversation
}

const headersReceived = (
  work: Work,
  event: Extract<SyncEvent, { readonly _tag: "HeadersReceived" }>,
  peer: SyncPeer
): void => {
  SyncWork.alive(work, peer)
  SyncWork.measured(work, peer, event.ms, 0)
  const conversation = answered(work, event.request, peer)
  if (event.more === "yes" && (event.count === 0 || event.last.height <= (conversation?.reached ?? -1))) {
    return SyncWork.blame(work, peer.id, "empty-headers", `no headers behind height ${event.last.height}`)
  }
  // Only what it told before it was asked: a later announcement may overtake the answer.
  if (event.more === "no" && conversation !== undefined && event.last.height < conversation.told) {
    const detail = `it told of height ${conversation.told}, its headers end at ${event.last.height}`
    return SyncWork.blame(work, peer.id, "inflated-height", detail)
  }
  const over = event.more !== "yes"
  const shared = event.choice === "adopted" ? event.last.height : event.fork
  SyncWork.change(work, peer.id, {
    shared,
    // What it said to lack before is past. Behind the end of its headers, or where they leave ours, it has nothing of ours.
    lacks: over || event.choice !== "adopted" ? shared + 1 : Infinity,
    recheck: false,
    // A chain that is better and was not adopted cannot be: not to be asked for again. (One that ends in a block of ours is no
    // other chain, although that block may be on its way to the disk.)
    tooDeep: event.choice === "too-deep" ||
      (over && event.choice === "kept" && event.last.height > event.fork && isBetter(event.last, work.headers)),
    ...(over && (event.more === "not-yet" || event.last.height >= peer.tip.height) ? { tip: event.last } : {})
  })
  if (over || event.choice === "too-deep" || conversation === undefined) return
  // A branch that is no better yet must be read on, or it was read in vain.
  if (event.choice === "adopted" && !SyncSchedule.mayReadOn(work)) return
  SyncSchedule.readHeaders(work, peer, event.last.height)
}

/** The header chain is another above `fork`, and ends at `last`. */
const adopt = (work: Work, fork: number, base: number, last: SyncState["headers"], heldBytes: number): void => {
  if (fork < work.headers.height) {
    SyncWork.cancel(work, (request) => request.to > fork)
    work.held = Ranges.remove(work.held, fork + 1, Infinity)
    work.peers = work.peers.map((peer) => SyncSchedule.rebased(peer, fork))
  }
  work.headers = last
  work.base = base
  work.held = Ranges.remove(work.held, -Infinity, base)
  work.heldBytes = heldBytes
}

// --- bodies -----------------------------------------------------------------------

const blocksReceived = (
  work: Work,
  event: Extract<SyncEvent, { readonly _tag: "BlocksReceived" }>,
  peer: SyncPeer
): void => {
  SyncWork.alive(work, peer)
  work.heldBytes = event.heldBytes
  const request = work.requests.find((request) => request.id === event.request && request.peer === peer.id)
  if (request === undefined) {
    // The answer to a void request still shows the peer's pace.
    SyncWork.measured(work, peer, event.ms, event.count)
    if (event.done) SyncWork.owe(work, peer.id, -1)
    return
  }
  const count = Math.min(event.count, request.to - request.next + 1)
  const next = request.next + count
  SyncWork.measured(work, peer, event.ms, count)
  if (count > 0) {
    work.held = Ranges.add(work.held, Math.max(request.next, work.base + 1), next - 1)
    SyncWork.change(work, peer.id, { refusals: 0 })
  }
  const over = event.done || next > request.to
  work.requests = over
    ? work.requests.filter((other) => other.id !== request.id)
    : work.requests.map((other) => other.id === request.id ? { ...other, next } : other)
  // All blocks came, and yet the answer goes on.
  if (over && !event.done) SyncWork.owe(work, peer.id, 1)
  if (event.done && next <= request.to && count === 0) refused(work, peer.id, next)
}

/** The peer says it does not have the block of our header chain at `height`. */
const refused = (work: Work, id: SyncPeer["id"], height: number): void => {
  const peer = SyncWork.find(work, id)
  if (peer === undefined) return
  const refusals = height > peer.shared ? peer.refusals : peer.refusals + 1
  if (refusals >= Limits.refusalsWithheld) {
    return SyncWork.blame(work, id, "withheld", `it showed the header of block ${height} and does not give the block`)
  }
  // It is on another chain, or has gone there: its headers will tell.
  SyncWork.change(work, id, {
    refusals,
    shared: Math.min(peer.shared, height - 1),
    lacks: Math.min(peer.lacks, height),
    recheck: true
  })
}

const stored = (work: Work, event: Extract<SyncEvent, { readonly _tag: "Stored" }>): void => {
  // A header chain that moved by itself is another one as far as requests know.
  if (event.headers.hash !== work.headers.hash) adopt(work, event.base, event.base, event.headers, event.heldBytes)
  work.chain = event.tip
  work.base = event.base
  work.held = Ranges.remove(work.held, -Infinity, work.base)
  work.heldBytes = event.heldBytes
}

// --- time -------------------------------------------------------------------------

const fired = (work: Work, id: SyncPeer["id"]): boolean => {
  const peer = SyncWork.find(work, id)
  if (peer === undefined || !work.timed.has(id)) return false
  const stalls = peer.stalls + 1
  if (stalls >= Limits.stallsUnresponsive) {
    SyncWork.blame(work, id, "unresponsive", `${stalls} waits without a byte of an answer`)
    return true
  }
  SyncWork.change(work, id, { stalls, batch: Math.max(1, Math.floor(peer.batch / 2)) })
  work.requests = work.requests.map((request) => request.peer === id ? { ...request, stalled: true } : request)
  work.touched.add(id)
  work.actions.push({ _tag: "Stalled", peer: id, stalls })
  return true
}
