/**
 * Random values that a node must not choose itself: nonces, its process id and its instance tags. A service, so that a simulation can seed
 * it.
 *
 * **Shapes**: nonces are unsigned 64-bit; `process` is 16 hex digits, one per node. A tag is 32 hex digits, constant for one peer during
 * the node's life, and meaningless to any other host.
 */
import { Context } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"

export class Entropy extends Context.Service<Entropy, {
  readonly nonce: () => bigint
  /** Random id of this run of the node; a peer that sees it twice asks for a proof (`domain/peer/AliasProof`). */
  readonly process: string
  /** HMAC of the peer's canonical address under a secret of this run. */
  readonly tagFor: (peer: PeerIp) => string
  /** As `tagFor`, under a key that another process may know too. */
  readonly mac: (key: Uint8Array, input: Uint8Array) => string
}>()("timemesh/services/Entropy") {}
