/**
 * What a node remembers of peers across restarts: its peer book and the last good peers, so that a node started without `--peer` can
 * rejoin.
 *
 * **Errors**: a store that cannot be read or written causes a warning and never stops the node, which works from what it learns.
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

/** An address's offences, in wall time. */
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
  /** All bans, if they changed; `undefined` if not. */
  readonly bans: ReadonlyArray<StoredBan> | undefined
  /** Offenders that changed since the last save, in their current state. `forgotten`: addresses with no offence left on record. */
  readonly offenders: ReadonlyArray<StoredOffender>
  readonly forgotten: ReadonlyArray<PeerIp>
  /** The whole book: for a store that lost its data. */
  readonly whole: () => Iterable<Placed>
  /** All bans, for the same case. */
  readonly wholeBans: () => ReadonlyArray<StoredBan>
  /** All offenders, for the same case. */
  readonly wholeOffenders: () => ReadonlyArray<StoredOffender>
}

export class PeerStore extends Context.Service<PeerStore, {
  /** Empty on the first start. */
  readonly load: Effect.Effect<StoredPeers, PeerStoreError>
  /** Stores all of the changes or none. Calls are made one at a time. */
  readonly save: (peers: PeersToStore) => Effect.Effect<void, PeerStoreError>
}>()("timemesh/services/PeerStore") {}
