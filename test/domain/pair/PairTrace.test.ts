/** Decisions are told with their rule, a trace survives its file, and a replay finds what other rules would decide. */
import { assert, describe, it } from "@effect/vitest"
import { Equal, Result } from "effect"
import * as fs from "node:fs"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import * as PairDecision from "../../../src/domain/pair/PairDecision.ts"
import * as PairPast from "../../../src/domain/pair/PairPast.ts"
import { production, type Rules } from "../../../src/domain/pair/PairRules.ts"
import * as PairStory from "../../../src/domain/pair/PairStory.ts"
import * as PairTrace from "../../../src/domain/pair/PairTrace.ts"
import * as PairTraceFile from "../../../src/domain/pair/PairTraceFile.ts"
import { torment } from "../../harness/pairTorment.ts"
import { randomFrom } from "../../harness/random.ts"

const seeds = Array.from({ length: 12 }, (_, seed) => seed)
const stepsEach = 120

const text = (trace: PairTrace.PairTrace) => JSON.stringify(PairTraceFile.toJson(PairTraceFile.of(trace)))
const read = (json: string) => PairTraceFile.fromJson(JSON.parse(json))

const wrong: ReadonlyArray<Partial<Rules>> = [
  { keep: "oldest" },
  { conflict: "refuse" },
  { conflict: "replace" },
  { early: "reject" },
  { chooser: "higher" },
  { foreignCommit: "obey" },
  { older: "obey" }
]

/** Actions that are a choice: each has a decision about its end in the same step. */
const chosen: ReadonlySet<string> = new Set(["Dial", "SendCommit", "SendAck", "SendPing", "Close", "Up"])

describe("decisions", () => {
  it("are told for every action that is a choice, and telling them changes nothing", () => {
    for (const seed of seeds) {
      for (const { actions, after, before, decisions, draw, event } of torment(seed, stepsEach).steps) {
        const [unheard, silently] = Pair.step(before, event, draw)
        assert.isTrue(Equal.equals(unheard, after) && Equal.equals(silently, actions), `seed ${seed}`)
        for (const action of actions) {
          if (!chosen.has(action._tag) || !("end" in action)) continue
          assert.isTrue(
            decisions.some(({ end }) => end === action.end),
            `seed ${seed}: ${action._tag} #${action.end} on ${PairStory.event(event)} has no decision`
          )
        }
      }
    }
  })

  it("are all reached, by the protocol's rules and by wrong ones", () => {
    const reached = new Set<string>()
    for (const rules of [{}, ...wrong]) {
      for (let seed = 0; seed < 60; seed++) {
        const { steps } = torment(seed, stepsEach, Pair.make({ ...production, ...rules }))
        for (const { decisions } of steps) for (const { code } of decisions) reached.add(code)
      }
    }
    assert.deepStrictEqual(PairDecision.codes.filter((code) => !reached.has(code)), [])
  })

  it("name rules that docs/PROTOCOL.md has", () => {
    const protocol = fs.readFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url), "utf8")
    const [, l = "", h = ""] = /\n\*\*L\*\*\n([^]*?)\n\*\*H\*\*\n([^]*?)\n\*\*What the application/.exec(protocol) ?? []
    const numbers = (part: string, letter: string) =>
      [...part.matchAll(/^(\d)\. /gm)].map(([, number = ""]) => `${letter}${number}`)
    const sections = [...protocol.matchAll(/^#{2,3} (\d(?:\.\d+)?)[. ]/gm)].map(([, section = ""]) => section)
    const known = new Set([...numbers(l, "L"), ...numbers(h, "H"), ...sections])
    assert.isTrue(known.has("L6") && known.has("H4") && known.has("4.1"), [...known].join(" "))
    for (const code of PairDecision.codes) {
      for (const role of ["lower", "higher", undefined] as const) {
        const rule = PairDecision.ruleOf(code, role)
        assert.isTrue(known.has(rule), `${code}: ${rule} is no rule of docs/PROTOCOL.md`)
      }
    }
  })
})

describe("a trace", () => {
  it("survives its file", () => {
    for (const seed of seeds) {
      const trace = torment(seed, stepsEach)
      const json = text(trace)
      assert.notInclude(json, "null")
      const back = Result.getOrThrow(read(json))
      assert.isTrue(Equal.equals(back, trace), `seed ${seed}`)
      assert.strictEqual(text(back), json)
    }
  })

  it("of another format, another version or a damaged file is refused, and says what to do", () => {
    const failure = (value: unknown) => {
      const result = PairTraceFile.fromJson(value)
      assert.isTrue(Result.isFailure(result))
      return Result.isFailure(result) ? result.failure : ""
    }
    const good = JSON.parse(text(torment(1, 3)))
    assert.isTrue(Result.isSuccess(PairTraceFile.fromJson(good)))
    for (const value of [null, 1, "x", [], {}, { format: "other", version: 1 }]) {
      assert.strictEqual(failure(value), "is not a trace; make one with timemesh trace IP --json")
    }
    assert.strictEqual(
      failure({ ...good, version: 2 }),
      "is a trace of format 2, and this version reads 1; use the version that made it"
    )
    assert.match(failure({ ...good, steps: [{}] }), /^is a damaged trace, or one of another version: .*\["steps"\]/s)
    const [first, ...rest] = good.steps
    assert.isDefined(first.before)
    assert.isUndefined(rest[0].before)
    assert.strictEqual(
      failure({ ...good, steps: [...rest, first].slice(0, 1) }),
      "is a damaged trace: its first step has no state before it"
    )
  })

  it("that is damaged anywhere is refused, or read and replayed: nothing in it makes the command fail otherwise", () => {
    const random = randomFrom(7)
    const values = [
      "null",
      "0",
      "-1",
      "1e300",
      "9007199254740991",
      "\"\"",
      "\"up\"",
      "{}",
      "[]",
      "true",
      "\"__proto__\""
    ]
    const good = text(torment(2, 12))
    let read = 0
    for (let round = 0; round < 600; round++) {
      // One value of it is another, or a piece is missing.
      const numbers = [...good.matchAll(/(?<=[:[,])(?:"[^"]*"|-?\d+(?:\.\d+)?|true|false)/g)]
      const at = numbers[random(numbers.length)]
      if (at === undefined) continue
      const value = random(4) === 0
        ? good.slice(at.index + at[0].length + 1, at.index + 40)
        : values[random(values.length)]
      const damaged = good.slice(0, at.index) + value + good.slice(at.index + at[0].length)
      let json: unknown
      try {
        json = JSON.parse(damaged)
      } catch {
        continue
      }
      const trace = PairTraceFile.fromJson(json)
      if (Result.isFailure(trace)) continue
      read += 1
      PairStory.lines(trace.success)
      PairStory.verdict(trace.success, PairTrace.replay(trace.success))
      PairPast.of(trace.success, 50)
    }
    assert.isAbove(read, 20)
  })

  it("of this version replays without a difference", () => {
    for (const seed of seeds) {
      const trace = Result.getOrThrow(read(text(torment(seed, stepsEach))))
      assert.deepStrictEqual(PairTrace.replay(trace), [], `seed ${seed}`)
    }
  })

  for (const rules of wrong) {
    const [[name = "", value = ""] = []] = Object.entries(rules)
    it(`of a node with ${name} = ${value} differs where that rule decides, and says so`, () => {
      const blame = `its rule says ${name} = ${value}, the protocol's ${name} = `
      let differences = 0
      let told = 0
      for (const seed of seeds) {
        const trace = Result.getOrThrow(read(text(torment(seed, stepsEach, Pair.make({ ...production, ...rules })))))
        const differing = new Map(PairTrace.replay(trace).map((found) => [found.index, found]))
        differences += differing.size
        trace.steps.forEach(({ decisions }, index) => {
          const isTold = decisions.map(PairStory.decision).join("\n").includes(blame)
          if (isTold) told += 1
          // To obey an older socket is no choice to name: what it does not refuse is what differs.
          if (name !== "older") assert.strictEqual(isTold, differing.has(index), `seed ${seed}, step ${index}`)
        })
      }
      assert.isAbove(differences, 0)
      if (name !== "older") assert.strictEqual(told, differences)
    })
  }

  it("of which one action is another differs there, though it left the same state", () => {
    const trace = torment(1, stepsEach)
    const index = trace.steps.findIndex(({ actions }) => actions.some(({ _tag }) => _tag === "SendHello"))
    const steps = trace.steps.with(index, { ...trace.steps[index] as PairTrace.Step, actions: [] })
    assert.deepStrictEqual(PairTrace.replay({ ...trace, steps }).map((found) => found.index), [index])
  })

  /** Of a history in which this node is the lower one. */
  const lowerSeed = 1

  it("shows a node that takes itself for the wrong one of the two, or gives a number twice", () => {
    const trace = torment(lowerSeed, stepsEach)
    const swapped = {
      ...trace,
      steps: trace.steps.map((step) =>
        step.event._tag === "Welcomed"
          ? { ...step, event: { ...step.event, self: "10.0.0.8" as typeof step.event.self } }
          : step
      )
    }
    const inputs = PairTrace.replay(swapped).flatMap(({ input }) => input ?? [])
    assert.isNotEmpty(inputs)
    assert.match(
      inputs[0] ?? "",
      /^10\.0\.0\.8 is the higher of the two addresses, but the node took itself for the lower$/
    )
    const again = trace.steps.find(({ before, event }) => event._tag === "Accepted" && before.ends.length > 0)
    assert(again !== undefined)
    const reused = {
      ...trace,
      steps: [{ ...again, event: { _tag: "Accepted" as const, end: again.before.ends[0]?.id ?? 0 } }]
    }
    assert.match(PairTrace.replay(reused)[0]?.input ?? "", /^end #\d+ is new, but an end with that number/)
    // Both ranks decide the same about these: the input is all that is wrong.
    const [{ draw, event, ...rest } = assert.fail()] = reused.steps
    const same = {
      ...reused,
      steps: [{ ...rest, draw, event, ...PairTrace.take(Pair.step, rest.before, event, draw) }]
    }
    assert.match(PairTrace.replay(same)[0]?.input ?? "", /^end #\d+ is new/)
  })
})
