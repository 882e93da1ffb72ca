/** Randomness from a seed: independent streams by name, so that drawing from one does not disturb another. */
import { Effect, Random } from "effect"

/** An independent stream. */
export const random = (seed: string): Random.Random =>
  Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))

/** Whole numbers from 0 to below the argument. */
export const below = (seed: string): (n: number) => number => {
  const from = random(seed)
  return (n) => Math.floor(from.nextDoubleUnsafe() * n)
}

/** Bytes that look random without knowledge of the seed. */
export const bytes = (seed: string): (size: number) => Uint8Array => {
  const from = random(seed)
  return (size) => {
    const words = new Int32Array(Math.ceil(size / 4))
    for (let i = 0; i < words.length; i++) words[i] = from.nextDoubleUnsafe() * 2 ** 32
    return new Uint8Array(words.buffer, 0, size)
  }
}
