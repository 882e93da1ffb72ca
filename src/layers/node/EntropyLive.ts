/** `Entropy` from `RandomBytes`, a secure random source; every layer has its own secret and process id. */
import { Effect, Layer } from "effect"
import { Hex } from "effect/encoding"
import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import { Entropy } from "../../services/Entropy.ts"
import { RandomBytes } from "../../services/RandomBytes.ts"

/** Synchronous: a tag is computed within a step that must not be interrupted. */
const mac = (key: Uint8Array | KeyObject, input: Uint8Array): string =>
  createHmac("sha256", key).update(input).digest("hex").slice(0, 32)

const make = (randomBytes: (size: number) => Uint8Array) => {
  // A key object: creating one costs many times as much as a tag, and every Hello needs a tag.
  const secret = createSecretKey(randomBytes(32))
  let block = new DataView(new ArrayBuffer(0))
  let at = 0
  return Entropy.of({
    process: Hex.encode(randomBytes(8)),
    nonce: () => {
      if (at + 8 > block.byteLength) {
        block = new DataView(Uint8Array.from(randomBytes(Limits.entropyBlockBytes)).buffer)
        at = 0
      }
      const nonce = block.getBigUint64(at)
      at += 8
      return nonce
    },
    tagFor: (peer) => mac(secret, Handshake.instanceTagInput(peer)),
    mac
  })
}

/** A function: two nodes in one process must not share a secret. */
export const layer = (): Layer.Layer<Entropy> => Layer.effect(Entropy, Effect.map(RandomBytes, make))
