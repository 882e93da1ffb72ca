/** Chance as misbehaving peers use it. All of it comes from one `Random`, so that a run can be repeated from its seed. */
import type { Random } from "effect"
import { Hex } from "effect/encoding"

export interface Draw {
  /** A whole number from 0 to below `n`. */
  readonly below: (n: number) => number
  /** A whole number from `least` to `most`, both included. */
  readonly between: (least: number, most: number) => number
  /** As `between`, but short ones as likely as long ones: uniform in the logarithm. `least` is over 0. */
  readonly spread: (least: number, most: number) => number
  /** True with this probability. */
  readonly chance: (p: number) => boolean
  readonly pick: <A>(from: readonly [A, ...ReadonlyArray<A>]) => A
  readonly bytes: (size: number) => Uint8Array
  /** So many random bytes as lower-case hex. */
  readonly hex: (size: number) => string
  readonly u64: () => bigint
}

export const make = (random: Random.Random): Draw => {
  const double = () => random.nextDoubleUnsafe()
  const below = (n: number) => Math.floor(double() * n)
  const bytes = (size: number) => {
    const out = new Uint8Array(size)
    for (let at = 0; at < size; at += 4) {
      const word = below(2 ** 32)
      for (let i = 0; i < 4 && at + i < size; i++) out[at + i] = word >>> (8 * i)
    }
    return out
  }
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    spread: (least, most) => Math.min(most, Math.floor(least * (most / least) ** double())),
    chance: (p) => double() < p,
    pick: (from) => from[below(from.length)] ?? from[0],
    bytes,
    hex: (size) => Hex.encode(bytes(size)),
    u64: () => (BigInt(below(2 ** 32)) << 32n) | BigInt(below(2 ** 32))
  }
}
