/** The encoding's reader and writer, one value at a time: their bounds, what a fault leaves behind, and buffers used again. */
import { assert, describe, it } from "@effect/vitest"
import { Reader, Writer } from "../../../src/domain/chain/Bincode.ts"
import * as Limits from "../../../src/domain/Limits.ts"

const most = 2n ** 64n - 1n

/** A u64 as its eight bytes, then more bytes. */
const counted = (n: bigint, ...more: ReadonlyArray<number>): Uint8Array => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(n)
  return Uint8Array.of(...bytes, ...more)
}
/** What a read gives, the fault and its place, and where the reader is then. */
const reading = <A>(bytes: Uint8Array, read: (reader: Reader) => A) => {
  const reader = new Reader(bytes)
  const value = read(reader)
  return { value, failed: reader.failed, failedAt: reader.failedAt, at: reader.at }
}
const good = <A>(value: A, at: number) => ({ value, failed: undefined, failedAt: 0, at })
const bad = <A>(value: A, failed: string, failedAt: number, end: number) => ({ value, failed, failedAt, at: end })

describe("Reader", () => {
  it("reads little-endian numbers of each width, to the last byte", () => {
    const bytes = Uint8Array.of(0xfe, 1, 2, 3, 4, 5, 6, 7)
    assert.deepStrictEqual(reading(bytes, (reader) => reader.u8()), good(0xfe, 1))
    assert.deepStrictEqual(reading(bytes, (reader) => reader.u32()), good(0x0302_01fe, 4))
    assert.deepStrictEqual(reading(bytes, (reader) => reader.u64()), good(0x0706_0504_0302_01fen, 8))
    assert.deepStrictEqual(reading(new Uint8Array(8).fill(0xff), (reader) => reader.u64()), good(most, 8))
    assert.deepStrictEqual(reading(new Uint8Array(8).fill(0xff), (reader) => reader.i64()), good(-1, 8))
  })

  it("cannot read one byte too many: the value is empty, and the reader at its end", () => {
    const reads: ReadonlyArray<readonly [bytes: number, read: (reader: Reader) => unknown, empty: unknown]> = [
      [1, (reader) => reader.u8(), 0],
      [4, (reader) => reader.u32(), 0],
      [8, (reader) => reader.u64(), 0],
      [8, (reader) => reader.i64(), 0],
      [8, (reader) => reader.count(0), 0],
      [1, (reader) => reader.bool(), false],
      [1, (reader) => reader.some(), false],
      [5, (reader) => [...reader.raw(5)], []],
      [32, (reader) => [...reader.hash()], []],
      [3, (reader) => reader.textOf(3), ""]
    ]
    for (const [bytes, read, empty] of reads) {
      assert.deepStrictEqual(
        reading(new Uint8Array(bytes - 1), read),
        bad(empty, "truncated", 0, bytes - 1),
        `${bytes} bytes`
      )
      assert.isUndefined(reading(new Uint8Array(bytes), read).failed, `${bytes} bytes`)
    }
  })

  it("reads a part of a buffer, and nothing beyond it", () => {
    const buffer = Uint8Array.of(9, 9, 1, 2, 3, 9, 9).subarray(1)
    const reader = new Reader(buffer, 1, 4)
    assert.strictEqual(reader.left, 3)
    assert.deepStrictEqual([...reader.raw(2)], [1, 2])
    assert.deepStrictEqual([reader.at, reader.left], [3, 1])
    const read = reader.slice(1, 4)
    assert.deepStrictEqual([...read], [1, 2, 3])
    assert.strictEqual(read.buffer, buffer.buffer, "a view")
    assert.strictEqual(reader.u8(), 3)
    assert.strictEqual(reader.u8(), 0)
    assert.deepStrictEqual([reader.failed, reader.failedAt, reader.left], ["truncated", 4, 0])
  })

  it("keeps its first fault, and reads nothing after it", () => {
    const reader = new Reader(Uint8Array.of(7, 1, 2, 3, 4, 5, 6, 7, 8, 9))
    assert.strictEqual(reader.bool(), false)
    assert.deepStrictEqual([reader.failed, reader.failedAt, reader.left], ["a bool of 7", 1, 0])
    reader.fail("another")
    for (const value of [reader.u8(), reader.u32(), reader.u64(), reader.i64(), reader.small("x"), reader.count(1)]) {
      assert.strictEqual(value, 0)
    }
    assert.deepStrictEqual([reader.text(), reader.some(), reader.maybeBool()], ["", false, undefined])
    assert.deepStrictEqual([reader.hash(), reader.vec(), reader.raw(0)].map(({ length }) => length), [0, 0, 0])
    assert.deepStrictEqual([reader.failed, reader.failedAt], ["a bool of 7", 1])
  })

  it("takes nothing for no bytes, at the end as well, and keeps no buffer for them", () => {
    const reader = new Reader(new Uint8Array(0))
    assert.strictEqual(reader.raw(0).length, 0)
    assert.notStrictEqual(reader.raw(0).buffer, reader.bytes.buffer)
    assert.strictEqual(reader.textOf(0), "")
    assert.isUndefined(reader.failed)
  })

  it("reads from the first byte on", () => {
    assert.deepStrictEqual(reading(Uint8Array.of(1, 2), (reader) => [...reader.raw(2)]), good([1, 2], 2))
    assert.deepStrictEqual(reading(Uint8Array.of(0x61, 2), (reader) => reader.textOf(1)), good("a", 1))
  })

  it("has bools and options of 0 and 1 alone", () => {
    assert.deepStrictEqual(reading(Uint8Array.of(0), (reader) => reader.bool()), good(false, 1))
    assert.deepStrictEqual(reading(Uint8Array.of(1), (reader) => reader.bool()), good(true, 1))
    assert.deepStrictEqual(reading(Uint8Array.of(2), (reader) => reader.bool()), bad(false, "a bool of 2", 1, 1))
    assert.deepStrictEqual(reading(Uint8Array.of(0), (reader) => reader.some()), good(false, 1))
    assert.deepStrictEqual(reading(Uint8Array.of(1), (reader) => reader.some()), good(true, 1))
    assert.deepStrictEqual(reading(Uint8Array.of(2), (reader) => reader.some()), bad(false, "an Option tag of 2", 1, 1))
    const maybe = (...bytes: ReadonlyArray<number>) => reading(Uint8Array.from(bytes), (reader) => reader.maybeBool())
    assert.deepStrictEqual(maybe(0, 1), good(undefined, 1))
    assert.deepStrictEqual(maybe(1, 0), good(false, 2))
    assert.deepStrictEqual(maybe(1, 1), good(true, 2))
    assert.deepStrictEqual(maybe(1), bad(false, "truncated", 1, 1))
  })

  it("takes safe integers for heights and times, and names the others", () => {
    const small = (n: bigint, signed?: boolean) =>
      reading(counted(BigInt.asUintN(64, n)), (reader) => reader.small("height", signed))
    const safe = BigInt(Number.MAX_SAFE_INTEGER)
    assert.deepStrictEqual(small(safe), good(Number.MAX_SAFE_INTEGER, 8))
    assert.deepStrictEqual(small(safe + 1n), bad(0, "height 9007199254740992 is out of range", 8, 8))
    assert.deepStrictEqual(small(most), bad(0, "height 18446744073709551615 is out of range", 8, 8))
    assert.deepStrictEqual(small(-safe, true), good(-Number.MAX_SAFE_INTEGER, 8))
    assert.deepStrictEqual(small(-1n, true), good(-1, 8))
    assert.deepStrictEqual(small(-safe - 1n, true), bad(0, "height -9007199254740992 is out of range", 8, 8))
  })

  it("compares a count with what is left, by the least size of an element", () => {
    const count = (n: bigint, least: number, left = 8) =>
      reading(counted(n, ...new Uint8Array(left)), (reader) => reader.count(least))
    const beyond = "a count of more elements than bytes"
    assert.deepStrictEqual(count(4n, 2), good(4, 8))
    assert.deepStrictEqual(count(5n, 2), bad(0, beyond, 8, 16))
    assert.deepStrictEqual(count(2n, 4, 7), bad(0, beyond, 8, 15))
    assert.deepStrictEqual(count(0n, 4, 0), good(0, 8))
    assert.deepStrictEqual(count(0x300n, 1, 0x300), good(0x300, 8))
    // The high half counts: 2^32 elements are not zero elements.
    for (const n of [2n ** 32n, 2n ** 32n + 4n, 2n ** 63n, most]) {
      assert.deepStrictEqual(count(n, 1), bad(0, beyond, 8, 16), `${n}`)
    }
  })

  it("reads bytes and text of a length, to the last byte of them", () => {
    assert.deepStrictEqual(reading(counted(2n, 5, 6, 7), (reader) => [...reader.vec()]), good([5, 6], 10))
    assert.deepStrictEqual(reading(counted(2n, 0x61, 0x62, 7), (reader) => reader.text()), good("ab", 10))
    assert.deepStrictEqual(reading(counted(0n), (reader) => reader.text()), good("", 8))
    const beyond = "a count of more elements than bytes"
    assert.deepStrictEqual(reading(counted(2n, 5), (reader) => [...reader.vec()]), bad([], beyond, 8, 9))
    assert.deepStrictEqual(reading(counted(2n, 5), (reader) => reader.text()), bad("", beyond, 8, 9))
  })

  it("reads text of any length as UTF-8, a byte order mark included, and names where ill-formed text begins", () => {
    const text = (text: string) => {
      const bytes = Buffer.from(text)
      return reading(Uint8Array.of(9, 9, ...bytes, 9), (reader) => {
        reader.raw(2)
        return reader.textOf(bytes.length)
      })
    }
    const short = Limits.shortTextBytes
    const texts = [
      "\u007f",
      "\u0080",
      "é",
      "\ufeffa",
      "x".repeat(short),
      "x".repeat(short + 1),
      "é".repeat(short),
      "😀"
    ]
    for (const one of texts) assert.deepStrictEqual(text(one), good(one, 2 + Buffer.byteLength(one)))
    for (const bytes of [[0x61, 0xff], [0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      const read = reading(Uint8Array.of(9, 9, ...bytes, 9), (reader) => {
        reader.raw(2)
        return reader.textOf(bytes.length)
      })
      assert.deepStrictEqual(read, bad("", "ill-formed UTF-8", 2, bytes.length + 3))
    }
  })
})

/** What a write appends to a writer that has to grow for nearly every byte. */
const written = (write: (writer: Writer) => void): ReadonlyArray<number> => {
  const writer = new Writer(1)
  writer.u8(0xaa)
  write(writer)
  const bytes = writer.done()
  assert.strictEqual(bytes.length, writer.length)
  assert.deepStrictEqual([...writer.peek()], [...bytes])
  assert.strictEqual(bytes[0], 0xaa)
  return [...bytes.subarray(1)]
}

describe("Writer", () => {
  it("writes what a reader reads", () => {
    assert.deepStrictEqual(written((writer) => writer.u8(0x1ff)), [0xff])
    assert.deepStrictEqual(written((writer) => writer.u32(0xffff_fffe)), [0xfe, 0xff, 0xff, 0xff])
    assert.deepStrictEqual(written((writer) => writer.u64(2 ** 40 + 3)), [3, 0, 0, 0, 0, 1, 0, 0])
    assert.deepStrictEqual(written((writer) => writer.u64(0xffff_ffff)), [255, 255, 255, 255, 0, 0, 0, 0])
    assert.deepStrictEqual(written((writer) => writer.u64(-2)), [0xfe, ...new Uint8Array(7).fill(0xff)])
    assert.deepStrictEqual(written((writer) => writer.u64(most)), [...new Uint8Array(8).fill(0xff)])
    assert.deepStrictEqual(written((writer) => writer.u64(-(2n ** 63n))), [...new Uint8Array(7), 0x80])
    assert.deepStrictEqual(written((writer) => writer.bool(true)), [1])
    assert.deepStrictEqual(written((writer) => writer.bool(false)), [0])
    assert.deepStrictEqual(written((writer) => writer.maybeBool(undefined)), [0])
    assert.deepStrictEqual(written((writer) => writer.maybeBool(false)), [1, 0])
    assert.deepStrictEqual(written((writer) => writer.maybeBool(true)), [1, 1])
    assert.deepStrictEqual(written((writer) => writer.vec(Uint8Array.of(7, 8))), [2, 0, 0, 0, 0, 0, 0, 0, 7, 8])
    assert.deepStrictEqual(written((writer) => writer.text("aé")), [3, 0, 0, 0, 0, 0, 0, 0, 0x61, 0xc3, 0xa9])
  })

  it("writes text as UTF-8 and says how many bytes that is", () => {
    for (const text of ["", "a", "\u007f", "\u0080", "aé", "éa", "x".repeat(200), "x".repeat(200) + "😀"]) {
      const writer = new Writer(4)
      writer.u8(1)
      assert.strictEqual(writer.textRaw(text), Buffer.byteLength(text), text)
      writer.u8(2)
      assert.deepStrictEqual([...writer.done()], [1, ...Buffer.from(text), 2], text)
    }
  })

  it("writes byte strings of any length, and ranges of longer ones", () => {
    for (const length of [0, 1, 63, 64, 65, 255, 256, 257, 1_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => 1 + i % 251)
      assert.deepStrictEqual(written((writer) => writer.raw(bytes)), [...bytes], `${length}`)
      const around = Uint8Array.of(0, 0, 0, ...bytes, 0)
      assert.deepStrictEqual(written((writer) => writer.range(around, 3, 3 + length)), [...bytes], `${length}`)
    }
  })

  it("starts again when it is reset, and clears what was in the buffer before", () => {
    const writer = new Writer(64)
    writer.raw(new Uint8Array(60).fill(0xff))
    const first = writer.done()
    assert.strictEqual(writer.reset(), writer)
    assert.strictEqual(writer.length, 0)
    writer.text("ab")
    writer.u64(1)
    assert.deepStrictEqual([...writer.done()], [2, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62, 1, 0, 0, 0, 0, 0, 0, 0])
    assert.deepStrictEqual([...first], [...new Uint8Array(60).fill(0xff)], "what was given out is a copy")
  })

  it("overwrites a number in place", () =>
    assert.deepStrictEqual(
      written((writer) => {
        writer.raw(Uint8Array.of(1, 2, 3, 4, 5, 6))
        writer.putU32(2, 0x0d0c_0b0a)
      }),
      [1, 0x0a, 0x0b, 0x0c, 0x0d, 6]
    ))

  it("grows to at least twice its length, and lets a buffer of one large value go", () => {
    const writer = new Writer(16)
    const bufferBytes = () => writer.peek().buffer.byteLength
    writer.raw(new Uint8Array(16))
    assert.strictEqual(bufferBytes(), 16, "exactly full")
    writer.u8(1)
    assert.strictEqual(bufferBytes(), 32)
    writer.raw(new Uint8Array(100))
    assert.strictEqual(bufferBytes(), 117)
    writer.reset()
    writer.raw(new Uint8Array(64 * 16))
    writer.reset()
    assert.strictEqual(bufferBytes(), 64 * 16, "kept for the next")
    writer.raw(new Uint8Array(64 * 16 + 1))
    writer.reset()
    assert.strictEqual(bufferBytes(), 16)
  })
})
