/** What each kind of fault excuses, and nothing more: a table, and properties that hold for every kind. */
import { assert, describe, it } from "@effect/vitest"
import * as Seeds from "../../../src/simulation/machine/Seeds.ts"
import { disturbance } from "../../../src/simulation/plan/Disturbance.ts"
import { type Fault, type FaultKind, faultKinds } from "../../../src/simulation/plan/Fault.ts"
import * as FaultPlan from "../../../src/simulation/plan/FaultPlan.ts"

const timed = { id: 0, atMs: 0, endMs: 1 }

/** Pairs of nodes 0 to 4, as two digits. */
const pairs = [0, 1, 2, 3, 4].flatMap((a) => [0, 1, 2, 3, 4].filter((b) => b > a).map((b) => [a, b] as const))
const hit = (f: (a: number, b: number) => boolean): string =>
  pairs.filter(([a, b]) => f(a, b)).map(([a, b]) => `${a}${b}`).join(" ")

const ofNode2 = "02 12 23 24"
const all = hit(() => true)
const both = (which: string) => ({ breaks: which, keepsApart: which })

const table: Readonly<
  Record<
    FaultKind,
    ReadonlyArray<readonly [fault: Fault, expected: { readonly breaks: string; readonly keepsApart: string }]>
  >
> = {
  kill: [[{ ...timed, kind: "kill", node: 2, keepsState: true }, both(ofNode2)]],
  pause: [[{ ...timed, kind: "pause", node: 2 }, both(ofNode2)]],
  stall: [
    [{ ...timed, kind: "stall", node: 2 }, { breaks: "", keepsApart: ofNode2 }],
    [{ ...timed, kind: "stall", node: 2, challenge: { peer: 0, ms: 1 } }, {
      breaks: "",
      keepsApart: "01 02 03 04 12 23 24"
    }]
  ],
  vanish: [[{ ...timed, kind: "vanish", node: 2 }, both(ofNode2)]],
  "crash-loop": [
    [{ ...timed, kind: "crash-loop", node: 2, reboots: [{ downMs: 0, upMs: 1 }] }, both(ofNode2)]
  ],
  cut: [
    [{ ...timed, kind: "cut", a: 3, b: 1, oneWay: false }, both("13")],
    [{ ...timed, kind: "cut", a: 1, b: 3, oneWay: true }, both("13")]
  ],
  partition: [
    [{ ...timed, kind: "partition", side: [2], way: "both" }, both(ofNode2)],
    [{ ...timed, kind: "partition", side: [0, 3], way: "out" }, both("01 02 04 13 23 34")]
  ],
  clog: [[{ ...timed, kind: "clog", a: 3, b: 1, latencyMs: 20_000 }, { breaks: "", keepsApart: "13" }]],
  swizzle: [[
    {
      ...timed,
      kind: "swizzle",
      links: [{ a: 3, b: 1, stopMs: 0, restoreMs: 1 }, { a: 0, b: 4, stopMs: 0, restoreMs: 1 }]
    },
    both("04 13")
  ]],
  storm: [[{ ...timed, kind: "storm", latencyMs: 3_000, jitterMs: 9 }, { breaks: "", keepsApart: all }]],
  narrow: [[{ ...timed, kind: "narrow", node: 2, bandwidth: 500 }, both(ofNode2)]],
  reset: [[{ ...timed, kind: "reset", a: 3, b: 1, bytes: 5 }, both("13")]],
  refuse: [[{ ...timed, kind: "refuse", node: 2 }, { breaks: "", keepsApart: ofNode2 }]],
  jump: [[{ ...timed, kind: "jump", node: 2, ms: 600_000 }, both("")]],
  drift: [[{ ...timed, kind: "drift", node: 2, rate: 1.05 }, both("")]],
  "slow-reader": [[{ ...timed, kind: "slow-reader", node: 2 }, both(ofNode2)]],
  flood: [[{ ...timed, kind: "flood", from: 4, to: 2, bytes: 1 }, both(ofNode2)]],
  readdress: [[{ ...timed, kind: "readdress", node: 2 }, both(ofNode2)]],
  twin: [[{ ...timed, kind: "twin", node: 2 }, { breaks: "", keepsApart: ofNode2 }]],
  hostile: [[{ ...timed, kind: "hostile", node: 2, how: "spam" }, both("")]],
  fork: [[{ ...timed, kind: "fork", node: 2, depth: 3 }, both(ofNode2)]],
  alias: [[{ ...timed, kind: "alias", node: 2, told: [0, 1] }, both("")]]
}

describe("Disturbance", () => {
  for (const kind of faultKinds) {
    it(kind, () => {
      assert.isNotEmpty(table[kind])
      for (const [fault, { breaks, keepsApart }] of table[kind]) {
        const found = disturbance(fault)
        assert.strictEqual(hit((a, b) => found.breaks(a, b).length > 0), breaks, "may go down")
        assert.strictEqual(hit(found.keepsApart), keepsApart, "may stay apart")
      }
    })
  }

  it("of every fault of many plans: the same for (a, b) and (b, a), and what breaks a pair keeps it apart", () => {
    for (let seed = 0; seed < 20; seed++) {
      const draw = Seeds.random(`disturbance ${seed}`)
      const plan = FaultPlan.make({
        draw: () => draw.nextDoubleUnsafe(),
        nodes: 5,
        durationMs: 3_600_000,
        kinds: faultKinds
      })
      assert.isNotEmpty(plan)
      for (const fault of plan) {
        const { breaks, oneSided, keepsApart } = disturbance(fault)
        for (const [a, b] of pairs) {
          const which = `seed ${seed}, ${JSON.stringify(fault)}: ${a} and ${b}`
          assert.deepStrictEqual(breaks(a, b), breaks(b, a), which)
          for (const [fromMs, toMs] of breaks(a, b)) {
            assert.isTrue(fault.atMs <= fromMs && fromMs <= toMs && toMs <= fault.endMs, which)
          }
          assert.strictEqual(oneSided(a, b), oneSided(b, a), which)
          assert.strictEqual(keepsApart(a, b), keepsApart(b, a), which)
          assert.isTrue(keepsApart(a, b) || (breaks(a, b).length === 0 && !oneSided(a, b)), which)
        }
      }
    }
  })
})
