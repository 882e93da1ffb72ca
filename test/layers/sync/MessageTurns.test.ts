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
  return { turns, forked, done, note, steps, rest }
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
