/** The latest entries of a sequence, numbered from 1, for readers that start late or reconnect. */

export interface Numbered<A> {
  readonly number: number
  readonly value: A
}

export class EventRing<A> {
  private readonly kept: Array<Numbered<A>> = []
  private last = 0

  private readonly most: number

  /** `most`: maximum number of entries kept. */
  constructor(most: number) {
    this.most = most
  }

  /** Number of the latest entry; 0: none yet. */
  get latest(): number {
    return this.last
  }

  add(value: A): Numbered<A> {
    this.last += 1
    const entry = { number: this.last, value }
    this.kept[this.last % this.most] = entry
    return entry
  }

  /** Kept entries after `number`, oldest first, and how many after it are no longer kept. */
  after(number: number): { readonly missed: number; readonly entries: ReadonlyArray<Numbered<A>> } {
    const oldest = Math.max(1, this.last - this.most + 1)
    const entries: Array<Numbered<A>> = []
    for (let i = Math.max(oldest, number + 1); i <= this.last; i++) {
      const entry = this.kept[i % this.most]
      if (entry !== undefined) entries.push(entry)
    }
    return { missed: Math.max(0, Math.min(oldest, this.last + 1) - number - 1), entries }
  }
}
