import { assert, describe, it } from "@effect/vitest"
import { DueSlots, type Slotted } from "../../../src/layers/peer/DueSlots.ts"

const item = (name: string): Slotted & { readonly name: string } => ({ name, dueSlot: undefined })
const names = (items: ReadonlyArray<{ readonly name: string }>) => items.map(({ name }) => name)

describe("DueSlots", () => {
  it("gives what is due, soonest beat first, each once", () => {
    const due = new DueSlots<ReturnType<typeof item>>()
    for (const [name, ms] of [["c", 15_000], ["a", 900], ["b", 1_100], ["a2", 0]] as const) due.put(item(name), ms)
    assert.deepStrictEqual(names(due.takeUpTo(999)), ["a", "a2"])
    assert.deepStrictEqual(names(due.takeUpTo(999)), [])
    assert.deepStrictEqual(names(due.takeUpTo(14_999)), ["b"])
    assert.deepStrictEqual(names(due.takeUpTo(1e9)), ["c"])
  })

  it("an item put again moves, one removed is gone", () => {
    const due = new DueSlots<ReturnType<typeof item>>()
    const [a, b] = [item("a"), item("b")]
    due.put(a, 1_000)
    due.put(b, 1_000)
    due.put(a, 5_000)
    due.remove(b)
    due.remove(b)
    assert.deepStrictEqual(names(due.takeUpTo(4_000)), [])
    assert.deepStrictEqual(names(due.takeUpTo(5_000)), ["a"])
  })

  it("one that is taken out leaves the others of its beat there, in their order", () => {
    const due = new DueSlots<ReturnType<typeof item>>()
    const all = ["a", "b", "c", "d"].map(item)
    for (const one of all) due.put(one, 1_000)
    const [a, b] = all
    if (a === undefined || b === undefined) return assert.fail("no items")
    due.put(b, 2_000)
    due.remove(a)
    assert.deepStrictEqual([a.dueSlot, b.dueSlot], [undefined, 2])
    assert.deepStrictEqual(names(due.takeUpTo(1_000)), ["c", "d"])
    assert.deepStrictEqual(all.map(({ dueSlot }) => dueSlot), [undefined, 2, undefined, undefined])
    assert.deepStrictEqual(names(due.takeUpTo(2_000)), ["b"])
  })

  it("an earlier beat than those looked at before comes too, and gaps between beats cost nothing", () => {
    const due = new DueSlots<ReturnType<typeof item>>()
    const [a, b] = [item("a"), item("b")]
    due.put(a, 9_000)
    assert.deepStrictEqual(names(due.takeUpTo(5_000)), [])
    due.put(b, 2_000)
    assert.deepStrictEqual(names(due.takeUpTo(8_999)), ["b"])
    assert.deepStrictEqual(names(due.takeUpTo(9_000)), ["a"])
    // From the first item on, not from the beginning of time.
    due.put(a, 1e15)
    assert.deepStrictEqual(names(due.takeUpTo(1e15)), ["a"])
  })

  it("what is put into the beat of this moment comes with the next look", () => {
    const due = new DueSlots<ReturnType<typeof item>>()
    const a = item("a")
    due.put(a, 1_900)
    assert.deepStrictEqual(names(due.takeUpTo(1_200)), ["a"])
    due.put(a, 1_900)
    assert.deepStrictEqual(names(due.takeUpTo(2_200)), ["a"])
  })
})
