/** What each fault of a header says, with every number of it, and which of several faults comes first. */
import { assert, describe, it } from "@effect/vitest"
import type * as Block from "../../../src/domain/chain/Block.ts"
import { dueAt, mainnet, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as U64 from "../../../src/domain/chain/U64.ts"
import { good, later, parent } from "../../harness/changedBlocks.ts"

type Change = Partial<Block.FullHeader>

const due = dueAt(testnet, 101)
const other = new Uint8Array(32).fill(9)
const check = (change: Change, now = later, of = parent) =>
  HeaderRules.check(testnet, of, { ...good.header, ...change }, now)

describe("a fault of a header", () => {
  it("gives what it has and what the rule wants", () => {
    const cases: ReadonlyArray<readonly [Change, now: number, HeaderRules.HeaderFault]> = [
      [{ height: 102 }, later, { _tag: "WrongHeight", expected: 101, actual: 102 }],
      [{ previousHash: other }, later, { _tag: "WrongParent", expected: parent.hash, actual: other }],
      [
        { timestamp: testnet.genesisTime - 1 },
        later,
        { _tag: "BeforeGenesis", timestamp: testnet.genesisTime - 1, genesisTime: testnet.genesisTime }
      ],
      [{ timestamp: due + 6 }, due * 1_000 + 999, { _tag: "InFuture", timestamp: due + 6, latest: due + 5 }],
      [{ timestamp: due - 20 }, (due - 11) * 1_000, { _tag: "AheadOfSchedule", height: 101, greatest: 100 }],
      [{ timestamp: due - 31 }, later, { _tag: "TooEarly", timestamp: due - 31, earliest: due - 30 }],
      [{ leader: "" }, later, { _tag: "NoLeader" }],
      [{ leader: " x" }, later, { _tag: "UntrimmedLeader" }],
      [
        { treasuryBalance: 51_000_000_001 },
        later,
        { _tag: "TreasuryTooHigh", actual: 51_000_000_001, greatest: 51_000_000_000 }
      ],
      [{ blockReward: 9_499_999_999 }, later, { _tag: "RewardTooLow", actual: 9_499_999_999, least: 9_500_000_000 }]
    ]
    for (const [change, now, fault] of cases) assert.deepStrictEqual(check(change, now), fault)
    assert.isUndefined(check({}))
  })

  it("is the first one in the order of the rules", () => {
    // From the last rule to the first: each comes before all that follow it.
    const changes: ReadonlyArray<readonly [Change, HeaderRules.HeaderFault["_tag"]]> = [
      [{ blockReward: 0 }, "RewardTooLow"],
      [{ treasuryBalance: U64.max }, "TreasuryTooHigh"],
      [{ leader: " " }, "UntrimmedLeader"],
      [{ leader: "" }, "NoLeader"],
      [{ timestamp: due - 31 }, "TooEarly"],
      [{ timestamp: testnet.genesisTime - 1 }, "BeforeGenesis"],
      [{ previousHash: other }, "WrongParent"],
      [{ height: 1 }, "WrongHeight"]
    ]
    for (const [i, [, tag]] of changes.entries()) {
      const change = Object.assign({}, ...changes.slice(0, i + 1).map(([one]) => one))
      assert.strictEqual(check(change)?._tag, tag)
    }
    // At a clock at which the block is not due, and is too early and of the future as well.
    const early = (due - 700) * 1_000
    assert.strictEqual(check({ timestamp: due - 600 }, early)?._tag, "InFuture")
    assert.strictEqual(check({ timestamp: due - 700 }, early)?._tag, "AheadOfSchedule")
  })

  it("does not occur at the bounds, which are exact in every unit and beyond a double", () => {
    assert.isUndefined(check({ timestamp: due + 5 }, due * 1_000))
    assert.isUndefined(check({ timestamp: due - 30 }, (due - 10) * 1_000))
    const large = { ...parent, treasuryBalance: 2n ** 60n }
    const greatest = 2n ** 60n + 500_000_000n
    assert.isUndefined(check({ treasuryBalance: greatest }, later, large))
    assert.deepStrictEqual(check({ treasuryBalance: greatest + 1n }, later, large), {
      _tag: "TreasuryTooHigh",
      actual: greatest + 1n,
      greatest
    })
    // A treasury at its end does not wrap to a small one.
    assert.isUndefined(check({ treasuryBalance: U64.max }, later, { ...parent, treasuryBalance: U64.max }))
  })

  it("is about the parent that was given", () => {
    const of = { height: 7, hash: other, treasuryBalance: 0 }
    const change = { height: 8, previousHash: other, treasuryBalance: 500_000_000, timestamp: dueAt(testnet, 8) }
    assert.isUndefined(check(change, later, of))
    assert.deepStrictEqual(HeaderRules.parentOf({ ...good.header, ...change }, other), {
      height: 8,
      hash: other,
      treasuryBalance: 500_000_000
    })
  })

  it("is of the network whose rules are asked: another genesis, the same windows", () => {
    const at = dueAt(mainnet, 101)
    const header = { ...good.header, timestamp: at }
    assert.isUndefined(HeaderRules.check(mainnet, parent, header, at * 1_000))
    assert.include(HeaderRules.check(mainnet, parent, good.header, at * 1_000), { _tag: "BeforeGenesis" })
  })
})

describe("a leader", () => {
  it("is trimmed of nothing but Unicode's white space, whatever is next to it", () => {
    const untrimmed = (leader: string) => check({ leader })?._tag === "UntrimmedLeader"
    // The neighbours of each range of ASCII's white space, and the first character beyond it.
    for (const code of [0x08, 0x0e, 0x1f, 0x21, 0x7f, 0x80, 0x84, 0x86, 0x9f, 0xa1]) {
      const one = String.fromCharCode(code)
      assert.isFalse(untrimmed(`${one}x`), `0x${code.toString(16)} first`)
      assert.isFalse(untrimmed(`x${one}`), `0x${code.toString(16)} last`)
      assert.isFalse(untrimmed(one), `0x${code.toString(16)} alone`)
    }
    for (const code of [0x09, 0x0a, 0x0d, 0x20, 0x85, 0xa0]) {
      const one = String.fromCharCode(code)
      assert.isTrue(untrimmed(one), `0x${code.toString(16)} alone`)
      assert.isTrue(untrimmed(`${one}x`) && untrimmed(`x${one}`), `0x${code.toString(16)}`)
    }
    assert.isFalse(untrimmed("😀"), "halves of a pair are no white space")
  })
})
