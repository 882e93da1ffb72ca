import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Frame from "../../../src/domain/wire/Frame.ts"
import type * as Message from "../../../src/domain/wire/Message.ts"
import { decode } from "../../../src/domain/wire/native/NativeDecoder.ts"
import * as Encoder from "../../../src/domain/wire/native/NativeEncoder.ts"
import * as arb from "../../harness/arbitraries.ts"
import { frame, limit, sizes, split } from "../../harness/frames.ts"
import { randomFrom } from "../../harness/random.ts"

/** All whole frames in the reader, as (kind, body). */
const drain = (reader: Frame.FrameReader, max = limit): Array<readonly [number, ReadonlyArray<number>]> => {
  const frames: Array<readonly [number, ReadonlyArray<number>]> = []
  while (reader.next(max) === "frame") {
    frames.push([reader.kind, [...reader.buffer.subarray(reader.start, reader.end)]])
  }
  return frames
}

const small = Arbitrary.array(Arbitrary.all([
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))),
  Arbitrary.map(arb.bytes(0, 40), (b) => [...b])
]))

describe("the first frame", () => {
  it("is whole with its last byte, however it is cut, and what no reader takes is as good", () => {
    const whole = frame(9, [1, 2, 3])
    for (const size of [1, 2, 3, 5, 100]) {
      for (let n = 0; n <= whole.length; n++) {
        assert.strictEqual(Frame.beginsWhole(split(whole.subarray(0, n), [size]), limit), n === whole.length, `${n}`)
      }
    }
    assert.isTrue(Frame.beginsWhole([whole, whole], limit), "more than one")
    assert.isTrue(Frame.beginsWhole([Uint8Array.of(255, 255), Uint8Array.of(255, 255)], limit), "over the limit")
    assert.isTrue(Frame.beginsWhole([new Uint8Array(4)], limit), "of no byte")
    assert.isFalse(Frame.beginsWhole([], limit))
    assert.deepStrictEqual(
      [7, 8, 9].map((length) => Frame.beginsWhole([Uint8Array.of(0, 0, 0, length)], 8)),
      [false, false, true],
      "the limit itself is allowed"
    )
  })
})

describe("FrameReader", () => {
  it.prop(
    "gives the messages sent, whatever the chunks",
    [Arbitrary.array(arb.message), sizes],
    ([messages, sizes]) => {
      const stream = Buffer.concat(messages.flatMap((message) => [...Encoder.encode(message)]))
      const reader = new Frame.FrameReader()
      const read: Array<unknown> = []
      for (const chunk of split(stream, sizes)) {
        reader.push(chunk)
        while (reader.next(limit) === "frame") read.push(decode(reader.kind, reader.buffer, reader.start, reader.end))
      }
      const plain = (m: unknown) => {
        const message = m as Message.Message
        return message._tag === "Data" ? { ...message, payload: [...message.payload] } : message
      }
      assert.deepStrictEqual(read.map(plain), messages.map(plain))
      assert.isFalse(reader.arriving)
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "gives the same frames when several chunks are pushed before it is asked",
    [small, sizes],
    ([frames, sizes]) => {
      const stream = Buffer.concat(frames.map(([kind, body]) => frame(kind, body)))
      const reader = new Frame.FrameReader()
      const read: Array<unknown> = []
      for (const [i, chunk] of split(stream, sizes).entries()) {
        reader.push(chunk)
        if (i % 3 === 2) read.push(...drain(reader))
      }
      read.push(...drain(reader))
      assert.deepStrictEqual(read, frames)
      assert.strictEqual(reader.pending, 0)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "gives the same frames when buffers are taken back, and none that was kept is touched",
    [small, sizes],
    ([frames, sizes]) => {
      const stream = Buffer.concat(frames.map(([kind, body]) => frame(kind, body)))
      const reader = new Frame.FrameReader((bytes) => new Uint8Array(bytes).fill(0xee))
      const read: Array<unknown> = []
      const kept: Array<readonly [ReadonlyArray<number>, Uint8Array]> = []
      for (const chunk of split(stream, sizes)) {
        reader.push(chunk)
        while (reader.next(limit) === "frame") {
          const view = reader.buffer.subarray(reader.start, reader.end)
          read.push([reader.kind, [...view]])
          if (read.length % 3 === 0) {
            reader.keep()
            kept.push([[...view], view])
          }
        }
        reader.recycle()
        if (read.length % 5 === 0) reader.rest()
      }
      assert.deepStrictEqual(read, frames)
      for (const [bytes, view] of kept) assert.deepStrictEqual([...view], bytes)
    },
    { arbitrary: { runs: 500 } }
  )

  it("uses the buffer of a long frame again", () => {
    let made = 0
    const reader = new Frame.FrameReader((bytes) => {
      made += 1
      return new Uint8Array(bytes)
    })
    for (let i = 0; i < 10; i++) {
      const bytes = frame(16, Array.from({ length: 10_000 }, () => i))
      reader.push(bytes.subarray(0, 6_000))
      reader.push(bytes.subarray(6_000))
      assert.strictEqual(reader.next(limit), "frame")
      assert.strictEqual(reader.buffer[reader.end - 1], i)
      reader.recycle()
    }
    assert.strictEqual(made, 1)
  })

  it.prop("knows how much of a frame has come", [arb.bytes(0, 50)], ([body]) => {
    const bytes = frame(9, [...body])
    for (let cut = 0; cut < bytes.length; cut++) {
      const reader = new Frame.FrameReader()
      reader.push(bytes.subarray(0, cut))
      assert.strictEqual(reader.next(limit), "none")
      assert.strictEqual(reader.pending, cut)
      assert.strictEqual(reader.arriving, cut > 0)
      reader.push(bytes.subarray(cut))
      assert.deepStrictEqual(drain(reader), [[9, [...body]]])
      assert.isFalse(reader.arriving)
    }
  }, { arbitrary: { runs: 30 } })

  it("gives views of the pushed chunk, and keeps earlier views intact", () => {
    const chunk = Buffer.concat([frame(1, [1, 2]), frame(2, [3]), frame(3, [4, 5, 6]).subarray(0, 6)])
    const reader = new Frame.FrameReader()
    reader.push(chunk)
    assert.strictEqual(reader.next(limit), "frame")
    assert.strictEqual(reader.buffer, chunk)
    const first = reader.buffer.subarray(reader.start, reader.end)
    assert.strictEqual(reader.next(limit), "frame")
    assert.strictEqual(reader.buffer, chunk)
    assert.strictEqual(reader.next(limit), "none")
    for (const byte of [5, 6]) reader.push(Uint8Array.of(byte))
    assert.strictEqual(reader.next(limit), "frame")
    assert.strictEqual(reader.buffer.length, 4, "kind and body, exactly")
    assert.deepStrictEqual([...reader.buffer.subarray(reader.start, reader.end)], [4, 5, 6])
    assert.deepStrictEqual([...first], [1, 2])
  })

  it("does not copy a body that lies in one chunk though its header does not", () => {
    const bytes = frame(7, [1, 2, 3])
    for (let cut = 1; cut <= 4; cut++) {
      const reader = new Frame.FrameReader()
      const tail = Buffer.concat([bytes.subarray(cut), new Uint8Array(Limits.gatherChunkBytes)])
      reader.push(bytes.subarray(0, cut))
      reader.push(tail)
      assert.strictEqual(reader.next(limit), "frame")
      assert.strictEqual(reader.kind, 7)
      assert.strictEqual(reader.buffer, tail)
      assert.deepStrictEqual([...reader.buffer.subarray(reader.start, reader.end)], [1, 2, 3])
    }
  })

  it("takes a new limit between two frames of one chunk", () => {
    const body = Array.from({ length: 5_000 }, (_, i) => i & 255)
    const chunk = Buffer.concat([frame(3, []), frame(16, body), frame(16, body)])
    const reader = new Frame.FrameReader()
    reader.push(chunk)
    assert.strictEqual(reader.next(Limits.frameBeforeUpBytes), "frame")
    assert.strictEqual(reader.next(Limits.frameBytes), "frame")
    assert.strictEqual(reader.end - reader.start, 5_000)
    assert.strictEqual(reader.next(Limits.frameBeforeUpBytes), "bad")
    assert.strictEqual(reader.badLength, 5_001)
  })

  it("allows exactly the limit", () => {
    for (const [over, expected] of [[0, "frame"], [1, "bad"]] as const) {
      const reader = new Frame.FrameReader()
      reader.push(frame(1, Array.from({ length: Limits.frameBeforeUpBytes - 1 + over }, () => 0)))
      assert.strictEqual(reader.next(Limits.frameBeforeUpBytes), expected)
    }
  })

  for (
    const [name, header, length] of [
      ["length 0", [0, 0, 0, 0], 0],
      ["one over the limit", [0, 0, 0x10, 0x01], 4_097],
      ["TLS", [0x16, 0x03, 0x01, 0x02], 0x16030102],
      ["the greatest length", [0xff, 0xff, 0xff, 0xff], 0xffff_ffff]
    ] as const
  ) {
    it(`is bad with ${name} as soon as the length is there, and stays so`, () => {
      for (let cut = 0; cut <= 4; cut++) {
        const reader = new Frame.FrameReader()
        reader.push(Uint8Array.from([...frame(1, [1]), ...header.slice(0, cut)]))
        assert.strictEqual(reader.next(Limits.frameBeforeUpBytes), "frame")
        if (cut < 4) assert.strictEqual(reader.next(Limits.frameBeforeUpBytes), "none")
        reader.push(Uint8Array.from(header.slice(cut)))
        assert.strictEqual(reader.next(Limits.frameBeforeUpBytes), "bad")
        assert.strictEqual(reader.badLength, length)
        reader.push(frame(1, []))
        assert.strictEqual(reader.next(Limits.frameBytes), "bad")
        assert.strictEqual(reader.pending, 0)
      }
    })
  }

  it("holds what was received, not what a header promises; a drip of bytes costs about its bytes", () => {
    const total = 512 * 1024
    const body = Array.from({ length: total }, (_, i) => (i * 7) & 255)
    const bytes = frame(17, body)
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 100 }, () => new Frame.FrameReader())
    for (const reader of readers) {
      reader.push(Uint8Array.of(0, 0x80, 0, 0, 17))
      assert.strictEqual(reader.next(limit), "none")
    }
    const reader = new Frame.FrameReader()
    for (const byte of bytes.subarray(0, -1)) reader.push(Uint8Array.of(byte))
    assert.strictEqual(reader.next(limit), "none")
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 2 * total)
    reader.push(bytes.subarray(-1))
    assert.strictEqual(reader.next(limit), "frame")
    assert.isTrue(Buffer.from(body).equals(reader.buffer.subarray(reader.start, reader.end)))
    assert.strictEqual(readers.length, 100)
  })

  it("agrees with a plain reading of 20,000 random streams", () => {
    const seed = 7
    const random = randomFrom(seed)
    for (let run = 0; run < 20_000; run++) {
      const max = 1 + random(40)
      const parts = Array.from({ length: random(6) }, () =>
        random(8) === 0
          ? Uint8Array.from({ length: random(12) }, () => random(256))
          : frame(random(256), Array.from({ length: random(44) }, () => random(256))))
      const stream = Buffer.concat(parts)
      const expected: Array<unknown> = []
      let at = 0
      let end = "none"
      while (at + 4 <= stream.length) {
        const length = stream.readUInt32BE(at)
        if (length === 0 || length > max) {
          end = "bad"
          break
        }
        if (at + 4 + length > stream.length) break
        expected.push([stream[at + 4], [...stream.subarray(at + 5, at + 4 + length)]])
        at += 4 + length
      }
      const reader = new Frame.FrameReader()
      const read: Array<unknown> = []
      for (let from = 0; from < stream.length;) {
        const to = from + 1 + random(random(3) === 0 ? 3 : 50)
        reader.push(stream.subarray(from, to))
        if (random(2) === 0) read.push(...drain(reader, max))
        from = to
      }
      read.push(...drain(reader, max))
      assert.deepStrictEqual(read, expected, `seed ${seed}, run ${run}`)
      assert.strictEqual(reader.next(max), end, `seed ${seed}, run ${run}`)
      if (end === "none") assert.strictEqual(reader.pending, stream.length - at)
    }
  })
})
