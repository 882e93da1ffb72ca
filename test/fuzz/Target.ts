/** What the fuzzer feeds: one target is one piece of code that must cope with whatever it is given. */
import { Data } from "effect"
import type { Random } from "./Mutator.ts"

export interface Target {
  readonly name: string
  /** In one line: what is fed and what must hold. */
  readonly about: string
  /** What `run` counts. */
  readonly unit: string
  /** How findings are written: `txt` when inputs are text that people edit. */
  readonly suffix: "bin" | "txt"
  /** Inputs longer than this are cut, bytes. */
  readonly mostBytes: number
  /** Fragments that mutation puts in: magic numbers, names, keywords. */
  readonly tokens: ReadonlyArray<Uint8Array>
  /** Inputs to start from: vectors and values generated from the schemas. The same seed gives the same. */
  readonly seeds: (seed: number) => ReadonlyArray<Uint8Array>
  /** A mutation that knows the structure of the input; `undefined`: it has none for this one. */
  readonly mutate: (input: Uint8Array, random: Random) => Uint8Array | undefined
  /**
   * Feeds one input and checks what must hold: throws when it does not. Returns how many inputs it counts for. Keeps
   * nothing: the same input does the same again.
   */
  readonly run: (input: Uint8Array) => number
}

/** Something that must hold does not. Any other exception out of `run` is a finding just as well. */
export class Violation extends Data.TaggedError("Violation")<{ readonly message: string }> {}

export const ensure: (holds: boolean, what: string | (() => string)) => asserts holds = (holds, what) => {
  if (!holds) throw new Violation({ message: typeof what === "string" ? what : what() })
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Structural equality of plain data; byte strings by their bytes, whatever kind of array holds them. */
export const same = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b)
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]))
  }
  const left = Object.entries(a)
  const right = new Map(Object.entries(b))
  return left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)))
}

/** For messages: as much of the value as fits a line. */
export const show = (value: unknown): string => {
  const text = JSON.stringify(
    value,
    (_, v: unknown) =>
      typeof v === "bigint" ? `${v}n` : v instanceof Uint8Array ? `0x${Buffer.from(v).toString("hex")}` : v
  ) ?? String(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

const encoder = new TextEncoder()
export const utf8 = (text: string): Uint8Array => encoder.encode(text)
