import { assert, describe, it } from "@effect/vitest"
import * as Bincode from "../../../src/domain/chain/Bincode.ts"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import { testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"
import { hasher } from "../../harness/hasher.ts"
import { blocksOf, payloads } from "../../harness/vectors.ts"

const now = Date.parse("2026-01-01T00:00:00Z")

/** Every block of a recording, by height, whichever message carried it. */
const recorded = (recording: string): Map<number, Block.Block> => {
  const blocks = new Map<number, Block.Block>()
  const lists = ["BlocksResponse", "BlockRangeResponse"].flatMap((type) => payloads(recording, type)).map(blocksOf)
  const singles = ["BlockResponse", "GenesisAnnouncement"].flatMap((type) => payloads(recording, type)).map((bytes) => {
    const block = Block.decode(bytes)
    if (Block.isMalformed(block)) throw new Error(block.reason)
    return [block]
  })
  for (const block of [...lists, ...singles].flat()) {
    const before = blocks.get(block.header.height)
    if (before !== undefined) assert.deepStrictEqual(Buffer.from(before.bytes), Buffer.from(block.bytes))
    blocks.set(block.header.height, block)
  }
  return blocks
}

describe("recorded conversations of the TIME reference daemon", () => {
  for (const recording of ["rec-daemon-syncs-120", "rec-we-sync-120"]) {
    it(`${recording}: 120 blocks decode, link, are valid, have the told hashes, encode to the same bytes`, () => {
      const blocks = recorded(recording)
      const hashes = new Map(
        ["BlockHashResponse", "ChainTipResponse"].flatMap((type) => payloads(recording, type)).flatMap((bytes) => {
          const reader = new Bincode.Reader(bytes)
          const height = reader.small("height")
          if (bytes.length === 9) return []
          if (bytes.length === 41) reader.bool()
          return [[height, Hash.toHex(reader.hash())] as const]
        })
      )
      assert.isTrue(hashes.has(120))
      let parent = Synthetic.genesisParent(testnet)
      for (let height = 1; height <= 120; height++) {
        const block = blocks.get(height)
        if (block === undefined) return assert.fail(`no block ${height}`)
        assert.deepStrictEqual(Buffer.from(Block.encode(block)), Buffer.from(block.bytes))
        const valid = Validation.block(testnet, hasher, parent, block, now)
        if (valid._tag !== "Valid") return assert.fail(`block ${height}: ${Validation.describe(valid)}`)
        const told = hashes.get(height)
        if (told !== undefined) assert.strictEqual(Hash.toHex(valid.hash), told)
        const made = Synthetic.block(
          testnet,
          hasher,
          parent,
          { leader: "10.11.0.2", address: "TIME0testaddr" },
          now
        )
        if (Synthetic.isNotDue(made)) return assert.fail("not due")
        assert.deepStrictEqual(Buffer.from(made.block.bytes), Buffer.from(block.bytes))
        parent = HeaderRules.parentOf(block.header, valid.hash)
      }
      const genesis = blocks.get(0)
      if (genesis !== undefined) assert.deepStrictEqual(Buffer.from(genesis.bytes), Buffer.from(testnet.genesis.bytes))
    })
  }

  it("headers of the recorded chain go through a header message", () => {
    const blocks = [...recorded("rec-we-sync-120").values()].toSorted((a, b) => a.header.height - b.header.height)
    const list = BlockHeader.decodeList(hasher, BlockHeader.encodeList(blocks.map((block) => block.header)).bytes)
    if (Block.isMalformed(list)) return assert.fail(list.reason)
    assert.strictEqual(list.length, 121)
    for (const [i, { hash, header }] of list.entries()) {
      const next = list[i + 1]
      if (next !== undefined) assert.isTrue(Hash.equals(next.header.previousHash, hash), `${header.height}`)
    }
  })
})
