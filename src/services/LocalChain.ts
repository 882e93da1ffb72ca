/**
 * What a node tells peers of its own chain when they meet. Written by sync, read by the handshake.
 *
 * **Concurrency**: plain values, replaced at once.
 */
import { Context } from "effect"
import type { SyncTip } from "../domain/sync/SyncState.ts"

export class LocalChain extends Context.Service<LocalChain, {
  /** Tip of what is stored; the genesis on a node without a chain. */
  readonly tip: () => SyncTip
  readonly setTip: (tip: SyncTip) => void
  /** Bits for `Hello.capabilities`, beside those that every node has. */
  readonly capabilities: number
}>()("timemesh/services/LocalChain") {}
