/** How the peers of the planner's world answer: after what their line has to send already, the piece, then the way. */
import { assert } from "@effect/vitest"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import { blockBytes, common, type Link, type SyncWorldState, tipOf } from "./SyncWorldState.ts"

/** Headers in one message: few, so that conversations are long. */
const headersPerMessage = 150

const send = (world: SyncWorldState, link: Link, workMs: number, arrive: (ms: number) => void): void => {
  const { now: asked } = world
  const { session } = link
  const start = Math.max(asked + link.spec.latencyMs, link.freeAt)
  link.freeAt = start + workMs
  // A long piece is seen to arrive.
  for (let part = 1_000; part < workMs; part += 1_000) {
    world.later(start - asked + part + link.spec.latencyMs, () => {
      if (link.up && link.session === session) link.trickled = true
    })
  }
  world.later(link.freeAt - asked + link.spec.latencyMs, () => {
    if (!link.up || link.session !== session) return
    const ms = world.now - Math.max(asked, link.heardAt)
    link.heardAt = world.now
    arrive(ms)
  })
}

const shownBy = ({ branches, state, store }: SyncWorldState, link: Link): ReadonlyArray<string> => {
  const branch = branches.get(state.peers.find(({ id }) => id === link.id)?.on?.branch ?? -1)
  return link.branch ?? branch?.chain ?? store
}

export const askHeaders = (world: SyncWorldState, link: Link, request: number, count: number): void => {
  const { kind, latencyMs } = link.spec
  if (kind._tag === "Silent") return
  const locator = shownBy(world, link)
  send(world, link, 1 + latencyMs / 10, (ms) => {
    const { chain } = link.spec
    const fork = common(locator, chain)
    const last = Math.min(fork + Math.min(count, headersPerMessage), chain.length - 1)
    const end = last === chain.length - 1
    if (kind._tag === "BadHeader" && last >= kind.at) {
      return world.dispatch({ _tag: "PeerLied", peer: link.id, fault: "bad-header", detail: `${kind.at}` })
    }
    headersCame(world, link, {
      request,
      theirs: chain.slice(0, last + 1),
      from: fork,
      more: end && kind._tag !== "Promises" ? "no" : "yes",
      ms
    })
  })
}

interface CameHeaders {
  readonly request: number
  readonly theirs: ReadonlyArray<string>
  readonly from: number
  readonly more: "yes" | "no"
  readonly ms: number
}

const headersCame = (world: SyncWorldState, link: Link, { from, more, ms, request, theirs }: CameHeaders): void => {
  const placed = place(world, link, theirs)
  const isOn = (other: Link, branch: number): boolean => {
    const tip = world.told(other)
    return world.branches.get(branch)?.chain[tip.height] === tip.hash
  }
  world.dispatch({
    _tag: "HeadersReceived",
    peer: link.id,
    request,
    count: theirs.length - 1 - from,
    last: tipOf(theirs),
    placed,
    also: placed._tag !== "Branch"
      ? []
      : [...world.links.values()].filter((other) => other !== link && isOn(other, placed.branch.id)).map(({ id }) =>
        id
      ),
    more,
    clockBehind: undefined,
    dueMs: 0,
    ms
  })
}

const place = (world: SyncWorldState, link: Link, theirs: ReadonlyArray<string>): SyncState.Placed => {
  const { branches, state, store } = world
  const last = tipOf(theirs)
  const fork = common(store, theirs)
  link.branch = undefined
  if (fork === last.height) return { _tag: "Chain" }
  if (fork < world.oldestFork()) return { _tag: "TooDeep", fork }
  const described = (id: number, trunk: SyncState.SyncBranch["trunk"]) => {
    const chain = branches.get(id)?.chain ?? []
    return { _tag: "Branch", branch: { id, fork: common(store, chain), tip: tipOf(chain), trunk } } as const
  }
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
  const id = world.nextBranch++
  branches.set(id, { chain: theirs, held: new Map() })
  return described(id, near)
}

export const askBlocks = (
  world: SyncWorldState,
  link: Link,
  request: number,
  from: number,
  hashes: ReadonlyArray<string>
): void => {
  const { blockMs, kind, piece } = link.spec
  if (kind._tag === "Silent") return
  for (let sent = 0; sent < hashes.length;) {
    let n = Math.min(piece, hashes.length - sent)
    const at = from + sent
    const has = (i: number) => link.spec.chain[at + i] === hashes[sent + i]
    let upTo = 0
    while (upTo < n && has(upTo) && !(kind._tag === "Withholds" && at + upTo >= kind.at)) upTo++
    if (upTo < n && kind._tag === "Withholds" && kind.silent) {
      if (upTo > 0) send(world, link, upTo * blockMs, (ms) => blocksCame(world, link, request, upTo, false, ms))
      return
    }
    const missing = upTo < n
    n = upTo
    sent += n
    const over = missing || sent === hashes.length
    const bad = kind._tag === "BadBlock" && at + n > kind.at
    send(world, link, n * blockMs, (ms) =>
      bad
        ? world.dispatch({ _tag: "PeerLied", peer: link.id, fault: "bad-block", detail: "" })
        : blocksCame(world, link, request, n, over, ms))
    if (over) return
  }
}

const blocksCame = (
  world: SyncWorldState,
  link: Link,
  request: number,
  count: number,
  over: boolean,
  ms: number
): void => {
  const row = world.requests.get(request)
  let bytes = 0
  const branch = row === undefined ? undefined : world.branches.get(row.branch)
  const base = world.state.branches.find(({ id }) => id === row?.branch)?.base ?? Infinity
  if (row !== undefined) {
    for (let i = 0; i < count; i++) {
      const height = row.from + row.came + i
      assert.strictEqual(branch?.chain[height], row.hashes[row.came + i], "what is asked for is on the branch")
      if (height <= base || branch?.held.has(height) !== false) continue
      branch.held.set(height, link.id)
      bytes += blockBytes
    }
    row.came += count
    if (over || row.came === row.hashes.length) world.requests.delete(request)
  }
  world.dispatch({ _tag: "BlocksReceived", peer: link.id, request, count, done: over, bytes, ms })
}
