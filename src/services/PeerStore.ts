/**
 * The last good addresses, kept across restarts, so that a node started without `--peer` comes back.
 *
 * **Errors**: a store that cannot be read or written is a warning, never a stop: the node works from what it is told.
 */
import type { Effect } from "effect"
import { Context, Schema } from "effect"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"

/** The store could not be read or written. `detail` names the file and what to do. */
export class PeerStoreError extends Schema.TaggedError<PeerStoreError>()("PeerStoreError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

export class PeerStore extends Context.Service<PeerStore, {
  /** Good addresses, best (most recently good) first; empty on the first start. */
  readonly load: Effect.Effect<ReadonlyArray<PeerAddress>, PeerStoreError>
  /** Replaces what is stored, at once or not at all. */
  readonly save: (addresses: ReadonlyArray<PeerAddress>) => Effect.Effect<void, PeerStoreError>
}>()("timemesh/services/PeerStore") {}
