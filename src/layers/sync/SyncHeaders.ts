/** The header side of sync: requests headers, checks them, and finds their branch. */
import { isMalformed } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as HeaderRules from "../../domain/chain/HeaderRules.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SyncBranches from "../../domain/sync/SyncBranches.ts"
import * as SyncState from "../../domain/sync/SyncState.ts"
import type { Headers } from "../../domain/wire/SyncMessage.ts"
import type { Steps } from "./MessageTurns.ts"
import { PackedHeaders } from "./PackedHeaders.ts"
import * as Showing from "./Showing.ts"
import { ShownBranch } from "./ShownBranch.ts"
import type { HeaderRequest, PeerLink, SyncContext } from "./SyncContext.ts"
import * as SyncContext_ from "./SyncContext.ts"

type Place = HeaderRequest["locator"][number]

const chainLocator = (context: SyncContext, from: number): ReadonlyArray<Place> =>
  context.chain.locator(from).map((hash) => ({ hash, height: context.chain.heightOf(hash) ?? 0 }))

/**
 * The locator of a peer that has a header of our chain, `last`, and more after it: as from `top`, and upwards from `last` in steps that
 * double. So each answer halves the distance to where the peer's chain leaves ours, if it does above `last`.
 */
const locatorAbove = (context: SyncContext, last: Place, top: number): ReadonlyArray<Place> => {
  const places = new Map([last, ...chainLocator(context, top)].map((place) => [place.height, place]))
  for (let step = 1; last.height + step < top; step *= 2) {
    const height = last.height + step
    const hash = context.chain.hashAt(height)
    if (hash !== undefined) places.set(height, { height, hash })
  }
  return [...places.values()].filter(({ height }) => height === 0 || height >= last.height)
    .toSorted((a, b) => b.height - a.height)
}

/** As many places as a locator holds: the first ones, and the last, genesis. */
const bounded = (places: ReadonlyArray<Place>): ReadonlyArray<Place> =>
  places.length > Limits.locatorHashes ? [...places.slice(0, Limits.locatorHashes - 1), ...places.slice(-1)] : places

/** The branch that a peer's headers most likely continue: its own, else the best. */
const likely = (context: SyncContext, peer: PeerIp): ShownBranch | undefined => {
  const { branches, peers } = context.state
  const own = peers.find(({ id }) => id === peer)?.on?.branch
  const best = SyncBranches.find({ branches }, own) ?? SyncBranches.wanted(context.state)[0]
  return best === undefined ? undefined : context.branches.get(best.id)
}

/** Requests at most `count` headers, after those that the peer is showing, else after its branch, else after our chain. */
export const ask = (context: SyncContext, peer: PeerIp, request: number, count: number): void => {
  const link = context.links.get(peer)
  const branch = likely(context, peer)
  const last = link?.last
  const top = link?.showing?.fork ?? branch?.fork ?? context.chain.height
  const above = link?.showing === undefined ? branch?.locator() ?? [] : []
  const isOurs = last !== undefined && last.height <= top && context.chain.holds(last.height, last.hash)
  const rest = isOurs ? locatorAbove(context, last, top) : chainLocator(context, top)
  const locator = bounded([
    ...(last === undefined || isOurs ? [] : [last]),
    // Its header on our chain must stay in the locator.
    ...(isOurs ? above.slice(0, Math.max(0, Limits.locatorHashes - rest.length)) : above),
    ...rest
  ])
  context.headerRequests.set(request, { peer, locator })
  SyncContext_.request(context, peer, {
    _tag: "GetHeaders",
    request,
    locator: locator.map(({ hash }) => hash),
    // A peer of an older version does not know the field, and sends a full list.
    ...(count < Limits.headersPerMessage ? { count } : {})
  })
}

/** Position of a walk along a peer's headers: on our chain, on a branch, or above either with new headers. */
interface Walk {
  height: number
  branch: ShownBranch | undefined
  /** Headers above `height`, of the peer's earlier lists. */
  readonly shown: Showing.Showing | undefined
  /** Headers above those, new to us. */
  readonly fresh: Array<HeaderRules.Parent>
}

/** The branch, if any, that has this header. The walk's current branch is tried first. */
const branchWith = (context: SyncContext, first: ShownBranch | undefined, height: number, hash: Hash.Hash) => {
  if (first?.holds(height, hash) === true) return first
  for (const branch of context.branches.values()) if (branch.holds(height, hash)) return branch
  return undefined
}

/** The branch, shown by peers, that has the block, if any. */
export const onBranch = (
  context: SyncContext,
  { hash, height }: Place
): SyncState.OnBranch | undefined => {
  const branch = branchWith(context, undefined, height, hash)
  return branch === undefined ? undefined : { branch: branch.id, height, shown: height }
}

/** Where the peer's headers begin; `undefined`: no chain of ours has their parent any more. */
const begin = (context: SyncContext, link: PeerLink, place: Place): Walk | undefined => {
  const { height } = place
  const shown = link.showing
  if (shown?.headers.isHash(shown.headers.last, place.hash) === true) {
    return { height: shown.fork, branch: undefined, shown, fresh: [] }
  }
  if (context.chain.holds(height, place.hash)) return { height, branch: undefined, shown: undefined, fresh: [] }
  const branch = branchWith(context, undefined, height, place.hash)
  return branch === undefined ? undefined : { height, branch, shown: undefined, fresh: [] }
}

/** The header that the next one must follow. */
const parentOf = (context: SyncContext, { branch, fresh, height, shown }: Walk): HeaderRules.Parent | undefined =>
  fresh.at(-1) ?? shown?.headers.at(shown.headers.last) ??
    (branch === undefined ? context.chain.parentAt(height) : branch.at(height))

/** Whether we already have the header, on our chain or on a branch; if so, advances the walk. */
const known = (context: SyncContext, walk: Walk, hash: Hash.Hash): boolean => {
  if (walk.shown !== undefined || walk.fresh.length > 0) return false
  const next = walk.height + 1
  const onChain = walk.branch === undefined && context.chain.holds(next, hash)
  const branch = onChain ? undefined : branchWith(context, walk.branch, next, hash)
  if (!onChain && branch === undefined) return false
  walk.height = next
  walk.branch = branch
  return true
}

/** ms until a header that is not valid yet may become valid. */
const dueMs = (context: SyncContext, fault: HeaderRules.HeaderFault): number => {
  switch (fault._tag) {
    case "InFuture":
      return (fault.timestamp - fault.latest) * 1_000
    case "AheadOfSchedule":
      return ChainParams.dueAt(context.params, fault.height) * 1_000 - context.nowMs()
    default:
      return 0
  }
}

/** A response to `GetHeaders`. The headers are decoded and hashed in steps; the planner learns of all of them at once. */
export const received = function*(context: SyncContext, peer: PeerIp, message: Headers): Steps {
  const link = context.links.get(peer)
  if (link === undefined) return
  const lied = (fault: "bad-header" | "protocol", detail: string) =>
    context.machine.post({ _tag: "PeerLied", peer, fault, detail })
  const asked = context.headerRequests.get(message.request)
  if (asked?.peer !== peer) return lied("protocol", "unsolicited headers")
  const ms = SyncContext_.pieceMs(context, link, true)
  const list = yield* BlockHeader.decodingList(context.hasher, message.list, Limits.syncStepHeaders)
  context.headerRequests.delete(message.request)
  if (isMalformed(list)) return lied("bad-header", "malformed header list")
  const place = asked.locator.find(({ hash }) => Hash.equals(hash, message.after))
  if (place === undefined) return lied("bad-header", "headers do not follow a block of the locator")
  const walk = begin(context, link, place)
  link.showing = undefined
  link.last = undefined
  // Our chain may have moved to another branch while the request was in flight.
  if (walk === undefined) return context.machine.post({ _tag: "HeadersVoid", peer, request: message.request })
  let count = 0
  let future: HeaderRules.HeaderFault | undefined
  let tooDeep = false
  for (const { hash, header } of list) {
    if (!known(context, walk, hash)) {
      const parent = parentOf(context, walk)
      if (parent === undefined) return lied("bad-header", "header has no known parent")
      tooDeep ||= (walk.branch?.fork ?? walk.height) < context.state.oldestFork
      // Not followed in any case, and its parent may be too old for us to know the treasury.
      const from = tooDeep && walk.fresh.length === 0 ? HeaderRules.bareParent(parent.height, parent.hash) : parent
      const fault = HeaderRules.check(context.params, from, header, context.nowMs())
      if (fault !== undefined && !HeaderRules.passes(fault)) {
        return lied("bad-header", `header at height ${header.height}: ${Validation.describe(fault)}`)
      }
      future = fault
      if (fault !== undefined) break
      walk.fresh.push(HeaderRules.parentOf(header, hash))
    }
    count += 1
  }
  const last = parentOf(context, walk)
  if (last === undefined) return
  const tip = { height: last.height, hash: Hash.toHex(last.hash) }
  if (message.more && future === undefined && !tooDeep) link.last = { height: last.height, hash: last.hash }
  const placed = tooDeep
    ? ({ _tag: "TooDeep", fork: walk.branch?.fork ?? walk.height } as const)
    : placeOf(context, link, walk, tip, ms)
  // The peer's tip is no older than the time at which its height was due.
  const newest = Math.max(list.at(-1)?.header.timestamp ?? 0, ChainParams.dueAt(context.params, link.told.height))
  const behind = future === undefined ? 0 : newest - Math.floor(context.nowMs() / 1_000)
  context.machine.post({
    _tag: "HeadersReceived",
    peer,
    request: message.request,
    count,
    last: tip,
    placed,
    also: placed._tag === "Branch" ? tellers(context, placed.branch.id, peer) : [],
    more: future !== undefined ? "not-yet" : message.more ? "yes" : "no",
    clockBehind: behind > 0 ? behind : undefined,
    dueMs: future === undefined ? 0 : dueMs(context, future),
    ms
  })
}

/**
 * Adds new headers to the branch that they extend, or starts a branch with them, if the chain they give is better. If it is not, they are kept
 * with the peer while it has more. `ms`: how long the peer took for them.
 */
const placeOf = (
  context: SyncContext,
  link: PeerLink,
  walk: Walk,
  tip: SyncState.SyncTip,
  ms: number
): SyncState.Placed => {
  const { branch, fresh, height, shown } = walk
  if (fresh.length === 0 && shown === undefined) {
    return branch === undefined
      ? { _tag: "Chain" }
      : { _tag: "Branch", branch: described(branch, trunkOf(context, branch)) }
  }
  if (branch !== undefined && height === branch.height) {
    branch.append(fresh)
    return { _tag: "Branch", branch: described(branch, trunkOf(context, branch)) }
  }
  const fork = shown?.fork ?? branch?.fork ?? height
  const headers = shown?.headers ?? new PackedHeaders(fork + 1, branch?.upTo(height) ?? [])
  headers.append(fresh)
  if (!SyncState.isBetter(tip, context.state.chain)) {
    if (link.last === undefined) return { _tag: "Worse", fork }
    const now = context.timers.now()
    const showing = { fork, headers, since: shown?.since ?? now - ms }
    return { _tag: Showing.keep(context.links.values(), link, showing, now) ? "Worse" : "NoRoom", fork }
  }
  const made = new ShownBranch(context.nextBranch++, fork, headers)
  context.branches.set(made.id, made)
  return {
    _tag: "Branch",
    branch: described(made, branch === undefined ? undefined : { id: branch.id, upTo: height })
  }
}

const trunkOf = (context: SyncContext, { id }: ShownBranch) => SyncBranches.find(context.state, id)?.trunk

const described = (branch: ShownBranch, trunk: SyncState.SyncBranch["trunk"]) => ({
  id: branch.id,
  fork: branch.fork,
  tip: branch.tipText,
  trunk
})

/** Other peers whose announced tip is on that branch. */
const tellers = (context: SyncContext, id: number, except: PeerIp): ReadonlyArray<PeerIp> => {
  const branch = context.branches.get(id)
  const found: Array<PeerIp> = []
  for (const [peer, { told }] of context.links) {
    if (peer !== except && branch?.holds(told.height, told.hash) === true) found.push(peer)
  }
  return found
}
