/**
 * Tracks whether blocks of the stored chain are being replaced by those of a better branch.
 *
 * The store replaces them atomically, but answering a peer takes several reads, which must not mix two chains. `steady` waits
 * until no rewrite is under way, and reads again if one began meanwhile.
 */
import { Effect, Latch } from "effect"

/** One per node. `begin` and `end` alternate: the store makes one change at a time. */
export class ChainRewrites {
  readonly #idle = Latch.makeUnsafe(true)
  #version = 0

  /** Changes at the beginning of every rewrite. */
  get version(): number {
    return this.#version
  }

  begin(): void {
    this.#version += 1
    this.#idle.closeUnsafe()
  }

  /** Ends the rewrite, which is done, or failed without changing anything. */
  end(): void {
    this.#idle.openUnsafe()
  }

  /** Waits until no rewrite is under way. */
  get settled(): Effect.Effect<void> {
    return this.#idle.await
  }

  /** What `read` finds, all of it from one chain, and that chain's version. */
  steady<A, E, R>(read: Effect.Effect<A, E, R>): Effect.Effect<readonly [found: A, version: number], E, R> {
    return this.#idle.whenOpen(Effect.suspend(() => {
      const before = this.#version
      return Effect.flatMap(
        read,
        (found) => before === this.#version ? Effect.succeed([found, before] as const) : this.steady(read)
      )
    }))
  }
}
