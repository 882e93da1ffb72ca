import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as SyncPlan from "../../../src/domain/sync/SyncPlan.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncStatus from "../../../src/domain/sync/SyncStatus.ts"
import { chain, hour } from "../../harness/honestPeers.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"
import * as SyncWorld from "../../harness/syncWorld.ts"
import type { PeerSpec } from "../../harness/syncWorld.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

describe("SyncPlan in random worlds", () => {
  /** Every draw makes another mix of peers, links, forks and events; at least one honest peer stays. */
  const scenario = (seed: number): SyncWorld.Options & { readonly best: ReadonlyArray<string> } => {
    const random = randomFrom(seed)
    const height = 1 + random(1_200)
    const start = chain(random(height), random(height), random(3) === 0 ? "s" : "m")
    const best = chain(height)
    const link = () =>
      random(4) === 0
        ? { latencyMs: 20 + random(2_000), blockMs: 5 + random(60), piece: 1 + random(4) }
        : { latencyMs: 1 + random(80), blockMs: 0.05 + random(20) / 10, piece: 1 + random(128) }
    const kinds: ReadonlyArray<() => SyncWorld.Kind> = [
      () => ({ _tag: "Inflates" }),
      () => ({ _tag: "Promises" }),
      () => ({ _tag: "Withholds", at: random(height), silent: random(2) === 0 }),
      () => ({ _tag: "BadHeader", at: 1 + random(height) }),
      () => ({ _tag: "BadBlock", at: 1 + random(height) }),
      () => ({ _tag: "Silent" })
    ]
    const peers: Array<PeerSpec> = [{ kind: { _tag: "Honest" }, chain: best, ...link() }]
    for (let n = random(5); n > 0; n--) {
      const shorter = chain(random(height + 1))
      const fork = chain(random(height), random(height), "n")
      peers.push({
        kind: { _tag: "Honest" },
        chain: random(3) === 0 ? fork : random(2) === 0 ? shorter : best,
        ...link()
      })
    }
    for (let n = random(5); n > 0; n--) {
      const kind = kinds[random(kinds.length)]?.() ?? { _tag: "Silent" }
      // A longer chain only where its bodies are not to be had: otherwise it would be the best one.
      const made = kind._tag === "Withholds" ? chain(height + random(900), Math.min(height, kind.at), "w") : best
      peers.push({ kind, chain: random(2) === 0 ? made : best, ...link() })
    }
    const order = peers.map((peer) => ({ peer, key: random(1_000) })).toSorted((a, b) => a.key - b.key)
    const script = Array.from({ length: random(6) }, () => ({
      at: random(20_000),
      peer: random(peers.length),
      _tag: random(2) === 0 ? "Down" as const : "Up" as const
    }))
    // Whoever went comes back.
    const back = order.map((_, peer) => ({ at: 20_000, peer, _tag: "Up" as const }))
    return { start, peers: order.map((row) => row.peer), script: [...script, ...back], limitMs: hour, best }
  }
  const isLiar = (spec: PeerSpec | undefined) => spec !== undefined && spec.kind._tag !== "Honest"

  it.prop(
    "ends at the best chain an honest peer has; bounds hold; only liars are blamed",
    [int(0, 1_000_000)],
    ([seed]) => {
      const options = scenario(seed)
      const world = SyncWorld.run(options)
      for (const [n, spec] of options.peers.entries()) {
        if (!isLiar(spec)) assert.isFalse(world.blamed.has(SyncWorld.ip(n)), `seed ${seed}: honest peer ${n} blamed`)
      }
      assert.isTrue(world.done, `seed ${seed}: ${SyncStatus.line(world.state)}`)
      assert.isFalse(
        SyncState.isBetter(SyncWorld.tipOf(options.best), SyncWorld.tipOf(world.store)),
        `seed ${seed}: ended at ${world.store.length - 1}, best is ${options.best.length - 1}; ${
          SyncStatus.line(world.state)
        }`
      )
    },
    { arbitrary: { runs: 60 }, timeout: 60_000, ...long }
  )
})

describe("SyncPlan is total", () => {
  it.prop("late, foreign and senseless events change nothing and never throw", [int(0, 1_000_000)], ([seed]) => {
    const random = randomFrom(seed)
    let state = SyncState.start({ height: 0, hash: "m0" })
    const tip = () => ({ height: random(50), hash: `h${random(5)}` })
    const peer = () => SyncWorld.ip(random(4))
    const on = () => random(2) === 0 ? undefined : { branch: random(4), height: random(50), shown: random(50) }
    const branch = () => ({ id: random(4), fork: random(50), tip: tip(), trunk: undefined })
    const placed = (): SyncState.Placed =>
      [
        { _tag: "Chain" } as const,
        { _tag: "Branch", branch: branch() } as const,
        { _tag: "Worse", fork: random(50) } as const,
        { _tag: "TooDeep", fork: random(50) } as const
      ][random(4)] ?? { _tag: "Chain" }
    const events: ReadonlyArray<() => SyncState.SyncEvent> = [
      () => ({ _tag: "PeerUp", peer: peer(), tip: tip(), on: on() }),
      () => ({ _tag: "PeerDown", peer: peer() }),
      () => ({ _tag: "TipAnnounced", peer: peer(), tip: tip(), on: on() }),
      () => ({
        _tag: "HeadersReceived",
        peer: peer(),
        request: random(30),
        count: random(3),
        last: tip(),
        placed: placed(),
        also: [peer()],
        clockBehind: random(2) === 0 ? undefined : random(900),
        dueMs: random(9_000),
        more: (["yes", "no", "not-yet"] as const)[random(3)] ?? "no",
        ms: random(1_000)
      }),
      () => ({ _tag: "HeadersVoid", peer: peer(), request: random(30) }),
      () => ({
        _tag: "BlocksReceived",
        peer: peer(),
        request: random(30),
        count: random(300),
        done: random(2) === 0,
        bytes: random(100_000),
        ms: random(1_000)
      }),
      () => ({ _tag: "BlockAdded", branch: branch(), height: random(50), bytes: random(1_000) }),
      () => ({ _tag: "Stored", tip: tip(), branch: random(4), oldestFork: random(20), branches: [] }),
      () => ({ _tag: "Staged", branch: random(4), base: random(50), heldBytes: 0 }),
      () => ({ _tag: "Settled", oldestFork: random(20) }),
      () => ({ _tag: "PeerLied", peer: peer(), fault: "protocol", detail: "" }),
      () => ({ _tag: "Fired", timer: { _tag: "Answer", peer: peer() }, trickled: random(2) === 0 }),
      () => ({ _tag: "Fired", timer: { _tag: "Holdoff", peer: peer() }, trickled: false })
    ]
    for (let i = 0; i < 200; i++) {
      const event = events[random(events.length)]?.()
      if (event === undefined) continue
      const known = !("peer" in event) || state.peers.some((peer) => peer.id === event.peer)
      const [next, actions] = SyncPlan.step(state, event)
      if (!known && event._tag !== "PeerUp" && event._tag !== "HeadersReceived") {
        assert.strictEqual(next, state)
        assert.strictEqual(actions.length, 0)
      }
      state = next
      SyncStatus.line(state)
      for (const peer of state.peers) SyncStatus.peerLine(state, peer)
    }
  })
})
