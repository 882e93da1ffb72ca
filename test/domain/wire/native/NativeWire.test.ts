/** The reader of the native wire: which frame is what, where a run of Data ends, and what is said of a bad stream. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../../src/domain/Limits.ts"
import * as TransportText from "../../../../src/domain/TransportText.ts"
import * as Frame from "../../../../src/domain/wire/Frame.ts"
import * as Encoder from "../../../../src/domain/wire/native/NativeEncoder.ts"
import { Kind, maxPayloadBytes } from "../../../../src/domain/wire/native/NativeLayout.ts"
import { NativeWire } from "../../../../src/domain/wire/native/NativeWire.ts"

const limit = Limits.frameBytes
const reader = (...chunks: ReadonlyArray<Uint8Array>) => {
  const made = NativeWire.reader((bytes) => new Uint8Array(bytes))
  for (const chunk of chunks) made.push(chunk)
  return made
}
const data = (channel: number, ...payload: ReadonlyArray<number>) =>
  Buffer.concat(Encoder.encodeData(channel, Uint8Array.from(payload)))
const runOf = (made: ReturnType<typeof reader>, max = limit) => {
  const into: Array<Uint8Array> = []
  const count = made.payloads(max, into)
  return [count, ...into.map((payload) => Array.from(payload))]
}

describe("the native wire", () => {
  it("has its name and its limits", () => {
    assert.strictEqual(NativeWire.name, "timemesh/1")
    assert.deepStrictEqual(NativeWire.limits, {
      beforeUp: 4_096,
      up: 8 * 1024 * 1024,
      payload: 8 * 1024 * 1024 - 3
    })
    assert.strictEqual(maxPayloadBytes, NativeWire.limits.payload)
  })

  it("tells Data from any other frame, and a Data without a channel from one that has it", () => {
    const made = reader(
      Buffer.concat([
        data(7),
        Encoder.encodePing(1n),
        Frame.allocate(Kind.Data, 1),
        Frame.allocate(Kind.Data, 0),
        data(258, 9)
      ])
    )
    assert.deepStrictEqual([made.read(limit), made.channel, made.bodyBytes], ["data", 7, 2])
    assert.deepStrictEqual([made.read(limit), made.bodyBytes, made.message()._tag], ["message", 8, "Ping"])
    assert.deepStrictEqual([made.read(limit), made.bodyBytes, made.message()._tag], ["message", 1, "BadBody"])
    assert.deepStrictEqual([made.read(limit), made.bodyBytes, made.message()._tag], ["message", 0, "BadBody"])
    assert.deepStrictEqual([made.read(limit), made.channel, made.bodyBytes], ["data", 258, 3])
    assert.deepStrictEqual(runOf(made), [1, [9]])
    assert.deepStrictEqual([made.read(limit), made.pending], ["none", 0])
  })

  it("gives a run to its last frame, an empty one at the chunk's end included", () => {
    const made = reader(Buffer.concat([data(1, 5), data(1, 6, 7), data(1)]))
    assert.strictEqual(made.read(limit), "data")
    assert.deepStrictEqual(runOf(made), [3, [5], [6, 7], []])
    assert.deepStrictEqual([made.read(limit), made.pending, made.arriving], ["none", 0, false])
  })

  it("gives a run of views, none of which spans chunks", () => {
    const chunk = new Uint8Array(Buffer.concat([data(1, 5), data(1, 6), data(1, 7).subarray(0, 7)]))
    const made = reader(chunk, data(1, 7).subarray(7), data(1, 8))
    assert.strictEqual(made.read(limit), "data")
    const into: Array<Uint8Array> = []
    assert.strictEqual(made.payloads(limit, into), 2)
    for (const payload of into) assert.strictEqual(payload.buffer, chunk.buffer)
    assert.strictEqual(made.read(limit), "data")
    assert.deepStrictEqual(runOf(made)[1], [7])
  })

  it("takes of a run what the limit allows at that moment", () => {
    const made = reader(Buffer.concat([data(1, 1), data(1, 1, 2, 3, 4, 5), data(1, 1)]))
    assert.strictEqual(made.read(limit), "data")
    assert.deepStrictEqual(runOf(made, 7), [1, [1]])
    assert.strictEqual(made.read(8), "data")
    assert.deepStrictEqual(runOf(made, 8), [2, [1, 2, 3, 4, 5], [1]])
  })

  it("says of a bad stream how long its frame is, or that it is TLS", () => {
    const said = (...head: ReadonlyArray<number>) => {
      const made = reader(Uint8Array.from(head))
      assert.strictEqual(made.read(100), "malformed")
      assert.strictEqual(made.read(100), "malformed", "and stays so")
      return made.fault(100)
    }
    assert.strictEqual(said(0, 0, 0, 0), "frame length 0")
    assert.strictEqual(said(0, 0, 0, 101), "frame length 101 exceeds limit 100")
    for (const head of [[0x15, 3, 1, 0], [0x15, 3, 3, 9], [0x16, 3, 1, 0], [0x16, 3, 3, 255]]) {
      assert.strictEqual(said(...head), TransportText.tlsThere)
    }
    for (const head of [[0x14, 3, 1, 0], [0x17, 3, 3, 0], [0x16, 3, 2, 0], [0x16, 2, 1, 0], [0x15, 3, 0, 0]]) {
      assert.match(said(...head), /^frame length \d+ exceeds limit 100$/)
    }
  })
})
