/** Messages of peers are handled in order, and after some milliseconds everything else in the process has its turn. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { MessageTurns } from "../../../src/layers/sync/MessageTurns.ts"

describe("MessageTurns", () => {
  it("runs at once, in order, until the turn is over; then the rest in the next turns", () => {
    let now = 0
    const forked: Array<Effect.Effect<void>> = []
    const done: Array<number> = []
    const turns = new MessageTurns(() => now, (effect) => forked.push(effect))
    for (let n = 0; n < 10; n++) {
      turns.push(() => {
        done.push(n)
        now += Limits.syncTurnMs / 2
      })
    }
    assert.deepStrictEqual(done, [0, 1])
    const rest = () => Effect.runSync(forked.shift() ?? Effect.die("nothing waits"))
    for (let turn = 2; done.length < 10; turn++) {
      rest()
      assert.strictEqual(done.length, 2 * turn)
    }
    assert.deepStrictEqual(done, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    // The last turn is used up.
    turns.push(() => done.push(10))
    rest()
    assert.deepStrictEqual([done.at(-1), forked.length], [10, 0])
  })
})
