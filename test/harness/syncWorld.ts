/**
 * A world for the sync planner: one node that syncs, peers of every kind, links with latency and pace, a virtual clock. A
 * block is its hash; a header chain is a list of hashes. It checks after every step what must always hold.
 */
import { assert } from "@effect/vitest"
import * as Limits from "../../src/domain/Limits.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as SyncBranches from "../../src/domain/sync/SyncBranches.ts"
import * as SyncPlan from "../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../src/domain/sync/SyncState.ts"
import * as syncInvariants from "./syncInvariants.ts"
import type { PeerSpec, World } from "./syncKinds.ts"
import { askBlocks, askHeaders } from "./syncWorldAnswers.ts"
import { blockBytes, common, ip, type Link, type Options, SyncWorldState, tipOf } from "./SyncWorldState.ts"

export type { Kind, PeerSpec, World } from "./syncKinds.ts"
export { ip, type Options, tipOf } from "./SyncWorldState.ts"

const keyOf = ({ _tag, peer }: SyncState.SyncTimer) => `${_tag} ${peer}`

/** The driver's side: does what the planner asks for, as `SyncDriver` does in a node. */
class SyncWorld extends SyncWorldState {
  dispatch(event: SyncState.SyncEvent): void {
    const [next, actions] = SyncPlan.step(this.state, event)
    this.state = next
    for (const action of actions) this.#perform(action)
    syncInvariants.check(this)
    if (SyncBranches.ready(this.state).length > 0) this.later(1, () => this.#save())
  }

  #perform(action: SyncState.SyncAction): void {
    switch (action._tag) {
      case "GetHeaders":
        return askHeaders(this, this.linkOf(action.peer), action.request, action.count)
      case "GetBlocks":
        return this.#askBlocks(action)
      case "Forget":
        this.requests.delete(action.request)
        return
      case "Arm":
        return this.#arm(action.timer, action.ms)
      case "Disarm":
        this.timers.delete(keyOf(action.timer))
        return
      case "Stalled":
        this.stalled.add(action.peer)
        return
      case "Drop":
        return this.#drop(this.linkOf(action.peer), action.fault)
      case "DropBranch":
        this.branches.delete(action.branch)
        return
      case "LeftBehind":
        this.left.push(action.peer)
        return
      case "Done":
        assert.deepStrictEqual(action.tip, tipOf(this.store))
        this.done = true
        return
    }
  }

  #askBlocks({ branch, count, from, peer, request }: Extract<SyncState.SyncAction, { _tag: "GetBlocks" }>): void {
    assert.isAtMost(count, Limits.blocksPerRequest)
    assert.isAtLeast(count, 1)
    const hashes = (this.branches.get(branch)?.chain ?? []).slice(from, from + count)
    assert.strictEqual(hashes.length, count, "asks for blocks of a branch only")
    this.requests.set(request, { peer, branch, from, hashes, came: 0 })
    askBlocks(this, this.linkOf(peer), request, from, hashes)
  }

  #arm(timer: SyncState.SyncTimer, ms: number): void {
    const token = ++this.sequence
    const key = keyOf(timer)
    this.timers.set(key, { token })
    const link = this.linkOf(timer.peer)
    if (timer._tag === "Answer") link.trickled = false
    this.later(ms, () => {
      if (this.timers.get(key)?.token !== token) return
      this.timers.delete(key)
      this.dispatch({ _tag: "Fired", timer, trickled: link.trickled })
    })
  }

  /** The connection ends, and the peer comes back. */
  #drop(link: Link, fault: SyncState.SyncFault): void {
    this.blamed.set(link.id, fault)
    this.dropped.set(link.id, (this.dropped.get(link.id) ?? 0) + 1)
    this.later(0, () => this.down(link))
    if (this.options.returns !== undefined) this.later(this.options.returns, () => this.up(link))
  }

  /** Stores the first branch that is ready and better than the chain. */
  #save(): void {
    for (const { id } of SyncBranches.ready(this.state)) {
      const branch = this.branches.get(id)
      const planned = this.state.branches.find((other) => other.id === id)
      if (branch === undefined || planned === undefined) continue
      const candidate = branch.chain.slice(0, SyncBranches.whole(planned) + 1)
      if (!SyncState.isBetter(tipOf(candidate), tipOf(this.store))) continue
      for (let height = planned.fork + 1; height < candidate.length; height++) {
        const from: PeerIp | undefined = branch.held.get(height)
        assert.isDefined(from, "only what came is stored")
        if (from !== undefined) this.brought.set(from, (this.brought.get(from) ?? 0) + 1)
      }
      this.store = candidate
      for (const other of this.branches.values()) {
        const fork = common(candidate, other.chain)
        for (const height of other.held.keys()) if (height <= fork) other.held.delete(height)
      }
      return this.dispatch({
        _tag: "Stored",
        tip: tipOf(candidate),
        branch: id,
        oldestFork: this.oldestFork(),
        branches: [...this.branches].map(([id, { chain, held }]) => {
          const fork = common(candidate, chain)
          return { id, fork, base: fork, heldBytes: held.size * blockBytes }
        })
      })
    }
  }

  #onOf(tip: SyncState.SyncTip): SyncState.OnBranch | undefined {
    for (const [branch, { chain }] of this.branches) {
      if (chain[tip.height] === tip.hash) return { branch, height: tip.height, shown: tip.height }
    }
    return undefined
  }

  down(link: Link): void {
    if (!link.up) return
    link.up = false
    for (const [id, request] of this.requests) if (request.peer === link.id) this.requests.delete(id)
    this.dispatch({ _tag: "PeerDown", peer: link.id })
  }

  up(link: Link): void {
    if (link.up) return
    link.up = true
    link.session += 1
    link.freeAt = this.now
    link.heardAt = this.now
    link.branch = undefined
    this.dispatch({ _tag: "PeerUp", peer: link.id, tip: this.told(link), on: this.#onOf(this.told(link)) })
  }

  /** The peer's chain is another one from now on, which it announces while it is up. */
  grows(link: Link, chain: ReadonlyArray<string>): void {
    link.spec = { ...link.spec, chain }
    if (!link.up) return
    this.dispatch({ _tag: "TipAnnounced", peer: link.id, tip: this.told(link), on: this.#onOf(this.told(link)) })
  }

  /** In sync with all that the options ask for. */
  isOver(): boolean {
    const { script = [], untilMs = 0 } = this.options
    return this.done && this.state.synced && this.branches.size === 0 && this.now >= untilMs &&
      this.timers.size === 0 &&
      !script.some((row) => row.at >= this.now)
  }
}

const linkWith = (id: PeerIp, spec: PeerSpec): Link => ({
  id,
  spec,
  up: false,
  trickled: false,
  freeAt: 0,
  heardAt: 0,
  session: 0,
  branch: undefined
})

export const run = (options: Options): World => {
  const world = new SyncWorld(options)
  for (const [n, spec] of options.peers.entries()) {
    const link = linkWith(ip(n), spec)
    world.links.set(link.id, link)
    world.later(n, () => world.up(link))
  }
  for (const row of options.script ?? []) {
    world.later(row.at, () => {
      const link = world.linkOf(ip(row.peer))
      if (row._tag === "Chain") world.grows(link, row.chain)
      else if (row._tag === "Up") world.up(link)
      else world.down(link)
    })
  }
  for (let events = 0; world.now < options.limitMs && !world.isOver(); events++) {
    assert.isBelow(events, 200_000, "no endless conversation")
    if (!world.next()) break
    world.behind.push({
      at: world.now,
      height: world.store.length - 1,
      synced: world.state.synced,
      dropped: world.blamed.size
    })
  }
  const { behind, blamed, brought, done, dropped, left, now, stalled, state, store } = world
  return { store, state, blamed, dropped, left, behind, stalled, brought, ms: now, done }
}
