import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { FrameReader } from "../../../src/domain/wire/Frame.ts"
import * as NativeDecoder from "../../../src/domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../../../src/domain/wire/native/NativeEncoder.ts"
import * as SyncMessage from "../../../src/domain/wire/SyncMessage.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"
import { int, syncMessage } from "../../harness/arbitraries.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"

const message = syncMessage({ locator: Limits.locatorHashes, list: 300, block: 300, blocks: 20 })

const frameOf = (message: SyncMessage.SyncMessage) => Buffer.concat(NativeEncoder.encodeSync(message))
/** The message of a frame that came in two chunks. */
const ofFrame = (frame: Uint8Array, cut: number): Decoded => {
  const reader = new FrameReader()
  reader.push(frame.subarray(0, cut))
  reader.push(frame.subarray(cut))
  assert.strictEqual(reader.next(Limits.frameBytes), "frame")
  return NativeDecoder.decode(reader.kind, reader.buffer, reader.start, reader.end)
}
/** Bytes as hex, whatever kind of array they are. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("hex")
    : Array.isArray(value)
    ? value.map(plain)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]))
    : value

describe("SyncMessage", () => {
  it.prop("survives the wire", [message, int(0, 1_000)], ([message, cut]) => {
    const frame = frameOf(message)
    assert.deepStrictEqual(plain(ofFrame(frame, Math.min(cut, frame.length))), plain(message))
  }, { arbitrary: { runs: 500 } })

  it.prop(
    "refuses a body cut short at any byte, or gives another message, but never throws",
    [message],
    ([message]) => {
      const { body, kind } = SyncMessage.encode(message)
      for (let end = 0; end < body.length; end++) {
        const decoded = NativeDecoder.decode(kind, body, 0, end)
        assert.notStrictEqual(decoded._tag, "Unknown")
      }
    },
    { arbitrary: { runs: 50 } }
  )

  it("is bounded", () => {
    const refused = (message: SyncMessage.SyncMessage) => {
      const { body, kind } = SyncMessage.encode(message)
      const decoded = NativeDecoder.decode(kind, body, 0, body.length)
      assert.strictEqual(decoded._tag, "BadBody", message._tag)
    }
    const many = (count: number) => Array.from({ length: count }, () => new Uint8Array(32))
    refused({ _tag: "GetHeaders", request: 1, locator: many(Limits.locatorHashes + 1) })
    refused({ _tag: "GetHeaders", request: 1, locator: [new Uint8Array(31)] })
    refused({ _tag: "Headers", request: 1, after: new Uint8Array(33), list: new Uint8Array(), more: false })
    refused({ _tag: "GetBlocks", request: 1, from: 1, hashes: new Uint8Array(32 * (Limits.blocksPerRequest + 1)) })
    refused({ _tag: "GetBlocks", request: 1, from: 1, hashes: new Uint8Array(33) })
    refused({ _tag: "GetBlocks", request: 1, from: 1, hashes: new Uint8Array(0) })
    refused({ _tag: "Blocks", request: 1, blocks: many(Limits.blocksPerRequest + 1), done: true })
    refused({ _tag: "Tip", height: 1, hash: new Uint8Array(0) })
  })

  it("is taken at each of its bounds, and what is beyond one is named", () => {
    const said = (message: SyncMessage.SyncMessage) => {
      const { body, kind } = SyncMessage.encode(message)
      const decoded = SyncMessage.decode(kind, body)
      return typeof decoded === "string" ? decoded : decoded?._tag
    }
    const hashes = (count: number, bytes = 32) => Array.from({ length: count }, () => new Uint8Array(bytes))
    const locator = (locator: ReadonlyArray<Uint8Array>) => said({ _tag: "GetHeaders", request: 1, locator })
    assert.strictEqual(locator(hashes(Limits.locatorHashes)), "GetHeaders")
    assert.strictEqual(locator(hashes(Limits.locatorHashes + 1)), "65 hashes in a locator, over 64")
    for (const bytes of [0, 31, 33]) {
      assert.strictEqual(locator([...hashes(2), ...hashes(1, bytes)]), "a hash that is not 32 bytes")
      const after = new Uint8Array(bytes)
      const list = new Uint8Array(0)
      assert.strictEqual(said({ _tag: "Headers", request: 1, after, list, more: false }), "a hash that is not 32 bytes")
      assert.strictEqual(said({ _tag: "Tip", height: 1, hash: after }), "a hash that is not 32 bytes")
    }
    const asked = (bytes: number) => said({ _tag: "GetBlocks", request: 1, from: 1, hashes: new Uint8Array(bytes) })
    assert.deepStrictEqual([32, 64, 32 * Limits.blocksPerRequest].map(asked), ["GetBlocks", "GetBlocks", "GetBlocks"])
    assert.deepStrictEqual([0, 31, 33].map(asked), ["0 bytes of hashes", "31 bytes of hashes", "33 bytes of hashes"])
    assert.strictEqual(asked(32 * (Limits.blocksPerRequest + 1)), "257 blocks asked for, over 256")
    const blocks = (count: number) => said({ _tag: "Blocks", request: 1, blocks: hashes(count), done: true })
    assert.strictEqual(blocks(Limits.blocksPerRequest), "Blocks")
    assert.strictEqual(blocks(Limits.blocksPerRequest + 1), "257 blocks")
    assert.strictEqual(said({ _tag: "NewBlock", block: new Uint8Array(0) }), "NewBlock")
  })

  it("numbers its requests in 32 bits, and asks for at least one header", () => {
    const encodes = (message: SyncMessage.SyncMessage) => {
      try {
        SyncMessage.encode(message)
        return true
      } catch {
        return false
      }
    }
    const request = (request: number) => encodes({ _tag: "GetHeaders", request, locator: [] })
    assert.deepStrictEqual([-1, 0, 2 ** 32 - 1, 2 ** 32, 1.5].map(request), [false, true, true, false, false])
    const count = (count: number) => encodes({ _tag: "GetHeaders", request: 1, locator: [], count })
    assert.deepStrictEqual([0, 1, 2 ** 32 - 1, 2 ** 32].map(count), [false, true, true, false])
    const from = (from: number) => encodes({ _tag: "GetBlocks", request: 1, from, hashes: new Uint8Array(32) })
    assert.deepStrictEqual([-1, 0, 1.5].map(from), [false, true, false])
    const height = (height: number) => encodes({ _tag: "Tip", height, hash: new Uint8Array(32) })
    assert.deepStrictEqual([-1, 0, 1.5].map(height), [false, true, false])
  })

  it("is no message of another kind", () => assert.isUndefined(SyncMessage.decode(38, new Uint8Array(0))))

  it("is total: 50,000 random bodies never throw", long, () => {
    const seed = 20_251_201
    const random = randomFrom(seed)
    const kinds = Object.values(SyncMessage.SyncKind)
    for (let i = 0; i < 50_000; i++) {
      const body = Uint8Array.from({ length: random(120) }, () => random(256))
      const kind = kinds[random(kinds.length)] ?? 32
      try {
        NativeDecoder.decode(kind, body, 0, body.length)
      } catch (error) {
        assert.fail(`seed ${seed}, input ${i}: kind ${kind} ${Buffer.from(body).toString("hex")}: ${String(error)}`)
      }
    }
  })
})
