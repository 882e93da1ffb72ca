/** Random numbers in the shapes that fault plans and hostile peers need, all from one stream: the same stream gives the same draws. */
import { Hex } from "effect/encoding"

/** Minimum and maximum of a number, both inclusive. */
export type Range = readonly [least: number, most: number]

export interface Rng {
  /** A number from 0 to below `most`. */
  readonly upTo: (most: number) => number
  /** A whole number from 0 to below `n`. */
  readonly below: (n: number) => number
  /** A whole number from `least` to `most`, both inclusive. */
  readonly between: (...range: Range) => number
  /** A whole number, log-uniform: each order of magnitude is equally likely. `least` must be greater than 0. */
  readonly spread: (...range: Range) => number
  /** True with this probability. */
  readonly happens: (probability: number) => boolean
  readonly pick: <A>(from: readonly [A, ...ReadonlyArray<A>]) => A
  /** This many of the items, all different, in random order. */
  readonly some: <A>(items: ReadonlyArray<A>, count: number) => ReadonlyArray<A>
  /** The time to the next event of a Poisson process with this mean. */
  readonly exponential: (mean: number) => number
  readonly bytes: (size: number) => Uint8Array
  /** This many random bytes as lower-case hex. */
  readonly hex: (size: number) => string
  readonly u64: () => bigint
}

/** @param draw uniform in [0, 1) */
export const make = (draw: () => number): Rng => {
  const below = (n: number) => Math.floor(draw() * n)
  const bytes = (size: number) => {
    const out = new Uint8Array(size)
    for (let at = 0; at < size; at += 4) {
      const word = below(2 ** 32)
      for (let i = 0; i < 4 && at + i < size; i++) out[at + i] = word >>> (8 * i)
    }
    return out
  }
  return {
    upTo: (most) => draw() * most,
    below,
    between: (least, most) => least + below(most - least + 1),
    spread: (least, most) => Math.min(most, Math.round(least * Math.exp(draw() * Math.log(most / least)))),
    happens: (probability) => draw() < probability,
    pick: (from) => from[below(from.length)] ?? from[0],
    some: (items, count) => {
      const left = [...items]
      return Array.from({ length: Math.min(count, items.length) }, () => left.splice(below(left.length), 1)).flat()
    },
    exponential: (mean) => -mean * Math.log(1 - draw()),
    bytes,
    hex: (size) => Hex.encode(bytes(size)),
    u64: () => (BigInt(below(2 ** 32)) << 32n) | BigInt(below(2 ** 32))
  }
}
