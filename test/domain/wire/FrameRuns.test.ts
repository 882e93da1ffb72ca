import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Frame from "../../../src/domain/wire/Frame.ts"
import * as Encoder from "../../../src/domain/wire/native/NativeEncoder.ts"
import { Kind, maxPayloadBytes } from "../../../src/domain/wire/native/NativeLayout.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import * as arb from "../../harness/arbitraries.ts"
import { limit, sizes, split } from "../../harness/frames.ts"

/** What a reader of the native wire gives: a run as one entry. */
const readRuns = (chunks: ReadonlyArray<Uint8Array>, max = limit) => {
  const reader = NativeWire.reader((bytes) => new Uint8Array(bytes))
  const runs: Array<readonly [number | string, ReadonlyArray<string>]> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let next = reader.read(max); next !== "none"; next = reader.read(max)) {
      if (next === "malformed") return { runs: [...runs, ["malformed", []] as const], pending: 0 }
      const into: Array<Uint8Array> = []
      if (next === "data") assert.strictEqual(reader.payloads(max, into), into.length)
      runs.push(
        next === "data" ? [reader.channel, into.map((p) => Buffer.from(p).toString())] : [reader.message()._tag, []]
      )
    }
  }
  return { runs, pending: reader.pending }
}

describe("runs of Data", () => {
  const data = (channel: number, text: string) => Buffer.concat([...Encoder.encodeData(channel, Buffer.from(text))])
  const ping = Encoder.encodePing(7n)

  it("a run is one channel's frames in a row, and ends at any other frame", () => {
    const stream = Buffer.concat([
      data(1, "a"),
      data(1, ""),
      data(2, "b"),
      data(2, "c"),
      ping,
      data(2, "d"),
      data(1, "e")
    ])
    assert.deepStrictEqual(readRuns([stream]), {
      runs: [[1, ["a", ""]], [2, ["b", "c"]], ["Ping", []], [2, ["d"]], [1, ["e"]]],
      pending: 0
    })
  })

  it("a run ends before a frame over the limit, one too short for a channel, and one that is not whole", () => {
    const stream = Buffer.concat([data(1, "a"), data(1, "12345"), data(1, "123456")])
    assert.deepStrictEqual(readRuns([stream], 8), { runs: [[1, ["a", "12345"]], ["malformed", []]], pending: 0 })
    const short = Buffer.concat([data(1, "a"), Frame.allocate(Kind.Data, 1), data(1, "b")])
    assert.deepStrictEqual(readRuns([short]).runs, [[1, ["a"]], ["BadBody", []], [1, ["b"]]])
    for (let cut = 1; cut < data(1, "b").length; cut++) {
      const part = Buffer.concat([data(1, "a"), data(1, "b").subarray(0, cut)])
      assert.deepStrictEqual(readRuns([part]), { runs: [[1, ["a"]]], pending: cut })
    }
  })

  const payload = Arbitrary.all([
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 }))),
    Arbitrary.map(arb.bytes(0, 30), (bytes) => Buffer.from(bytes).toString("hex"))
  ])

  it.prop(
    "the same payloads in the same order, whatever the chunks",
    [Arbitrary.array(payload), sizes],
    ([sent, sizes]) => {
      const stream = Buffer.concat(sent.map(([channel, text]) => data(channel, text)))
      const { pending, runs } = readRuns(split(stream, sizes))
      assert.deepStrictEqual(
        runs.flatMap(([channel, texts]) => texts.map((text) => [channel, text])),
        sent.map((one) => [...one])
      )
      assert.strictEqual(pending, 0)
    }
  )
})

describe("Data on the way out", () => {
  it("short payloads are one buffer, long ones stay uncopied", () => {
    const short = new Uint8Array(Limits.copyPayloadBytes - 1)
    const long = new Uint8Array(Limits.copyPayloadBytes)
    assert.strictEqual(Encoder.encodeData(1, short).length, 1)
    const [head, payload] = Encoder.encodeData(1, long)
    assert.strictEqual(payload, long)
    assert.deepStrictEqual([...head], [0, 0, 0x10, 0x03, 16, 0, 1])
  })

  it.prop("a batch is its messages in a row", [Arbitrary.array(arb.bytes(0, 30))], ([payloads]) => {
    const single = Buffer.concat(payloads.flatMap((payload) => [...Encoder.encodeData(513, payload)]))
    const { count, frame } = Encoder.encodeDataBatch(513, payloads)
    assert.strictEqual(count, payloads.length)
    assert.strictEqual(Buffer.from(frame).toString("hex"), single.toString("hex"))
  })

  it("a batch ends before a long payload, and when it is long enough; the next continues behind it", () => {
    const short = new Uint8Array(Limits.copyPayloadBytes - 1)
    const long = new Uint8Array(Limits.copyPayloadBytes)
    assert.strictEqual(Encoder.encodeDataBatch(1, [short, short, long, short]).count, 2)
    assert.strictEqual(Encoder.encodeDataBatch(1, [short, short, long, short], 2).count, 0)
    assert.strictEqual(Encoder.encodeDataBatch(1, [short, short, long, short], 3).count, 1)
    const many = Array.from({ length: 40 }, () => short)
    const { count, frame } = Encoder.encodeDataBatch(1, many, 3)
    assert.isBelow(count, many.length - 3)
    assert.isAtLeast(frame.length, Limits.dataBatchBytes)
    assert.isBelow(frame.length, Limits.dataBatchBytes + Limits.copyPayloadBytes + 7)
  })

  it("the longest payload fits a frame, one byte more is the caller's bug", () => {
    const reader = new Frame.FrameReader()
    for (const part of Encoder.encodeData(1, new Uint8Array(maxPayloadBytes))) reader.push(part)
    assert.strictEqual(reader.next(Limits.frameBytes), "frame")
    assert.throws(() => Encoder.encodeData(1, new Uint8Array(maxPayloadBytes + 1)), RangeError)
  })
})
