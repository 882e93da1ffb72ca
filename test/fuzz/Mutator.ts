/** Makes inputs from inputs: bytes without knowledge of what they mean, and plain values as such. */

/** Uniform in 0…n−1. */
export type Random = (n: number) => number

export const pick = <A>(random: Random, from: ReadonlyArray<A>): A | undefined => from[random(from.length)]

/** Lengths and counts at which code tends to be wrong. */
const edges: ReadonlyArray<number> = [
  ..."0 1 2 3 4 7 8 15 16 31 32 33 63 64 127 128 255 256 4095 4096 4097 65535 65536".split(" ").map(Number),
  ...[20, 23, 24, 31, 32, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
]

export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  let bytes = 0
  for (const part of parts) bytes += part.length
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Puts an edge value, or something near the number that is there, into 1, 2, 4 or 8 bytes. */
const putNumber = (bytes: Uint8Array, random: Random): Uint8Array => {
  const width = 2 ** random(4)
  if (bytes.length < width) return bytes
  const at = random(bytes.length - width + 1)
  const changed = bytes.slice()
  const view = new DataView(changed.buffer)
  const little = random(2) === 0
  if (width === 8) {
    const old = view.getBigUint64(at, little)
    const value = random(2) === 0 ? BigInt(pick(random, edges) ?? 0) : old + BigInt(random(33) - 16)
    view.setBigUint64(at, BigInt.asUintN(64, random(6) === 0 ? -value : value), little)
    return changed
  }
  const near = random(33) - 16
  const edge = pick(random, edges) ?? 0
  if (width === 4) view.setUint32(at, random(2) === 0 ? edge : view.getUint32(at, little) + near, little)
  else if (width === 2) view.setUint16(at, random(2) === 0 ? edge : view.getUint16(at, little) + near, little)
  else view.setUint8(at, random(2) === 0 ? edge : view.getUint8(at) + near)
  return changed
}

/** One change of bytes. `others`: a source of inputs to splice with. */
const change = (
  bytes: Uint8Array,
  random: Random,
  tokens: ReadonlyArray<Uint8Array>,
  others: () => Uint8Array
): Uint8Array => {
  const at = random(bytes.length + 1)
  const length = Math.min(1 + random(random(4) === 0 ? 64 : 8), bytes.length - at)
  switch (random(11)) {
    case 0: {
      const changed = bytes.slice()
      if (changed.length > 0) changed[random(changed.length)] = random(256)
      return changed
    }
    case 1: {
      const changed = bytes.slice()
      const i = random(changed.length)
      if (changed.length > 0) changed[i] = (changed[i] ?? 0) ^ (1 << random(8))
      return changed
    }
    case 2:
    case 3:
      return putNumber(bytes, random)
    case 4:
      return concat(bytes.subarray(0, at), bytes.subarray(at + length))
    case 5:
      return concat(bytes.subarray(0, at + length), bytes.subarray(at))
    case 6:
      return concat(
        bytes.subarray(0, at),
        Uint8Array.from({ length: 1 + random(8) }, () => random(256)),
        bytes.subarray(at)
      )
    case 7: {
      const token = pick(random, tokens) ?? new Uint8Array(0)
      return concat(bytes.subarray(0, at), token, bytes.subarray(random(2) === 0 ? at : at + token.length))
    }
    case 8: {
      const other = others()
      const from = random(other.length + 1)
      const to = from + random(other.length - from + 1)
      return concat(
        bytes.subarray(0, at),
        other.subarray(from, to),
        bytes.subarray(random(2) === 0 ? at : at + to - from)
      )
    }
    case 9:
      return random(3) === 0 ? bytes.slice(0, at) : concat(bytes.subarray(0, at), others().subarray(at))
    default: {
      const changed = bytes.slice()
      changed.copyWithin(random(bytes.length + 1), at, at + length)
      return changed
    }
  }
}

/** One to some changes of the bytes. */
export const bytes = (
  input: Uint8Array,
  random: Random,
  tokens: ReadonlyArray<Uint8Array>,
  others: () => Uint8Array
): Uint8Array => {
  let changed = input
  for (let n = 1 + random(random(3) === 0 ? 8 : 2); n > 0; n--) changed = change(changed, random, tokens, others)
  return changed
}

const texts = ["", "x", "10.0.0.2", "é", "\u0000", "\ud83d\ude00", "a\nb", "x".repeat(70), "é".repeat(200)]

/** Another value instead of a leaf, of the same type. */
const leaf = (value: unknown, random: Random): unknown => {
  switch (typeof value) {
    case "number":
      return random(2) === 0 ? pick(random, edges) : value + random(5) - 2
    case "bigint":
      return random(2) === 0 ? BigInt(pick(random, edges) ?? 0) : BigInt.asUintN(64, value + BigInt(random(5) - 2))
    case "boolean":
      return !value
    case "string":
      return random(2) === 0 ? pick(random, texts) : value + (pick(random, texts) ?? "")
    default:
      return value instanceof Uint8Array ? bytes(value, random, [], () => value) : value
  }
}

const isLeaf = (value: unknown): boolean => typeof value !== "object" || value === null || value instanceof Uint8Array

const list = (items: ReadonlyArray<unknown>, random: Random): ReadonlyArray<unknown> => {
  const at = random(items.length + 1)
  if (items.length === 0) return items
  switch (random(4)) {
    case 0:
      return items.toSpliced(at, 1)
    case 1:
      return items.toSpliced(at, 0, items[random(items.length)])
    case 2:
      return items.toSpliced(at, 0, ...Array.from({ length: random(80) }, () => items[0]))
    default:
      return items.toReversed()
  }
}

/** A plain value with one place changed: a leaf replaced, or an element of a list dropped, doubled or moved. */
export const value = (input: unknown, random: Random): unknown => {
  if (isLeaf(input)) return leaf(input, random)
  if (Array.isArray(input)) {
    if (input.length === 0 || random(3) === 0) return list(input, random)
    const at = random(input.length)
    return input.with(at, value(input[at], random))
  }
  if (typeof input !== "object" || input === null) return input
  const entries = Object.entries(input).filter(([key]) => key !== "_tag")
  const entry = pick(random, entries)
  return entry === undefined ? input : { ...input, [entry[0]]: value(entry[1], random) }
}
