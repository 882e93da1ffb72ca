/**
 * What a node remembers of masternodes across restarts. A reference: without a provided store, a node remembers nothing.
 *
 * **Errors**: a store that cannot be read or written causes a warning and never stops the node, which gets announcements from its peers.
 */
import { Context, Effect } from "effect"
import type { Announcement, Key } from "../domain/masternode/Masternode.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { PeerStoreError } from "./PeerStore.ts"

/** A key's claim to be at an IP. Stored claims prove nothing: the signature is verified again when they are read. */
export interface StoredMasternode {
  readonly announcement: Announcement
  /** `at` of its earliest announcement. */
  readonly firstAt: number
  /** The key has been proved on a connection. */
  readonly isProven: boolean
}

export interface MasternodeStore {
  /** Empty on the first start. Rows that cannot be read are left out. */
  readonly load: Effect.Effect<ReadonlyArray<StoredMasternode>, PeerStoreError>
  /** Stores all of the changes or none. Calls are made one at a time. */
  readonly save: (
    changed: ReadonlyArray<StoredMasternode>,
    removed: ReadonlyArray<{ readonly ip: PeerIp; readonly key: Key }>
  ) => Effect.Effect<void, PeerStoreError>
}

export const MasternodeStore: Context.Reference<MasternodeStore> = Context.Reference(
  "timemesh/services/MasternodeStore",
  { defaultValue: (): MasternodeStore => ({ load: Effect.succeed([]), save: () => Effect.void }) }
)
