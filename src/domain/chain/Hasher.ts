/**
 * The chain's cryptography, passed in: two hash functions, whose fast forms come from the platform (SHA-256) and a WebAssembly instance
 * (BLAKE3), and a signature check. All are built in a layer.
 *
 * **Ownership.** The input is read before the call returns and never kept (callers reuse the buffer). The result is a
 * fresh array of 32 bytes that belongs to the caller.
 *
 * **Concurrency.** Synchronous; an implementation may share one instance, because no call can interleave with another.
 */
export interface Hasher {
  readonly blake3: (bytes: Uint8Array) => Uint8Array
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  /** Whether the Ed25519 signature (64 bytes) over the message is valid for the key (32 bytes). False for bytes that are not a key. */
  readonly verifyEd25519: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
}
