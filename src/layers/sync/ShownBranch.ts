/** One branch shown by peers: its headers above our chain, and the bodies received. The planner knows it by its `id`. */
import * as Hash from "../../domain/chain/Hash.ts"
import type { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import * as Limits from "../../domain/Limits.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import { HeldBodies } from "./HeldBodies.ts"
import { PackedHeaders } from "./PackedHeaders.ts"

/** Check headers before adding them. Mutable; touched only from synchronous code. */
export class ShownBranch {
  readonly id: number
  readonly held = new HeldBodies()
  /** Height up to which its bodies are staged in the store, beside the chain; `fork` or less: none. */
  stagedTo = 0
  /** Why the store refused its blocks; `undefined`: it did not, or has taken them since. */
  refused: string | undefined = undefined
  /** It was refused, and the store is not tried with it again yet. */
  waits = false
  #fork: number
  /** The first ones may be at or below the fork. */
  #headers: PackedHeaders

  /** Packed headers begin above `fork`, and become the branch's own. */
  constructor(id: number, fork: number, headers: ReadonlyArray<Parent> | PackedHeaders) {
    this.id = id
    this.#fork = fork
    this.#headers = headers instanceof PackedHeaders ? headers : new PackedHeaders(fork + 1, headers)
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
    return this.#headers.last
  }

  /** `undefined`: our chain has reached the branch's end. */
  get tip(): Parent | undefined {
    return this.#headers.at(this.height)
  }

  /** The tip with its hash as text. */
  get tipText(): SyncTip {
    const { tip } = this
    return { height: this.height, hash: tip === undefined ? "" : Hash.toHex(tip.hash) }
  }

  /** The header at that height, if above the fork: a copy. */
  at(height: number): Parent | undefined {
    return height > this.#fork ? this.#headers.at(height) : undefined
  }

  /** The hash at that height, if above the fork: a view, to be copied if it is kept. */
  hashAt(height: number): Hash.Hash | undefined {
    return height > this.#fork ? this.#headers.hashAt(height) : undefined
  }

  holds(height: number, hash: Hash.Hash): boolean {
    return height > this.#fork && this.#headers.isHash(height, hash)
  }

  /** Copies of the headers above the fork, up to `to`. */
  upTo(to: number): ReadonlyArray<Parent> {
    return this.#headers.range(this.#fork + 1, to)
  }

  /** Puts the headers above the fork, up to `to`, on a chain that ends at the fork. */
  extend(chain: HeaderChain, to: number): void {
    this.#headers.extend(chain, this.#fork + 1, to)
  }

  append(headers: ReadonlyArray<Parent>): void {
    this.#headers.append(headers)
  }

  /** Our chain now has the branch's blocks up to `fork`. */
  advance(fork: number): void {
    this.#fork = fork
    this.held.dropUpTo(this.base)
    if (fork + 1 - this.#headers.first < Limits.branchDropAtOnce) return
    this.#headers = this.#headers.since(fork + 1)
  }

  /** Our chain now leaves the branch lower down, at `fork`. `own`: the branch's blocks from there on, which our chain no longer has. */
  recede(fork: number, own: ReadonlyArray<Parent>): void {
    this.#headers = new PackedHeaders(fork + 1, [...own, ...this.upTo(this.height)])
    this.#fork = fork
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
