/**
 * Exact 64-bit integers that cost nothing extra while they are small.
 *
 * A value is a `number` if and only if it is a safe integer, else a `bigint`. So equal values are `===`, `<` and `>` compare across the two
 * types, and `${n}` is the decimal number. Only arithmetic needs the functions here.
 */

/** 0 … 2^64 − 1. */
export type U64 = number | bigint

/** −2^63 … 2^63 − 1. */
export type I64 = number | bigint

/** The canonical form of a value. */
export const of = (n: bigint): U64 => {
  const small = Number(n)
  return Number.isSafeInteger(small) ? small : n
}

/** From the two 32-bit halves; `high` is signed for an `I64`. */
export const fromHalves = (high: number, low: number): U64 => {
  const small = high * 4_294_967_296 + low
  return Number.isSafeInteger(small) ? small : (BigInt(high) << 32n) | BigInt(low)
}

/** Exact, never wrapped: a sum above 2^64 − 1 stays that large. */
export const add = (a: U64, b: U64): U64 => {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return of(BigInt(a) + BigInt(b))
}

/** Exact; `a` must be at least `b`. */
export const subtract = (a: U64, b: U64): U64 =>
  typeof a === "number" && typeof b === "number" ? a - b : of(BigInt(a) - BigInt(b))

export const max = 2n ** 64n - 1n
