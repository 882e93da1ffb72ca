/**
 * The two hash functions of the chain, passed in: their fast forms are a platform's (SHA-256) and a WebAssembly instance
 * (BLAKE3), both made in a layer.
 *
 * **Ownership.** The input is read before the call returns and never kept (callers reuse the buffer). The result is a
 * fresh array of 32 bytes that belongs to the caller.
 *
 * **Concurrency.** Synchronous; an implementation may share one instance, because no call can interleave with another.
 */
export interface Hasher {
  readonly blake3: (bytes: Uint8Array) => Uint8Array
  readonly sha256: (bytes: Uint8Array) => Uint8Array
}
