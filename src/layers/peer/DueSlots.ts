/** Items by the beat in which they are next due, so that a beat touches those that are due and no others. */
import * as Limits from "../../domain/Limits.ts"

/** What can wait in a slot: it remembers which. */
export interface Slotted {
  /** `undefined`: in none. Written by `DueSlots` only. */
  dueSlot: number | undefined
}

export class DueSlots<T extends Slotted> {
  private readonly slots = new Map<number, Set<T>>()
  /** No slot before this one holds anything. */
  private first = Number.POSITIVE_INFINITY

  /** Puts an item where it is due, monotonic ms; one that is there already moves. */
  put(item: T, dueMs: number): void {
    this.remove(item)
    const slot = Math.floor(dueMs / Limits.beatMs)
    const items = this.slots.get(slot)
    if (items === undefined) this.slots.set(slot, new Set([item]))
    else items.add(item)
    item.dueSlot = slot
    this.first = Math.min(this.first, slot)
  }

  remove(item: T): void {
    if (item.dueSlot === undefined) return
    const items = this.slots.get(item.dueSlot)
    items?.delete(item)
    if (items?.size === 0) this.slots.delete(item.dueSlot)
    item.dueSlot = undefined
  }

  /**
   * Takes out the items of all slots up to that of `nowMs`, soonest slot first, then as they were put. Some of the last slot may be due
   * a part of a beat later.
   */
  takeUpTo(nowMs: number): ReadonlyArray<T> {
    const last = Math.floor(nowMs / Limits.beatMs)
    const due: Array<T> = []
    for (let slot = this.first; slot <= last; slot++) {
      for (const item of this.slots.get(slot) ?? []) {
        item.dueSlot = undefined
        due.push(item)
      }
      this.slots.delete(slot)
    }
    this.first = this.slots.size === 0 ? Number.POSITIVE_INFINITY : Math.max(this.first, last + 1)
    return due
  }
}
