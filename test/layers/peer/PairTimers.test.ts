/** Rule timers of a pair, where the event loop stands still: our own lag is given back before a peer is blamed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import type { PairEvent, Timer } from "../../../src/domain/pair/PairState.ts"
import type { NodeContext, PairInput } from "../../../src/layers/peer/NodeContext.ts"
import * as PairTimers from "../../../src/layers/peer/PairTimers.ts"
import { Peer } from "../../../src/layers/peer/Peer.ts"
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
})
