/**
 * Headers-first sync as a pure planner: which peer to ask for which headers and bodies, and what to do when they do not arrive.
 *
 * `step(state, event) → [state, actions]`. Total: events of disconnected peers and answers to cancelled requests change nothing. Perform
 * actions in order; an `Arm` of a running timer replaces it. Vocabulary: SyncState.ts.
 *
 * **Rules** (docs/decisions/0025). Headers are requested from peers that announce a better chain. Each better chain that a peer showed is a
 * branch. Its bodies are requested from the peers that have it, alongside those of every other branch; its window grows with what was
 * delivered. Only whole blocks and header lists are progress. A peer that is late by its own pace is not asked for more: others are asked
 * for the rest, and its next timeout is twice as long. After several timeouts it is dropped, and when it returns, its announcements do not
 * count for a while.
 */
import * as Limits from "../Limits.ts"
import * as Ranges from "./Ranges.ts"
import * as SyncBranches from "./SyncBranches.ts"
import * as SyncSchedule from "./SyncSchedule.ts"
import {
  type HeaderRequest,
  isBetter,
  type SyncAction,
  type SyncEvent,
  type SyncPeer,
  type SyncState
} from "./SyncState.ts"
import * as SyncWork from "./SyncWork.ts"
import type { Work } from "./SyncWork.ts"

const none: ReadonlyArray<SyncAction> = []

export const step = (state: SyncState, event: SyncEvent): readonly [SyncState, ReadonlyArray<SyncAction>] => {
  const work = SyncWork.open(state)
  if (!apply(work, event)) return [state, none]
  SyncSchedule.settle(work)
  return [SyncWork.close(work), work.actions]
}

/** Whether the event changed anything. */
const apply = (work: Work, event: SyncEvent): boolean => {
  switch (event._tag) {
    case "PeerUp":
      return peerUp(work, event)
    case "PeerDown":
      if (SyncWork.find(work, event.peer) === undefined) return false
      SyncWork.release(work, event.peer)
      work.peers = work.peers.filter((peer) => peer.id !== event.peer)
      return true
    case "BlockAdded":
      blockAdded(work, event)
      return true
    case "Stored":
      stored(work, event)
      return true
    case "Staged":
      staged(work, event)
      return true
    case "Discarded":
      discarded(work, event)
      return true
    case "Settled":
      work.oldestFork = event.oldestFork
      return true
    case "Fired":
      return event.timer._tag === "Answer"
        ? late(work, event.timer.peer, event.trickled)
        : heldOff(work, event.timer.peer)
    default: {
      const peer = SyncWork.find(work, event.peer)
      // The driver has that branch now, whatever happens to the peer.
      const branched = event._tag === "HeadersReceived" && event.placed._tag === "Branch"
      if (branched) SyncBranches.put(work, event.placed.branch)
      if (peer === undefined || peer.blamed !== undefined) return branched
      return atPeer(work, event, peer)
    }
  }
}

type PeerEvent = Extract<
  SyncEvent,
  { readonly _tag: "TipAnnounced" | "HeadersReceived" | "HeadersVoid" | "BlocksReceived" | "PeerLied" }
>

const atPeer = (work: Work, event: PeerEvent, peer: SyncPeer): boolean => {
  switch (event._tag) {
    case "TipAnnounced":
      SyncWork.change(work, peer.id, { told: event.tip, ...(event.tip.hash === peer.told.hash ? {} : { reached: -1 }) })
      if (event.on !== undefined) SyncBranches.attach(work, peer.id, event.on)
      // It has switched to another chain, no longer than its former one.
      else if (event.tip.hash !== peer.told.hash && event.tip.height <= (peer.on?.height ?? -1)) {
        SyncWork.change(work, peer.id, { recheck: true })
      }
      return true
    case "PeerLied":
      SyncWork.blame(work, peer.id, event.fault, event.detail)
      return true
    case "HeadersReceived":
      headersReceived(work, event, peer)
      return true
    case "HeadersVoid":
      SyncWork.answered(work, peer, event.request, true)
      headerRequest(work, event.request)
      SyncWork.change(work, peer.id, { reached: -1 })
      skipping(work, peer.id)
      return true
    case "BlocksReceived":
      blocksReceived(work, event, peer)
      return true
  }
}

const peerUp = (work: Work, event: Extract<SyncEvent, { readonly _tag: "PeerUp" }>): boolean => {
  if (SyncWork.find(work, event.peer) !== undefined) return false
  work.peers = [...work.peers, SyncWork.newPeer(event.peer, event.tip, event.on)]
  const faults = SyncWork.faultsOf(work, event.peer)
  if (faults > 0) SyncWork.holdOff(work, event.peer, "probation", Limits.probationMs, faults - 1)
  return true
}

// --- headers ----------------------------------------------------------------------

/** An answer to a header request arrived: removes the request and returns it. */
const headerRequest = (work: Work, request: number): HeaderRequest | undefined => {
  const found = work.headerRequests.find(({ id }) => id === request)
  work.headerRequests = work.headerRequests.filter(({ id }) => id !== request)
  return found
}

const headersReceived = (
  work: Work,
  event: Extract<SyncEvent, { readonly _tag: "HeadersReceived" }>,
  peer: SyncPeer
): void => {
  const { last, more, placed } = event
  SyncWork.answered(work, peer, event.request, true)
  SyncWork.headersMeasured(work, peer.id, event.ms, event.count)
  const request = headerRequest(work, event.request)
  if (more === "yes" && (event.count === 0 || last.height <= (request?.reached ?? -1))) {
    return SyncWork.blame(work, peer.id, "empty-headers", `no headers behind height ${last.height}`)
  }
  // Only the tip announced before the request counts: a later announcement may overtake the answer. A chain only ever gets better.
  if (more === "no" && request !== undefined && isBetter(request.told, last)) {
    const block = request.told.height > last.height ? "" : ` with block ${request.told.hash.slice(0, 16)}`
    const detail = `announced height ${request.told.height}${block}, headers end at ${last.height}`
    return SyncWork.blame(work, peer.id, "inflated-height", detail)
  }
  // What our chain grew by since the request was new to the peer's answer.
  const isKnown = placed._tag === "Chain" && request !== undefined && last.height <= request.ours
  // Headers that are not due by our clock are new ones, however often an honest peer sends them.
  const knownLists = more === "no" ? 0 : peer.knownLists + (more === "yes" && isKnown ? 1 : 0)
  if (knownLists > Limits.knownListsMost) {
    const detail = `${knownLists} lists without a new header, up to height ${last.height}`
    return SyncWork.blame(work, peer.id, "empty-headers", detail)
  }
  SyncWork.change(work, peer.id, {
    recheck: false,
    knownLists,
    // What was not kept is read from its fork again.
    reached: more === "yes" && placed._tag !== "TooDeep" && placed._tag !== "NoRoom" ? last.height : -1,
    apart: undefined,
    clockBehind: undefined,
    on: undefined,
    lacks: Infinity,
    // Its chain now ends here: it may have changed since the peer announced another end.
    ...(more === "no" && request !== undefined && peer.told.hash === request.told.hash ? { told: last } : {})
  })
  place(work, event, peer.id)
  if (skipping(work, peer.id)) return
  if (more === "not-yet" && placed._tag !== "TooDeep") {
    // A small request suffices: headers in the future are sent again each time.
    SyncWork.change(work, peer.id, { clockBehind: event.clockBehind, headerBatch: Limits.headersLeastRequest })
    const waitMs = Math.min(Limits.futureRetryMostMs, Math.max(Limits.futureRetryMs, event.dueMs))
    return SyncWork.holdOff(work, peer.id, "future", waitMs)
  }
  if (placed._tag === "TooDeep") {
    const depth = work.chain.height - placed.fork
    SyncWork.change(work, peer.id, { apart: { fork: placed.fork, depth }, holdoffs: peer.holdoffs + 1 })
    return SyncWork.holdOff(work, peer.id, "too-deep", Limits.tooDeepRetryMs, peer.holdoffs)
  }
  if (placed._tag === "NoRoom") {
    SyncWork.change(work, peer.id, { holdoffs: peer.holdoffs + 1 })
    return SyncWork.holdOff(
      work,
      peer.id,
      "no-room",
      Limits.roomRetryMs,
      Math.min(peer.holdoffs, Limits.roomRetryDoublings)
    )
  }
  SyncWork.change(work, peer.id, { holdoffs: 0 })
  const now = SyncWork.find(work, peer.id)
  if (more !== "yes" || request === undefined || now === undefined) return
  // A branch that is not better yet must be read on, or reading it was useless. The rest of a better one may come from any of its peers. An
  // answer to another request, sent when this one was late, continues from here.
  const others = work.headerRequests.some((other) => other.peer === peer.id)
  if (placed._tag !== "Branch" && !others) SyncSchedule.readHeaders(work, now)
}

/** Puts the peer, and peers whose announced tip it showed, on the branch of its headers. */
const place = (
  work: Work,
  event: Extract<SyncEvent, { readonly _tag: "HeadersReceived" }>,
  id: SyncPeer["id"]
): void => {
  const { also, last, more, placed } = event
  if (placed._tag !== "Branch") return
  // If more headers follow, the peer has the chain it announced, at least one block more: bodies are requested as soon as their headers
  // arrive.
  const told = SyncWork.find(work, id)?.told.height ?? last.height
  const height = more === "yes" ? Math.max(told, last.height + 1) : last.height
  SyncBranches.attach(work, id, { branch: placed.branch.id, height, shown: last.height })
  for (const other of also) {
    const peer = SyncWork.find(work, other)
    if (peer !== undefined && peer.id !== id) {
      SyncBranches.attach(work, other, { branch: placed.branch.id, height: peer.told.height, shown: peer.told.height })
    }
  }
}

/** Drops a peer that repeatedly answers later requests and skips earlier ones. */
const skipping = (work: Work, id: SyncPeer["id"]): boolean => {
  const refusals = SyncWork.find(work, id)?.refusals ?? 0
  if (refusals < Limits.refusalsWithheld) return false
  SyncWork.blame(work, id, "withheld", `left ${refusals} requests in a row without an answer`)
  return true
}

// --- bodies -----------------------------------------------------------------------

const hold = (work: Work, id: number, from: number, to: number, bytes: number): void => {
  const branch = SyncBranches.find(work, id)
  if (branch === undefined) return
  SyncBranches.change(work, id, {
    held: Ranges.add(branch.held, Math.max(from, branch.base + 1), to),
    heldBytes: branch.heldBytes + bytes,
    delivered: branch.delivered + to - from + 1
  })
}

const blocksReceived = (
  work: Work,
  event: Extract<SyncEvent, { readonly _tag: "BlocksReceived" }>,
  peer: SyncPeer
): void => {
  const request = work.requests.find((request) => request.id === event.request && request.peer === peer.id)
  if (event.count > 0 || event.done) SyncWork.answered(work, peer, event.request, event.done)
  if (event.count > 0) SyncWork.blocksMeasured(work, peer.id, event.ms, event.count)
  if (request === undefined) return
  const count = Math.min(event.count, request.to - request.next + 1)
  const next = request.next + count
  if (count > 0) {
    hold(work, request.branch, request.next, next - 1, event.bytes)
    SyncWork.change(work, peer.id, { refusals: 0, badCopies: 0 })
    forgive(work, peer.id, count)
  }
  const over = event.done || next > request.to
  work.requests = over
    ? work.requests.filter((other) => other.id !== request.id)
    : work.requests.map((other) => other.id === request.id ? { ...other, next } : other)
  if (event.unusable === true) unusable(work, peer.id, next)
  else if (event.done && next <= request.to && count === 0) refused(work, peer.id, next)
}

/** A formerly faulty peer makes up for it by delivering. */
const forgive = (work: Work, id: SyncPeer["id"], blocks: number): void => {
  const faults = SyncWork.faultsOf(work, id)
  if (faults > 0 && blocks >= Limits.blocksForgiving) SyncWork.remember(work, id, faults - 1)
}

/** The peer says that it lacks the block of its branch at `height`. */
const refused = (work: Work, id: SyncPeer["id"], height: number): void => {
  const peer = SyncWork.find(work, id)
  if (peer === undefined) return
  // It may never have claimed to have it.
  const refusals = peer.refusals + (height <= (peer.on?.shown ?? -1) ? 1 : 0)
  if (refusals >= Limits.refusalsWithheld) {
    return SyncWork.blame(work, id, "withheld", `showed the header of block ${height} and does not send the block`)
  }
  // It is on another chain, or has switched: its headers will show that. Answers to other requests in that range mean nothing more.
  SyncWork.cancel(work, (request) => request.peer === id && request.to >= height)
  SyncWork.change(work, id, { refusals, lacks: Math.min(peer.lacks, height), recheck: true, reached: -1 })
}

/**
 * The peer's copy of the block at `height` is unusable: parts that its hash does not cover are bad, or the block is too early. The peer may
 * relay in good faith, so it is not blamed. Others are asked for the block, and the peer again after a while. Until then its announcements
 * do not count, or a chain with only bad copies would hold the node up.
 */
const unusable = (work: Work, id: SyncPeer["id"], height: number): void => {
  const peer = SyncWork.find(work, id)
  if (peer === undefined) return
  SyncWork.cancel(work, (request) => request.peer === id && request.to >= height)
  SyncWork.change(work, id, { lacks: Math.min(peer.lacks, height), badCopies: peer.badCopies + 1 })
  if (peer.holdoff === undefined) SyncWork.holdOff(work, id, "copy", Limits.copyRetryMs, peer.badCopies)
}

const blockAdded = (
  work: Work,
  { branch, bytes, height }: Extract<SyncEvent, { readonly _tag: "BlockAdded" }>
): void => {
  SyncBranches.put(work, branch)
  hold(work, branch.id, height, height, bytes)
}

const stored = (work: Work, event: Extract<SyncEvent, { readonly _tag: "Stored" }>): void => {
  work.chain = event.tip
  work.oldestFork = event.oldestFork
  work.current = event.branch
  work.branches = work.branches.flatMap((branch) => {
    const now = event.branches.find(({ id }) => id === branch.id)
    return now === undefined ? [branch] : [{ ...branch, ...now, held: Ranges.remove(branch.held, -Infinity, now.base) }]
  })
}

const staged = (work: Work, { base, branch: id, heldBytes }: Extract<SyncEvent, { readonly _tag: "Staged" }>): void => {
  const branch = SyncBranches.find(work, id)
  if (branch === undefined) return
  SyncBranches.change(work, id, { base, heldBytes, held: Ranges.remove(branch.held, -Infinity, base) })
}

const discarded = (
  work: Work,
  { above, branch: id, heldBytes }: Extract<SyncEvent, { readonly _tag: "Discarded" }>
): void => {
  const branch = SyncBranches.find(work, id)
  if (branch === undefined) return
  SyncBranches.change(work, id, { heldBytes, held: Ranges.remove(branch.held, above + 1, Infinity) })
}

// --- time -------------------------------------------------------------------------

/** The peer timed out without a whole piece of an answer. */
const late = (work: Work, id: SyncPeer["id"], trickled: boolean): boolean => {
  const peer = SyncWork.find(work, id)
  if (peer === undefined || !work.timed.has(id)) return false
  const stalls = peer.stalls + 1
  if (stalls >= SyncWork.patience(work, peer)) {
    const trickles = trickled || peer.trickles
    const detail = trickles
      ? `no whole block or header list in ${stalls} waits, only bytes`
      : `no answer in ${stalls} waits`
    SyncWork.blame(work, id, trickles ? "stalled" : "unresponsive", detail)
    return true
  }
  SyncWork.change(work, id, {
    stalls,
    trickles: trickled,
    batch: Math.max(1, Math.floor(peer.batch / 2)),
    headerBatch: Math.max(Limits.headersLeastRequest, Math.floor(peer.headerBatch / 2))
  })
  work.requests = work.requests.map((request) => request.peer === id ? { ...request, stalled: true } : request)
  work.headerRequests = work.headerRequests.map((request) =>
    request.peer === id ? { ...request, stalled: true } : request
  )
  work.touched.add(id)
  work.actions.push({ _tag: "Stalled", peer: id, stalls })
  return true
}

const heldOff = (work: Work, id: SyncPeer["id"]): boolean => {
  const peer = SyncWork.find(work, id)
  if (peer?.holdoff === undefined) return false
  // Its headers show again what it has.
  SyncWork.change(work, id, { holdoff: undefined, recheck: peer.recheck || peer.holdoff === "copy" })
  return true
}
