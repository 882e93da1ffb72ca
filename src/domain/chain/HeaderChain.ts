/**
 * A compact index of one chain of headers in memory: hash by height, height by hash, treasury by height.
 *
 * **Memory.** 40 bytes per header in chunks that are never copied, and 8 to 16 for the table of heights: about 60 MB at
 * 1,000,000 headers.
 *
 * **Concurrency.** Mutable and synchronous, as `FrameReader`: it belongs to one owner, and what it gives out are copies.
 */
import * as Hash from "./Hash.ts"
import type { Parent } from "./HeaderRules.ts"
import * as U64 from "./U64.ts"

const chunkHeaders = 65_536
/** The table holds height + 1, 0 for free, and is never more than half full. */
const initialTable = 1024

interface Chunk {
  readonly hashes: Uint8Array
  readonly treasuries: BigUint64Array
}

const makeChunk = (): Chunk => ({
  hashes: new Uint8Array(chunkHeaders * Hash.length),
  treasuries: new BigUint64Array(chunkHeaders)
})

export class HeaderChain {
  private readonly chunks: Array<Chunk> = []
  private table = new Int32Array(initialTable)
  private count = 0
  private readonly seed: number

  /**
   * @param genesis block 0 as a parent; its height must be 0
   * @param seed any 32-bit number nobody outside knows, so that hashes cannot be made to collide in the table
   */
  constructor(genesis: Parent, seed = 0) {
    this.seed = seed
    this.append(genesis.hash, genesis.treasuryBalance)
  }

  /** Of the last header; genesis is 0. */
  get height(): number {
    return this.count - 1
  }

  /** The last header as a parent of the next. */
  get tip(): Parent {
    return this.at(this.count - 1)
  }

  /** One more header on top, checked before by the caller. */
  append(hash: Hash.Hash, treasuryBalance: U64.U64): void {
    const height = this.count
    const index = height % chunkHeaders
    if (index === 0 && this.chunks.length * chunkHeaders === height) this.chunks.push(makeChunk())
    const chunk = this.chunk(height)
    chunk.hashes.set(hash, index * Hash.length)
    chunk.treasuries[index] = BigInt(treasuryBalance)
    this.count += 1
    if (2 * this.count > this.table.length) this.grow()
    else this.insert(height)
  }

  /** Forgets every header above `height`. Chunks are kept for what comes. */
  rewind(height: number): void {
    if (height < 0) throw new RangeError("genesis stays")
    // Last in, first out: nothing that was inserted later can have been pushed on by the slot that is freed.
    while (this.count - 1 > height) {
      const slot = this.slotOf(this.count - 1)
      this.table[slot] = 0
      this.count -= 1
    }
  }

  /** `undefined`: no such height. */
  hashAt(height: number): Hash.Hash | undefined {
    return this.has(height) ? this.copyHash(height) : undefined
  }

  /** The header of that height as a parent of the next; `undefined`: no such height. */
  parentAt(height: number): Parent | undefined {
    return this.has(height) ? this.at(height) : undefined
  }

  /** Whether the header of that height has this hash. */
  holds(height: number, hash: Hash.Hash): boolean {
    return this.has(height) && this.isHash(height, hash)
  }

  /** `undefined`: not in this chain. */
  heightOf(hash: Hash.Hash): number | undefined {
    for (let slot = this.home(hash, 0);; slot = (slot + 1) & (this.table.length - 1)) {
      const height = (this.table[slot] ?? 0) - 1
      if (height < 0) return undefined
      if (this.isHash(height, hash)) return height
    }
  }

  /**
   * Hashes by which another node finds the last header it shares with us, best first: ten in a row from the tip (or from
   * `from`) down, then in steps that double, genesis always last.
   */
  locator(from: number = this.height): ReadonlyArray<Hash.Hash> {
    const hashes: Array<Hash.Hash> = []
    let step = 1
    for (let height = Math.min(from, this.height); height > 0; height -= step) {
      hashes.push(this.copyHash(height))
      if (hashes.length >= locatorRow) step *= 2
    }
    hashes.push(this.copyHash(0))
    return hashes
  }

  /** Height of the first hash of the locator that is in this chain; `undefined`: not even genesis is shared. */
  findFork(locator: ReadonlyArray<Hash.Hash>): number | undefined {
    for (const hash of locator) {
      const height = this.heightOf(hash)
      if (height !== undefined) return height
    }
    return undefined
  }

  private has(height: number): boolean {
    return Number.isInteger(height) && height >= 0 && height < this.count
  }

  private chunk(height: number): Chunk {
    const chunk = this.chunks[Math.floor(height / chunkHeaders)]
    if (chunk === undefined) throw new RangeError(`no header at ${height}`)
    return chunk
  }

  private copyHash(height: number): Hash.Hash {
    const at = (height % chunkHeaders) * Hash.length
    return this.chunk(height).hashes.slice(at, at + Hash.length)
  }

  private at(height: number): Parent {
    return {
      height,
      hash: this.copyHash(height),
      treasuryBalance: U64.of(this.chunk(height).treasuries[height % chunkHeaders] ?? 0n)
    }
  }

  private isHash(height: number, hash: Hash.Hash): boolean {
    const { hashes } = this.chunk(height)
    const at = (height % chunkHeaders) * Hash.length
    for (let i = 0; i < Hash.length; i++) if (hashes[at + i] !== hash[i]) return false
    return true
  }

  /** The first slot for a hash that lies at `at` in `bytes`: some of its bits, mixed with the seed. */
  private home(bytes: Uint8Array, at: number): number {
    const word = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)
    const other = ((bytes[at + 4] ?? 0) << 24) | ((bytes[at + 5] ?? 0) << 16) | ((bytes[at + 6] ?? 0) << 8) |
      (bytes[at + 7] ?? 0)
    let mixed = Math.imul(word ^ this.seed, 0x9e3779b1)
    mixed = Math.imul((mixed ^ (mixed >>> 15)) + other, 0x85ebca77)
    return (mixed ^ (mixed >>> 13)) & (this.table.length - 1)
  }

  private homeOf(height: number): number {
    return this.home(this.chunk(height).hashes, (height % chunkHeaders) * Hash.length)
  }

  private insert(height: number): void {
    let slot = this.homeOf(height)
    while (this.table[slot] !== 0) slot = (slot + 1) & (this.table.length - 1)
    this.table[slot] = height + 1
  }

  private slotOf(height: number): number {
    let slot = this.homeOf(height)
    while (this.table[slot] !== height + 1) slot = (slot + 1) & (this.table.length - 1)
    return slot
  }

  /** In order of height, so that rewinding stays last in, first out. */
  private grow(): void {
    this.table = new Int32Array(2 * this.table.length)
    for (let height = 0; height < this.count; height++) this.insert(height)
  }
}

const locatorRow = 10
