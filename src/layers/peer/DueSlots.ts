/** Items by the beat in which they are next due, so that a beat touches those that are due and no others. */
import * as Limits from "../../domain/Limits.ts"

/** What can wait in a slot: it remembers which. */
export interface Slotted {
  /** `undefined`: in none. Written by `DueSlots` only. */
  dueSlot: number | undefined
}

export class DueSlots<T extends Slotted> {
  private readonly slots = new Map<number, Array<T>>()
  /** No slot before this one holds anything. */
  private first = Number.POSITIVE_INFINITY

  /** Puts an item where it is due, monotonic ms; one that is there already moves. */
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
    // Rare: an item is mostly taken out before it is put again.
    items?.splice(items.indexOf(item), 1)
    if (items?.length === 0) this.slots.delete(item.dueSlot)
    item.dueSlot = undefined
  }

  /**
   * Takes out the items of all slots up to that of `nowMs`, soonest slot first, then as they were put. Some of the last slot may be due
   * a part of a beat later.
   */
  takeUpTo(nowMs: number): ReadonlyArray<T> {
    const last = Math.floor(nowMs / Limits.beatMs)
    let due: ReadonlyArray<T> = []
    for (let slot = this.first; slot <= last; slot++) {
      const items = this.slots.get(slot)
      if (items === undefined) continue
      for (const item of items) item.dueSlot = undefined
      // Mostly there is one.
      due = due.length === 0 ? items : [...due, ...items]
      this.slots.delete(slot)
    }
    this.first = this.slots.size === 0 ? Number.POSITIVE_INFINITY : Math.max(this.first, last + 1)
    return due
  }
}
