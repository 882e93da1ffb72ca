/**
 * Consecutive headers of a branch as bytes: 40 each, in two arrays that live outside the garbage collector's young generation. As an object each, thousands
 * of them were copied by every collection while a chain was synced.
 */
import * as Hash from "../../domain/chain/Hash.ts"
import type { HeaderChain } from "../../domain/chain/HeaderChain.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import * as U64 from "../../domain/chain/U64.ts"
import * as Limits from "../../domain/Limits.ts"

/** Mutable; one owner. Bytes once written do not change: a hash read before a change stays what it was. */
export class PackedHeaders {
  /** Height of the first header. */
  readonly first: number
  #hashes: Uint8Array
  #treasuries: BigUint64Array
  #count = 0

  constructor(first: number, headers: ReadonlyArray<Parent>) {
    this.first = first
    const room = Math.max(Limits.branchLeastHeaders, headers.length)
    this.#hashes = new Uint8Array(room * Hash.length)
    this.#treasuries = new BigUint64Array(room)
    this.append(headers)
  }

  get count(): number {
    return this.#count
  }

  /** Height of the last header; `first` − 1: there is none. */
  get last(): number {
    return this.first + this.#count - 1
  }

  append(headers: ReadonlyArray<Parent>): void {
    this.#makeRoom(this.#count + headers.length)
    for (const { hash, treasuryBalance } of headers) {
      this.#hashes.set(hash, this.#count * Hash.length)
      this.#treasuries[this.#count] = BigInt(treasuryBalance)
      this.#count += 1
    }
  }

  has(height: number): boolean {
    return height >= this.first && height <= this.last
  }

  /** A view of these bytes: copy what is kept. */
  hashAt(height: number): Hash.Hash | undefined {
    if (!this.has(height)) return undefined
    const at = (height - this.first) * Hash.length
    return this.#hashes.subarray(at, at + Hash.length)
  }

  isHash(height: number, hash: Hash.Hash): boolean {
    if (!this.has(height)) return false
    const at = (height - this.first) * Hash.length
    for (let i = 0; i < Hash.length; i++) if (this.#hashes[at + i] !== hash[i]) return false
    return true
  }

  /** A copy. */
  at(height: number): Parent | undefined {
    const hash = this.hashAt(height)
    if (hash === undefined) return undefined
    return { height, hash: hash.slice(), treasuryBalance: this.#treasuryAt(height) }
  }

  /** Copies of the headers from `from` to `to`, both included, as far as there are any. */
  range(from: number, to: number): ReadonlyArray<Parent> {
    const found: Array<Parent> = []
    for (let height = Math.max(from, this.first); height <= Math.min(to, this.last); height++) {
      const header = this.at(height)
      if (header !== undefined) found.push(header)
    }
    return found
  }

  /** Puts the headers from `from` to `to` on a chain that ends below them. */
  extend(chain: HeaderChain, from: number, to: number): void {
    for (let height = from; height <= to; height++) {
      const hash = this.hashAt(height)
      if (hash !== undefined) chain.append(hash, this.#treasuryAt(height))
    }
  }

  /** Without the headers below `first`. */
  since(first: number): PackedHeaders {
    const rest = new PackedHeaders(first, [])
    const skipped = Math.min(this.#count, Math.max(0, first - this.first))
    rest.#hashes = this.#hashes.slice(skipped * Hash.length, this.#count * Hash.length)
    rest.#treasuries = this.#treasuries.slice(skipped, this.#count)
    rest.#count = this.#count - skipped
    return rest
  }

  #treasuryAt(height: number): U64.U64 {
    return U64.of(this.#treasuries[height - this.first] ?? 0n)
  }

  #makeRoom(count: number): void {
    if (count <= this.#treasuries.length) return
    const room = Math.max(count, 2 * this.#treasuries.length)
    const [hashes, treasuries] = [this.#hashes, this.#treasuries]
    this.#hashes = new Uint8Array(room * Hash.length)
    this.#treasuries = new BigUint64Array(room)
    this.#hashes.set(hashes)
    this.#treasuries.set(treasuries)
  }
}
