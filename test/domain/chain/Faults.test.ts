/** Every fault of a block: its words, what it proves of the block and of the peer, and whether time heals it. */
import { assert, describe, it } from "@effect/vitest"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../../src/domain/chain/HeaderRules.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"

const one = new Uint8Array(32).fill(1)
const two = new Uint8Array(32).fill(2)
const [ones, twos] = [Hash.toHex(one), Hash.toHex(two)]

const cases: ReadonlyArray<readonly [Validation.BlockFault, Validation.Scope, string]> = [
  [{ _tag: "WrongHeight", expected: 8, actual: 9 }, "block", "height 9, expected 8"],
  [{ _tag: "WrongParent", expected: one, actual: two }, "block", `previous hash ${twos}, expected ${ones}`],
  [{ _tag: "BeforeGenesis", timestamp: 5, genesisTime: 6 }, "block", "timestamp 5 is before genesis (6)"],
  [{ _tag: "InFuture", timestamp: 9, latest: 8 }, "later", "timestamp 9 is in the future (latest allowed: 8)"],
  [
    { _tag: "TooEarly", timestamp: 5, earliest: 6 },
    "block",
    "timestamp 5 is too early for its height (earliest allowed: 6)"
  ],
  [{ _tag: "AheadOfSchedule", height: 9, greatest: 8 }, "later", "height 9 is not due yet (highest due: 8)"],
  [{ _tag: "NoLeader" }, "block", "missing leader"],
  [{ _tag: "UntrimmedLeader" }, "block", "leader begins or ends with white space"],
  [{ _tag: "TreasuryTooHigh", actual: 9, greatest: 8 }, "block", "treasury balance 9 exceeds limit 8"],
  [{ _tag: "RewardTooLow", actual: 7, least: 8 }, "block", "block reward 7 is below the minimum 8"],
  [{ _tag: "TooLarge", bytes: 9, limit: 8, committed: true }, "block", "block size 9 exceeds limit 8"],
  [{ _tag: "TooLarge", bytes: 9, limit: 8, committed: false }, "copy", "block size 9 exceeds limit 8"],
  [{ _tag: "WrongMerkleRoot" }, "copy", "merkle root does not match the transactions"],
  [{ _tag: "DuplicateTransaction", index: 3, padded: true }, "copy", "transaction 3 is a duplicate"],
  [{ _tag: "DuplicateTransaction", index: 3, padded: false }, "block", "transaction 3 is a duplicate"],
  [{ _tag: "BadVrf", detail: "score" }, "copy", "VRF: score"],
  [
    { _tag: "TooFewTransactions", actual: 1 },
    "block",
    "1 transactions, expected at least 2 (coinbase and reward distribution)"
  ],
  [{ _tag: "BadCoinbase", detail: "2 outputs" }, "block", "coinbase: 2 outputs"],
  [{ _tag: "BadDistribution", detail: "no input" }, "block", "reward distribution: no input"],
  [{ _tag: "BadRewardList", detail: "short" }, "copy", "masternode rewards: short"],
  [{ _tag: "WrongReward", actual: 9, expected: 8 }, "block", "block reward 9, expected 8"],
  [{ _tag: "AmountOverflow", index: 2, side: "inputs" }, "block", "transaction 2: inputs exceed 64 bits"],
  [{ _tag: "TooFewRecipients", actual: 1, minimum: 3 }, "copy", "1 paid recipients, expected at least 3"],
  [
    { _tag: "GhostTransaction", index: 4 },
    "later",
    "transaction 4 has no inputs, no outputs and no genuine special data"
  ],
  [{ _tag: "WrongBlock", expected: one, actual: two }, "copy", `block hash ${twos}, expected ${ones}`]
]

describe("a fault of a block", () => {
  for (const [fault, scope, words] of cases) {
    it(`${words}: ${scope}`, () => {
      assert.strictEqual(Validation.describe(fault), words)
      assert.strictEqual(Validation.scope(fault), scope)
    })
  }

  it("proves a lie only where nobody can keep such a copy", () => {
    const forged = cases.flatMap(([fault]) => Validation.isForged(fault) ? [fault._tag] : [])
    assert.deepStrictEqual(forged, ["WrongMerkleRoot", "WrongBlock"])
  })

  it("of a header passes with time only where it is about this node's clock", () => {
    const headers: ReadonlyArray<HeaderRules.HeaderFault> = [
      { _tag: "WrongHeight", expected: 8, actual: 9 },
      { _tag: "BeforeGenesis", timestamp: 5, genesisTime: 6 },
      { _tag: "InFuture", timestamp: 9, latest: 8 },
      { _tag: "TooEarly", timestamp: 5, earliest: 6 },
      { _tag: "AheadOfSchedule", height: 9, greatest: 8 },
      { _tag: "NoLeader" }
    ]
    assert.deepStrictEqual(headers.flatMap((fault) => HeaderRules.passes(fault) ? [fault._tag] : []), [
      "InFuture",
      "AheadOfSchedule"
    ])
  })
})
