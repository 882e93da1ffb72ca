import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Liveness from "../../../src/domain/peer/Liveness.ts"

/** How late a tick at `now` is, ms, when ticks are set by `nextDue`: one measure of our own lag. */
const lateness = (state: Liveness.State, now: number, params: Liveness.Params): number =>
  Math.max(0, now - Liveness.nextDue(state, params))

const params = Liveness.defaults
const quiet = (state: Liveness.State, now: number) => Liveness.heard(state, now, 1, false)

/** Ticks exactly when due until the end or `until`; `lagAt` makes the loop stand still. Every ping is sent at once. */
const run = (from: Liveness.State, until: number, stalls: ReadonlyArray<readonly [from: number, to: number]> = []) => {
  let state = from
  let nonce = 1_000n
  const pings: Array<number> = []
  let before = -1
  for (;;) {
    const due = Liveness.nextDue(state, params)
    const stall = stalls.find(([a, b]) => due >= a && due < b)
    const now = stall === undefined ? due : stall[1]
    if (now > until) return { state, pings, end: undefined, at: until }
    assert.isAbove(now, before, "a tick that did not end the connection makes nextDue later")
    before = now
    const [next, action] = Liveness.tick(state, now, params, lateness(state, now, params))
    state = next
    if (action._tag === "SendPing") {
      pings.push(now)
      state = Liveness.pingSent(state, nonce++, now)
    } else if (action._tag !== "None") return { state, pings, end: action, at: now }
  }
}

describe("Liveness pace", () => {
  it("pings at once on Up, then every 15 s whatever comes", () => {
    let state = Liveness.start(100)
    const pings: Array<number> = []
    for (let now = 100; now < 100_000; now += 250) {
      const [next, action] = Liveness.tick(state, now, params, 0)
      state = quiet(next, now)
      if (action._tag === "SendPing") pings.push(now)
    }
    assert.deepStrictEqual(pings, [100, 15_100, 30_100, 45_100, 60_100, 75_100, 90_100])
  })

  it("does not drift: a ping that comes a part of a beat late moves none after it", () => {
    let state = Liveness.start(0)
    const pings: Array<number> = []
    // Looked at once a second, at moments that wander against the due times.
    for (let beat = 0; beat < 600; beat++) {
      const now = beat * 1_000 + (beat * 370) % 1_000
      const [next, action] = Liveness.tick(state, now, params, 0)
      state = quiet(next, now)
      if (action._tag === "SendPing") pings.push(now)
    }
    assert.strictEqual(pings.length, 40)
    for (const [i, at] of pings.entries()) assert.isBelow(at - i * params.pingMs, 2_000)
  })

  it("does not repeat pings missed in a stall", () => {
    const state = quiet(Liveness.start(0), 0)
    const { pings } = run(state, 50_000, [[10_000, 50_000]])
    assert.deepStrictEqual(pings, [0, 50_000])
    assert.deepStrictEqual(run(state, 80_000, [[10_000, 50_000]]).pings, [0, 50_000, 60_000, 75_000])
  })

  it("an early tick does nothing", () => {
    const [state] = Liveness.tick(Liveness.start(0), 0, params, 0)
    const [same, action] = Liveness.tick(state, 14_999, params, 0)
    assert.strictEqual(same, state)
    assert.strictEqual(action._tag, "None")
  })
})

describe("Liveness in step", () => {
  it("a ping due within half an interval goes with the answer, and the next is an interval later", () => {
    const state = { ...Liveness.start(0), pingAt: 15_000 }
    for (const now of [7_500, 12_000, 15_000, 15_900]) {
      assert.deepStrictEqual(Liveness.withAnswer(state, now, params), { ...state, pingAt: now + params.pingMs })
    }
  })

  it("a ping due later does not", () => {
    const state = { ...Liveness.start(0), pingAt: 15_000 }
    for (const now of [0, 1, 7_499.9]) assert.strictEqual(Liveness.withAnswer(state, now, params), undefined)
  })

  it("two ends in any phase are in step after a round, answer no answer, and keep the pace of the first", () => {
    for (let phase = 0; phase < 15_000; phase += 250) {
      const ends = [{ ...Liveness.start(0), pingAt: 0 }, { ...Liveness.start(0), pingAt: phase }]
      const sent: Array<readonly [at: number, end: number, with_: "alone" | "answer"]> = []
      const receive = (end: number, now: number): void => {
        const state = ends[end]
        const next = state && Liveness.withAnswer(state, now, params)
        if (next === undefined) return
        ends[end] = quiet(next, now)
        sent.push([now, end, "answer"])
        receive(1 - end, now)
      }
      for (let now = 0; now < 120_000; now += 250) {
        for (const [end, state] of ends.entries()) {
          const [next, action] = Liveness.tick(state, now, params, 0)
          ends[end] = quiet(next, now)
          if (action._tag !== "SendPing") continue
          sent.push([now, end, "alone"])
          receive(1 - end, now)
        }
      }
      const settled = sent.filter(([at]) => at >= 30_000)
      assert.deepStrictEqual(settled.map(([, , how]) => how), settled.map((_, i) => i % 2 === 0 ? "alone" : "answer"))
      for (const [i, [at]] of settled.entries()) if (i >= 2) assert.strictEqual(at - (settled[i - 2]?.[0] ?? 0), 15_000)
    }
  })
})

describe("Liveness verdict", () => {
  it("is dead 45 s after the last byte, not before", () => {
    const { at, end, pings } = run(quiet(Liveness.start(0), 3_000), 1_000_000)
    assert.deepStrictEqual(end, { _tag: "Dead", silentForMs: 45_000 })
    assert.strictEqual(at, 48_000)
    assert.deepStrictEqual(pings, [0, 15_000, 30_000, 45_000])
  })

  it("any byte is life", () => {
    let state = Liveness.start(0)
    for (let now = 0; now < 600_000; now += 44_000) {
      const { end, state: next } = run(state, now)
      assert.isUndefined(end)
      state = quiet(next, now)
    }
  })

  it("our own stall is not the peer's silence", () => {
    // Stalled from 10 s to 70 s: 45 s are long over when the loop comes back.
    const { at, end, pings } = run(quiet(Liveness.start(0), 0), 1_000_000, [[10_000, 70_000]])
    assert.strictEqual(end?._tag, "Dead")
    // 15 s of silence were watched before the stall's overdue tick; its 55 s of lateness are added.
    assert.strictEqual(at, 45_000 + 55_000)
    assert.deepStrictEqual(pings.slice(0, 2), [0, 70_000])
  })

  it("a late tick pings before it condemns, and the answer unread in the kernel counts", () => {
    // On time until 30 s; the loop then stands still over the deadline.
    const stalled = run(quiet(Liveness.start(0), 0), 44_000).state
    const due = Liveness.nextDue(stalled, params)
    assert.strictEqual(due, 45_000)
    const [state, action] = Liveness.tick(stalled, 45_000 + Limits.lagFloorMs, params, Limits.lagFloorMs)
    assert.strictEqual(action._tag, "SendPing")
    assert.strictEqual(Liveness.nextDue(state, params), 45_000 + Limits.lagFloorMs + Limits.answerMs)
    // Read right after the tick: alive.
    assert.isUndefined(run(quiet(state, 45_101), 80_000).end)
    // Nothing to read: dead when the answer is due.
    assert.deepStrictEqual(run(state, 80_000).end, { _tag: "Dead", silentForMs: 45_000 + 100 + 5_000 })
  })

  it("a stall that nobody measured is answered with a ping as well", () => {
    const [pinged] = Liveness.tick(Liveness.start(0), 0, params, 0)
    const [state, action] = Liveness.tick(quiet(pinged, 10_000), 200_000, params, 0)
    assert.strictEqual(action._tag, "SendPing")
    assert.strictEqual(Liveness.tick(state, 204_999, params, 0)[1]._tag, "None")
    assert.strictEqual(Liveness.tick(state, 205_000, params, 0)[1]._tag, "Dead")
  })

  it("ordinary scheduling delay is not lag", () => {
    const stalled = run(quiet(Liveness.start(0), 0), 44_000).state
    const [, action] = Liveness.tick(stalled, 45_099, params, 99)
    assert.strictEqual(action._tag, "Dead")
  })

  it("lag never exceeds the silence it excuses, and a byte ends the excuse", () => {
    let state = quiet(Liveness.start(0), 300)
    ;[state] = Liveness.tick(state, 1_300, params, 999_999)
    assert.strictEqual(state.lagMs, 1_000)
    assert.strictEqual(quiet(state, 1_301).lagMs, 0)
  })

  it("a challenge gives the answer time from its ping on, but not anew to what was asked before", () => {
    const [idle] = Liveness.tick(quiet(Liveness.start(0), 0), 0, params, 0)
    const fresh = Liveness.pingSent(quiet(idle, 10), 1n, 44_000)
    // The ping at the fixed pace is due first, and changes nothing about the verdict.
    const [asked, ping] = Liveness.tick(fresh, 45_010, params, 0)
    assert.strictEqual(ping._tag, "SendPing")
    assert.strictEqual(Liveness.nextDue(asked, params), 44_000 + params.answerMs)
    assert.deepStrictEqual(Liveness.tick(asked, 49_000, params, 0)[1], { _tag: "Dead", silentForMs: 48_990 })
    const before = run(quiet(Liveness.start(0), 0), 44_000).state
    assert.strictEqual(Liveness.nextDue(Liveness.pingSent(before, 1n, 44_000), params), params.deadMs)
  })

  const Step = Schema.Struct({
    ms: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30_000 })),
    stallMs: Schema.Literals([0, 0, 0, 50, 500, 20_000, 100_000]),
    answerMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_999 }))
  })

  it.prop("never ends a peer that answers every ping within the answer time, whatever our stalls", [
    Schema.Array(Step)
  ], ([steps]) => {
    // A peer that sends nothing but pongs. Its pongs wait in the kernel while our loop stands still.
    let state = Liveness.start(0)
    let now = 0
    let nonce = 0n
    let pongs: Array<{ readonly at: number; readonly nonce: bigint }> = []
    for (const step of steps) {
      for (const until = now + step.ms; now < until;) {
        const due = Liveness.nextDue(state, params)
        const arrival = pongs[0]?.at ?? Infinity
        if (Math.min(due, arrival) > until) {
          now = until
        } else if (arrival < due) {
          now = Math.max(now, arrival)
          const nonce = pongs.shift()?.nonce ?? -1n
          state = quiet(state, now)
          ;[state] = Liveness.pong(state, nonce, now)
        } else {
          // The loop may stand still over the tick: it comes late, and before what waits to be read.
          now = Math.max(now, due) + step.stallMs
          const [next, action] = Liveness.tick(state, now, params, lateness(state, now, params))
          state = next
          assert.include(["None", "SendPing"], action._tag)
          if (action._tag === "SendPing") {
            state = Liveness.pingSent(state, nonce, now)
            pongs = [...pongs, { at: now + step.answerMs, nonce: nonce++ }].toSorted((a, b) => a.at - b.at)
          }
        }
      }
    }
  }, { arbitrary: { runs: 500 } })

  it.prop("always ends a peer that fell silent, within dead time and our own lag", [
    Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 }))), {
      maxLength: 3
    })
  ], ([lags]) => {
    const stalls: Array<readonly [number, number]> = []
    let from = 20_000
    for (const lag of lags) {
      stalls.push([from, from + lag])
      from += lag + 10_000
    }
    const { at, end } = run(quiet(Liveness.start(0), 0), 1_000_000, stalls)
    assert.strictEqual(end?._tag, "Dead")
    assert.isAtLeast(at, params.deadMs)
    assert.isAtMost(at, params.deadMs + lags.reduce((a, b) => a + b, 0) + params.answerMs)
  })
})

describe("Liveness and frames", () => {
  it("a peer is not silent while a frame arrives, but the frame must end", () => {
    const state = Liveness.heard(Liveness.start(0), 1_000, 0, true)
    const { at, end } = run(state, 1_000_000)
    assert.deepStrictEqual(end, { _tag: "Stalled", frameForMs: 120_000 })
    assert.strictEqual(at, 121_000)
  })

  it("bytes do not extend a frame's time", () => {
    let state = Liveness.start(0)
    for (let now = 1_000; now < 121_000; now += 1_000) state = Liveness.heard(run(state, now).state, now, 0, true)
    assert.strictEqual(run(state, 200_000).end?._tag, "Stalled")
  })

  it("each frame has its own time", () => {
    let state = Liveness.start(0)
    for (let now = 1_000; now < 600_000; now += 60_000) {
      const { end, state: next } = run(state, now)
      assert.isUndefined(end)
      state = Liveness.heard(next, now, 1, true)
    }
    assert.strictEqual(run(Liveness.heard(state, 600_000, 1, false), 1_000_000).end?._tag, "Dead")
  })

  it("our own lag does not count against a frame", () => {
    const state = Liveness.heard(Liveness.start(0), 0, 0, true)
    const { at } = run(state, 1_000_000, [[100_000, 150_000]])
    assert.strictEqual(at, 120_000 + 45_000, "late by 45 s: the ping of 105 s came at 150 s")
  })
})

describe("Liveness round trips", () => {
  it("smooths as RFC 6298 and keeps the least", () => {
    let state = Liveness.sample(Liveness.start(0), 80)
    assert.deepStrictEqual(state.rtt, { smoothedMs: 80, leastMs: 80, lastMs: 80 })
    state = Liveness.sample(state, 160)
    assert.deepStrictEqual(state.rtt, { smoothedMs: 90, leastMs: 80, lastMs: 160 })
    state = Liveness.sample(state, 10)
    assert.deepStrictEqual(state.rtt, { smoothedMs: 80, leastMs: 10, lastMs: 10 })
  })

  it("a new connection waits for no pong", () => {
    assert.deepStrictEqual(Liveness.start(3).pings, [])
    assert.deepStrictEqual(Liveness.pingSent(Liveness.start(3), 7n, 4).pings, [{ nonce: 7n, at: 4 }])
  })

  it("matches pongs by nonce, once", () => {
    let state = Liveness.pingSent(Liveness.pingSent(Liveness.start(0), 7n, 10), 8n, 20)
    let rtt
    ;[state, rtt] = Liveness.pong(state, 9n, 25)
    assert.isUndefined(rtt)
    ;[state, rtt] = Liveness.pong(state, 7n, 25.5)
    assert.strictEqual(rtt, 15.5)
    ;[state, rtt] = Liveness.pong(state, 7n, 26)
    assert.isUndefined(rtt)
    ;[state, rtt] = Liveness.pong(state, 8n, 26)
    assert.strictEqual(rtt, 6)
    assert.deepStrictEqual(state.pings, [])
  })

  it("forgets older pings with a newer pong", () => {
    const state = Liveness.pingSent(Liveness.pingSent(Liveness.start(0), 7n, 10), 8n, 20)
    assert.deepStrictEqual(Liveness.pong(state, 8n, 30)[0].pings, [])
    const third = Liveness.pingSent(state, 9n, 25)
    assert.deepStrictEqual(Liveness.pong(third, 8n, 30)[0].pings, [{ nonce: 9n, at: 25 }])
  })

  it("keeps a bounded number of outstanding pings, the newest", () => {
    let state = Liveness.start(0)
    for (let n = 0n; n < 100n; n++) state = Liveness.pingSent(state, n, Number(n))
    assert.strictEqual(state.pings.length, Limits.outstandingPings)
    assert.strictEqual(Liveness.pong(state, 99n, 100)[1], 1)
    assert.isUndefined(Liveness.pong(state, 91n, 100)[1])
    assert.strictEqual(Liveness.pong(state, 92n, 100)[1], 8)
  })
})

describe("Liveness.toleratesLostPong", () => {
  it("refuses a dead time of two pings or less, and a ping interval that is not positive", () => {
    assert.isTrue(Liveness.toleratesLostPong(params))
    assert.isTrue(Liveness.toleratesLostPong({ pingMs: 100, deadMs: 201 }))
    assert.isFalse(Liveness.toleratesLostPong({ pingMs: 100, deadMs: 200 }))
    for (const pingMs of [0, -1, Number.NaN]) assert.isFalse(Liveness.toleratesLostPong({ ...params, pingMs }))
  })
})
