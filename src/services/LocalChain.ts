/**
 * What a node's handshake says about its own chain. Written by sync, read by the handshake.
 *
 * **Concurrency**: plain values, replaced at once.
 */
import { Context } from "effect"
import type { SyncTip } from "../domain/sync/SyncState.ts"

export class LocalChain extends Context.Service<LocalChain, {
  /** Tip of the stored chain; the genesis on a node without a chain. */
  readonly tip: () => SyncTip
  readonly setTip: (tip: SyncTip) => void
  /** Bits for `Hello.capabilities`, in addition to those that every node sets. */
  readonly capabilities: number
}>()("timemesh/services/LocalChain") {}
