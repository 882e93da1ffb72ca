/** The compact header: taken from a block's bytes without decoding it, and lists of headers at their bounds. */
import { assert, describe, it } from "@effect/vitest"
import { Writer } from "../../../src/domain/chain/Bincode.ts"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import { testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as arb from "../../harness/chainArbitraries.ts"
import { hasher } from "../../harness/hasher.ts"
import { vector } from "../../harness/vectors.ts"

const sample = Block.decode(vector("block bincode"))
if (Block.isMalformed(sample)) throw new Error(sample.reason)
const { header } = sample
/** bytes. Of the sample block: its header ends there. */
const headerEnd = 92 + 8 + 8 + 48 + 8 + 40 + 9 + 2 + 8 + 16

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex")

describe("the compact header of a block's bytes", () => {
  it.prop("is that of its fields, wherever the block lies and whatever was written before", [arb.block], ([fields]) => {
    const block = Block.make(fields)
    const expected = hex(BlockHeader.encode(fields.header))
    assert.strictEqual(hex(BlockHeader.encodedOf(block.bytes)), expected)
    const around = Uint8Array.of(1, 2, 3, ...block.bytes)
    const writer = new Writer(8)
    writer.u8(0xee)
    assert.isTrue(BlockHeader.writeOfBlock(writer, around.subarray(3)))
    assert.strictEqual(hex(writer.done()), `ee${expected}`)
  })

  it("needs the bytes to the header's last, and no more", () => {
    const bytes = sample.bytes
    const expected = hex(BlockHeader.encode(header))
    for (let end = 0; end <= bytes.length; end++) {
      const writer = new Writer()
      const is = BlockHeader.writeOfBlock(writer, bytes.subarray(0, end))
      assert.strictEqual(is, end >= headerEnd, `${end} bytes`)
      assert.strictEqual(hex(writer.done()), is ? expected : "", `${end} bytes`)
      assert.strictEqual(hex(BlockHeader.encodedOf(bytes.subarray(0, end))), is ? expected : undefined)
    }
  })

  it("is not given where a length exceeds the bytes, by its low half or by its high one", () => {
    const bitmapAt = 92 + 16 + 48 + 8 + 40
    for (const at of [92, 92 + 16 + 48, bitmapAt, bitmapAt + 9 + 2]) {
      for (const [offset, value] of [[3, 0x7f], [4, 1], [7, 0x80]] as const) {
        const bytes = Uint8Array.from(sample.bytes)
        bytes[at + offset] = value
        assert.isUndefined(BlockHeader.encodedOf(bytes), `byte ${offset} of the length at ${at}`)
      }
    }
  })

  it("is the same whether or not the block says if it recovered", () => {
    for (const livenessRecovery of [undefined, false, true]) {
      const block = Block.make({ ...sample, header: { ...header, livenessRecovery } })
      assert.strictEqual(hex(BlockHeader.encodedOf(block.bytes)), hex(BlockHeader.encode(header)))
    }
  })

  it("says its own length at its start, once both lengths are there", () => {
    const bytes = BlockHeader.encode({
      ...header,
      leader: "é".repeat(200),
      activeMasternodesBitmap: new Uint8Array(300)
    })
    assert.strictEqual(bytes.length, BlockHeader.fixedBytes + 400 + 300)
    for (const length of [bytes.length, 8]) {
      assert.strictEqual(BlockHeader.encodedLength(bytes.subarray(0, length)), bytes.length)
    }
    for (const length of [0, 7]) {
      assert.strictEqual(BlockHeader.encodedLength(bytes.subarray(0, length)), BlockHeader.fixedBytes)
    }
    const shifted = Uint8Array.of(9, 9, ...bytes).subarray(2)
    assert.strictEqual(BlockHeader.encodedLength(shifted), bytes.length)
  })

  it("has the treasury in its last eight bytes", () => {
    for (const treasuryBalance of [0, 7, 2 ** 40, 2n ** 64n - 1n]) {
      const bytes = BlockHeader.encode({ ...header, treasuryBalance })
      assert.strictEqual(BlockHeader.treasuryOf(bytes), treasuryBalance)
      assert.strictEqual(BlockHeader.treasuryOf(Uint8Array.of(1, ...bytes).subarray(1)), treasuryBalance)
    }
  })
})

describe("a decoded header", () => {
  it("names what is wrong, and has a hash only when it is whole", () => {
    const bytes = BlockHeader.encode(header)
    const decode = (bytes: Uint8Array) => BlockHeader.decode(hasher, bytes)
    assert.deepStrictEqual(decode(bytes.subarray(0, -1)), {
      _tag: "Malformed",
      reason: "truncated",
      at: bytes.length - 8
    })
    assert.deepStrictEqual(decode(Uint8Array.of(...bytes, 0)), {
      _tag: "Malformed",
      reason: "trailing bytes",
      at: bytes.length
    })
    const edited = (at: number, value: number) => {
      const copy = Uint8Array.from(bytes)
      copy[at] = value
      return decode(copy)
    }
    assert.include(edited(8 + 4 + 7, 0x20), { reason: "height 2305843009213693953 is out of range" })
    const early = edited(8 + 4 + 8 + 64 + 7, 0x80)
    assert.match(Block.isMalformed(early) ? early.reason : "", /^timestamp -\d+ is out of range$/)
    assert.include(edited(8 + 92, 0xff), { reason: "ill-formed UTF-8", at: 8 + 92 })
    const negative = BlockHeader.decode(hasher, BlockHeader.encode({ ...header, timestamp: -5 }))
    if (Block.isMalformed(negative)) return assert.fail(negative.reason)
    assert.strictEqual(negative.header.timestamp, -5)
    assert.strictEqual(hex(negative.hash), hex(BlockHeader.hash(hasher, { ...header, timestamp: -5 })))
  })

  it("computes no hash of a header that is broken", () => {
    const none = { ...hasher, blake3: () => assert.fail("hashed") }
    assert.isTrue(Block.isMalformed(BlockHeader.decode(none, BlockHeader.encode(header).subarray(0, -1))))
  })
})

describe("a list of headers", () => {
  const encoded = BlockHeader.encode(header)
  const count = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32LE(0)
  const headersOf = (list: ReturnType<typeof BlockHeader.decodeList>) => {
    if (Block.isMalformed(list)) throw new Error(list.reason)
    return list
  }

  it("is its count and its headers, of which it takes as many as a message holds", () => {
    assert.deepStrictEqual(BlockHeader.joinList([]), { bytes: new Uint8Array(4), count: 0 })
    const two = BlockHeader.joinList([encoded, encoded])
    assert.deepStrictEqual([two.count, count(two.bytes)], [2, 2])
    assert.strictEqual(hex(two.bytes), `02000000${hex(encoded)}${hex(encoded)}`)
    const usual = Array.from({ length: Limits.headersPerMessage + 1 }, () => encoded)
    const full = BlockHeader.joinList(usual)
    assert.strictEqual(full.count, Limits.headersPerMessage)
    assert.strictEqual(headersOf(BlockHeader.decodeList(hasher, full.bytes)).length, Limits.headersPerMessage)
  })

  it("of several ends at the limit of bytes exactly, and of one has no limit", () => {
    const rest = (bytes: number) => BlockHeader.joinList([encoded, new Uint8Array(bytes), encoded])
    const room = Limits.headersBytes - 4 - encoded.length
    assert.strictEqual(rest(room - encoded.length).count, 3)
    assert.strictEqual(rest(room - encoded.length).bytes.length, Limits.headersBytes)
    assert.strictEqual(rest(room - encoded.length + 1).count, 2)
    assert.strictEqual(rest(room).count, 2)
    assert.strictEqual(rest(room + 1).count, 1)
    const long = BlockHeader.joinList([new Uint8Array(Limits.headersBytes), encoded])
    assert.deepStrictEqual([long.count, long.bytes.length], [1, Limits.headersBytes + 4])
  })

  it("is bad with more headers than a message holds, or than there are bytes, and with bytes left over", () => {
    const decode = (bytes: Uint8Array) => BlockHeader.decodeList(hasher, bytes)
    const list = (n: number, ...bytes: ReadonlyArray<Uint8Array>) => {
      const writer = new Writer()
      writer.u32(n)
      for (const some of bytes) writer.raw(some)
      return writer.done()
    }
    const malformed = (reason: string, at: number) => ({ _tag: "Malformed" as const, reason, at })
    assert.deepStrictEqual(decode(list(0)), [])
    assert.deepStrictEqual(decode(list(0, encoded)), malformed("trailing bytes", 4))
    assert.deepStrictEqual(decode(list(1)), malformed("a count of more headers than bytes", 4))
    const least = BlockHeader.encode({ ...header, leader: "", activeMasternodesBitmap: new Uint8Array(0) })
    assert.strictEqual(least.length, BlockHeader.fixedBytes)
    assert.strictEqual(headersOf(decode(list(2, least, least))).length, 2)
    assert.deepStrictEqual(decode(list(3, least, least)), malformed("a count of more headers than bytes", 4))
    const cut = list(2, encoded, least.subarray(0, -1))
    assert.deepStrictEqual(decode(cut), malformed("truncated", 4 + encoded.length + least.length - 8))
    assert.deepStrictEqual(decode(list(1, encoded, encoded)), malformed("trailing bytes", 4 + encoded.length))
    assert.deepStrictEqual(decode(Uint8Array.of(1, 0, 0)), malformed("truncated", 0))
    const more = Limits.headersPerMessage + 1
    assert.deepStrictEqual(decode(list(more)), malformed(`${more} headers, over ${Limits.headersPerMessage}`, 4))
  })

  it("stops at its first bad header", () => {
    let hashed = 0
    const counting = { ...hasher, blake3: (bytes: Uint8Array) => (hashed += 1, hasher.blake3(bytes)) }
    const bad = Uint8Array.from(encoded)
    bad[8 + 4 + 7] = 0x20
    const { bytes } = BlockHeader.joinList([encoded, bad, encoded, encoded])
    const list = BlockHeader.decodeList(counting, bytes)
    assert.include(list, { _tag: "Malformed" })
    assert.strictEqual(hashed, 1)
    // A turn for each header until then.
    const turns = [...BlockHeader.decodingList(counting, bytes, 1)]
    assert.strictEqual(turns.length, 1)
  })

  it("encodes no header beyond those that a message holds", () => {
    const unread = { ...header }
    Object.defineProperty(unread, "version", { get: () => assert.fail("encoded") })
    const headers = [...Array.from({ length: Limits.headersPerMessage }, () => header), unread]
    assert.strictEqual(BlockHeader.encodeList(headers).count, Limits.headersPerMessage)
  })

  it("yields after every step, not before the first header nor after the last", () => {
    const { bytes } = BlockHeader.joinList(Array.from({ length: 7 }, () => encoded))
    const turns = (step: number) => {
      const decoding = BlockHeader.decodingList(hasher, bytes, step)
      let yields = 0
      for (let next = decoding.next();; next = decoding.next()) {
        if (next.done === true) return [yields, headersOf(next.value).length]
        yields += 1
      }
    }
    assert.deepStrictEqual([1, 2, 3, 6, 7, 8].map(turns), [[6, 7], [3, 7], [2, 7], [1, 7], [0, 7], [0, 7]])
  })

  it("gives back each header with its hash", () => {
    const other = { ...header, height: 77, leader: "" }
    const { bytes, count } = BlockHeader.encodeList([testnet.genesis.header, header, other])
    assert.strictEqual(count, 3)
    const list = headersOf(BlockHeader.decodeList(hasher, bytes))
    assert.deepStrictEqual(list.map(({ header }) => header.height), [0, header.height, 77])
    assert.deepStrictEqual(
      list.map(({ hash }) => Hash.toHex(hash)),
      [testnet.genesis.header, header, other].map((one) => Hash.toHex(BlockHeader.hash(hasher, one)))
    )
  })
})
