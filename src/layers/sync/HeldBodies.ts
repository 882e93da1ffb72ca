/** Received bodies by height, waiting for earlier bodies or for the store, and the memory they take. */
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"

/** A received body that matches its header. */
export interface Held {
  /** The same block in the store's form. */
  readonly block: StoredBlock
  /** The peer that sent it first; `undefined`: this node made it. */
  readonly from: PeerIp | undefined
}

/** One body per height. Not shared between nodes. */
export class HeldBodies {
  readonly #bodies = new Map<number, Held>()
  #bytes = 0

  /** Bytes of all bodies. */
  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#bodies.size
  }

  get(height: number): Held | undefined {
    return this.#bodies.get(height)
  }

  /** Replaces any body held at that height. */
  put(height: number, held: Held): void {
    this.#bytes += held.block.bytes.length - (this.#bodies.get(height)?.block.bytes.length ?? 0)
    this.#bodies.set(height, held)
  }

  /** Drops bodies above the fork: their header chain was replaced. */
  dropAbove(fork: number): void {
    for (const height of this.#bodies.keys()) if (height > fork) this.#drop(height)
  }

  /** Drops bodies that are stored, or whose height another block took. */
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
