/**
 * What a node remembers of peers across restarts: its peer book and the last good peers, so that a node started without `--peer` comes
 * back.
 *
 * **Errors**: a store that cannot be read or written is a warning, never a stop: the node works from what it is told.
 */
import type { Effect } from "effect"
import { Context, Schema } from "effect"
import type { Changes, Placed } from "../domain/peer/KnownAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Ban } from "../domain/protection/BanList.ts"
import type { Offender } from "../domain/protection/Ledger.ts"

/** The store could not be read or written. `detail` names the file and what to do. */
export class PeerStoreError extends Schema.TaggedError<PeerStoreError>()("PeerStoreError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** A ban, in wall time. */
export type StoredBan = Ban

/** What an address did, in wall time. */
export type StoredOffender = Offender

export interface StoredPeers {
  /** Secret that places addresses in the book, 16 bytes; `undefined` on the first start. */
  readonly key: Uint8Array | undefined
  readonly book: ReadonlyArray<Placed>
  /** The last good peers, best first. */
  readonly anchors: ReadonlyArray<PeerIp>
  readonly bans: ReadonlyArray<StoredBan>
  readonly offenders: ReadonlyArray<StoredOffender>
}

export interface PeersToStore extends Changes {
  readonly key: Uint8Array
  readonly anchors: ReadonlyArray<PeerIp>
  /** All bans, where they have changed. */
  readonly bans: ReadonlyArray<StoredBan> | undefined
  /** Offenders since the last save, each as it is now, and addresses of which nothing is known any more. */
  readonly offenders: ReadonlyArray<StoredOffender>
  readonly forgotten: ReadonlyArray<PeerIp>
  /** The whole book: for a store that has lost what it had. */
  readonly whole: () => Iterable<Placed>
  /** All bans, for the same. */
  readonly wholeBans: () => ReadonlyArray<StoredBan>
  /** All offenders, for the same. */
  readonly wholeOffenders: () => ReadonlyArray<StoredOffender>
}

export class PeerStore extends Context.Service<PeerStore, {
  /** Empty on the first start. */
  readonly load: Effect.Effect<StoredPeers, PeerStoreError>
  /** Stores the changes, all of them or none. Calls are one after the other. */
  readonly save: (peers: PeersToStore) => Effect.Effect<void, PeerStoreError>
}>()("timemesh/services/PeerStore") {}
