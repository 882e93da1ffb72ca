/**
 * How sync reads the chain of a TIME network peer, whose wire has neither headers nor requests by hash: only pages of blocks by height, at
 * most `Limits.timePageBlocks` each. To the planner it is a peer like any other, asked for headers after a locator and for blocks by hash.
 * Both are answered from pages, whose blocks are kept until they are requested.
 *
 * `step(state, event, now) → [state, actions]` is pure. Requests are answered in order, one at a time. The timer is `Arm`, which replaces a
 * running one, and `Fired`.
 *
 * **Where two chains fork** shows in the first block of a page, which does not follow ours. A binary search (`GetBlockHash`) then finds the
 * newest locator place that the peer has.
 *
 * **Its limits.** Pages are at least `timePageMs` apart, and at most `timeAlikePages` within `timeAlikeMs` are close to one another: from
 * twenty on, the daemon answers none and counts a violation. A page unanswered within `timeAnswerMs` is requested again, because a daemon
 * that is syncing answers little. After `timeUnanswered` in a row the pause doubles each time, up to `timeUnansweredMostMs` (`PagePace`).
 */
import * as Hash from "../chain/Hash.ts"
import * as Limits from "../Limits.ts"
import * as PagePace from "./PagePace.ts"

export interface Place {
  readonly height: number
  readonly hash: Hash.Hash
}

/** A block of a page. `B`: the block type of the layer above. */
export interface Paged<B> extends Place {
  readonly previous: Hash.Hash
  /** bytes. */
  readonly size: number
  readonly block: B
}

interface HeadersAsk {
  readonly _tag: "Headers"
  readonly request: number
  /** Newest first, down to genesis. */
  readonly locator: ReadonlyArray<Place>
  readonly count: number
  /** Index into the locator: reading starts after this place. */
  readonly at: number
  /** Searches that ended at a place that the peer then did not have, because its chain changed meanwhile. */
  readonly searches: number
  /** A page was empty although the peer's tip says that there are blocks. */
  readonly wasEmpty: boolean
}

interface BlocksAsk {
  readonly _tag: "Blocks"
  readonly request: number
  readonly from: number
  /** Blocks not received yet. */
  readonly hashes: ReadonlyArray<Hash.Hash>
}

type Doing =
  | { readonly _tag: "Page"; readonly start: number; readonly end: number }
  /** `not`: index of a place that the peer does not have; `has`: index of a place that it has. */
  | { readonly _tag: "Search"; readonly not: number; readonly has: number; readonly mid: number }
  | { readonly _tag: "Tip" }

export interface Paging<B> {
  /** The peer's tip, as last reported. */
  readonly told: Place
  readonly queue: ReadonlyArray<HeadersAsk | BlocksAsk>
  readonly doing: Doing | undefined
  /** Blocks of pages, by hash, oldest first. */
  readonly kept: ReadonlyMap<string, Paged<B>>
  readonly keptBytes: number
  /** Pages requested recently. */
  readonly pages: ReadonlyArray<PagePace.Page>
  /** Number of unanswered pages. */
  readonly owed: number
  /** Pages requested since the last one arrived. */
  readonly unanswered: number
}

export type Event<B> =
  | {
    readonly _tag: "AskedHeaders"
    readonly request: number
    readonly locator: ReadonlyArray<Place>
    readonly count: number
  }
  | {
    readonly _tag: "AskedBlocks"
    readonly request: number
    readonly from: number
    readonly hashes: ReadonlyArray<Hash.Hash>
  }
  | { readonly _tag: "TipTold"; readonly tip: Place }
  | { readonly _tag: "PageCame"; readonly blocks: ReadonlyArray<Paged<B>> }
  | { readonly _tag: "HashTold"; readonly height: number; readonly hash: Hash.Hash | undefined }
  | { readonly _tag: "Fired" }

export type Action<B> =
  | { readonly _tag: "GetPage"; readonly start: number; readonly end: number }
  | { readonly _tag: "GetHash"; readonly height: number }
  | { readonly _tag: "GetTip" }
  | {
    readonly _tag: "GiveHeaders"
    readonly request: number
    readonly after: Hash.Hash
    readonly blocks: ReadonlyArray<Paged<B>>
    readonly more: boolean
  }
  | { readonly _tag: "GiveBlocks"; readonly request: number; readonly blocks: ReadonlyArray<B>; readonly done: boolean }
  /** The peer sent something that no honest peer sends. */
  | { readonly _tag: "Lied"; readonly detail: string }
  | { readonly _tag: "Arm"; readonly ms: number }

export const start = <B>(told: Place): Paging<B> => ({
  told,
  queue: [],
  doing: undefined,
  kept: new Map(),
  keptBytes: 0,
  pages: [],
  owed: 0,
  unanswered: 0
})

type Work<B> = { -readonly [K in keyof Paging<B>]: Paging<B>[K] } & {
  readonly now: number
  readonly actions: Array<Action<B>>
}

export const step = <B>(
  state: Paging<B>,
  event: Event<B>,
  now: number
): readonly [Paging<B>, ReadonlyArray<Action<B>>] => {
  const work: Work<B> = { ...state, now, actions: [] }
  handle(work, event)
  go(work)
  const { actions, now: _, ...next } = work
  return [next, actions]
}

const handle = <B>(work: Work<B>, event: Event<B>): void => {
  switch (event._tag) {
    case "AskedHeaders": {
      const { count, locator, request } = event
      work.queue = [...work.queue, {
        _tag: "Headers",
        request,
        locator,
        count,
        at: 0,
        searches: 0,
        wasEmpty: false
      }]
      return
    }
    case "AskedBlocks": {
      const { from, hashes, request } = event
      work.queue = [...work.queue, { _tag: "Blocks", request, from, hashes }]
      return
    }
    case "TipTold":
      work.told = event.tip
      if (work.doing?._tag === "Tip") work.doing = undefined
      return
    case "PageCame":
      return pageCame(work, event.blocks)
    case "HashTold":
      return hashTold(work, event.height, event.hash)
    case "Fired":
      // No answer, or the wait for the next page is over: `go` asks, again if necessary.
      if (work.doing?._tag === "Search") ask(work, work.doing)
      else work.doing = undefined
  }
}

// --- answers ----------------------------------------------------------------------

const pageCame = <B>(work: Work<B>, blocks: ReadonlyArray<Paged<B>>): void => {
  if (work.owed === 0) return lied(work, "unsolicited blocks")
  work.owed -= 1
  work.unanswered = 0
  const { doing } = work
  const [first] = blocks
  // The late answer to a page that was requested again.
  if (doing?._tag !== "Page" || (first !== undefined && first.height !== doing.start)) return
  if (blocks.length > doing.end - doing.start + 1) {
    // With another page unanswered it may be that one, from the same height on and longer.
    return work.owed > 0 ? undefined : lied(work, "more blocks than requested")
  }
  for (const [at, block] of blocks.entries()) {
    const before = blocks[at - 1]
    if (before === undefined) continue
    if (block.height !== before.height + 1 || !Hash.equals(block.previous, before.hash)) {
      return lied(work, `block ${block.height} of a page does not follow the block before it`)
    }
  }
  work.doing = undefined
  keep(work, blocks)
  const [head] = work.queue
  if (head?._tag === "Headers") headersFrom(work, head, blocks)
  else if (head?._tag === "Blocks") checkFirst(work, head, first)
}

/** A page for a request's blocks: if the first differs from the one requested, the peer is on another chain. */
const checkFirst = <B>(work: Work<B>, { hashes, request }: BlocksAsk, first: Paged<B> | undefined): void => {
  const [expected] = hashes
  if (first !== undefined && expected !== undefined && Hash.equals(first.hash, expected)) return
  done(work, { _tag: "GiveBlocks", request, blocks: [], done: true })
}

const headersFrom = <B>(work: Work<B>, head: HeadersAsk, blocks: ReadonlyArray<Paged<B>>): void => {
  const place = head.locator[head.at]
  const [first] = blocks
  if (place === undefined) return
  if (first === undefined) {
    // It announced more, perhaps of its former chain. Its tip is requested once before its claim counts.
    return head.wasEmpty ? give(work, head, place, []) : askTip(work, head)
  }
  if (Hash.equals(first.previous, place.hash)) return give(work, head, place, blocks)
  search(work, head)
}

/** Requests the peer's tip, once for each request of the queue. */
const askTip = <B>(work: Work<B>, head: HeadersAsk): void => {
  work.queue = [{ ...head, wasEmpty: true }, ...work.queue.slice(1)]
  work.doing = { _tag: "Tip" }
  ask(work, work.doing)
}

const give = <B>(work: Work<B>, { request }: HeadersAsk, { hash }: Place, blocks: ReadonlyArray<Paged<B>>): void => {
  const last = blocks.at(-1)
  const more = last !== undefined && last.height < work.told.height
  done(work, { _tag: "GiveHeaders", request, after: hash, blocks, more })
}

/** The peer does not have the place after which we read: searches for the newest place that it has. */
const search = <B>(work: Work<B>, head: HeadersAsk): void => {
  const has = head.locator.length - 1
  // Genesis is shared, or it would not be a peer. A chain that keeps changing is left for a later request.
  if (head.at >= has || head.searches >= Limits.timeSearches) {
    const place = head.locator[has]
    return place === undefined ? undefined : give(work, head, place, [])
  }
  work.queue = [{ ...head, searches: head.searches + 1 }, ...work.queue.slice(1)]
  narrow(work, head.at, has)
}

const narrow = <B>(work: Work<B>, not: number, has: number): void => {
  if (has - not > 1) {
    const doing: Doing = { _tag: "Search", not, has, mid: Math.floor((not + has) / 2) }
    work.doing = doing
    return ask(work, doing)
  }
  work.doing = undefined
  const [head] = work.queue
  if (head?._tag === "Headers") work.queue = [{ ...head, at: has }, ...work.queue.slice(1)]
}

const hashTold = <B>(work: Work<B>, height: number, hash: Hash.Hash | undefined): void => {
  const { doing, queue: [head] } = work
  const place = doing?._tag === "Search" && head?._tag === "Headers" ? head.locator[doing.mid] : undefined
  if (doing?._tag !== "Search" || place?.height !== height) return
  const isThere = hash !== undefined && Hash.equals(hash, place.hash)
  narrow(work, isThere ? doing.not : doing.mid, isThere ? doing.mid : doing.has)
}

/** The first request of the queue is answered. */
const done = <B>(work: Work<B>, action: Action<B>): void => {
  work.actions.push(action)
  work.queue = work.queue.slice(1)
}

const lied = <B>(work: Work<B>, detail: string): void => {
  work.queue = []
  work.doing = undefined
  work.actions.push({ _tag: "Lied", detail })
}

// --- kept blocks ------------------------------------------------------------------

const keep = <B>(work: Work<B>, blocks: ReadonlyArray<Paged<B>>): void => {
  const kept = new Map(work.kept)
  for (const block of blocks) {
    const key = Hash.toHex(block.hash)
    if (!kept.has(key)) work.keptBytes += block.size
    kept.set(key, block)
  }
  for (const [key, { size }] of kept) {
    if (work.keptBytes <= Limits.timeKeptBytes) break
    kept.delete(key)
    work.keptBytes -= size
  }
  work.kept = kept
}

/** Removes and returns the kept blocks of a request, from its first block on. */
const takeKept = <B>(work: Work<B>, hashes: ReadonlyArray<Hash.Hash>): ReadonlyArray<B> => {
  const kept = new Map(work.kept)
  const taken: Array<B> = []
  for (const hash of hashes) {
    const key = Hash.toHex(hash)
    const found = kept.get(key)
    if (found === undefined) break
    kept.delete(key)
    work.keptBytes -= found.size
    taken.push(found.block)
  }
  if (taken.length > 0) work.kept = kept
  return taken
}

// --- requests ---------------------------------------------------------------------

/** Advances the first request of the queue until it needs an answer. */
const go = <B>(work: Work<B>): void => {
  while (work.doing === undefined) {
    const [head] = work.queue
    if (head === undefined) return
    if (head._tag === "Blocks" ? !goBlocks(work, head) : !goHeaders(work, head)) return
  }
}

/** False if the request waits. */
const goBlocks = <B>(work: Work<B>, head: BlocksAsk): boolean => {
  const blocks = takeKept(work, head.hashes)
  const hashes = head.hashes.slice(blocks.length)
  const from = head.from + blocks.length
  if (hashes.length === 0) {
    done(work, { _tag: "GiveBlocks", request: head.request, blocks, done: true })
    return true
  }
  if (blocks.length > 0) {
    work.actions.push({ _tag: "GiveBlocks", request: head.request, blocks, done: false })
    work.queue = [{ ...head, from, hashes }, ...work.queue.slice(1)]
  }
  return page(work, from, from + hashes.length - 1)
}

const goHeaders = <B>(work: Work<B>, head: HeadersAsk): boolean => {
  let { at } = head
  // Places above its tip reveal nothing.
  while (at < head.locator.length - 1 && (head.locator[at]?.height ?? 0) > work.told.height) at += 1
  const place = head.locator[at]
  if (place === undefined) {
    work.queue = work.queue.slice(1)
    return true
  }
  const here: HeadersAsk = { ...head, at }
  work.queue = [here, ...work.queue.slice(1)]
  if (place.height < work.told.height) {
    return page(work, place.height + 1, Math.min(work.told.height, place.height + head.count))
  }
  if (!Hash.equals(place.hash, work.told.hash)) search(work, here)
  else if (here.wasEmpty) give(work, here, place, [])
  // The request may follow from a block that the peer showed above its tip of then.
  else askTip(work, here)
  return true
}

/** Requests a page if its time has come; false if it must wait. */
const page = <B>(work: Work<B>, start: number, to: number): boolean => {
  const end = Math.min(to, start + Limits.timePageBlocks - 1)
  const ms = PagePace.waitMs(work, start, end)
  if (ms > 0) {
    work.actions.push({ _tag: "Arm", ms })
    return false
  }
  const doing: Doing = { _tag: "Page", start, end }
  work.doing = doing
  work.owed += 1
  work.unanswered += 1
  work.pages = PagePace.after(work, start, end)
  ask(work, doing)
  return false
}

const ask = <B>(work: Work<B>, doing: Doing): void => {
  switch (doing._tag) {
    case "Page":
      work.actions.push({ _tag: "GetPage", start: doing.start, end: doing.end })
      break
    case "Search": {
      const [head] = work.queue
      const place = head?._tag === "Headers" ? head.locator[doing.mid] : undefined
      if (place !== undefined) work.actions.push({ _tag: "GetHash", height: place.height })
      break
    }
    case "Tip":
      work.actions.push({ _tag: "GetTip" })
  }
  work.actions.push({ _tag: "Arm", ms: Limits.timeAnswerMs })
}
