/** What a reader of frames holds: which buffers it makes, lends, takes back and lets go. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Frame from "../../../src/domain/wire/Frame.ts"

const limit = Limits.frameBytes

/** A reader, and the lengths of the buffers that it has made. */
const watched = (least?: 0 | 1) => {
  const made: Array<number> = []
  const make = (bytes: number) => (made.push(bytes), new Uint8Array(bytes))
  return { made, reader: new Frame.FrameReader(make, least) }
}
/** A frame of kind 9 whose body has that many bytes of this value. */
const frame = (bytes: number, value = 1): Uint8Array => Frame.allocate(9, bytes).fill(value, Frame.headerBytes)
/** Pushes it in two parts and reads it. */
const across = (reader: Frame.FrameReader, bytes: Uint8Array): void => {
  const cut = Frame.headerBytes + Math.floor((bytes.length - Frame.headerBytes) / 2)
  reader.push(bytes.slice(0, cut))
  reader.push(bytes.slice(cut))
  assert.strictEqual(reader.next(limit), "frame")
}
const body = (reader: Frame.FrameReader) => reader.buffer.subarray(reader.start, reader.end)

describe("a frame that spans chunks", () => {
  it("gets a buffer of its length, and the next one the same again once it was given back", () => {
    const { made, reader } = watched()
    across(reader, frame(9_999))
    const first = reader.buffer
    reader.recycle()
    across(reader, frame(9_999, 2))
    assert.strictEqual(reader.buffer, first)
    reader.recycle()
    across(reader, frame(5_000, 3))
    assert.strictEqual(reader.buffer, first, "a shorter one fits")
    assert.deepStrictEqual([...new Set(body(reader))], [3])
    assert.strictEqual(body(reader).length, 5_000)
    reader.recycle()
    across(reader, frame(10_000))
    assert.notStrictEqual(reader.buffer, first, "a longer one does not")
    assert.deepStrictEqual(made, [10_000, 10_001])
  })

  it("is not overwritten before it is given back, nor once it is kept", () => {
    const { made, reader } = watched()
    across(reader, frame(9_999))
    across(reader, frame(9_999, 2))
    assert.strictEqual(made.length, 2, "two at a time")
    reader.keep()
    const kept = body(reader)
    reader.recycle()
    across(reader, frame(9_999, 3))
    assert.strictEqual(made.length, 3)
    assert.deepStrictEqual([...new Set(kept)], [2])
    // One that lies in a pushed chunk has no buffer that could be given back: keeping it keeps no other.
    reader.push(frame(10, 4))
    assert.strictEqual(reader.next(limit), "frame")
    reader.keep()
    reader.recycle()
    across(reader, frame(9_999, 5))
    assert.strictEqual(made.length, 3, "the third one's buffer again")
  })

  it("lends a buffer once: not a second time before it is given back", () => {
    const { made, reader } = watched()
    across(reader, frame(9_999))
    reader.recycle()
    reader.recycle()
    across(reader, frame(9_999, 2))
    const second = body(reader)
    across(reader, frame(9_999, 3))
    assert.strictEqual(made.length, 2)
    assert.deepStrictEqual([...new Set(second)], [2])
  })

  it("is let go when the reader rests, and at once where it is longer than a spare may be", () => {
    const { made, reader } = watched()
    across(reader, frame(9_999))
    reader.recycle()
    reader.rest()
    across(reader, frame(9_999))
    assert.strictEqual(made.length, 2)
    const spare = Limits.spareFrameBytes
    for (const [length, times] of [[spare, 1], [spare + 1, 2]] as const) {
      const { made, reader } = watched()
      for (let i = 0; i < 2; i++) {
        across(reader, frame(length - 1))
        reader.recycle()
      }
      assert.strictEqual(made.length, times, `${length}`)
    }
  })

  it("is a view where its body is a whole chunk", () => {
    const { made, reader } = watched()
    const bytes = frame(Limits.gatherChunkBytes)
    const rest = bytes.slice(4)
    reader.push(bytes.slice(0, 4))
    reader.push(rest)
    assert.strictEqual(reader.next(limit), "frame")
    assert.deepStrictEqual([reader.buffer === rest, made.length], [true, 0])
  })

  it("holds nothing once all is read", () => {
    const reader = new class extends Frame.FrameReader {
      get held(): number {
        return this.chunk.length
      }
    }()
    reader.push(frame(3))
    assert.strictEqual(reader.next(limit), "frame")
    assert.strictEqual(reader.buffer.length, 8)
    assert.strictEqual(reader.next(limit), "none")
    assert.deepStrictEqual([reader.buffer.length, reader.held], [0, 0])
    assert.deepStrictEqual([reader.pending, reader.arriving, reader.announced], [0, false, 0])
  })
})

describe("what is arriving", () => {
  it("is announced with its last length byte, header included", () => {
    const bytes = frame(300)
    for (let end = 0; end < bytes.length; end++) {
      const { reader } = watched()
      reader.push(bytes.slice(0, Math.min(end, 2)))
      reader.push(bytes.slice(2, Math.max(2, end)))
      assert.strictEqual(reader.next(limit), "none")
      assert.deepStrictEqual(
        [reader.pending, reader.arriving, reader.announced],
        [end, end > 0, end < 4 ? 0 : 305],
        `${end}`
      )
    }
  })

  it("is nothing for a chunk of no byte, or behind a bad length", () => {
    const { reader } = watched()
    reader.push(new Uint8Array(0))
    assert.deepStrictEqual([reader.next(limit), reader.arriving], ["none", false])
    reader.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2))
    assert.deepStrictEqual([reader.next(limit), reader.pending, reader.announced], ["bad", 0, 0])
    assert.strictEqual(reader.buffer.length, 0)
    reader.push(frame(1))
    assert.deepStrictEqual([reader.next(limit), reader.pending, reader.badLength], ["bad", 0, 0xffff_ffff])
  })

  it("that is bad is found across chunks too: over the limit, and below the least", () => {
    for (const least of [0, 1] as const) {
      for (const [length, expected] of [[0, least === 0 ? "frame" : "bad"], [8, "none"], [9, "bad"]] as const) {
        const { reader } = watched(least)
        reader.push(Uint8Array.of(0, 0))
        reader.push(Uint8Array.of(0, length))
        assert.strictEqual(reader.next(8), expected, `${length} with ${least}`)
        const whole = watched(least).reader
        whole.push(Uint8Array.of(0, 0, 0, length))
        assert.strictEqual(whole.next(8), expected, `${length} with ${least}, in one chunk`)
      }
    }
  })

  it("of a length of 0, where that is allowed, has an end one before its start, and is followed by the next", () => {
    for (const size of [1, 3, 100]) {
      const stream = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0)
      const { reader } = watched(0)
      const read: Array<ReadonlyArray<number>> = []
      for (let at = 0; at < stream.length; at += size) {
        reader.push(stream.slice(at, at + size))
        while (reader.next(limit) === "frame") {
          read.push([reader.end - reader.start + 1, ...reader.buffer.subarray(reader.start - 1, reader.end)])
        }
      }
      assert.deepStrictEqual(read, [[0], [2, 7, 8], [0]], `${size}`)
    }
  })
})

describe("short chunks", () => {
  /** Bytes of memory that a reader holds of a frame that comes in chunks of this size, beyond the first. */
  const held = (size: number, total: number) => {
    const reader = new Frame.FrameReader()
    const before = process.memoryUsage().arrayBuffers
    const bytes = frame(total)
    for (let at = 0; at < bytes.length - 1; at += size) {
      reader.push(bytes.subarray(at, Math.min(at + size, bytes.length - 1)))
    }
    assert.strictEqual(reader.next(limit), "none")
    const after = process.memoryUsage().arrayBuffers
    reader.push(bytes.subarray(-1))
    assert.strictEqual(reader.next(limit), "frame")
    assert.deepStrictEqual([reader.end - reader.start, [...new Set(body(reader))]], [total, [1]])
    return after - before - bytes.length
  }

  it("are gathered, so that their sum is held about once; long ones are held as they are", () => {
    held(1_000, 100_000)
    for (const size of [1, 7, 256, Limits.gatherChunkBytes - 1]) {
      assert.isBelow(held(size, 400_000), 2 * 400_000, `${size}`)
    }
    assert.isBelow(held(Limits.gatherChunkBytes, 400_000), 100_000)
  })

  it("of a few bytes cost a reader no more than a kilobyte", () => {
    const readers = Array.from({ length: 500 }, () => new Frame.FrameReader())
    const before = process.memoryUsage().arrayBuffers
    for (const reader of readers) {
      for (const byte of [0, 0, 1]) reader.push(Uint8Array.of(byte))
      assert.strictEqual(reader.next(limit), "none")
    }
    assert.isBelow(process.memoryUsage().arrayBuffers - before, readers.length * 1_024)
    assert.isTrue(readers.every(({ pending }) => pending === 3))
  })

  it("give the same frame in every mixture with long ones", () => {
    const long = Limits.gatherChunkBytes
    for (const sizes of [[1, long], [long, 1], [long - 1, long, 3], [2_048, 2_048, 2_049, long], [16_384, 1, 40]]) {
      const reader = new Frame.FrameReader()
      const bytes = Frame.allocate(9, 200_000)
      for (let i = Frame.headerBytes; i < bytes.length; i++) bytes[i] = (i * 31) & 255
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1
        reader.push(bytes.slice(at, at + size))
        at += size
      }
      assert.strictEqual(reader.next(limit), "frame")
      assert.isTrue(Buffer.from(bytes.subarray(Frame.headerBytes)).equals(body(reader)), sizes.join())
      assert.strictEqual(reader.next(limit), "none")
    }
  })
})
