/** Items by the beat in which they are next due, so that a beat touches only the items due in it. */
import * as Limits from "../../domain/Limits.ts"

/** An item that can wait in a slot, and remembers which. */
export interface Slotted {
  /** `undefined`: in no slot. Written only by `DueSlots`. */
  dueSlot: number | undefined
}

export class DueSlots<T extends Slotted> {
  private readonly slots = new Map<number, Array<T>>()
  /** No slot before this one holds any item. */
  private first = Number.POSITIVE_INFINITY

  /** Puts an item into the slot of `dueMs` (monotonic ms), and out of any slot it was in. */
  put(item: T, dueMs: number): void {
    this.remove(item)
    const slot = Math.floor(dueMs / Limits.beatMs)
    const items = this.slots.get(slot)
    if (items === undefined) this.slots.set(slot, [item])
    else items.push(item)
    item.dueSlot = slot
    this.first = Math.min(this.first, slot)
  }

  remove(item: T): void {
    if (item.dueSlot === undefined) return
    const items = this.slots.get(item.dueSlot)
    // Rare: most items are taken out before they are put in again.
    items?.splice(items.indexOf(item), 1)
    if (items?.length === 0) this.slots.delete(item.dueSlot)
    item.dueSlot = undefined
  }

  /**
   * Takes out the items of all slots up to that of `nowMs`, earliest slot first, then in insertion order. Items of the last slot may be due
   * up to one beat later.
   */
  takeUpTo(nowMs: number): ReadonlyArray<T> {
    const last = Math.floor(nowMs / Limits.beatMs)
    let due: ReadonlyArray<T> = []
    for (let slot = this.first; slot <= last; slot++) {
      const items = this.slots.get(slot)
      if (items === undefined) continue
      for (const item of items) item.dueSlot = undefined
      // Usually there is one slot: no copy.
      due = due.length === 0 ? items : [...due, ...items]
      this.slots.delete(slot)
    }
    this.first = this.slots.size === 0 ? Number.POSITIVE_INFINITY : Math.max(this.first, last + 1)
    return due
  }
}
