import { assert, describe, it } from "@effect/vitest"
import { Machine } from "../../../src/layers/time/Machine.ts"

describe("Machine", () => {
  it("keeps what is posted before its start, in order", () => {
    const machine = new Machine<number>()
    const seen: Array<number> = []
    machine.post(1)
    machine.post(2)
    machine.start((event) => seen.push(event))
    assert.deepStrictEqual(seen, [1, 2])
    machine.post(3)
    assert.deepStrictEqual(seen, [1, 2, 3], "handled before post returns")
  })

  it("lets an event that arises in a step wait for the end of that step", () => {
    const machine = new Machine<number>()
    const seen: Array<string> = []
    machine.start((event) => {
      seen.push(`begin ${event}`)
      if (event < 3) machine.post(event + 1)
      seen.push(`end ${event}`)
    })
    machine.post(1)
    assert.deepStrictEqual(seen, ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"])
  })

  it("a handler that throws loses no other event, and handles none twice", () => {
    const machine = new Machine<number>()
    const seen: Array<number> = []
    machine.start((event) => {
      seen.push(event)
      if (event === 1) {
        machine.post(2)
        throw new Error("a bug")
      }
    })
    assert.throws(() => machine.post(1), "a bug")
    machine.post(3)
    assert.deepStrictEqual(seen, [1, 2, 3])
  })
})
