/** Chance from a seed: independent streams by name, so that drawing from one does not disturb another. */
import { Effect, Random } from "effect"

/** A stream of its own. */
export const random = (seed: string): Random.Random =>
  Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))

/** Whole numbers from 0 to below the given one. */
export const below = (seed: string): (n: number) => number => {
  const from = random(seed)
  return (n) => Math.floor(from.nextDoubleUnsafe() * n)
}

/** Bytes that look random to everybody but the seed's owner. */
export const bytes = (seed: string): (size: number) => Uint8Array => {
  const draw = below(seed)
  return (size) => Uint8Array.from({ length: size }, () => draw(256))
}
