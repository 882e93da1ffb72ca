import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { disturbance } from "../../../src/simulation/plan/Disturbance.ts"
import { type Fault, type FaultKind, faultKinds, hostilities } from "../../../src/simulation/plan/Fault.ts"
import * as FaultPlan from "../../../src/simulation/plan/FaultPlan.ts"
import * as SimulationLimits from "../../../src/simulation/plan/Limits.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"

const hour = 3_600_000

const uniform = (seed: number) => {
  const random = randomFrom(seed)
  return () => random(2 ** 32) / 2 ** 32
}

const planOf = (seed: number, nodes: number, hours: number, kinds: ReadonlyArray<FaultKind> = faultKinds) =>
  FaultPlan.make({ draw: uniform(seed), nodes, durationMs: hours * hour, kinds })

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))
const Nodes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))
const Hours = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
const many = { arbitrary: { runs: 150, size: 2_000 } }

/** Made a text only when it is needed: there are millions of checks. */
const within = (value: number, [least, most]: readonly [number, number], what: Fault) => {
  if (!Number.isInteger(value) || value < least || value > most) assert.fail(`${JSON.stringify(what)}: ${value}`)
}

/** Each reboot ends before the next begins, and the last with the fault. */
const crashLoop = (fault: Fault & { readonly kind: "crash-loop" }): void => {
  let ms = fault.atMs
  for (const { downMs, upMs } of fault.reboots) {
    within(downMs, [ms, ms === fault.atMs ? ms : ms + SimulationLimits.rebootUpMs[1]], fault)
    within(upMs - downMs, SimulationLimits.rebootDownMs, fault)
    ms = upMs
  }
  within(fault.endMs, [ms, ms + SimulationLimits.rebootUpMs[1] + SimulationLimits.rebootDownMs[1]], fault)
}

/** All numbers of a fault are within what the limits say. */
const inRange = (fault: Fault, nodes: number, durationMs: number): void => {
  within(fault.atMs, [0, durationMs - 1], fault)
  within(fault.endMs, [fault.atMs, durationMs], fault)
  for (const node of FaultPlan.concerns(fault)) within(node, [0, nodes - 1], fault)
  const lasts = fault.endMs - fault.atMs
  const range: 0 | readonly [number, number] = SimulationLimits.faults[fault.kind].ms
  if (fault.kind === "crash-loop") return crashLoop(fault)
  if (range === 0) assert.strictEqual(lasts, 0)
  else if (fault.kind === "kill") {
    within(lasts, [0, SimulationLimits.longKillMs[1] + SimulationLimits.writeWaitMs], fault)
  } else if (fault.kind === "stall" && fault.challenge !== undefined) {
    within(lasts, [0, range[1] + SimulationLimits.challengeWaitMs], fault)
    within(fault.challenge.ms, range, fault)
    assert.notStrictEqual(fault.challenge.peer, fault.node)
  } else within(lasts, [fault.endMs === durationMs ? 0 : range[0], range[1]], fault)
  switch (fault.kind) {
    case "cut":
    case "clog":
    case "reset":
      assert.notStrictEqual(fault.a, fault.b)
      if (fault.kind === "clog") within(fault.latencyMs, SimulationLimits.clogMs, fault)
      if (fault.kind === "reset") within(fault.bytes, [0, SimulationLimits.resetBytes], fault)
      return
    case "flood":
      assert.notStrictEqual(fault.from, fault.to)
      return within(fault.bytes, SimulationLimits.floodBytes, fault)
    case "partition":
      assert.deepStrictEqual(fault.side, [...new Set(fault.side)].toSorted((a, b) => a - b))
      return within(fault.side.length, [1, Math.floor(nodes / 2)], fault)
    case "swizzle":
      for (const { a, b, restoreMs, stopMs } of fault.links) {
        assert.isBelow(a, b)
        within(stopMs, [fault.atMs, fault.endMs], fault)
        within(restoreMs, [stopMs, fault.endMs], fault)
      }
      assert.strictEqual(Math.min(...fault.links.map(({ stopMs }) => stopMs)), fault.atMs)
      assert.strictEqual(Math.max(...fault.links.map(({ restoreMs }) => restoreMs)), fault.endMs)
      assert.strictEqual(new Set(fault.links.map(({ a, b }) => `${a}-${b}`)).size, fault.links.length)
      return
    case "storm":
      within(fault.latencyMs, SimulationLimits.stormMs, fault)
      return within(fault.jitterMs, [0, fault.latencyMs], fault)
    case "narrow":
      return within(fault.bandwidth, SimulationLimits.narrowBytes, fault)
    case "jump":
      assert.isTrue(Math.abs(fault.ms) >= 1_000 && Math.abs(fault.ms) <= 7_200_000)
      return
    case "drift":
      assert.isTrue(fault.rate >= 0.95 && fault.rate <= 1.05)
      return
    case "hostile":
      assert.include(hostilities, fault.how)
      return
    case "alias":
      // It has a second address, and others hear of it.
      assert.strictEqual(fault.node % SimulationLimits.unaware, 1)
      assert.notInclude(fault.told, fault.node)
      assert.deepStrictEqual(fault.told, [...new Set(fault.told)].toSorted((a, b) => a - b))
      return within(fault.told.length, [1, nodes - 1], fault)
    case "fork":
      return within(fault.depth, [1, SimulationLimits.deepForkDepth], fault)
    default:
      return
  }
}

/** Written anew, not with the plan's own rule: which two faults at once make no sense. */
const absurd = (earlier: Fault, later: Fault): boolean => {
  if (later.atMs > earlier.endMs) return false
  const life = (fault: Fault) => fault.kind === "kill" || fault.kind === "vanish" || fault.kind === "readdress"
  const still = (fault: Fault) => fault.kind === "pause" || fault.kind === "stall"
  const nodeOf = (fault: Fault) => "node" in fault ? fault.node : undefined
  const same = nodeOf(earlier) !== undefined && nodeOf(earlier) === nodeOf(later)
  if (same && life(earlier) && life(later)) return true
  if (same && still(earlier) && (still(later) || later.kind === "readdress")) return true
  if (same && earlier.kind === later.kind && !["hostile", "fork", "alias"].includes(later.kind)) return true
  if (same && earlier.kind !== "readdress" && life(earlier)) {
    return still(later) || ["slow-reader", "jump", "drift", "fork"].includes(later.kind)
  }
  if (later.kind === "flood" && (earlier.kind === "kill" || earlier.kind === "vanish")) {
    return later.from === earlier.node || later.to === earlier.node
  }
  return earlier.kind === later.kind && (later.kind === "partition" || later.kind === "storm")
}

describe("FaultPlan", () => {
  it.prop(
    "faults are in order, numbered, in range, and make sense beside one another",
    [Seed, Nodes, Hours],
    ([seed, nodes, hours]) => {
      const plan = planOf(seed, nodes, hours)
      plan.forEach((fault, i) => {
        assert.strictEqual(fault.id, i)
        assert.isAtLeast(fault.atMs, plan[i - 1]?.atMs ?? 0)
        inRange(fault, nodes, hours * hour)
        for (const earlier of plan.slice(0, i)) {
          if (absurd(earlier, fault)) assert.fail(`${JSON.stringify(earlier)} and ${JSON.stringify(fault)}`)
        }
      })
    },
    { ...many, ...long }
  )

  it.prop("the same seed gives the same plan, in whatever order kinds are named", [Seed, Nodes], ([seed, nodes]) => {
    assert.deepStrictEqual(planOf(seed, nodes, 2, faultKinds.toReversed()), planOf(seed, nodes, 2))
    assert.notDeepEqual(planOf(seed + 1, nodes, 6), planOf(seed, nodes, 6))
  }, long)

  it.prop("only kinds that were asked for happen", [
    Seed,
    Arbitrary.schema(Schema.Array(Schema.Literals(faultKinds)))
  ], ([seed, kinds]) => {
    for (const { kind } of planOf(seed, 5, 6, kinds)) assert.include(kinds, kind)
    assert.deepStrictEqual(planOf(seed, 5, 6, []), [])
  })

  it("every kind happens, in a day of 10 nodes, with every seed", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const kinds = new Set(planOf(seed, 10, 24).map(({ kind }) => kind))
      assert.deepStrictEqual(faultKinds.filter((kind) => !kinds.has(kind)), [], `seed ${seed}`)
    }
  })

  it("every single kind alone happens, also between two nodes", () => {
    for (const kind of faultKinds) {
      for (const nodes of [2, 10]) assert.isAbove(planOf(3, nodes, 24, [kind]).length, 20, `${kind}, ${nodes} nodes`)
    }
  })

  it("a node alone suffers what needs no other", () => {
    const kinds = new Set(planOf(1, 1, 48).map(({ kind }) => kind))
    assert.isTrue(kinds.has("kill"))
    for (const kind of ["cut", "clog", "swizzle", "partition", "storm", "reset", "flood"] as const) {
      assert.isFalse(kinds.has(kind), kind)
    }
  })

  it("faults come in bursts, and a pair is left in peace most of the time, minutes on end", () => {
    const nodes = Array.from({ length: 10 }, (_, node) => node)
    let [quiet, long, pairs, gaps, near, same] = [0, 0, 0, 0, 0, 0]
    for (let seed = 1; seed <= 10; seed++) {
      const plan = planOf(seed, 10, 6)
      gaps += plan.length
      plan.forEach((fault, i) => {
        const last = plan[i - 1]
        if (last === undefined || fault.atMs - last.atMs > SimulationLimits.burstMs) return
        near += 1
        if (FaultPlan.concerns(last).some((node) => FaultPlan.concerns(fault).includes(node))) same += 1
      })
      for (const a of nodes) {
        for (const b of nodes.slice(a + 1)) {
          pairs += 6 * hour
          let end = 0
          for (const fault of [...plan, { atMs: 6 * hour, endMs: 6 * hour }]) {
            if ("kind" in fault && !disturbance(fault).keepsApart(a, b)) continue
            quiet += Math.max(0, fault.atMs - end)
            long += Math.max(0, fault.atMs - end - Limits.backoffMaxMs)
            end = Math.max(end, fault.endMs)
          }
        }
      }
    }
    assert.isTrue(gaps / 60 > 35 && gaps / 60 < 60, `${gaps / 60} faults per hour`)
    assert.isTrue(quiet / pairs > 0.8, `undisturbed ${quiet / pairs}`)
    assert.isTrue(long / pairs > 0.4, `undisturbed for longer than the longest backoff ${long / pairs}`)
    assert.isTrue(near / gaps > 0.1 && near / gaps < 0.35, `in bursts ${near / gaps}`)
    assert.isTrue(same / near > 0.4, `of those at the same node ${same / near}`)
  })

  it("a node of a big network has fewer faults", () => {
    const rate = (nodes: number) => {
      const count = Array.from({ length: 10 }, (_, seed) => planOf(seed, nodes, 6).length).reduce((a, b) => a + b)
      return count / nodes
    }
    assert.isAbove(rate(10), 2.5 * rate(50))
    assert.isBelow(rate(10), 4 * rate(50))
  })

  const partition: Fault = { kind: "partition", id: 0, atMs: 1, endMs: 9, side: [1, 2], way: "out" }
  const reset: Fault = { kind: "reset", id: 1, atMs: 2, endMs: 2, a: 3, b: 0, bytes: 9 }
  const swizzle: Fault = {
    kind: "swizzle",
    id: 2,
    atMs: 3,
    endMs: 9,
    links: [{ a: 0, b: 1, stopMs: 3, restoreMs: 9 }, { a: 1, b: 3, stopMs: 4, restoreMs: 8 }]
  }
  const storm: Fault = { kind: "storm", id: 3, atMs: 4, endMs: 9, latencyMs: 200, jitterMs: 5 }
  const flood: Fault = { kind: "flood", id: 4, atMs: 5, endMs: 9, from: 2, to: 1, bytes: 33_000_000 }
  const jump: Fault = { kind: "jump", id: 5, atMs: 6, endMs: 9, node: 2, ms: 5_000 }
  const kill: Fault = { kind: "kill", id: 6, atMs: 7, endMs: 9, node: 0, keepsState: true }
  const plan = [partition, reset, swizzle, storm, flood, jump, kill]
  const four = [0, 1, 2, 3]

  it("tells whom a fault concerns", () => {
    assert.deepStrictEqual(plan.map(FaultPlan.concerns), [[1, 2], [0, 3], [0, 1, 3], [], [1, 2], [2], [0]])
  })

  it("keeps what still makes sense of a plan", () => {
    const ids = (nodes: ReadonlyArray<number>) => FaultPlan.kept(plan, { nodes }).map(({ id }) => id)
    assert.deepStrictEqual(FaultPlan.kept(plan, {}), plan)
    assert.deepStrictEqual(FaultPlan.kept(plan, { faults: [6, 1] }), [reset, kill])
    assert.deepStrictEqual(ids(four), [0, 1, 2, 3, 4, 5, 6])
    assert.deepStrictEqual(ids([0, 1]), [0, 2, 3, 6])
    assert.deepStrictEqual(ids([1, 2]), [3, 4, 5])
    assert.deepStrictEqual(FaultPlan.kept(plan, { faults: [0, 2], nodes: [0, 1, 3] }), [
      { ...partition, side: [1] },
      swizzle
    ])
    assert.deepStrictEqual(FaultPlan.kept([swizzle], { nodes: [1, 3] }), [
      { ...swizzle, links: [{ a: 1, b: 3, stopMs: 4, restoreMs: 8 }] }
    ])
  })
})
