import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Fault } from "../../../src/simulation/plan/Fault.ts"
import { faultKinds } from "../../../src/simulation/plan/Fault.ts"
import * as FaultPlan from "../../../src/simulation/plan/FaultPlan.ts"
import * as Shrink from "../../../src/simulation/plan/Shrink.ts"
import { randomFrom } from "../../harness/random.ts"

const hour = 3_600_000

const planOf = (seed: number, nodes: number): ReadonlyArray<Fault> => {
  const random = randomFrom(seed)
  const draw = () => random(2 ** 32) / 2 ** 32
  return FaultPlan.make({ draw, nodes, durationMs: 2 * hour, kinds: faultKinds })
}

const everybody = (nodes: number) => Array.from({ length: nodes }, (_, node) => node)

/** Plays the caller: `violatedMs` says what a run would find. Also counts the runs and checks each against `best`. */
const shrunk = (from: Shrink.Shrink, violatedMs: (of: Shrink.Case) => number | undefined): Shrink.Shrink => {
  let state = from
  const seen = new Set<string>()
  while (state.candidate !== undefined) {
    const { best, candidate, runs } = state
    const name = JSON.stringify(candidate)
    assert.isFalse(seen.has(name), `tried twice: ${name}`)
    seen.add(name)
    assert.isTrue(
      candidate.faults.length <= best.faults.length && candidate.nodes.length <= best.nodes.length &&
        candidate.untilMs <= best.untilMs,
      name
    )
    // No fault is named that cannot happen.
    assert.deepStrictEqual(FaultPlan.kept(state.plan, candidate).map(({ id }) => id), candidate.faults)
    state = Shrink.heard(state, violatedMs(candidate))
    assert.strictEqual(state.runs, runs + 1)
  }
  return state
}

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))

/** A failure that needs some faults and some nodes, and comes a minute after the last of the faults that are there. */
const needing = (plan: ReadonlyArray<Fault>, faults: ReadonlyArray<number>, nodes: ReadonlyArray<number>) => {
  const last = Math.max(0, ...plan.filter(({ id }) => faults.includes(id)).map(({ atMs }) => atMs)) + 60_000.5
  return (of: Shrink.Case) => {
    const there = new Set(FaultPlan.kept(plan, of).map(({ id }) => id))
    const fails = faults.every((id) => there.has(id)) && nodes.every((node) => of.nodes.includes(node)) &&
      of.untilMs >= last
    return fails ? last : undefined
  }
}

describe("Shrink", () => {
  it.prop("finds the faults and nodes that a failure needs, and ends right after it", [Seed], ([seed]) => {
    const random = randomFrom(seed)
    const plan = planOf(seed, 10)
    const faults = [...new Set(Array.from({ length: random(4) }, () => random(plan.length)))].toSorted((a, b) => a - b)
    const nodes = [...new Set(Array.from({ length: random(3) }, () => random(10)))]
    const fails = needing(plan, faults, nodes)
    const all: Shrink.Case = { faults: plan.map(({ id }) => id), nodes: everybody(10), untilMs: 2 * hour }
    const violatedMs = fails(all)
    if (violatedMs === undefined) return
    const { best, left } = shrunk(Shrink.start({ plan, ...all, violatedMs, runs: 10_000 }), fails)
    assert.isAbove(left, 0)
    assert.deepStrictEqual(best.faults, faults)
    assert.strictEqual(best.untilMs, Math.ceil(violatedMs))
    // Of a partition or a swizzle a part may be enough, so there are several least sets of nodes: none can go from this one.
    const one = (node: number) => {
      const without = { ...best, nodes: best.nodes.filter((other) => other !== node) }
      return without.nodes.length < 2 || fails({ ...without }) === undefined
    }
    assert.isTrue(best.nodes.every(one), `${best.nodes}`)
  }, { arbitrary: { runs: 300, size: 2_000 } })

  it("a failure without faults among two nodes takes a dozen runs", () => {
    const plan = planOf(7, 10)
    const start = Shrink.start({ plan, nodes: everybody(10), untilMs: 2 * hour, violatedMs: 2 * hour })
    const { best, runs } = shrunk(start, () => 5)
    assert.deepStrictEqual(best, { faults: [], nodes: [0, 1], untilMs: 5 })
    assert.isBelow(runs, 13)
  })

  it("two faults of a hundred, among 20 nodes, are found within the usual number of runs", () => {
    const plan = planOf(11, 20).slice(0, 100)
    const violatedMs = 2 * hour
    const fails = (of: Shrink.Case) => of.faults.includes(17) && of.faults.includes(83) ? violatedMs : undefined
    const start = Shrink.start({ plan, nodes: everybody(20), untilMs: 2 * hour, violatedMs })
    const { best, left } = shrunk(start, fails)
    assert.deepStrictEqual(best.faults, [17, 83])
    assert.isAbove(left, 0)
  })

  it("what becomes needless when a node is gone is left out as well", () => {
    const plan = planOf(21, 10)
    const needless = plan.find((fault) => fault.id > 3 && !FaultPlan.concerns(fault).includes(9))?.id ?? -1
    const fails = ({ faults, nodes }: Shrink.Case) =>
      faults.includes(3) && (faults.includes(needless) || !nodes.includes(9)) ? hour : undefined
    const { best } = shrunk(Shrink.start({ plan, nodes: everybody(10), untilMs: 2 * hour, violatedMs: hour }), fails)
    assert.isAbove(needless, 3)
    assert.deepStrictEqual(best.faults, [3])
  })

  it("a run that fails only with the others of its chunk stays whole", () => {
    const plan = planOf(3, 10)
    const all = plan.map(({ id }) => id)
    const fails = (of: Shrink.Case) => of.faults.length === all.length && of.nodes.length === 10 ? 2 * hour : undefined
    const { best } = shrunk(
      Shrink.start({ plan, nodes: everybody(10), untilMs: 2 * hour, violatedMs: 2 * hour }),
      fails
    )
    assert.deepStrictEqual(best, { faults: all, nodes: everybody(10), untilMs: 2 * hour })
  })

  it("a failure that only the full length shows keeps it", () => {
    const plan = planOf(3, 4)
    const fails = (of: Shrink.Case) => of.untilMs === 2 * hour && of.faults.includes(5) ? hour : undefined
    const { best } = shrunk(Shrink.start({ plan, nodes: everybody(4), untilMs: 2 * hour, violatedMs: hour }), fails)
    assert.strictEqual(best.untilMs, 2 * hour)
    assert.deepStrictEqual(best.faults, [5])
  })

  it("stops when its runs are used up, with the best so far", () => {
    const plan = planOf(5, 10)
    const start = Shrink.start({ plan, nodes: everybody(10), untilMs: 2 * hour, violatedMs: 2 * hour, runs: 10 })
    const { best, left, runs } = shrunk(start, (of) => of.faults.includes(3) ? 2 * hour : undefined)
    assert.deepStrictEqual([left, runs], [0, 10])
    assert.include(best.faults, 3)
    assert.isBelow(best.faults.length, plan.length)
  })

  it("nothing to leave out: nothing is tried but the shorter end", () => {
    const start = Shrink.start({ plan: [], nodes: [0, 1], untilMs: hour, violatedMs: 1_000 })
    assert.deepStrictEqual(shrunk(start, () => 1_000).best, { faults: [], nodes: [0, 1], untilMs: 1_000 })
    const alone = Shrink.start({ plan: [], nodes: [4], untilMs: 1_000, violatedMs: 1_000 })
    assert.isUndefined(alone.candidate)
  })

  it("the same answers lead the same way", () => {
    const plan = planOf(9, 10)
    const start = Shrink.start({ plan, nodes: everybody(10), untilMs: 2 * hour, violatedMs: hour })
    const fails = needing(plan, [4, 9], [2])
    assert.deepStrictEqual(shrunk(start, fails), shrunk(start, fails))
  })
})
