/**
 * The chain's cryptography at the best speed of this platform: SHA-256 by OpenSSL in one call, BLAKE3 by WebAssembly, Ed25519 by
 * OpenSSL. SHA-256 results pass as text: 32 bytes as text cost a tenth of a Buffer.
 */
import { Effect } from "effect"
import { createBLAKE3 } from "hash-wasm"
import { Buffer } from "node:buffer"
import * as crypto from "node:crypto"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import { sha256 } from "../crypto/sha256.ts"

const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  try {
    const x = Buffer.from(publicKey).toString("base64url")
    const key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })
    return crypto.verify(null, message, key, signature)
  } catch {
    // The key is not 32 bytes.
    return false
  }
}

let instance: Hasher | undefined

/**
 * Only creating the WebAssembly instance takes time. Hashing is synchronous, so one instance serves all callers, and every call
 * after the first returns it at once.
 */
export const make: Effect.Effect<Hasher> = Effect.suspend(() =>
  instance !== undefined ? Effect.succeed(instance) : Effect.map(
    Effect.promise(() => createBLAKE3()),
    (blake3): Hasher =>
      instance ??= { blake3: (bytes) => blake3.init().update(bytes).digest("binary"), sha256, verifyEd25519 }
  )
)
