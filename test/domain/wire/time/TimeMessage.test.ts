import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { testnet } from "../../../../src/domain/chain/ChainParams.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import * as TimeDecoder from "../../../../src/domain/wire/time/TimeDecoder.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import * as TimeMessage from "../../../../src/domain/wire/time/TimeMessage.ts"
import type { Decoded } from "../../../../src/domain/wire/Wire.ts"
import { long } from "../../../harness/long.ts"
import { frameOf, head, ofFrame, plain } from "../../../harness/timeFrames.ts"
import { messages } from "../../../harness/timeMessages.ts"
import { frameVectors, recorded, recordings, vector } from "../../../harness/vectors.ts"

const isMessage = Schema.is(TimeMessage.TimeMessage)

const isRead = (decoded: Decoded<TimeMessage.TimeMessage>): decoded is TimeMessage.TimeMessage =>
  decoded._tag !== "Unknown" && decoded._tag !== "BadBody"

/** A payload: an index, then any number of u64 and texts. */
const payload = (index: number, ...parts: ReadonlyArray<bigint | string>): Uint8Array => {
  const start = Buffer.alloc(8)
  start.writeUInt32LE(index, 4)
  return Buffer.concat([
    start,
    ...parts.map((part) => {
      if (typeof part === "string") return Buffer.from(part)
      const u64 = Buffer.alloc(8)
      u64.writeBigUInt64LE(part)
      return u64
    })
  ])
}

describe("vectors", () => {
  const skipped = new Set(["UnknownMessage"])
  for (const [name, bytes] of frameVectors) {
    it(name, () => {
      const decoded = ofFrame(bytes)
      if (skipped.has(name)) return assert.strictEqual(decoded._tag, "Unknown")
      assert.strictEqual<string>(decoded._tag, name.replace(/_.*/, ""))
      if (isRead(decoded)) assert.deepStrictEqual(Buffer.from(frameOf(decoded)), bytes)
    })
  }

  it("say what their names say", () => {
    const values: Readonly<Record<string, object>> = {
      Handshake_testnet: {
        _tag: "Handshake",
        magic: Buffer.from("TIME"),
        version: 2,
        network: "testnet",
        commitCount: 2344
      },
      Ping_some: { _tag: "Ping", nonce: 0x0102030405060708n, timestamp: 1764547200, height: 100 },
      Ping_none: { _tag: "Ping", nonce: 0x0102030405060708n, timestamp: 1764547200, height: undefined },
      PeersResponse: { _tag: "PeersResponse", addresses: ["1.2.3.4:24100"] },
      GetBlocks: { _tag: "GetBlocks", start: 0, end: 49 },
      ChainWorkResponse: { _tag: "ChainWorkResponse", height: 1, tipHash: Buffer.alloc(32), work: 1_000_000n },
      PeerExchange: {
        _tag: "PeerExchange",
        peers: [
          { address: "10.0.0.2", connections: 3, isMasternode: true, tier: "Gold" },
          { address: "10.0.0.3", connections: 65_535, isMasternode: false, tier: undefined }
        ]
      },
      MasternodesResponse: {
        _tag: "MasternodesResponse",
        masternodes: [{
          address: "10.0.0.2",
          rewardAddress: "TIME0abc",
          tier: "Bronze",
          publicKey: vector("vk"),
          collateral: { txid: Buffer.from(Array.from({ length: 32 }, (_, i) => i)), vout: 1 },
          registeredAt: 5
        }]
      }
    }
    for (const [name, value] of Object.entries(values)) {
      const bytes = frameVectors.get(name)
      assert.deepStrictEqual(
        JSON.stringify(bytes === undefined ? undefined : ofFrame(bytes), plain),
        JSON.stringify(value, plain),
        name
      )
    }
  })
})

describe("recordings", () => {
  /** Variants that occur and are of no use to a peer. */
  const skipped = new Set(["TimeVotePrepare"])
  for (const recording of recordings) {
    it(`${recording}: every frame is read as what it is and written as the same bytes, or skipped`, () => {
      const frames = recorded(recording)
      assert.isAbove(frames.length, 20)
      for (const { frame, type } of frames) {
        const decoded = ofFrame(frame)
        if (skipped.has(type)) {
          assert.strictEqual(decoded._tag, "Unknown", type)
          continue
        }
        if (!isRead(decoded)) return assert.fail(`${type}: ${JSON.stringify(decoded)}`)
        assert.isTrue(isMessage(decoded), type)
        if (!/^\d+$/.test(type)) assert.strictEqual<string>(decoded._tag, type)
        assert.deepStrictEqual(Buffer.from(frameOf(decoded)), frame, type)
      }
    })
  }
})

describe("every message", () => {
  it("survives being written and read, keeps to its schema, and wherever it lies", () => {
    for (const message of messages(1, 40)) {
      const frame = frameOf(message)
      const decoded = ofFrame(frame)
      assert.strictEqual(decoded._tag, message._tag)
      if (!isRead(decoded)) return
      assert.isTrue(isMessage(decoded), JSON.stringify(decoded, plain))
      assert.strictEqual(JSON.stringify(decoded, plain), JSON.stringify(message, plain))
      assert.deepStrictEqual(Buffer.from(frameOf(decoded)), Buffer.from(frame))
      const around = Buffer.concat([Buffer.alloc(7, 0xa5), frame, Buffer.alloc(9, 0xa5)])
      const inside = TimeDecoder.decode(around, 11, 7 + frame.length, head)
      assert.strictEqual(JSON.stringify(inside, plain), JSON.stringify(decoded, plain))
    }
  })

  it("truncated at any byte is bad, with its name in the reason", long, () => {
    for (const message of messages(2, 4)) {
      const frame = frameOf(message)
      for (let end = TimeEncoder.lengthBytes; end < frame.length; end++) {
        const decoded = TimeDecoder.decode(frame, TimeEncoder.lengthBytes, end, head)
        if (end < 8) assert.deepStrictEqual(decoded, { _tag: "Unknown", kind: -1 })
        else if (decoded._tag !== "BadBody") assert.fail(`${message._tag} to byte ${end}: ${decoded._tag}`)
        else assert.include(decoded.reason, `${message._tag}: `)
      }
    }
  })

  it("with bytes behind it is the same message", () => {
    for (const message of messages(3, 2)) {
      const longer = Buffer.concat([frameOf(message), Buffer.alloc(5, 0xff)])
      assert.strictEqual(JSON.stringify(ofFrame(longer), plain), JSON.stringify(ofFrame(frameOf(message)), plain))
    }
  })
})

describe("bounds", () => {
  const reasonOf = (frame: Uint8Array): string => {
    const decoded = ofFrame(frame)
    return decoded._tag === "BadBody" ? decoded.reason : decoded._tag
  }
  const most = 2n ** 64n - 1n

  it("a count beyond the bytes that are left is refused", () => {
    for (const tag of ["BlocksResponse", "MasternodesResponse", "PeersResponse", "PeerExchange"] as const) {
      const [number] = TimeMessage.table[tag]
      for (const count of [1n, 128n, 2n ** 32n, 2n ** 53n, most]) {
        assert.strictEqual(reasonOf(payload(number, count)), `${tag}: a count of more elements than bytes at byte 16`)
      }
    }
    for (const count of [1n, most]) assert.include(reasonOf(payload(11, count)), "a count of more elements than bytes")
  })

  it("as many entries as a list may have are read, one more is not", () => {
    const addresses = (n: number) => payload(43, BigInt(n), ...Array.from({ length: n }, () => 0n))
    assert.strictEqual(ofFrame(addresses(Limits.timeListEntries))._tag, "PeersResponse")
    assert.include(reasonOf(addresses(Limits.timeListEntries + 1)), `${Limits.timeListEntries + 1} entries, over`)
    const genesis = recorded("rec-we-sync-120").find(({ type }) => type === "GenesisAnnouncement")?.frame.subarray(8)
    const blocks = (n: number) =>
      Buffer.concat([payload(7, BigInt(n)), ...Array.from({ length: n }, () => genesis ?? Buffer.alloc(0))])
    assert.strictEqual(ofFrame(blocks(Limits.timeBlocks))._tag, "BlocksResponse")
    assert.include(reasonOf(blocks(Limits.timeBlocks + 1)), `${Limits.timeBlocks + 1} entries, over`)
  })

  it("a text as long as it may be is read, one byte more is not; words for a person are cut", () => {
    const address = (n: number) => payload(32, BigInt(n), "x".repeat(n), 0n)
    assert.strictEqual(ofFrame(address(Limits.timeTextBytes))._tag, "MasternodeInactive")
    assert.include(reasonOf(address(Limits.timeTextBytes + 1)), "bytes of text, over")
    const words = ofFrame(payload(84, 100_000n, "\u001b[2J" + "y".repeat(99_996)))
    assert.strictEqual(words._tag, "ConnectivityWarning")
    if (words._tag === "ConnectivityWarning") {
      assert.strictEqual(words.message, `?[2J${"y".repeat(Limits.timeWordsBytes - 4)}`)
    }
  })

  it("values that no version writes are refused", () => {
    const edit = (name: string, at: number, bytes: ReadonlyArray<number>) => {
      const frame = Buffer.from(frameVectors.get(name) ?? [])
      frame.set(bytes, at)
      return reasonOf(frame)
    }
    assert.include(edit("Ping_some", 24, [2]), "an Option tag of 2")
    assert.include(edit("PeerExchange", 34, [7]), "a bool of 7")
    assert.include(edit("PeerExchange", 36, [4]), "variant 4 of 4")
    assert.include(edit("MasternodesResponse", 52, [31]), "a public key of 31 bytes")
    assert.include(edit("PeersResponse", 24, [0xff]), "ill-formed UTF-8")
    assert.include(edit("BlockHeightResponse", 14, [0xff, 0xff]), "a number")
  })

  it("a message that no frame holds is not written", () => {
    const block = messages(4, 1).find((message) => message._tag === "BlockResponse")
    if (block?._tag !== "BlockResponse") return assert.fail("no block")
    const withBytes = (bytes: number) => ({ ...block, block: { ...block.block, bytes: new Uint8Array(bytes) } })
    assert.strictEqual(TimeEncoder.encode(withBytes(Limits.frameBytes - 4))?.length, Limits.frameBytes + 4)
    assert.isUndefined(TimeEncoder.encode(withBytes(Limits.frameBytes - 3)))
  })
})

describe("a message that this version does not read", () => {
  it("is skipped, with its number", () => {
    const known = new Set<number>(TimeMessage.tags.map((tag) => TimeMessage.table[tag][0]))
    for (let index = 0; index < 100; index++) {
      if (known.has(index)) continue
      assert.deepStrictEqual(ofFrame(payload(index)), { _tag: "Unknown", kind: index })
      assert.deepStrictEqual(ofFrame(payload(index, 5n)), { _tag: "Unknown", kind: index })
    }
    assert.deepStrictEqual(ofFrame(payload(2 ** 32 - 1)), { _tag: "Unknown", kind: 2 ** 32 - 1 })
  })

  it("is one of fewer bytes than a number has", () => {
    for (let bytes = 0; bytes < 4; bytes++) {
      assert.deepStrictEqual(ofFrame(new Uint8Array(4 + bytes)), { _tag: "Unknown", kind: -1 }, `${bytes}`)
    }
    assert.strictEqual(ofFrame(new Uint8Array(8))._tag, "GetGenesisHash")
  })
})

describe("what is written from blocks' bytes", () => {
  const { genesis } = testnet
  const block = Buffer.from(genesis.bytes)

  it("is the message of the decoded blocks", () => {
    for (const tag of ["BlocksResponse", "BlockRangeResponse"] as const) {
      for (const n of [0, 1, 3]) {
        const frame = TimeEncoder.encodeList(tag, Array.from({ length: n }, () => block))
        const message = { _tag: tag, blocks: Array.from({ length: n }, () => genesis) }
        assert.deepStrictEqual(Buffer.from(frame ?? []), Buffer.from(frameOf(message)))
      }
    }
    for (const tag of ["BlockResponse", "GenesisAnnouncement"] as const) {
      const frame = Buffer.from(TimeEncoder.encodeBlock(tag, block))
      assert.deepStrictEqual(frame, Buffer.from(frameOf({ _tag: tag, block: genesis })))
      assert.strictEqual(frame.readUInt32BE(), frame.length - 4)
    }
  })

  it("is as long as a frame at the most", () => {
    const list = (bytes: number) => TimeEncoder.encodeList("BlocksResponse", [new Uint8Array(bytes)])
    const most = Limits.frameBytes - 4 - 8
    assert.strictEqual(list(most)?.length, Limits.frameBytes + 4)
    assert.isUndefined(list(most + 1))
  })
})

it("the answer to a request for unconfirmed transactions is an empty list", () => {
  assert.strictEqual(Buffer.from(TimeEncoder.emptyMempool).toString("hex"), "0000000c290000000000000000000000")
})
