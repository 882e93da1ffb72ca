/**
 * A compact index of one chain of headers in memory: hash by height, height by hash, treasury by height.
 *
 * **Memory.** 40 bytes per header in chunks that are never copied, and 8 to 16 for the table of heights: about 60 MB at 1,000,000 headers.
 *
 * **Concurrency.** Mutable and synchronous, like `FrameReader`: it has one owner and returns copies.
 */
import * as Hash from "./Hash.ts"
import type { Parent } from "./HeaderRules.ts"
import * as U64 from "./U64.ts"

const chunkHeaders = 65_536
/** The table holds height + 1, with 0 for a free slot, and is never more than half full. */
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
   * @param seed any 32-bit number unknown to outsiders, so that they cannot make hashes collide in the table
   */
  constructor(genesis: Parent, seed = 0) {
    this.seed = seed
    this.append(genesis.hash, genesis.treasuryBalance)
  }

  /** Height of the last header; genesis is 0. */
  get height(): number {
    return this.count - 1
  }

  /** The last header as the parent of the next. */
  get tip(): Parent {
    return this.at(this.count - 1)
  }

  /** Adds one header on top. The caller has checked it. */
  append(hash: Hash.Hash, treasuryBalance: U64.U64): void {
    const height = this.count
    const index = height % chunkHeaders
    if (this.chunks.length * chunkHeaders === height) this.chunks.push(makeChunk())
    const chunk = this.chunk(height)
    chunk.hashes.set(hash, index * Hash.length)
    chunk.treasuries[index] = BigInt(treasuryBalance)
    this.count += 1
    if (2 * this.count > this.table.length) this.grow()
    else this.insert(height)
  }

  /** Drops every header above `height`. Chunks are kept for reuse. */
  rewind(height: number): void {
    if (height < 0) throw new RangeError("genesis stays")
    // Last in, first out, so no later insertion can have probed past the slot being freed.
    while (this.count - 1 > height) {
      const slot = this.slotOf(this.count - 1)
      this.table[slot] = 0
      this.count -= 1
    }
  }

  /** `undefined` if there is no such height. */
  hashAt(height: number): Hash.Hash | undefined {
    return this.has(height) ? this.copyHash(height) : undefined
  }

  /** The header at that height as the parent of the next; `undefined` if there is no such height. */
  parentAt(height: number): Parent | undefined {
    return this.has(height) ? this.at(height) : undefined
  }

  /** Whether the header at that height has this hash. */
  holds(height: number, hash: Hash.Hash): boolean {
    return this.has(height) && this.isHash(height, hash)
  }

  /** `undefined` if the hash is not in this chain. */
  heightOf(hash: Hash.Hash): number | undefined {
    for (let slot = this.home(hash, 0);; slot = (slot + 1) & (this.table.length - 1)) {
      const height = (this.table[slot] ?? 0) - 1
      if (height < 0) return undefined
      if (this.isHash(height, hash)) return height
    }
  }

  /**
   * Hashes by which another node finds the last header it shares with us, best first. Ten in a row down from the tip (or from `from`), then
   * in doubling steps, with genesis always last.
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

  /** Height of the first locator hash that is in this chain; `undefined` if not even genesis is shared. */
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

  /** The home slot of the hash at `at` in `bytes`: its first eight bytes, mixed with the seed so that each of their bits counts. */
  private home(bytes: Uint8Array, at: number): number {
    const word = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)
    const other = ((bytes[at + 4] ?? 0) << 24) | ((bytes[at + 5] ?? 0) << 16) | ((bytes[at + 6] ?? 0) << 8) |
      (bytes[at + 7] ?? 0)
    let mixed = Math.imul(word ^ this.seed, 0x9e3779b1) + other
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae3d)
    return (mixed ^ (mixed >>> 16)) & (this.table.length - 1)
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

  /** Re-inserts in order of height, so that rewinding stays last in, first out. */
  private grow(): void {
    this.table = new Int32Array(2 * this.table.length)
    for (let height = 0; height < this.count; height++) this.insert(height)
  }
}

const locatorRow = 10
