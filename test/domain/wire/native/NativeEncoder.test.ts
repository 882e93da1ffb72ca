/** What the encoder writes at the bounds of each message, and what it refuses to write. */
import { assert, describe, it } from "@effect/vitest"
import { rejectReasons } from "../../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../../src/domain/peer/PeerIp.ts"
import { dialBackResults } from "../../../../src/domain/peer/Reach.ts"
import * as Frame from "../../../../src/domain/wire/Frame.ts"
import * as Encoder from "../../../../src/domain/wire/native/NativeEncoder.ts"
import {
  isControl,
  maxPayloadBytes,
  putU16,
  putU32,
  putU64,
  u16,
  u32,
  u64
} from "../../../../src/domain/wire/native/NativeLayout.ts"
import type { SyncMessage } from "../../../../src/domain/wire/SyncMessage.ts"

const hex = (...parts: ReadonlyArray<Uint8Array>) => Buffer.concat(parts).toString("hex")

describe("integers of a layout", () => {
  it("are big-endian, of every byte, and overwrite what was there", () => {
    const bytes = new Uint8Array(10).fill(0xee)
    putU16(bytes, 1, 0x0102)
    assert.strictEqual(hex(bytes), "ee0102eeeeeeeeeeeeee")
    assert.strictEqual(u16(bytes, 1), 0x0102)
    putU32(bytes, 1, 0xfdfc_fbfa)
    assert.strictEqual(hex(bytes), "eefdfcfbfaeeeeeeeeee")
    assert.strictEqual(u32(bytes, 1), 0xfdfc_fbfa)
    putU64(bytes, 1, 0xf1f2_f3f4_f5f6_f7f8n)
    assert.strictEqual(hex(bytes), "eef1f2f3f4f5f6f7f8ee")
    assert.strictEqual(u64(bytes, 1), 0xf1f2_f3f4_f5f6_f7f8n)
    // Beyond the end there are zeros.
    assert.deepStrictEqual([u16(bytes, 9), u32(bytes, 9), u64(bytes, 9)], [0xee00, 0xee00_0000, 0xee00_0000_0000_0000n])
    assert.strictEqual(u16(bytes, 10), 0)
  })

  it("mark a control frame by a kind below 16", () =>
    assert.deepStrictEqual([0, 1, 15, 16, 17, 255].map(isControl), [true, true, true, false, false, false]))
})

describe("the header of a frame", () => {
  it("has the length of kind and body in four bytes, then the kind", () => {
    for (
      const [bytes, text] of [[0, "00000001"], [254, "000000ff"], [255, "00000100"], [0x01_02_03, "00010204"]] as const
    ) {
      assert.strictEqual(hex(Frame.allocate(9, bytes).subarray(0, 5)), `${text}09`)
      assert.strictEqual(Frame.allocate(9, bytes).length, 5 + bytes)
    }
    const into = new Uint8Array(9).fill(0xee)
    Frame.writeHeader(into, 2, 0x7f, 0x0fff_fffe)
    assert.strictEqual(hex(into), "eeee0fffffff7feeee")
  })
})

describe("a Reject", () => {
  it("has the number of its reason, counted from 1", () =>
    assert.deepStrictEqual(
      rejectReasons.map((reason) => Encoder.encodeReject({ _tag: "Reject", reason, text: "", retryAfterMs: 0 })[5]),
      rejectReasons.map((_, i) => i + 1)
    ))

  it("has its text cleaned, and cut at the last whole character", () => {
    const text = (text: string) =>
      Buffer.from(Encoder.encodeReject({ _tag: "Reject", reason: "full", text, retryAfterMs: 0 }).subarray(13))
        .toString()
    assert.strictEqual(text("a\nb"), "a?b")
    assert.strictEqual(text("x".repeat(257)), "x".repeat(256))
    assert.strictEqual(text("x" + "é".repeat(128)), "x" + "é".repeat(127))
  })
})

describe("a DialBack", () => {
  it("has the number of its result, counted from 1", () =>
    assert.deepStrictEqual(
      dialBackResults.map((result) =>
        Encoder.encodeDialBack({ _tag: "DialBack", request: 1, result, ip: ip("10.0.0.1"), port: 1 })[9]
      ),
      dialBackResults.map((_, i) => i + 1)
    ))
})

describe("what fits no frame", () => {
  it("is the caller's bug, and named", () => {
    const peers = (n: number) => Array.from({ length: n }, () => ({ ip: ip("10.0.0.1"), port: 1 }))
    assert.isAbove(Encoder.encodePeers(peers(Limits.peersPerMessage)).length, 256)
    assert.throws(
      () => Encoder.encodePeers(peers(Limits.peersPerMessage + 1)),
      RangeError,
      "257 peers fit no message"
    )
    assert.strictEqual(maxPayloadBytes, Limits.frameBytes - 3)
    assert.throws(
      () => Encoder.encodeData(1, new Uint8Array(maxPayloadBytes + 1)),
      RangeError,
      `payload of ${maxPayloadBytes + 1} bytes fits no frame`
    )
  })

  it("of a sync message is one byte more than a frame holds", () => {
    // Their overhead as a message of one byte string: its length and the names of nothing.
    const block = (bytes: number): SyncMessage => ({ _tag: "NewBlock", block: new Uint8Array(bytes) })
    const [head, body] = Encoder.encodeSync(block(Limits.frameBytes - 100))
    const overhead = (body?.length ?? 0) - (Limits.frameBytes - 100)
    const most = Limits.frameBytes - 1 - overhead
    assert.strictEqual(u32(head, 0), Limits.frameBytes - 100 + overhead + 1)
    assert.strictEqual(Encoder.encodeSync(block(most))[1]?.length, Limits.frameBytes - 1)
    assert.throws(
      () => Encoder.encodeSync(block(most + 1)),
      RangeError,
      `a body of ${Limits.frameBytes} bytes fits no frame`
    )
  })
})

describe("a sync message", () => {
  it("is one buffer while its body is short, else header and a body of its own", () => {
    const block = (bytes: number) => Encoder.encodeSync({ _tag: "NewBlock", block: new Uint8Array(bytes).fill(7) })
    const bodyBytes = (bytes: number) => Buffer.concat(block(bytes)).length - Frame.headerBytes
    const overhead = bodyBytes(3_000) - 3_000
    const limit = Limits.copyPayloadBytes - overhead
    assert.deepStrictEqual([block(limit - 1).length, block(limit).length], [1, 2])
    const [head, body] = block(limit)
    assert.strictEqual(hex(head), "0000100125")
    assert.strictEqual(body?.length, Limits.copyPayloadBytes)
    assert.strictEqual(body?.byteLength, body?.buffer.byteLength, "not a view into a shared buffer")
    const [whole] = block(limit - 1)
    assert.deepStrictEqual([whole.length, hex(whole.subarray(0, 5))], [Limits.copyPayloadBytes - 1 + 5, "0000100025"])
  })
})

describe("a batch of Data", () => {
  it("takes payloads from the one that it is told, up to the first that makes it long enough", () => {
    const payload = new Uint8Array(Limits.copyPayloadBytes - 1)
    const each = payload.length + 7
    const enough = Math.ceil(Limits.dataBatchBytes / each)
    const many = Array.from({ length: enough + 5 }, () => payload)
    const allocated: Array<number> = []
    const allocator = { allocate: (bytes: number) => (allocated.push(bytes), new Uint8Array(bytes)) }
    for (const from of [0, 1, 4]) {
      const { count, frame } = Encoder.encodeDataBatch(7, many, from, allocator)
      assert.deepStrictEqual([count, frame.length], [enough, enough * each])
    }
    assert.strictEqual(Encoder.encodeDataBatch(7, many, many.length - 2, allocator).count, 2)
    assert.deepStrictEqual(Encoder.encodeDataBatch(7, many, many.length, allocator), {
      count: 0,
      frame: new Uint8Array(0)
    })
    assert.deepStrictEqual(allocated, [enough * each, enough * each, enough * each, 2 * each, 0])
    // Exactly enough is enough.
    const half = new Uint8Array(Limits.dataBatchBytes / 32 - 7)
    assert.strictEqual(Encoder.encodeDataBatch(7, Array.from({ length: 40 }, () => half)).count, 32)
  })

  it("has each payload behind its own header", () => {
    const { frame } = Encoder.encodeDataBatch(0x0203, [
      Uint8Array.of(9),
      Uint8Array.of(),
      Uint8Array.of(8, 7),
      Uint8Array.of(6)
    ], 1)
    assert.strictEqual(
      hex(frame),
      "000000031002030000000510020308070000000410020306"
    )
  })
})
