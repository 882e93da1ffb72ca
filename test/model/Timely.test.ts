import { assert, describe, it } from "@effect/vitest"
import * as Pair from "../../src/domain/pair/Pair.ts"
import { seven } from "./Cases.ts"
import { keyOf, worldOf } from "./Key.ts"
import { mutants, refute } from "./Mutants.ts"
import { moves } from "./Network.ts"
import { search } from "./Search.ts"
import type { Property } from "./Search.ts"
import { quickTimely } from "./Settings.ts"
import { trace } from "./Trace.ts"
import { start } from "./World.ts"

/** A violation fails with its trace. */
describe("exhaustive search, timeouts only when the other end cannot answer", () => {
  for (const setting of quickTimely) {
    it(setting.name, { timeout: 180_000 }, () => {
      const result = search(setting)
      assert.deepStrictEqual(result.first.flatMap((violation) => trace(result, violation)), [])
      assert.isAbove(result.states, 5)
    })
  }
})

describe("the search can fail", () => {
  for (const mutant of mutants) {
    it(`refutes: ${mutant.name}`, { timeout: 180_000 }, () => {
      const { breaks, lines } = refute(mutant)
      assert.strictEqual(breaks, mutant.breaks, lines?.join("\n"))
    })
  }

  /** Reducers broken so that one particular property must notice. */
  const broken: ReadonlyArray<readonly [Property, Pair.Step]> = [
    ["P0", (state, event, draw) => {
      const [next, actions] = Pair.step(state, event, draw)
      return [next, [...actions, ...actions.filter((action) => action._tag === "SendAck")]]
    }],
    ["P1", (state, event, draw) => {
      const [next, actions] = Pair.step(state, event, draw)
      return [event._tag === "Closed" ? { ...next, redial: false } : next, actions]
    }],
    ["P2", (state, event, draw) => event._tag === "AckReceived" ? [state, []] : Pair.step(state, event, draw)],
    ["P4", (state, event, draw) =>
      event._tag === "CommitReceived" && Pair.up(state) !== undefined
        ? [
          { ...state, ends: state.ends.map((end) => end.id === event.end ? { ...end, phase: "up" } : end) },
          [{ _tag: "SendAck", end: event.end }]
        ]
        : Pair.step(state, event, draw)]
  ]
  for (const [property, step] of broken) {
    it(`notices what breaks ${property}`, () => {
      const found = seven.some((build) =>
        search(build({ slots: 3, faults: 1, anyTimer: false, step })).counts[property] > 0
      )
      assert.isTrue(found)
    })
  }

  it("a world made from its key is the same world: same key, same moves", () => {
    const setting = seven[0]?.({ slots: 3, faults: 1, anyTimer: true })
    assert.isDefined(setting)
    if (setting === undefined) return
    let worlds = [start(setting)]
    const seen = new Set<string>()
    for (let depth = 0; depth < 9; depth++) {
      worlds = worlds.flatMap((world) => {
        const key = keyOf(setting, world)
        const again = worldOf(setting, key)
        assert.strictEqual(keyOf(setting, again), key)
        const next: Array<typeof world> = []
        const keys: Array<string> = []
        moves(setting, world, (move) => {
          const at = `${move.kind} ${keyOf(setting, move.world)}`
          keys.push(at)
          if (!seen.has(at)) next.push(move.world)
          seen.add(at)
        })
        const other: Array<string> = []
        moves(setting, again, (move) => other.push(`${move.kind} ${keyOf(setting, move.world)}`))
        assert.deepStrictEqual(other.toSorted(), keys.toSorted())
        return next
      })
    }
    assert.isAbove(seen.size, 1_000)
  })
})
