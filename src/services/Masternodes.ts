/**
 * The network's masternodes as this node knows them: one per IP, with the evidence for each. Present on a node whose set-up says
 * `masternodes`.
 *
 * **Shapes**: `MasternodeReport` is a snapshot, in the order of the IPs. **Concurrency**: reading never waits.
 */
import type { Effect } from "effect"
import { Context } from "effect"
import type { Key, Outpoint, Tier } from "../domain/masternode/Masternode.ts"
import type { MasternodeReport } from "../domain/masternode/MasternodeReport.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"

export class Masternodes extends Context.Service<Masternodes, {
  readonly report: Effect.Effect<MasternodeReport>
  /** Addresses of the live masternodes, in the order of the IPs. */
  readonly live: Effect.Effect<ReadonlyArray<PeerIp>>
}>()("timemesh/services/Masternodes") {}

/** The masternode that a node announces itself as. */
export interface OwnMasternode {
  readonly key: Key
  readonly tier: Tier
  /** Present if and only if the tier is paid. */
  readonly collateral?: Outpoint
  /** TIME address for block rewards, as announced to the TIME network. Default: the address of `key`. */
  readonly rewards?: string
  /** The key's signature, 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** `undefined`: the node is not a masternode. Provided to one node with `Layer.succeed`. */
export const OwnMasternode: Context.Reference<OwnMasternode | undefined> = Context.Reference(
  "timemesh/services/OwnMasternode",
  { defaultValue: (): OwnMasternode | undefined => undefined }
)
