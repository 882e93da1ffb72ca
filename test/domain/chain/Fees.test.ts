import { assert, describe, it } from "@effect/vitest"
import { dueAt, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Fees from "../../../src/domain/chain/Fees.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import type { Transaction } from "../../../src/domain/chain/Transaction.ts"
import * as U64 from "../../../src/domain/chain/U64.ts"
import { hasher } from "../../harness/hasher.ts"

const good = Synthetic.onTop(testnet, hasher, Synthetic.genesisParent(testnet), dueAt(testnet, 1), {
  leader: "10.0.0.1",
  address: "a"
}).block
const R = 9_500_000_000

/** Inputs are numbered outputs of one transaction, outputs their values. */
const transfer = (inputs: ReadonlyArray<number>, outputs: ReadonlyArray<U64.U64>): Transaction => ({
  version: 1,
  inputs: inputs.map((vout) => ({
    previousOutput: { txid: new Uint8Array(32).fill(1), vout },
    scriptSig: new Uint8Array(0),
    sequence: 0
  })),
  outputs: outputs.map((value) => ({ value, scriptPubkey: new Uint8Array(0) })),
  lockTime: 0,
  timestamp: 0,
  specialData: undefined,
  encryptedMemo: undefined
})

/** The verdict on a reward, where output `n` is worth `values[n]`. */
const check = (reward: U64.U64, values: ReadonlyArray<U64.U64>, ...more: ReadonlyArray<Transaction>) =>
  Fees.check(
    testnet,
    { header: { ...good.header, blockReward: reward }, transactions: [...good.transactions, ...more] },
    ({ vout }) => values[vout]
  )
const wrong = (actual: U64.U64, expected: U64.U64) => ({ _tag: "WrongReward" as const, actual, expected })
const max = 2n ** 64n - 1n

describe("Fees", () => {
  it("are inputs less outputs of transactions [2..], all of them", () => {
    assert.isUndefined(check(R, []))
    assert.deepStrictEqual(check(R + 1, []), wrong(R + 1, R))
    assert.isUndefined(check(R + 30, [100, 60], transfer([0], [90]), transfer([1], [20, 20])))
    assert.deepStrictEqual(
      check(R + 29, [100, 60], transfer([0], [90]), transfer([1], [20, 20])),
      wrong(R + 29, R + 30)
    )
    // The same output counts for each input that spends it.
    assert.isUndefined(check(R + 200, [100], transfer([0, 0], []), transfer([], [])))
    // No fee is a fee that is known.
    assert.isUndefined(check(R, [100], transfer([0], [100])))
    assert.deepStrictEqual(check(R + 1, [100], transfer([0], [100])), wrong(R + 1, R))
    assert.deepStrictEqual(check(R + 1, [], transfer([], [])), wrong(R + 1, R))
  })

  it("cannot be known with an input that is unknown or outputs above the inputs: any reward passes", () => {
    for (const reward of [R, R + 12_345, U64.of(max)]) {
      assert.isUndefined(check(reward, [], transfer([0], [])))
      assert.isUndefined(check(reward, [100], transfer([0], [101])))
      assert.isUndefined(check(reward, [], transfer([], [1])))
      assert.isUndefined(check(reward, [100], transfer([0, 1], []), transfer([0], [1])))
      assert.isUndefined(check(reward, [100], transfer([0], [1]), transfer([1], [])))
    }
  })

  it("are exact beyond doubles and beyond 64 bits", () => {
    const large = 2n ** 60n
    assert.isUndefined(check(U64.of(BigInt(R) + large), [U64.of(large + 7n)], transfer([0], [7])))
    assert.deepStrictEqual(
      check(U64.of(BigInt(R) + large + 1n), [U64.of(large + 7n)], transfer([0], [7])),
      wrong(U64.of(BigInt(R) + large + 1n), U64.of(BigInt(R) + large))
    )
    assert.isUndefined(check(R, [U64.of(max)], transfer([0], [U64.of(max)])))
    // The daemon would take these: 2^64 more or less is nothing to it.
    const overflow = (index: number, side: "inputs" | "outputs") => ({ _tag: "AmountOverflow" as const, index, side })
    assert.deepStrictEqual(check(R, [5], transfer([0], [U64.of(max), 6])), overflow(2, "outputs"))
    assert.deepStrictEqual(check(R, [U64.of(max), 1], transfer([], []), transfer([0, 1], [])), overflow(3, "inputs"))
    assert.deepStrictEqual(check(R, [], transfer([0], []), transfer([], [U64.of(max), 1])), overflow(3, "outputs"))
    // 2^64 − 1 is no overflow, on either side; the outputs' comes first.
    assert.isUndefined(check(R, [U64.of(max - 1n), 1], transfer([0, 1], [U64.of(max - 1n), 1])))
    assert.deepStrictEqual(check(R, [U64.of(max), 1], transfer([0, 1], [U64.of(max), 1])), overflow(2, "outputs"))
    // Fees of several transactions together, too.
    assert.deepStrictEqual(
      check(R, [U64.of(max), U64.of(max)], transfer([0], []), transfer([1], [])),
      wrong(R, U64.of(2n * max + BigInt(R)))
    )
  })

  it("depend on the inputs of transactions [2..] alone", () => {
    assert.deepStrictEqual(Fees.spentBy(good), [])
    // The coinbase and the distribution pay no fee, whatever they spend.
    const [first, second] = [transfer([1], [5]), transfer([2], [6])]
    assert.deepStrictEqual(Fees.spentBy({ transactions: [first, second] }), [])
    assert.strictEqual(
      Fees.spentBy({ transactions: [first, second] }),
      Fees.spentBy({ transactions: [] }),
      "no list of its own"
    )
    assert.isUndefined(Fees.check(testnet, { header: good.header, transactions: [first, second] }, () => 9))
    const [a, b] = [transfer([3, 4], [1]), transfer([5], [])]
    const spent = Fees.spentBy({ transactions: [...good.transactions, a, transfer([], []), b] })
    assert.deepStrictEqual(spent.map(({ vout }) => vout), [3, 4, 5])
  })
})
