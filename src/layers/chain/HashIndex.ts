/**
 * Heights by hash (of a block or a transaction), in memory. Only 42 bits of each hash are kept, so a height found is a candidate
 * until it is compared with what is stored there. Entries are never removed: after a rewind the comparison fails.
 *
 * About 16–24 bytes per block. An index on disk would use less memory, but hashes are random: at a million blocks each row
 * would write a page of its own, eight times the size of the blocks.
 */

/** Open addressing: pairs of (32 bits of the hash, height + 1); 0 marks a free slot. At most three quarters full. */
interface Segment {
  slots: Uint32Array
  used: number
}

/** Segments by the first 10 bits of the hash. Each grows alone, so that no growth takes long. */
export interface HashIndex {
  readonly segments: Array<Segment | undefined>
}

const segmentBits = 10
const firstPairs = 16

export const make = (): HashIndex => ({
  segments: Array.from({ length: 1 << segmentBits }, (): Segment | undefined => undefined)
})

const place = ({ slots }: Segment, key: number, value: number): boolean => {
  const last = slots.length - 2
  let at = (key << 1) & last
  while (slots[at + 1] !== 0) {
    if (slots[at] === key && slots[at + 1] === value) return false
    at = (at + 2) & last
  }
  slots[at] = key
  slots[at + 1] = value
  return true
}

const grow = (segment: Segment) => {
  const old = segment.slots
  segment.slots = new Uint32Array(old.length * 2)
  for (let i = 0; i < old.length; i += 2) {
    const [key = 0, value = 0] = [old[i], old[i + 1]]
    if (value !== 0) place(segment, key, value)
  }
}

/** `high` and `low`: the first eight bytes of the hash as two unsigned big-endian numbers. */
const addWords = (index: HashIndex, high: number, low: number, height: number): void => {
  const number = high >>> (32 - segmentBits)
  const segment = index.segments[number] ??= { slots: new Uint32Array(2 * firstPairs), used: 0 }
  if (!place(segment, low, height + 1)) return
  segment.used += 1
  if (segment.used * 8 >= segment.slots.length * 3) grow(segment)
}

const word = (hash: string, from: number) => Number.parseInt(hash.slice(from, from + 8), 16)

/** `hash`: 64 hex digits. */
export const add = (index: HashIndex, hash: string, height: number): void =>
  addWords(index, word(hash, 0), word(hash, 8), height)

/** `hash`: 32 bytes. */
export const addBytes = (index: HashIndex, hash: Uint8Array, height: number): void => {
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
  addWords(index, view.getUint32(0), view.getUint32(4), height)
}

/** Heights at which the hash may be: rarely more than one. */
export const candidates = (index: HashIndex, hash: string): ReadonlyArray<number> => {
  const segment = index.segments[word(hash, 0) >>> (32 - segmentBits)]
  if (segment === undefined) return []
  const { slots } = segment
  const key = word(hash, 8)
  const last = slots.length - 2
  const found: Array<number> = []
  for (let at = (key << 1) & last; slots[at + 1] !== 0; at = (at + 2) & last) {
    if (slots[at] === key) found.push((slots[at + 1] ?? 0) - 1)
  }
  return found
}
