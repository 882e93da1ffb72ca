/** Bodies that came and wait for those before them, or to be stored, by height, and how much memory they take. */
import type * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"

/** A body that came and matches its header. */
export interface Held {
  readonly hash: Hash.Hash
  /** The same block as the store keeps it. */
  readonly block: StoredBlock
  readonly treasuryBalance: Parent["treasuryBalance"]
  /** Who sent it first; `undefined`: it was made here. */
  readonly from: PeerIp | undefined
}

/** One body a height. Not shared between nodes. */
export class HeldBodies {
  readonly #bodies = new Map<number, Held>()
  #bytes = 0

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#bodies.size
  }

  get(height: number): Held | undefined {
    return this.#bodies.get(height)
  }

  /** Takes the place of what was held at that height. */
  put(height: number, held: Held): void {
    this.#bytes += held.block.bytes.length - (this.#bodies.get(height)?.block.bytes.length ?? 0)
    this.#bodies.set(height, held)
  }

  /** Of a header chain that is another one now. */
  dropAbove(fork: number): void {
    for (const height of this.#bodies.keys()) if (height > fork) this.#drop(height)
  }

  /** What is stored, or was in its place. */
  dropUpTo(base: number): void {
    for (const height of this.#bodies.keys()) if (height <= base) this.#drop(height)
  }

  clear(): void {
    this.#bodies.clear()
    this.#bytes = 0
  }

  #drop(height: number): void {
    this.#bytes -= this.#bodies.get(height)?.block.bytes.length ?? 0
    this.#bodies.delete(height)
  }
}
