import { assert, describe, it } from "@effect/vitest"
import { type Due, TimerHeap } from "../../../src/layers/time/TimerHeap.ts"
import { randomFrom } from "../../harness/random.ts"

const drain = (heap: TimerHeap<Due>): ReadonlyArray<number> => {
  const out: Array<number> = []
  for (let next = heap.peek(); next !== undefined; next = heap.peek()) {
    out.push(next.seq)
    heap.pop()
  }
  return out
}
const inOrder = (timers: ReadonlyArray<Due>): ReadonlyArray<number> =>
  timers.toSorted((a, b) => a.dueMs - b.dueMs || a.seq - b.seq).map(({ seq }) => seq)

describe("TimerHeap", () => {
  it("gives the soonest first, and those of one moment as they came", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomFrom(seed)
      const heap = new TimerHeap<Due>()
      const timers = Array.from({ length: seed }, (_, seq) => ({ dueMs: random(6), seq }))
      for (const timer of timers) heap.push(timer)
      assert.strictEqual(heap.length, seed)
      assert.deepStrictEqual(drain(heap), inOrder(timers), `seed ${seed}`)
      assert.strictEqual(heap.length, 0)
    }
  })

  it("stays in order while timers come and go", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = randomFrom(seed)
      const heap = new TimerHeap<Due>()
      let waiting: Array<Due> = []
      for (let seq = 0; seq < 120; seq++) {
        if (random(3) === 0) {
          const [first] = inOrder(waiting)
          assert.strictEqual(heap.peek()?.seq, first, `seed ${seed}`)
          heap.pop()
          waiting = waiting.filter((timer) => timer.seq !== first)
        } else {
          const timer = { dueMs: random(9), seq }
          heap.push(timer)
          waiting.push(timer)
        }
      }
      heap.keep(({ seq }) => seq % 2 === 0)
      const kept = waiting.filter(({ seq }) => seq % 2 === 0)
      assert.strictEqual(heap.length, kept.length)
      assert.deepStrictEqual(drain(heap), inOrder(kept), `seed ${seed}`)
    }
  })

  it("that is empty has nothing to give", () => {
    const heap = new TimerHeap<Due>()
    heap.pop()
    assert.deepStrictEqual([heap.peek(), heap.length], [undefined, 0])
  })
})
