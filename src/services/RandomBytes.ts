/** Source of a node's secrets: the platform's secure random source, unless a simulation seeds it. */
import { Context } from "effect"
import { SecureRandom } from "effect/crypto"

/** `size` fresh bytes that belong to the caller. */
export const RandomBytes: Context.Reference<(size: number) => Uint8Array> = Context.Reference(
  "timemesh/services/RandomBytes",
  { defaultValue: () => SecureRandom.randomBytesUnsafe }
)
