/** Messages of peers are handled in order, and after some milliseconds everything else in the process has its turn. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { MessageTurns, type Steps } from "../../../src/layers/sync/MessageTurns.ts"

/** Turns by a clock that only tasks move, and what they did. */
const make = () => {
  const forked: Array<Effect.Effect<void>> = []
  const done: Array<number | string> = []
  const clock = { now: 0 }
  const turns = new MessageTurns(() => clock.now, (effect) => forked.push(effect))
  const note = (what: number | string, ms = Limits.syncTurnMs / 2) => {
    done.push(what)
    clock.now += ms
  }
  const steps = function*(...names: ReadonlyArray<string>): Steps {
    for (const name of names) {
      note(name)
      yield
    }
  }
  const rest = () => Effect.runSync(forked.shift() ?? Effect.die("nothing waits"))
  return { turns, forked, clock, done, note, steps, rest }
}

describe("MessageTurns", () => {
  it("runs at once, in order, until the turn is over; then the rest in the next turns", () => {
    const { done, forked, note, rest, turns } = make()
    for (let n = 0; n < 10; n++) turns.push(() => note(n))
    assert.deepStrictEqual(done, [0, 1])
    for (let turn = 2; done.length < 10; turn++) {
      rest()
      assert.strictEqual(done.length, 2 * turn)
    }
    assert.deepStrictEqual(done, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    // The last turn is used up.
    turns.push(() => note(10))
    rest()
    assert.deepStrictEqual([done.at(-1), forked.length], [10, 0])
  })

  it("gets what other work leaves of a turn, and a little in any case", () => {
    const { clock, done, note, rest, turns } = make()
    const tenth = Limits.syncTurnMs / 10
    for (let n = 0; n < 60; n++) turns.push(() => note(n, tenth))
    const ofTurn = (othersMs: number) => {
      const before = done.length
      clock.now += othersMs
      rest()
      return done.length - before
    }
    // Sums of tenths may fall short by a rounding error: one task more.
    assert.include([10, 11], done.length)
    assert.include([7, 8], ofTurn(3 * tenth))
    const least = Math.ceil(Limits.syncTurnLeastMs / tenth)
    assert.include([least, least + 1], ofTurn(9.5 * tenth))
    assert.include([least, least + 1], ofTurn(100 * tenth))
    assert.include([10, 11], ofTurn(0))
  })

  it.effect("has had its part of a turn when messages began it: the immediates after reading are not another", () =>
    Effect.gen(function*() {
      const clock = { now: 0 }
      const done: Array<number> = []
      const turns = new MessageTurns(() => clock.now, (effect) => void Effect.runFork(effect))
      const immediate = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      for (let n = 0; n < 3; n++) {
        turns.push(() => {
          done.push(n)
          clock.now += Limits.syncTurnMs
        })
      }
      assert.deepStrictEqual(done, [0])
      yield* immediate
      assert.deepStrictEqual(done, [0])
      yield* immediate
      assert.deepStrictEqual(done, [0, 1], "and from then on one part in each turn")
      yield* immediate
      assert.deepStrictEqual(done, [0, 1, 2])
    }))

  it("interrupts a task between its steps, and starts the next one after the last of them", () => {
    const { done, forked, note, rest, steps, turns } = make()
    turns.push(() => steps("a", "b", "c"))
    turns.push(() => note("next"))
    assert.deepStrictEqual([done, forked.length], [["a", "b"], 1])
    // While it rests, what comes waits.
    turns.push(() => note("last"))
    assert.deepStrictEqual([done, forked.length], [["a", "b"], 1])
    rest()
    assert.deepStrictEqual(done, ["a", "b", "c", "next"])
    rest()
    assert.deepStrictEqual([done, forked.length], [["a", "b", "c", "next", "last"], 0])
  })

  it("does not start a task that a task under way pushes before that one ends", () => {
    const { done, note, turns } = make()
    turns.push(function*() {
      note("begins", 0)
      turns.push(() => note("pushed", 0))
      yield
      note("ends", 0)
    })
    assert.deepStrictEqual(done, ["begins", "ends", "pushed"])
  })

  it("ends a task whose step throws, and does the next one", () => {
    const { done, note, turns } = make()
    const failing = function*(): Steps {
      yield
      throw new Error("failed")
    }
    assert.throws(() => turns.push(failing), "failed")
    turns.push(() => note("next"))
    assert.deepStrictEqual(done, ["next"])
  })
})
