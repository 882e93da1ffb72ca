import * as crypto from "node:crypto"

/** SHA-256, without the hash of the chain: a node without one bundles no WebAssembly. */
export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const text = crypto.hash("sha256", bytes, "binary")
  const hash = new Uint8Array(32)
  for (let i = 0; i < 32; i++) hash[i] = text.charCodeAt(i)
  return hash
}
