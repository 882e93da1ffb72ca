/** One branch shown by peers: its headers above our chain, and the bodies received. The planner knows it by its `id`. */
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import * as Limits from "../../domain/Limits.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import { HeldBodies } from "./HeldBodies.ts"

/** Check headers before adding them. Mutable; touched only from synchronous code. */
export class ShownBranch {
  readonly id: number
  readonly held = new HeldBodies()
  /** Height up to which its bodies are staged in the store, beside the chain; `fork` or less: none. */
  stagedTo = 0
  #fork: number
  /** Headers of heights `#first`, `#first` + 1, …; the first ones may be at or below the fork. */
  #headers: Array<Parent>
  #first: number

  constructor(id: number, fork: number, headers: ReadonlyArray<Parent>) {
    this.id = id
    this.#fork = fork
    this.#first = fork + 1
    this.#headers = [...headers]
  }

  /** Height of the last block shared with our chain. */
  get fork(): number {
    return this.#fork
  }

  /** Height up to which its bodies are on disk. */
  get base(): number {
    return Math.max(this.#fork, this.stagedTo)
  }

  get height(): number {
    return this.#first + this.#headers.length - 1
  }

  /** `undefined`: our chain has reached the branch's end. */
  get tip(): Parent | undefined {
    return this.#headers.at(-1)
  }

  /** The tip with its hash as text. */
  get tipText(): SyncTip {
    const { tip } = this
    return { height: this.height, hash: tip === undefined ? "" : Hash.toHex(tip.hash) }
  }

  /** The header at that height, if above the fork. */
  at(height: number): Parent | undefined {
    return height > this.#fork ? this.#headers[height - this.#first] : undefined
  }

  holds(height: number, hash: Hash.Hash): boolean {
    const found = this.at(height)
    return found !== undefined && Hash.equals(found.hash, hash)
  }

  /** Headers above the fork, up to `to`. */
  upTo(to: number): ReadonlyArray<Parent> {
    return this.#headers.slice(this.#fork + 1 - this.#first, to + 1 - this.#first)
  }

  append(headers: ReadonlyArray<Parent>): void {
    for (const header of headers) this.#headers.push(header)
  }

  /** Our chain now has the branch's blocks up to `fork`. */
  advance(fork: number): void {
    this.#fork = fork
    this.held.dropUpTo(this.base)
    if (fork + 1 - this.#first < Limits.branchDropAtOnce) return
    this.#headers = this.#headers.slice(fork + 1 - this.#first)
    this.#first = fork + 1
  }

  /** Our chain now leaves the branch lower down, at `fork`. `own`: the branch's blocks from there on, which our chain no longer has. */
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
