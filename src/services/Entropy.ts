/**
 * What a node may not choose: nonces, its process id and its instance tags. A service, so that a simulation can seed it.
 *
 * **Shapes**: nonces are unsigned 64-bit; `process` is 16 hex digits, one per node; a tag is 32 hex digits, the same for
 * one peer as long as the node lives, and tells nothing to anyone else.
 */
import { Context } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"

export class Entropy extends Context.Service<Entropy, {
  readonly nonce: () => bigint
  /** Random bits of this node's life; a peer that sees them twice asks for a proof (`domain/peer/Sameness`). */
  readonly process: string
  /** HMAC of the peer's canonical address under a secret of this node's life. */
  readonly tagFor: (peer: PeerIp) => string
  /** As a tag, under a key that another process may know too. */
  readonly mac: (key: Uint8Array, input: Uint8Array) => string
}>()("timemesh/services/Entropy") {}
