/**
 * A world for the sync planner: one node that syncs, peers of every kind, links with latency and pace, a virtual clock. A
 * block is its hash; a header chain is a list of hashes. It checks after every step what must always hold.
 */
import { assert } from "@effect/vitest"
import * as Limits from "../../src/domain/Limits.ts"
import { fromStringUnsafe } from "../../src/domain/peer/PeerIp.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as SyncBranches from "../../src/domain/sync/SyncBranches.ts"
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
  /** Bytes came since its timer was set. */
  trickled: boolean
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
  /** Run until then, even when in sync. */
  readonly untilMs?: number
  /** ms after which a dropped peer is back. Absent: it stays away. */
  readonly returns?: number
  /** A branch that leaves our chain more than so many blocks below its tip is not followed. */
  readonly maxReorg?: number
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
  /** Branches by number: their whole chain, and bodies that came, by height. */
  const branches = new Map<number, { chain: ReadonlyArray<string>; readonly held: Map<number, PeerIp> }>()
  let nextBranch = 1
  const brought = new Map<PeerIp, number>()
  const requests = new Map<
    number,
    {
      readonly peer: PeerIp
      readonly branch: number
      readonly from: number
      readonly hashes: ReadonlyArray<string>
      came: number
    }
  >()
  const timers = new Map<string, { readonly token: number }>()
  const blamed = new Map<PeerIp, SyncState.SyncFault>()
  const dropped = new Map<PeerIp, number>()
  const left: Array<PeerIp> = []
  const behind: Array<
    { readonly at: number; readonly height: number; readonly synced: boolean; readonly dropped: number }
  > = []
  const stalled = new Set<PeerIp>()
  const links = new Map<PeerIp, Link>()
  let state = SyncState.start(tipOf(store))
  let done = false

  const linkOf = (id: PeerIp): Link => {
    const link = links.get(id)
    if (link === undefined) throw new Error(`no link ${id}`)
    return link
  }

  const keyOf = ({ _tag, peer }: SyncState.SyncTimer) => `${_tag} ${peer}`

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
    if (SyncBranches.ready(state).length > 0) later(1, save)
  }

  const perform = (action: SyncState.SyncAction): void => {
    switch (action._tag) {
      case "GetHeaders":
        return askHeaders(linkOf(action.peer), action.request, action.count)
      case "GetBlocks": {
        assert.isAtMost(action.count, Limits.blocksPerRequest)
        assert.isAtLeast(action.count, 1)
        const hashes = (branches.get(action.branch)?.chain ?? []).slice(action.from, action.from + action.count)
        assert.strictEqual(hashes.length, action.count, "asks for blocks of a branch only")
        requests.set(action.request, { peer: action.peer, branch: action.branch, from: action.from, hashes, came: 0 })
        return askBlocks(linkOf(action.peer), action.request, action.from, hashes)
      }
      case "Forget":
        requests.delete(action.request)
        return
      case "Arm": {
        const token = ++sequence
        const key = keyOf(action.timer)
        timers.set(key, { token })
        const { peer } = action.timer
        if (action.timer._tag === "Answer") linkOf(peer).trickled = false
        later(action.ms, () => {
          if (timers.get(key)?.token !== token) return
          timers.delete(key)
          dispatch({ _tag: "Fired", timer: action.timer, trickled: linkOf(peer).trickled })
        })
        return
      }
      case "Disarm":
        timers.delete(keyOf(action.timer))
        return
      case "Stalled":
        stalled.add(action.peer)
        return
      case "Drop": {
        const link = linkOf(action.peer)
        blamed.set(action.peer, action.fault)
        dropped.set(action.peer, (dropped.get(action.peer) ?? 0) + 1)
        // The connection ends, and the peer comes back.
        later(0, () => goDown(link))
        if (options.returns !== undefined) later(options.returns, () => up(link))
        return
      }
      case "DropBranch":
        branches.delete(action.branch)
        return
      case "LeftBehind":
        left.push(action.peer)
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
        if (link.up && link.session === session) link.trickled = true
      })
    }
    later(link.freeAt - now + link.spec.latencyMs, () => {
      if (!link.up || link.session !== session) return
      const ms = now - Math.max(asked, link.heardAt)
      link.heardAt = now
      arrive(ms)
    })
  }

  const shownBy = (link: Link): ReadonlyArray<string> => {
    const branch = branches.get(state.peers.find(({ id }) => id === link.id)?.on?.branch ?? -1)
    return link.branch ?? branch?.chain ?? store
  }

  const askHeaders = (link: Link, request: number, count: number): void => {
    const { kind, latencyMs } = link.spec
    if (kind._tag === "Silent") return
    const locator = shownBy(link)
    send(link, 1 + latencyMs / 10, (ms) => {
      const { chain } = link.spec
      const fork = common(locator, chain)
      const last = Math.min(fork + Math.min(count, headersPerMessage), chain.length - 1)
      const end = last === chain.length - 1
      if (kind._tag === "BadHeader" && last >= kind.at) {
        return dispatch({ _tag: "PeerLied", peer: link.id, fault: "bad-header", detail: `${kind.at}` })
      }
      headersCame(link, request, chain.slice(0, last + 1), fork, end && kind._tag !== "Promises" ? "no" : "yes", ms)
    })
  }

  const oldestFork = () => Math.max(0, store.length - 1 - (options.maxReorg ?? Infinity))

  const headersCame = (
    link: Link,
    request: number,
    theirs: ReadonlyArray<string>,
    from: number,
    more: "yes" | "no",
    ms: number
  ): void => {
    const last = tipOf(theirs)
    const placed = place(link, theirs)
    dispatch({
      _tag: "HeadersReceived",
      peer: link.id,
      request,
      count: theirs.length - 1 - from,
      last,
      placed,
      also: placed._tag !== "Branch"
        ? []
        : [...links.values()].filter((other) =>
          other !== link && branches.get(placed.branch.id)?.chain[told(other).height] === told(other).hash
        ).map(({ id }) => id),
      more,
      clockBehind: undefined,
      dueMs: 0,
      ms
    })
  }

  const place = (link: Link, theirs: ReadonlyArray<string>): SyncState.Placed => {
    const last = tipOf(theirs)
    const fork = common(store, theirs)
    link.branch = undefined
    if (fork === last.height) return { _tag: "Chain" }
    if (fork < oldestFork()) return { _tag: "TooDeep", fork }
    const described = (id: number, trunk: SyncState.SyncBranch["trunk"]) =>
      ({
        _tag: "Branch",
        branch: {
          id,
          fork: common(store, branches.get(id)?.chain ?? []),
          tip: tipOf(branches.get(id)?.chain ?? []),
          trunk
        }
      }) as const
    let near: { readonly id: number; readonly upTo: number } | undefined
    for (const [id, branch] of branches) {
      const upTo = common(branch.chain, theirs)
      const { trunk } = state.branches.find((other) => other.id === id) ?? { trunk: undefined }
      if (upTo === last.height) return described(id, trunk)
      if (upTo === branch.chain.length - 1 && upTo > fork) {
        branch.chain = theirs
        return described(id, trunk)
      }
      if (upTo > fork && upTo > (near?.upTo ?? -1)) near = { id, upTo }
    }
    if (!SyncState.isBetter(last, state.chain)) {
      link.branch = theirs
      return { _tag: "Worse", fork }
    }
    const id = nextBranch++
    branches.set(id, { chain: theirs, held: new Map() })
    return described(id, near)
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
    let bytes = 0
    const branch = row === undefined ? undefined : branches.get(row.branch)
    const base = state.branches.find(({ id }) => id === row?.branch)?.base ?? Infinity
    if (row !== undefined) {
      for (let i = 0; i < count; i++) {
        const height = row.from + row.came + i
        assert.strictEqual(branch?.chain[height], row.hashes[row.came + i], "what is asked for is on the branch")
        if (height <= base || branch?.held.has(height) !== false) continue
        branch.held.set(height, link.id)
        bytes += blockBytes
      }
      row.came += count
      if (over || row.came === row.hashes.length) requests.delete(request)
    }
    dispatch({ _tag: "BlocksReceived", peer: link.id, request, count, done: over, bytes, ms })
  }

  const save = (): void => {
    for (const { id } of SyncBranches.ready(state)) {
      const branch = branches.get(id)
      const planned = state.branches.find((other) => other.id === id)
      if (branch === undefined || planned === undefined) continue
      const candidate = branch.chain.slice(0, SyncBranches.whole(planned) + 1)
      if (!SyncState.isBetter(tipOf(candidate), tipOf(store))) continue
      for (let height = planned.fork + 1; height < candidate.length; height++) {
        const from: PeerIp | undefined = branch.held.get(height)
        assert.isDefined(from, "only what came is stored")
        if (from !== undefined) brought.set(from, (brought.get(from) ?? 0) + 1)
      }
      store = candidate
      for (const other of branches.values()) {
        const fork = common(store, other.chain)
        for (const height of other.held.keys()) if (height <= fork) other.held.delete(height)
      }
      dispatch({
        _tag: "Stored",
        tip: tipOf(store),
        branch: id,
        oldestFork: oldestFork(),
        branches: [...branches].map(([id, { chain, held }]) => {
          const fork = common(store, chain)
          return { id, fork, base: fork, heldBytes: held.size * blockBytes }
        })
      })
      return
    }
  }

  const onOf = (tip: SyncState.SyncTip): SyncState.OnBranch | undefined => {
    for (const [branch, { chain }] of branches) {
      if (chain[tip.height] === tip.hash) return { branch, height: tip.height, shown: tip.height }
    }
    return undefined
  }

  const goDown = (link: Link): void => {
    if (!link.up) return
    link.up = false
    for (const [id, request] of requests) if (request.peer === link.id) requests.delete(id)
    dispatch({ _tag: "PeerDown", peer: link.id })
  }

  const up = (link: Link): void => {
    if (link.up) return
    link.up = true
    link.session += 1
    link.freeAt = now
    link.heardAt = now
    link.branch = undefined
    dispatch({ _tag: "PeerUp", peer: link.id, tip: told(link), on: onOf(told(link)) })
  }

  // --- what must always hold ------------------------------------------------------------

  /** An assertion that costs nothing while it holds: chai's took nine tenths of the time of a simulated sync, at thousands per step. */
  const must = (isSo: boolean, what: string): void => {
    if (!isSo) assert.fail(what)
  }

  const invariants = (): void => {
    const owing = new Set<string>()
    for (const peer of state.peers) {
      const mine = state.requests.filter((request) => request.peer === peer.id)
      const blocks = mine.reduce((n, request) => n + request.to - request.next + 1, 0)
      must(peer.pending.length <= Limits.requestsPerPeer + Limits.stallsMost, "asks a peer within bounds")
      must(blocks <= Limits.blocksInFlightPerPeer, "asks a peer for blocks within bounds")
      for (const { id } of mine) must(peer.pending.includes(id), "what is asked is still to come")
      must(peer.blamed === undefined || peer.pending.length === 0, "asks nothing of a liar")
      if (peer.pending.length > 0) owing.add(`Answer ${peer.id}`)
      if (peer.holdoff !== undefined) owing.add(`Holdoff ${peer.id}`)
    }
    assert.deepStrictEqual([...timers.keys()].toSorted(), [...owing].toSorted(), "a timer runs for each answer to come")
    for (const request of state.requests) {
      const branch = state.branches.find(({ id }) => id === request.branch)
      const held = branches.get(request.branch)?.held
      assert(branch !== undefined && held !== undefined, "asks for a branch that is there")
      must(state.peers.some((peer) => peer.id === request.peer), "asks peers that are there")
      must(request.to <= branch.tip.height, "asks for no more than the branch has")
      must(request.to <= branch.base + Limits.syncWindowBlocks, "asks within the window")
      must(request.next <= request.to, "waits for something")
      must(requests.has(request.id), "driver and planner know the same requests")
      let wanted = false
      for (let height = request.next; height <= request.to; height++) {
        wanted ||= height > branch.base && !held.has(height)
      }
      must(wanted, "waits for nothing that is there")
      for (const other of state.requests) {
        if (other.id <= request.id || other.branch !== request.branch) continue
        if (other.next > request.to || request.next > other.to) continue
        const twice = other.stalled || request.stalled || other.doubled || request.doubled
        must(twice, "asks two for the same only when one stalled or at the end of the window")
        must(other.peer !== request.peer || request.stalled, "asks one for the same again only when it stalled")
      }
    }
    assert.strictEqual(requests.size, state.requests.length)
    assert.deepStrictEqual(state.chain, tipOf(store))
    assert.deepStrictEqual(state.branches.map(({ id }) => id), [...branches.keys()], "the same branches")
    for (const branch of state.branches) {
      const { chain, held } = branches.get(branch.id) ?? assert.fail("no branch")
      assert.deepStrictEqual(branch.tip, tipOf(chain))
      must(branch.fork === common(store, chain), "knows where the branch forks")
      must(SyncState.isBetter(branch.tip, state.chain), "only better branches are kept")
      let count = 0
      for (const range of branch.held) {
        must(range.from > branch.base, "holds nothing of the chain")
        for (let height = range.from; height <= range.to; height++) {
          must(held.has(height), "holds what it says it holds")
        }
        count += range.to - range.from + 1
      }
      must(count === held.size, "holds what it says it holds")
      must(branch.heldBytes === held.size * blockBytes, "counts the bytes that it holds")
    }
  }

  // --- run ------------------------------------------------------------------------------

  for (const [n, spec] of options.peers.entries()) {
    links.set(ip(n), {
      id: ip(n),
      spec,
      up: false,
      trickled: false,
      freeAt: 0,
      heardAt: 0,
      session: 0,
      branch: undefined
    })
    later(n, () => up(linkOf(ip(n))))
  }
  for (const row of options.script ?? []) {
    later(row.at, () => {
      const link = linkOf(ip(row.peer))
      if (row._tag === "Chain") {
        link.spec = { ...link.spec, chain: row.chain }
        if (link.up) dispatch({ _tag: "TipAnnounced", peer: link.id, tip: told(link), on: onOf(told(link)) })
      } else if (row._tag === "Up") up(link)
      else goDown(link)
    })
  }
  const best = (): boolean =>
    done && state.synced && branches.size === 0 && now >= (options.untilMs ?? 0) && timers.size === 0 &&
    !(options.script ?? []).some((row) => row.at >= now)
  for (let events = 0; agenda.length > 0 && now < options.limitMs && !best(); events++) {
    assert.isBelow(events, 200_000, "no endless conversation")
    const next = agenda.pop()
    if (next === undefined || next.at > options.limitMs) break
    now = next.at
    next.act()
    behind.push({ at: now, height: store.length - 1, synced: state.synced, dropped: blamed.size })
  }
  return { store, state, blamed, dropped, left, behind, stalled, brought, ms: now, done }
}
