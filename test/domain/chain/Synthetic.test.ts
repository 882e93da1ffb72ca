import { assert, describe, it } from "@effect/vitest"
import * as Block from "../../../src/domain/chain/Block.ts"
import { type ChainParams, devnet, dueAt, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"
import { later, options, parent } from "../../harness/changedBlocks.ts"
import { hasher } from "../../harness/hasher.ts"

const check = (block: Block.Block, now = later, of = parent, params: ChainParams = testnet) =>
  Validation.block(params, hasher, of, block, now)

describe("Synthetic", () => {
  it("blocks 1 to 3 have the hashes the reference daemon reported", () => {
    const hashes: Array<string> = []
    let parent = Synthetic.genesisParent(testnet)
    for (let height = 1; height <= 3; height++) {
      const made = Synthetic.block(testnet, hasher, parent, options, later)
      if (Synthetic.isNotDue(made)) return assert.fail("not due")
      assert.strictEqual(made.block.bytes.length, 484)
      assert.strictEqual(check(made.block, later, parent)._tag, "Valid")
      hashes.push(Hash.toHex(made.hash))
      parent = HeaderRules.parentOf(made.block.header, made.hash)
    }
    assert.deepStrictEqual(hashes, [
      "3c0ca7d3cd2b1266c796e5855d0075361ad29e9a21baf9c1dd704f3eff6e03c1",
      "d46e3242a7d6bfcbcd352777b0a4b515fe2a24a06598db14ba2afc2506190013",
      "505b4a2c5336ac4baa4fe0ef1c22dded27c2ea3748f729f621868f0852c39b57"
    ])
  })

  it("refuses what is not due yet", () => {
    const parent = Synthetic.genesisParent(devnet)
    const due = dueAt(devnet, 1)
    assert.deepStrictEqual(Synthetic.block(devnet, hasher, parent, options, due * 1000 - 1), {
      _tag: "NotDue",
      height: 1,
      dueAt: due
    })
    assert.isFalse(Synthetic.isNotDue(Synthetic.block(devnet, hasher, parent, options, due * 1000)))
  })

  it("a devnet chain is valid on devnet, at the height where amounts outgrow a double too", () => {
    const now = Date.parse("2027-01-01T00:00:00Z")
    let parent: HeaderRules.Parent = {
      height: 18_014_397,
      hash: new Uint8Array(32).fill(1),
      treasuryBalance: 500_000_000n * 18_014_398n
    }
    parent = { ...parent, treasuryBalance: Number(parent.treasuryBalance) }
    for (let i = 0; i < 5; i++) {
      const made = Synthetic.block(devnet, hasher, parent, options, now)
      if (Synthetic.isNotDue(made)) return assert.fail("not due")
      const back = Block.decode(made.block.bytes)
      if (Block.isMalformed(back)) return assert.fail(back.reason)
      assert.strictEqual(back.header.treasuryBalance, made.block.header.treasuryBalance)
      assert.strictEqual(check(back, now, parent, devnet)._tag, "Valid")
      parent = HeaderRules.parentOf(made.block.header, made.hash)
    }
    assert.strictEqual(parent.treasuryBalance, 500_000_000n * 18_014_403n)
  })
})
