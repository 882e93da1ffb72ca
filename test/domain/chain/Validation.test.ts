import { assert, describe, it } from "@effect/vitest"
import type * as Block from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import { type ChainParams, devnet, dueAt, maxHeight, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"
import { type Change, changed, good, later, options, parent, parentAt } from "../../harness/changedBlocks.ts"
import { hasher } from "../../harness/hasher.ts"

const check = (block: Block.Block, now = later, of = parent, params: ChainParams = testnet) =>
  Validation.block(params, hasher, of, block, now)

const tag = (change: Change, now = later) => check(changed(change), now)._tag

describe("Validation of a good block", () => {
  it("gives hash and txids", () => {
    const valid = check(good)
    if (valid._tag !== "Valid") return assert.fail(Validation.describe(valid))
    assert.isTrue(Hash.equals(valid.hash, BlockHeader.hash(hasher, good.header)))
    assert.deepStrictEqual(valid.txids, good.transactions.map((transaction) => Txid.of(hasher, transaction)))
    assert.strictEqual(changed({}).bytes.length, good.bytes.length)
  })

  it("takes the header of before by its hash", () => {
    const hash = BlockHeader.hash(hasher, good.header)
    assert.strictEqual(Validation.body(testnet, hasher, hash, good, later)._tag, "Valid")
    assert.strictEqual(Validation.body(testnet, hasher, Hash.zero, good, later)._tag, "WrongBlock")
  })

  it("every fault has words", () => {
    const fault = check(changed({ header: { height: 7 } }))
    if (fault._tag === "Valid") return assert.fail("valid")
    assert.strictEqual(Validation.describe(fault), "height 7, expected 101")
  })
})

describe("header rules, one by one", () => {
  it("height and parent", () => {
    assert.strictEqual(tag({ header: { height: 102 } }), "WrongHeight")
    assert.strictEqual(tag({ header: { height: 100 } }), "WrongHeight")
    assert.strictEqual(tag({ header: { previousHash: new Uint8Array(32).fill(8) } }), "WrongParent")
    assert.strictEqual(tag({ header: { previousHash: Hash.zero } }), "WrongParent")
  })

  it("time: not before genesis, not in the future, not ahead of schedule, not earlier than its place", () => {
    const at = (height: number, timestamp: number, now: number) => {
      const of = parentAt(height - 1)
      const { block } = Synthetic.onTop(testnet, hasher, of, timestamp, options)
      return check(block, now, of)._tag
    }
    const due = dueAt(testnet, 101)
    assert.strictEqual(at(101, due, due * 1000), "Valid")
    // The clock's tolerance: 5 s.
    assert.strictEqual(at(101, due + 5, due * 1000), "Valid")
    assert.strictEqual(at(101, due + 6, due * 1000), "InFuture")
    assert.strictEqual(at(101, due + 6, due * 1000 + 999), "InFuture")
    assert.strictEqual(at(101, due + 6, due * 1000 + 1000), "Valid")
    // The schedule's: 10 s.
    assert.strictEqual(at(101, due - 30, (due - 10) * 1000), "Valid")
    assert.strictEqual(at(101, due - 30, (due - 10) * 1000 - 1), "AheadOfSchedule")
    // Earlier than its place: 30 s, however long ago that was.
    assert.strictEqual(at(101, due - 31, due * 1000), "TooEarly")
    assert.strictEqual(at(101, due - 31, dueAt(testnet, 111) * 1000), "TooEarly")
    assert.strictEqual(at(101, due - 31, dueAt(testnet, 112) * 1000), "TooEarly")
    assert.strictEqual(at(101, due - 31, later), "TooEarly")
    assert.strictEqual(at(101, due - 30, later), "Valid")
    assert.strictEqual(at(1, testnet.genesisTime + 570, later), "Valid")
    assert.strictEqual(at(1, testnet.genesisTime, later), "TooEarly")
    assert.strictEqual(at(1, testnet.genesisTime - 1, later), "BeforeGenesis")
  })

  it("a verdict about time passes, others do not", () => {
    const scope = (change: Change, now: number) => {
      const fault = check(changed(change), now)
      return fault._tag === "Valid" ? assert.fail("valid") : Validation.scope(fault)
    }
    const due = dueAt(testnet, 101)
    assert.strictEqual(scope({ header: { timestamp: due + 6 } }, due * 1000), "later")
    assert.strictEqual(scope({}, (due - 11) * 1000), "later")
    assert.strictEqual(scope({ header: { timestamp: 0 } }, later), "block")
    assert.strictEqual(scope({ header: { timestamp: due - 31 } }, due * 1000), "block")
    assert.strictEqual(scope({ header: { leader: "" } }, later), "block")
    const passes = (change: Partial<Block.FullHeader>, now: number) => {
      const fault = HeaderRules.check(testnet, parent, { ...good.header, ...change }, now)
      return fault !== undefined && HeaderRules.passes(fault)
    }
    assert.isTrue(passes({ timestamp: due + 6 }, due * 1000))
    assert.isTrue(passes({}, (due - 11) * 1000))
    assert.isFalse(passes({ timestamp: due - 31 }, due * 1000))
    assert.isFalse(passes({ leader: " x" }, later))
  })

  it("a leader without white space at its ends, as Unicode has it, at any height", () => {
    const spaces = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
    for (const space of spaces) {
      assert.strictEqual(tag({ header: { leader: `${space}x` } }), "UntrimmedLeader", JSON.stringify(space))
      assert.strictEqual(tag({ header: { leader: `x${space}` } }), "UntrimmedLeader", JSON.stringify(space))
      assert.strictEqual(tag({ header: { leader: `x${space}x` } }), "Valid", JSON.stringify(space))
    }
    // JavaScript trims the first of these, Unicode's property has none of them.
    for (const other of ["\ufeff", "\u200b", "\u180e", "\u0000"]) {
      assert.strictEqual(tag({ header: { leader: `${other}x${other}` } }), "Valid", JSON.stringify(other))
    }
    const of = parentAt(0)
    const low = Synthetic.onTop(testnet, hasher, of, dueAt(testnet, 1), { ...options, leader: " " })
    assert.strictEqual(check(low.block, later, of)._tag, "UntrimmedLeader")
  })

  it("a leader above height 3", () => {
    for (const [height, expected] of [[1, "Valid"], [3, "Valid"], [4, "NoLeader"], [5, "NoLeader"]] as const) {
      const of = parentAt(height - 1)
      const { block } = Synthetic.onTop(testnet, hasher, of, dueAt(testnet, height), { ...options, leader: "" })
      assert.strictEqual(check(block, later, of)._tag, expected, `${height}`)
    }
  })

  it("the treasury grows by at most a step", () => {
    const greatest = 500_000_000 * 102
    assert.strictEqual(tag({ header: { treasuryBalance: greatest } }), "Valid")
    assert.strictEqual(tag({ header: { treasuryBalance: greatest + 1 } }), "TreasuryTooHigh")
    assert.strictEqual(tag({ header: { treasuryBalance: 2n ** 64n - 1n } }), "TreasuryTooHigh")
    assert.strictEqual(tag({ header: { treasuryBalance: 0 } }), "Valid")
  })

  it("windows follow from the network's params", () => {
    assert.strictEqual(maxHeight(testnet, dueAt(testnet, 7) * 1000), 7)
    assert.strictEqual(maxHeight(devnet, dueAt(devnet, 7) * 1000), 17)
    const made = Synthetic.block(devnet, hasher, Synthetic.genesisParent(devnet), options, dueAt(devnet, 1) * 1000)
    if (Synthetic.isNotDue(made)) return assert.fail("not due")
    const parent = Synthetic.genesisParent(devnet)
    assert.strictEqual(check(made.block, dueAt(devnet, 1) * 1000, parent, devnet)._tag, "Valid")
    assert.strictEqual(check(made.block, dueAt(devnet, 1) * 1000, parent, testnet)._tag, "AheadOfSchedule")
  })
})
