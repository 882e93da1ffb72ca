/** One branch that peers have shown: its headers above our chain, and the bodies that came. The planner knows it by its `id`. */
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import { HeldBodies } from "./HeldBodies.ts"

/** Headers that our chain has reached are dropped in lots of this many. */
const lot = 4_096

/** Headers are checked before they are put in. Mutable; touched only from synchronous code. */
export class ShownBranch {
  readonly id: number
  readonly held = new HeldBodies()
  /** Up to here its bodies are staged in the store, beside the chain; `fork` or less: none. */
  stagedTo = 0
  #fork: number
  /** Heights `#first`, `#first` + 1, …; the first ones may be at or below the fork. */
  #headers: Array<Parent>
  #first: number

  constructor(id: number, fork: number, headers: ReadonlyArray<Parent>) {
    this.id = id
    this.#fork = fork
    this.#first = fork + 1
    this.#headers = [...headers]
  }

  /** Height of the last block that it shares with our chain. */
  get fork(): number {
    return this.#fork
  }

  /** Up to here its bodies are on the disk. */
  get base(): number {
    return Math.max(this.#fork, this.stagedTo)
  }

  get height(): number {
    return this.#first + this.#headers.length - 1
  }

  /** `undefined`: our chain has reached its end. */
  get tip(): Parent | undefined {
    return this.#headers.at(-1)
  }

  /** Hash as text. */
  get tipText(): SyncTip {
    const { tip } = this
    return { height: this.height, hash: tip === undefined ? "" : Hash.toHex(tip.hash) }
  }

  /** The header of that height, above the fork. */
  at(height: number): Parent | undefined {
    return height > this.#fork ? this.#headers[height - this.#first] : undefined
  }

  holds(height: number, hash: Hash.Hash): boolean {
    const found = this.at(height)
    return found !== undefined && Hash.equals(found.hash, hash)
  }

  /** Headers from above the fork up to `to`. */
  upTo(to: number): ReadonlyArray<Parent> {
    return this.#headers.slice(this.#fork + 1 - this.#first, to + 1 - this.#first)
  }

  append(headers: ReadonlyArray<Parent>): void {
    for (const header of headers) this.#headers.push(header)
  }

  /** Our chain has its blocks up to `fork` too. */
  advance(fork: number): void {
    this.#fork = fork
    this.held.dropUpTo(this.base)
    if (fork + 1 - this.#first < lot) return
    this.#headers = this.#headers.slice(fork + 1 - this.#first)
    this.#first = fork + 1
  }

  /** Our chain left it further down: these blocks, from above `fork` on, are the branch's own again. */
  recede(fork: number, own: ReadonlyArray<Parent>): void {
    this.#headers = [...own, ...this.upTo(this.height)]
    this.#fork = fork
    this.#first = fork + 1
  }

  /**
   * Hashes by which a peer finds the last header that it shares with the branch, best first: ten in a row from the tip, then in steps
   * that double, down to the fork.
   */
  locator(): ReadonlyArray<{ readonly height: number; readonly hash: Hash.Hash }> {
    const hashes: Array<{ readonly height: number; readonly hash: Hash.Hash }> = []
    for (let height = this.height, step = 1; height > this.#fork; height -= step) {
      const found = this.at(height)
      if (found !== undefined) hashes.push({ height, hash: found.hash })
      if (hashes.length >= 10) step *= 2
    }
    return hashes
  }
}
