/**
 * Verifies Ed25519 signatures (RFC 8032).
 *
 * **Shapes**: a signature has 64 bytes; a key is 64 hex digits. Keys of small order, for which anyone can sign, verify nothing.
 * **Concurrency**: `done` is called once, later or during the call. The caller bounds the number of verifications in flight.
 */
import { Context } from "effect"
import type { Key } from "../domain/masternode/Masternode.ts"

export class Signatures extends Context.Service<Signatures, {
  readonly verify: (key: Key, message: Uint8Array, signature: Uint8Array, done: (isRight: boolean) => void) => void
}>()("timemesh/services/Signatures") {}
