import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as ForkPages from "../../../src/domain/sync/ForkPages.ts"

/** Asks in order: `[at, from, parts]`, with the daemon's tip at 120. The result is which were answered. */
const asks = (...pages: ReadonlyArray<readonly [at: number, from: number, parts: boolean]>): ReadonlyArray<boolean> => {
  let state = ForkPages.start(0)
  return pages.map(([at, from, parts]) => {
    const [next, isAnswered] = ForkPages.asked(state, from, 120, parts, at)
    state = next
    return isAnswered
  })
}

const { timeForkPauseMs, timeForkQuietMs, timeForkSearchMs } = Limits
const later = timeForkQuietMs

describe("pages that leave a daemon's chain", () => {
  it("what extends its chain is always answered", () => {
    assert.deepStrictEqual(asks([0, 121, false], [1, 121, false], [2, 171, false]), [true, true, true])
  })

  it("are not shown on a new connection, and then once in a while", () => {
    assert.deepStrictEqual(
      asks(
        [0, 121, true],
        [later - 1, 121, true],
        [later, 121, true],
        [later + 1, 121, true],
        [later + timeForkPauseMs - 1, 121, true],
        [later + timeForkPauseMs, 121, true]
      ),
      [false, false, true, false, false, true]
    )
  })

  it("belong to its search for the fork, which is answered at any time", () => {
    assert.deepStrictEqual(
      asks([later, 121, true], [later + 5, 101, true], [later + 6, 121, true], [
        later + 5 + timeForkSearchMs,
        121,
        true
      ]),
      [true, true, true, false]
    )
  })

  it("are fewer than five in five minutes, however often it asks and whatever connection comes in between", () => {
    const shown: Array<number> = []
    let state = ForkPages.start(0)
    for (let now = 0; now < 3_600_000; now += 1_000) {
      // A new connection begins with a quiet time of its own.
      if (now % 600_000 === 0) state = ForkPages.start(now)
      const [next, isAnswered] = ForkPages.asked(state, 121, 120, true, now)
      state = next
      if (isAnswered) shown.push(now)
    }
    for (const at of shown) assert.isBelow(shown.filter((other) => other <= at && at - other < 300_000).length, 5)
    assert.isAbove(shown.length, 20)
  })
})
