/**
 * What a node remembers of masternodes across restarts. A reference: a node for which nothing is provided remembers nothing.
 *
 * **Errors**: a store that cannot be read or written is a warning, never a stop: the node hears announcements from its peers.
 */
import { Context, Effect } from "effect"
import type { Announcement, Key } from "../domain/masternode/Masternode.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { PeerStoreError } from "./PeerStore.ts"

/** A key's claim to be at an IP. What is stored proves nothing: the signature is verified again when it is read. */
export interface StoredMasternode {
  readonly announcement: Announcement
  /** `at` of the earliest announcement of it. */
  readonly firstAt: number
  /** The key was proved on a connection once. */
  readonly isProven: boolean
}

export interface MasternodeStore {
  /** Empty on the first start. Rows that cannot be read are left out. */
  readonly load: Effect.Effect<ReadonlyArray<StoredMasternode>, PeerStoreError>
  /** Stores the changes, all of them or none. Calls are one after the other. */
  readonly save: (
    changed: ReadonlyArray<StoredMasternode>,
    removed: ReadonlyArray<{ readonly ip: PeerIp; readonly key: Key }>
  ) => Effect.Effect<void, PeerStoreError>
}

export const MasternodeStore: Context.Reference<MasternodeStore> = Context.Reference(
  "timemesh/services/MasternodeStore",
  { defaultValue: (): MasternodeStore => ({ load: Effect.succeed([]), save: () => Effect.void }) }
)
