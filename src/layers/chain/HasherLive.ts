/**
 * The chain's cryptography as fast as this platform has it: SHA-256 by OpenSSL in one call (as text, because a result of 32
 * bytes as text costs a tenth of one as a Buffer), BLAKE3 by WebAssembly, Ed25519 by OpenSSL.
 */
import { Effect } from "effect"
import { createBLAKE3 } from "hash-wasm"
import { Buffer } from "node:buffer"
import * as crypto from "node:crypto"
import type { Hasher } from "../../domain/chain/Hasher.ts"

/** For what needs no other hash: it takes no making. */
export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const text = crypto.hash("sha256", bytes, "binary")
  const hash = new Uint8Array(32)
  for (let i = 0; i < 32; i++) hash[i] = text.charCodeAt(i)
  return hash
}

const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  try {
    const x = Buffer.from(publicKey).toString("base64url")
    const key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })
    return crypto.verify(null, message, key, signature)
  } catch {
    // Not 32 bytes.
    return false
  }
}

let instance: Hasher | undefined

/**
 * Only making the WebAssembly instance takes time; hashing is synchronous, so one instance serves everybody, and whoever
 * asks after the first gets it at once.
 */
export const make: Effect.Effect<Hasher> = Effect.suspend(() =>
  instance !== undefined ? Effect.succeed(instance) : Effect.map(
    Effect.promise(() => createBLAKE3()),
    (blake3): Hasher =>
      instance ??= { blake3: (bytes) => blake3.init().update(bytes).digest("binary"), sha256, verifyEd25519 }
  )
)
