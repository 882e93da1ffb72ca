/** Rule timers of a pair, where the event loop stands still: our own lag is given back before a peer is blamed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import type { PairEvent, Timer } from "../../../src/domain/pair/PairState.ts"
import type { NodeContext, PairInput } from "../../../src/layers/peer/NodeContext.ts"
import * as PairTimers from "../../../src/layers/peer/PairTimers.ts"
import { Peer, timeTimerKey } from "../../../src/layers/peer/Peer.ts"
import { Slots } from "../../../src/layers/peer/Slots.ts"
import { Machine } from "../../../src/layers/time/Machine.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { ip } from "../../harness/mesh.ts"
import * as stallClock from "../../harness/stallClock.ts"

const kinds: ReadonlyArray<Timer["kind"]> = ["hello", "commit", "wait", "probe", "quiet", "spacing", "grace", "redial"]

const make = Effect.gen(function*() {
  const clock = yield* stallClock.make
  const fired: Array<readonly [event: PairEvent, at: number]> = []
  const pairs = new Machine<PairInput>()
  pairs.start((input) => "event" in input && fired.push([input.event, clock.now()]))
  const ctx = {
    timers: clock.timers,
    slots: new Slots((n) => n),
    pairs,
    protection: { bannedMs: () => undefined },
    table: { isolated: new Set(), own: { how: () => undefined } },
    setup: { tuning: defaultTuning }
  } as unknown as NodeContext
  return { clock, ctx, fired, peer: new Peer(ip("10.0.0.9"), undefined, "inbound") }
})

describe("rule timers", () => {
  for (const kind of kinds) {
    for (const stallMs of [2_300, 5_600]) {
      it.effect(`${kind}: a stall of ${stallMs} ms that hides its moment is given back, also twice in a row`, () =>
        Effect.gen(function*() {
          const { clock, ctx, fired, peer } = yield* make
          PairTimers.arm(ctx, peer, { kind, end: 1 }, 2_000)
          clock.run(1_000)
          clock.stall(stallMs)
          assert.deepStrictEqual(fired, [], "not in the turn that ends the stall")
          clock.run(100)
          clock.stall(stallMs)
          clock.run(100)
          assert.deepStrictEqual(fired, [], "nor after the second")
          clock.run(60_000)
          assert.deepStrictEqual(fired.map(([event]) => event), [{ _tag: "Fired", timer: { kind, end: 1 } }])
          // It is not put off for ever: a second of its time was left, and at most what the loop stood still comes on top.
          const at = fired[0]?.[1] ?? 0
          assert.isAtLeast(at, 1_000 + 2 * stallMs + 100)
          assert.isAtMost(at, 2_000 + 3 * stallMs)
        }))
    }
  }

  it.effect("a stall before its moment changes nothing, ordinary lateness costs one more look", () =>
    Effect.gen(function*() {
      const { clock, ctx, fired, peer } = yield* make
      PairTimers.arm(ctx, peer, { kind: "probe", end: 0 }, 2_000)
      clock.run(1_950)
      clock.stall(90)
      assert.deepStrictEqual(fired, [])
      clock.run(Limits.lastLookMs)
      assert.deepStrictEqual(fired.map(([, at]) => at), [2_040 + Limits.lastLookMs])
    }))

  it.effect("a stall that hides its moment is given back once: by its own lateness and by the node's lag alike", () =>
    Effect.gen(function*() {
      const { clock, ctx, fired, peer } = yield* make
      PairTimers.arm(ctx, peer, { kind: "probe", end: 0 }, 2_000)
      clock.run(1_000)
      clock.stall(3_000)
      clock.run(1_999)
      assert.deepStrictEqual(fired, [])
      clock.run(1)
      assert.deepStrictEqual(fired.map(([, at]) => at), [6_000])
    }))

  it.effect("a stall that another timer measured counts, also where this one is due after it", () =>
    Effect.gen(function*() {
      for (const what of ["dial", "answer"] as const) {
        const { clock, ctx, peer } = yield* make
        const fired: Array<number> = []
        PairTimers.armAs(ctx, peer, "time hello:1", 2_000, what, () => fired.push(clock.now()))
        clock.timers.arm(500, () => {})
        clock.run(400)
        clock.stall(1_000)
        clock.run(600)
        assert.deepStrictEqual(fired, [], "its moment, 900 ms of which nothing was read")
        clock.run(900)
        assert.deepStrictEqual(fired, [2_900])
        // What was measured before it was armed is not its.
        PairTimers.armAs(ctx, peer, "time hello:1", 2_000, what, () => fired.push(clock.now()))
        clock.run(10_000)
        assert.deepStrictEqual(fired, [2_900, 4_900])
      }
    }))

  it.effect("while nothing is read from the peer no answer of it is missing", () =>
    Effect.gen(function*() {
      const { clock, ctx, fired, peer } = yield* make
      let isPaused = true
      peer.ends = [{ connection: undefined }, {
        connection: {
          get isPaused() {
            return isPaused
          }
        }
      }] as never
      PairTimers.arm(ctx, peer, { kind: "probe", end: 1 }, 2_000)
      clock.run(2_000 + 3 * Limits.heldLookMs)
      assert.deepStrictEqual(fired, [])
      isPaused = false
      clock.run(Limits.heldLookMs)
      assert.deepStrictEqual(fired.map(([, at]) => at), [2_000 + 4 * Limits.heldLookMs])
    }))

  it.effect("each end has its own timer: one that is disarmed or armed anew leaves those of other ends alone", () =>
    Effect.gen(function*() {
      const { clock, ctx, fired, peer } = yield* make
      const hello = (end: number): Timer => ({ kind: "hello", end })
      PairTimers.arm(ctx, peer, hello(1), 5_000)
      clock.run(1_000)
      PairTimers.arm(ctx, peer, hello(2), 5_000)
      PairTimers.arm(ctx, peer, hello(3), 5_000)
      PairTimers.disarm(ctx, peer, hello(3))
      PairTimers.arm(ctx, peer, { kind: "commit", end: 1 }, 5_000)
      clock.run(20_000)
      assert.deepStrictEqual(fired, [
        [{ _tag: "Fired", timer: hello(1) }, 5_000],
        [{ _tag: "Fired", timer: hello(2) }, 6_000],
        [{ _tag: "Fired", timer: { kind: "commit", end: 1 } }, 6_000]
      ])
    }))

  it.effect("so has each end on the TIME wire, beside those of the peer's native ends", () =>
    Effect.gen(function*() {
      const { clock, ctx, fired, peer } = yield* make
      const rung: Array<string> = []
      for (const end of [1, 2]) {
        for (const kind of ["dial", "greeting"] as const) {
          const key = timeTimerKey({ kind, end })
          PairTimers.armAs(ctx, peer, key, 1_000, "answer", () => rung.push(`${kind} ${end}`))
        }
      }
      PairTimers.arm(ctx, peer, { kind: "hello", end: 1 }, 1_000)
      PairTimers.disarmAs(ctx, peer, timeTimerKey({ kind: "dial", end: 2 }))
      clock.run(1_000)
      assert.deepStrictEqual([rung, fired.length], [["dial 1", "greeting 1", "greeting 2"], 1])
      assert.isUndefined(peer.timers, "nothing is kept of timers that fired")
    }))
})

describe("a dial that is due", () => {
  /** When the dial begins, ms, up to a day; none if it never does. */
  const begins = (
    change: (ctx: { [key: string]: unknown }, peer: Peer) => void,
    source: "inbound" | "gossip" | "configured" = "inbound"
  ) =>
    Effect.gen(function*() {
      const { clock, ctx, fired } = yield* make
      const peer = new Peer(ip("10.0.0.9"), undefined, source)
      const slots = { closed: false, placesTaken: 0, hasPlace: () => false }
      const parts = Object.assign(ctx, {
        slots,
        toldDials: { waitMs: () => 0 },
        jitter: () => 0.5,
        book: { remove: () => {} },
        emit: () => {}
      }) as unknown as { [key: string]: unknown }
      change(parts, peer)
      PairTimers.arm(ctx, peer, { kind: "redial", end: 0 }, 1_000)
      clock.run(24 * 3_600_000)
      return fired.map(([event, at]) => event._tag === "Fired" ? at : event._tag)
    })
  const full = (ctx: { [key: string]: unknown }) =>
    Object.assign(ctx["slots"] as object, { placesTaken: defaultTuning.maxPeers })

  /** Holds it back once. */
  const once = <A>(value: A) => {
    let left = 1
    return () => left-- > 0 ? value : undefined
  }

  it.effect("begins at its moment", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* begins(() => {}), [1_000])
    }))

  it.effect("waits while its peer is isolated, banned, or connected at another address", () =>
    Effect.gen(function*() {
      const isolated = yield* begins((ctx) => {
        const has = once(true)
        Object.assign(ctx, { table: { isolated: { has: () => has() === true }, own: { how: () => undefined } } })
      })
      assert.deepStrictEqual(isolated, [1_000 + Limits.isolatedRedialMs])
      const banned = (ms: number) => begins((ctx) => Object.assign(ctx, { protection: { bannedMs: once(ms) } }))
      assert.deepStrictEqual(yield* banned(500), [1_500])
      assert.deepStrictEqual(yield* banned(10 * Limits.retryMaxMs), [1_000 + Limits.retryMaxMs])
      const alias = yield* begins((_, peer) => {
        peer.book = { ...peer.book, aliasOf: ip("10.0.0.8") }
      })
      assert.deepStrictEqual(alias, [], "for as long as it is")
    }))

  it.effect("waits while every place is taken, unless the peer is configured, has a place, or is only looked at", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* begins(full), [])
      const free = yield* begins((ctx) => {
        full(ctx)
        const has = once(false)
        Object.assign(ctx["slots"] as object, { hasPlace: () => has() === undefined })
      })
      assert.deepStrictEqual(free, [1_000 + Limits.retryFullMs])
      const almost = { placesTaken: defaultTuning.maxPeers - 1 }
      assert.deepStrictEqual(yield* begins((ctx) => Object.assign(ctx["slots"] as object, almost)), [1_000])
      assert.deepStrictEqual(yield* begins(full, "configured"), [1_000])
      const feeler = yield* begins((ctx, peer) => {
        full(ctx)
        peer.isFeeler = true
      })
      assert.deepStrictEqual(feeler, [1_000])
    }))

  it.effect("of an address that a peer told waits for the pace of such dials, spread", () =>
    Effect.gen(function*() {
      const paced = (ctx: { [key: string]: unknown }) => {
        const wait = once(700)
        Object.assign(ctx, { toldDials: { waitMs: () => wait() ?? 0 } })
      }
      assert.deepStrictEqual(yield* begins(paced, "gossip"), [1_700 + Limits.toldDialSpreadMs / 2])
      assert.deepStrictEqual(yield* begins(paced), [1_000])
    }))

  it.effect("to an address that turned out to be our own is given up", () =>
    Effect.gen(function*() {
      const own = yield* begins((ctx) =>
        Object.assign(ctx, { table: { isolated: new Set(), own: { how: () => "interface" } } })
      )
      assert.deepStrictEqual(own, ["Forgotten"])
    }))

  it.effect("is held back by what an answer is not: our own address, a full node, a ban", () =>
    Effect.gen(function*() {
      const { clock, ctx, fired, peer } = yield* make
      Object.assign(ctx, {
        table: { isolated: new Set([peer.ip]), own: { how: () => "interface" } },
        protection: { bannedMs: () => 60_000 }
      })
      ctx.slots.takePlace(ip("10.0.0.1"), false)
      PairTimers.arm(ctx, peer, { kind: "hello", end: 1 }, 1_000)
      clock.run(1_000)
      assert.deepStrictEqual(fired, [[{ _tag: "Fired", timer: { kind: "hello", end: 1 } }, 1_000]])
    }))
})
