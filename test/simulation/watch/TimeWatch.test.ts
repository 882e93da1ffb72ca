/** What is demanded of a node and a daemon of the TIME network, and what a fault excuses: with a daemon whose every answer the test gives. */
import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../../src/simulation/plan/Fault.ts"
import * as SimulationLimits from "../../../src/simulation/plan/Limits.ts"
import type { Violation } from "../../../src/simulation/timed/Ledger.ts"
import { TimeWatch } from "../../../src/simulation/watch/TimeWatch.ts"
import { ip } from "../../harness/mesh.ts"

const node = 0
const own = ip("10.0.0.1")

const world = () => {
  const told: Array<string> = []
  const bans: Array<{ readonly at: number; readonly why: string }> = []
  const entries: Array<{ readonly at: number; readonly kind: Violation; readonly why: string }> = []
  const state = {
    now: 0,
    live: [] as Array<object>,
    used: undefined as object | undefined,
    height: 5,
    ours: 5,
    due: 6,
    isAlive: true
  }
  const daemon = {
    index: 1,
    name: "daemon 1",
    ip: ip("10.0.0.2"),
    get isAlive() {
      return state.isAlive
    },
    get height() {
      return state.height
    },
    ledger: { bans: () => bans, entries: () => entries },
    timed: { live: () => state.live, uses: () => state.used }
  }
  const watch = new TimeWatch({
    now: () => state.now,
    violated: (invariant) => told.push(invariant),
    nodes: () => [[node, own, true]],
    daemons: new Map([[1, daemon]]),
    height: () => state.ours,
    why: () => "why",
    dueHeight: () => state.due
  })
  /** `ms` later, with a look every minute. */
  const later = (ms: number) => {
    for (const end = state.now + ms; state.now < end;) {
      state.now = Math.min(end, state.now + 60_000)
      watch.check()
    }
  }
  const settle = () => {
    const conn = {}
    state.live = [conn]
    state.used = conn
    watch.up(node, daemon, 1)
    later(120_000)
  }
  return { watch, daemon, state, told, bans, entries, later, settle }
}

const cut = (atMs: number): Fault => ({ kind: "cut", id: 1, atMs, endMs: atMs + 1_000, a: 0, b: 1, oneWay: false })

describe("TimeWatch", () => {
  it("a settled pair has no Down but for a fault", () => {
    const without = world()
    without.settle()
    assert.deepStrictEqual(without.told, [])
    without.watch.down(node, without.daemon, 1, "silent")
    assert.deepStrictEqual(without.told, ["no Down without a fault"])
    assert.strictEqual(without.watch.figures.unfaultedDowns, 1)

    const faulted = world()
    faulted.settle()
    faulted.watch.disturb(cut(faulted.state.now), true)
    faulted.watch.down(node, faulted.daemon, 1, "silent")
    faulted.watch.disturb(cut(faulted.state.now), false)
    assert.deepStrictEqual(faulted.told, [])
  })

  it("before it is settled the first contact of both sides may cross, and is counted", () => {
    const { daemon, told, watch } = world()
    watch.up(node, daemon, 1)
    watch.down(node, daemon, 1, "replaced")
    watch.up(node, daemon, 2)
    assert.deepStrictEqual(told, [])
    assert.strictEqual(watch.figures.replaced, 1)
    watch.up(node, daemon, 3)
    assert.deepStrictEqual(told, ["one connection up per peer"])
  })

  it("a ban is always a violation, what is held only where no fault happened", () => {
    const { bans, daemon, entries, later, state, told, watch } = world()
    watch.disturb(cut(state.now), true)
    watch.disturb(cut(state.now), false)
    entries.push({ at: 0, kind: "handshake", why: "no Handshake within 10 s" })
    later(60_000)
    assert.deepStrictEqual(told, [])
    bans.push({ at: 0, why: "refused again and again" })
    later(60_000)
    assert.deepStrictEqual(told, ["no daemon bans a node"])
    assert.strictEqual(watch.figures.bans, 1)
    assert.isTrue(daemon.isAlive)

    const quiet = world()
    quiet.entries.push({ at: 0, kind: "ordinary", why: "a page for the 21st time" })
    quiet.later(60_000)
    assert.deepStrictEqual(quiet.told, ["no daemon holds anything against a node"])
  })

  it("a session that the daemon does not use has to be closed soon", () => {
    const { later, settle, state, told } = world()
    settle()
    state.live = [...state.live, {}]
    later(SimulationLimits.timeUnusedMs)
    assert.deepStrictEqual(told, [])
    later(120_000)
    assert.deepStrictEqual(told, ["no unused session lives on"])
  })

  it("a session that the daemon has forgotten has to be closed when the node has been patient", () => {
    const { later, settle, state, told } = world()
    settle()
    state.used = undefined
    later(SimulationLimits.timeForgottenMs)
    assert.deepStrictEqual(told, [])
    later(120_000)
    assert.deepStrictEqual(told, ["no unused session lives on"])
  })

  it("a pair that nothing keeps apart is settled within the longest wait of its rules", () => {
    const { later, told } = world()
    later(SimulationLimits.timePairMs)
    assert.deepStrictEqual(told, [])
    later(120_000)
    assert.deepStrictEqual(told, ["pairs settle"])
  })

  it("nothing is demanded of a daemon that is not there", () => {
    const { later, state, told } = world()
    state.isAlive = false
    later(2 * SimulationLimits.timePairMs)
    assert.deepStrictEqual(told, [])
  })

  it("a chain that is not due yet is not to be followed", () => {
    const { later, settle, state, told } = world()
    settle()
    state.height = state.due + 1
    later(10 * SimulationLimits.timeFollowMs)
    assert.deepStrictEqual(told, [])
  })

  it("either end follows the other", () => {
    for (const who of ["height", "ours"] as const) {
      const { later, settle, state, told } = world()
      settle()
      state[who] = 6
      later(SimulationLimits.timeFollowMs)
      assert.deepStrictEqual(told, [])
      later(120_000)
      assert.deepStrictEqual(told, ["a connected node follows"])
    }
  })

  it("a node follows only by a clock that is right, and has been for a minute", () => {
    const jump = (whose: number): Fault => ({ kind: "jump", id: 2, atMs: 0, endMs: 1, node: whose, ms: -500_000 })
    for (const whose of [node, 3]) {
      const { later, settle, state, told, watch } = world()
      settle()
      watch.disturb(jump(whose), true)
      state.height = 6
      later(SimulationLimits.timeFollowMs + 120_000)
      assert.deepStrictEqual(told, whose === node ? [] : ["a connected node follows"], `clock of ${whose}`)
    }
    const { later, settle, state, told, watch } = world()
    settle()
    watch.disturb(jump(node), true)
    watch.disturb({ ...jump(node), id: 3 }, true)
    state.height = 6
    later(SimulationLimits.timeFollowMs + 120_000)
    watch.disturb(jump(node), false)
    later(SimulationLimits.timeFollowMs + 120_000)
    assert.deepStrictEqual(told, [], "the other fault is still under way")
    watch.disturb({ ...jump(node), id: 3 }, false)
    later(SimulationLimits.aftermathMs + SimulationLimits.timeFollowMs)
    assert.deepStrictEqual(told, [])
    later(120_000)
    assert.deepStrictEqual(told, ["a connected node follows"])
  })
})
