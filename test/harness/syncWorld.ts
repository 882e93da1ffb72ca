/**
 * A world for the sync planner: one node that syncs, peers of every kind, links with latency and pace, a virtual clock. A
 * block is its hash; a header chain is a list of hashes. It checks after every step what must always hold.
 */
import { assert } from "@effect/vitest"
import * as Limits from "../../src/domain/Limits.ts"
import { fromStringUnsafe } from "../../src/domain/peer/PeerIp.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as SyncPlan from "../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import type { PeerSpec, World } from "./syncKinds.ts"

export type { Kind, PeerSpec, World } from "./syncKinds.ts"

export const ip = (n: number): PeerIp => fromStringUnsafe(`10.0.0.${n + 1}`)

/** Headers in one message: few, so that conversations are long. */
const headersPerMessage = 150
const blockBytes = 484

export const tipOf = (chain: ReadonlyArray<string>): SyncState.SyncTip => ({
  height: chain.length - 1,
  hash: chain.at(-1) ?? ""
})

const common = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number => {
  let low = 0
  let high = Math.min(a.length, b.length) - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (a[middle] === b[middle]) low = middle
    else high = middle - 1
  }
  return low
}

interface Link {
  readonly id: PeerIp
  spec: PeerSpec
  up: boolean
  /** When its outgoing line is free again. */
  freeAt: number
  /** When the last piece came from it. */
  heardAt: number
  session: number
  branch: ReadonlyArray<string> | undefined
}

export interface Options {
  readonly start: ReadonlyArray<string>
  readonly peers: ReadonlyArray<PeerSpec>
  /** What happens beside: a peer goes down, comes back, its chain grows. */
  readonly script?: ReadonlyArray<
    & { readonly at: number; readonly peer: number }
    & (
      | { readonly _tag: "Down" | "Up" }
      | { readonly _tag: "Chain"; readonly chain: ReadonlyArray<string> }
    )
  >
  /** ms. Give up then. */
  readonly limitMs: number
  /** Go on until then, even when in sync. */
  readonly untilMs?: number
}

export const run = (options: Options): World => {
  let now = 0
  let sequence = 0
  const agenda: Array<{ readonly at: number; readonly order: number; readonly act: () => void }> = []
  /** Last is first: in descending order of time, then of entry. */
  const later = (ms: number, act: () => void) => {
    const entry = { at: now + ms, order: sequence++, act }
    let low = 0
    let high = agenda.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = agenda[middle]
      if (other !== undefined && other.at > entry.at) low = middle + 1
      else high = middle
    }
    agenda.splice(low, 0, entry)
  }

  let store = [...options.start]
  let headers = [...options.start]
  let held = new Map<number, { readonly hash: string; readonly from: PeerIp }>()
  const brought = new Map<PeerIp, number>()
  const requests = new Map<
    number,
    { readonly peer: PeerIp; readonly from: number; readonly hashes: ReadonlyArray<string>; came: number }
  >()
  const timers = new Map<PeerIp, { readonly token: number }>()
  const blamed = new Map<PeerIp, SyncState.SyncFault>()
  const stalled = new Set<PeerIp>()
  const links = new Map<PeerIp, Link>()
  let state = SyncState.start(tipOf(store))
  let done = false

  const linkOf = (id: PeerIp): Link => {
    const link = links.get(id)
    if (link === undefined) throw new Error(`no link ${id}`)
    return link
  }

  const told = (link: Link): SyncState.SyncTip => {
    const tip = tipOf(link.spec.chain)
    return link.spec.kind._tag === "Inflates" || link.spec.kind._tag === "Promises"
      ? { height: tip.height + 1_000, hash: "0inflated" }
      : tip
  }

  // --- the driver's side ------------------------------------------------------------

  const dispatch = (event: SyncState.SyncEvent): void => {
    const [next, actions] = SyncPlan.step(state, event)
    state = next
    for (const action of actions) perform(action)
    invariants()
  }

  const perform = (action: SyncState.SyncAction): void => {
    switch (action._tag) {
      case "GetHeaders":
        return askHeaders(linkOf(action.peer), action.request)
      case "GetBlocks": {
        assert.isAtMost(action.count, Limits.blocksPerRequest)
        assert.isAtLeast(action.count, 1)
        const hashes = headers.slice(action.from, action.from + action.count)
        assert.strictEqual(hashes.length, action.count, "asks for blocks of the header chain only")
        requests.set(action.request, { peer: action.peer, from: action.from, hashes, came: 0 })
        return askBlocks(linkOf(action.peer), action.request, action.from, hashes)
      }
      case "Forget":
        requests.delete(action.request)
        return
      case "Arm": {
        const token = ++sequence
        timers.set(action.timer.peer, { token })
        later(action.ms, () => {
          if (timers.get(action.timer.peer)?.token !== token) return
          timers.delete(action.timer.peer)
          dispatch({ _tag: "Fired", timer: action.timer })
        })
        return
      }
      case "Disarm":
        timers.delete(action.timer.peer)
        return
      case "Stalled":
        stalled.add(action.peer)
        return
      case "Blame":
        blamed.set(action.peer, action.fault)
        return
      case "Abandon":
        headers = [...store]
        held = new Map()
        return
      case "Done":
        assert.deepStrictEqual(action.tip, tipOf(store))
        done = true
        return
    }
  }

  /** The peer's line: after what it has to send already, the piece, then the way. */
  const send = (link: Link, workMs: number, arrive: (ms: number) => void): void => {
    const { session } = link
    const start = Math.max(now + link.spec.latencyMs, link.freeAt)
    link.freeAt = start + workMs
    const asked = now
    // A long piece is seen to arrive.
    for (let part = 1_000; part < workMs; part += 1_000) {
      later(start - now + part + link.spec.latencyMs, () => {
        if (link.up && link.session === session) dispatch({ _tag: "Progress", peer: link.id })
      })
    }
    later(link.freeAt - now + link.spec.latencyMs, () => {
      if (!link.up || link.session !== session) return
      const ms = now - Math.max(asked, link.heardAt)
      link.heardAt = now
      arrive(ms)
    })
  }

  const askHeaders = (link: Link, request: number): void => {
    const { kind, latencyMs } = link.spec
    if (kind._tag === "Silent") return
    const locator = link.branch ?? headers
    send(link, 1 + latencyMs / 10, (ms) => {
      const { chain } = link.spec
      const fork = common(locator, chain)
      const last = Math.min(fork + headersPerMessage, chain.length - 1)
      const end = last === chain.length - 1
      if (kind._tag === "BadHeader" && last >= kind.at) {
        return dispatch({ _tag: "PeerLied", peer: link.id, fault: "bad-header", detail: `${kind.at}` })
      }
      headersCame(link, request, chain.slice(0, last + 1), fork, end && kind._tag !== "Promises" ? "no" : "yes", ms)
    })
  }

  const headersCame = (
    link: Link,
    request: number,
    theirs: ReadonlyArray<string>,
    from: number,
    more: "yes" | "no",
    ms: number
  ): void => {
    const fork = common(headers, theirs)
    const last = tipOf(theirs)
    const adopted = SyncState.isBetter(last, tipOf(headers))
    if (adopted) {
      for (const height of held.keys()) if (height > fork) held.delete(height)
      headers = [...theirs]
      for (const height of held.keys()) if (height <= common(store, headers)) held.delete(height)
    }
    link.branch = adopted || more === "no" ? undefined : theirs
    dispatch({
      _tag: "HeadersReceived",
      peer: link.id,
      request,
      count: theirs.length - 1 - from,
      fork,
      last,
      choice: adopted ? "adopted" : "kept",
      base: common(store, headers),
      heldBytes: held.size * blockBytes,
      more,
      ms
    })
  }

  const askBlocks = (link: Link, request: number, from: number, hashes: ReadonlyArray<string>): void => {
    const { blockMs, kind, piece } = link.spec
    if (kind._tag === "Silent") return
    for (let sent = 0; sent < hashes.length;) {
      let n = Math.min(piece, hashes.length - sent)
      const at = from + sent
      const has = (i: number) => link.spec.chain[at + i] === hashes[sent + i]
      let upTo = 0
      while (upTo < n && has(upTo) && !(kind._tag === "Withholds" && at + upTo >= kind.at)) upTo++
      if (upTo < n && kind._tag === "Withholds" && kind.silent) {
        if (upTo > 0) send(link, upTo * blockMs, (ms) => blocksCame(link, request, upTo, false, ms))
        return
      }
      const missing = upTo < n
      n = upTo
      sent += n
      const over = missing || sent === hashes.length
      const bad = kind._tag === "BadBlock" && at + n > kind.at
      send(link, n * blockMs, (ms) =>
        bad
          ? dispatch({ _tag: "PeerLied", peer: link.id, fault: "bad-block", detail: "" })
          : blocksCame(link, request, n, over, ms))
      if (over) return
    }
  }

  const blocksCame = (link: Link, request: number, count: number, over: boolean, ms: number): void => {
    const row = requests.get(request)
    const answer = () => {
      const heldBytes = held.size * blockBytes
      dispatch({ _tag: "BlocksReceived", peer: link.id, request, count, done: over, heldBytes, ms })
    }
    if (row === undefined) return answer()
    for (let i = 0; i < count; i++) {
      const height = row.from + row.came + i
      assert.strictEqual(headers[height], row.hashes[row.came + i], "what is asked for is on the header chain")
      if (height > state.base && !held.has(height)) held.set(height, { hash: headers[height] ?? "", from: link.id })
    }
    row.came += count
    if (over || row.came === row.hashes.length) requests.delete(request)
    answer()
    later(1, save)
  }

  const save = (): void => {
    const fork = common(store, headers)
    let end = fork
    while (held.has(end + 1)) end++
    if (end === fork) return
    const candidate = headers.slice(0, end + 1)
    if (!SyncState.isBetter(tipOf(candidate), tipOf(store))) return
    for (let height = fork + 1; height <= end; height++) {
      const from = held.get(height)?.from
      if (from !== undefined) brought.set(from, (brought.get(from) ?? 0) + 1)
      held.delete(height)
    }
    store = candidate
    dispatch({
      _tag: "Stored",
      tip: tipOf(store),
      headers: tipOf(headers),
      base: store.length - 1,
      heldBytes: held.size * blockBytes
    })
  }

  const connect = (n: number): void => {
    const link = linkOf(ip(n))
    link.up = true
    link.session += 1
    link.freeAt = now
    link.heardAt = now
    link.branch = undefined
    dispatch({ _tag: "PeerUp", peer: link.id, tip: told(link) })
  }

  // --- what must always hold ------------------------------------------------------------

  const invariants = (): void => {
    const owing = new Set<PeerIp>()
    for (const peer of state.peers) {
      const mine = state.requests.filter((request) => request.peer === peer.id)
      const blocks = mine.reduce((n, request) => n + request.to - request.next + 1, 0)
      assert.isAtMost(mine.length, Limits.requestsPerPeer)
      assert.isTrue(peer.blamed === undefined || peer.owed === 0)
      assert.isAtMost(blocks, Limits.blocksInFlightPerPeer)
      if (peer.blamed !== undefined) assert.strictEqual(mine.length, 0, "asks nothing of a liar")
      else if (mine.length > 0 || state.headerRequest?.peer === peer.id || peer.owed > 0) owing.add(peer.id)
    }
    assert.strictEqual(timers.size, owing.size, "a timer runs for whom owes an answer, and for nobody else")
    for (const peer of owing) assert.isTrue(timers.has(peer))
    for (const request of state.requests) {
      assert.isTrue(state.peers.some((peer) => peer.id === request.peer))
      assert.isAtMost(request.to, state.headers.height)
      assert.isAtMost(request.to, state.base + Limits.syncWindowBlocks)
      assert.isAtMost(request.next, request.to)
      assert.isTrue(requests.has(request.id), "driver and planner know the same requests")
      let wanted = false
      for (let height = request.next; height <= request.to; height++) {
        wanted ||= height > state.base && !held.has(height)
      }
      assert.isTrue(wanted, "waits for nothing that is there")
      for (const other of state.requests) {
        if (other.id <= request.id || other.next > request.to || request.next > other.to) continue
        const twice = other.stalled || request.stalled || other.doubled || request.doubled
        assert.isTrue(twice, "asks two for the same only when one stalled or at the end of the window")
        assert.notStrictEqual(other.peer === request.peer && !request.stalled, true)
      }
    }
    assert.strictEqual(requests.size, state.requests.length)
    assert.deepStrictEqual(state.chain, tipOf(store))
    assert.deepStrictEqual(state.headers, tipOf(headers))
    assert.strictEqual(state.base, common(store, headers))
    for (const range of state.held) {
      assert.isAbove(range.from, state.base)
      for (let height = range.from; height <= range.to; height++) assert.isTrue(held.has(height))
    }
    assert.strictEqual(state.held.reduce((n, range) => n + range.to - range.from + 1, 0), held.size)
    assert.strictEqual(state.heldBytes, held.size * blockBytes)
  }

  // --- run ------------------------------------------------------------------------------

  for (const [n, spec] of options.peers.entries()) {
    links.set(ip(n), {
      id: ip(n),
      spec,
      up: false,
      freeAt: 0,
      heardAt: 0,
      session: 0,
      branch: undefined
    })
    later(n, () => connect(n))
  }
  for (const row of options.script ?? []) {
    later(row.at, () => {
      const link = linkOf(ip(row.peer))
      if (row._tag === "Chain") {
        link.spec = { ...link.spec, chain: row.chain }
        if (link.up) dispatch({ _tag: "TipAnnounced", peer: link.id, tip: told(link) })
      } else if (row._tag === "Up" && !link.up) connect(row.peer)
      else if (row._tag === "Down" && link.up) {
        link.up = false
        for (const [id, request] of requests) if (request.peer === link.id) requests.delete(id)
        dispatch({ _tag: "PeerDown", peer: link.id })
      }
    })
  }
  const best = (): boolean =>
    done && state.synced && now >= (options.untilMs ?? 0) && timers.size === 0 &&
    !(options.script ?? []).some((row) => row.at >= now)
  for (let events = 0; agenda.length > 0 && now < options.limitMs && !best(); events++) {
    assert.isBelow(events, 200_000, "no endless conversation")
    const next = agenda.pop()
    if (next === undefined) break
    now = next.at
    next.act()
  }
  return { store, state, blamed, stalled, brought, ms: now, done }
}
