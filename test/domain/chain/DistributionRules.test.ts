/** Who is paid what: byte by byte, in the usual case without sums, and by sums per address where the lists differ. */
import { assert, describe, it } from "@effect/vitest"
import type { MasternodeReward } from "../../../src/domain/chain/Block.ts"
import * as DistributionRules from "../../../src/domain/chain/DistributionRules.ts"
import type { Transaction, TxOutput } from "../../../src/domain/chain/Transaction.ts"
import type { U64 } from "../../../src/domain/chain/U64.ts"
import { good } from "../../harness/changedBlocks.ts"

const [, distribution] = good.transactions as [Transaction, Transaction]
const coinbaseId = distribution.inputs[0]?.previousOutput.txid ?? new Uint8Array(32)

type Paid = readonly [script: string | ReadonlyArray<number>, value: U64]

/** The verdict on outputs under a list, where no more is to be paid than the outputs have. */
const check = (
  outputs: ReadonlyArray<Paid>,
  masternodeRewards: ReadonlyArray<MasternodeReward>,
  bitmap: ReadonlyArray<number> = []
) => {
  const paid: ReadonlyArray<TxOutput> = outputs.map(([script, value]) => ({
    value,
    scriptPubkey: typeof script === "string" ? new Uint8Array(Buffer.from(script)) : Uint8Array.from(script)
  }))
  const blockReward = Number(paid.reduce((sum, { value }) => sum + BigInt(value), 0n))
  const header = { ...good.header, blockReward, activeMasternodesBitmap: Uint8Array.from(bitmap) }
  return DistributionRules.check({ ...good, header, masternodeRewards }, { ...distribution, outputs: paid }, coinbaseId)
}
const list = (...rewards: ReadonlyArray<readonly [string, U64]>): ReadonlyArray<MasternodeReward> =>
  rewards.map(([address, amount]) => ({ address, amount }))
/** The list, of which no sums can be made. */
const unsummed = (rewards: ReadonlyArray<MasternodeReward>): ReadonlyArray<MasternodeReward> =>
  Object.defineProperty([...rewards], Symbol.iterator, { value: () => assert.fail("summed") })

describe("outputs in the order of the list", () => {
  it("are compared one by one, without sums, whatever their addresses and amounts", () => {
    for (const address of ["a", "TIME0QChNmKtoXcSRHthZQUfQvwJfYdCJqFEhP", "\u0000\u007f", ""]) {
      assert.isUndefined(check([[address, 7]], unsummed(list([address, 7]))), address)
      assert.isUndefined(check([["x", 5], [address, 7]], unsummed(list(["x", 5], [address, 7]))), address)
    }
    assert.isUndefined(check([["a", 5], ["a", 5]], unsummed(list(["a", 5], ["a", 5]))))
  })

  it("differ by any byte, by a byte more or less, and by any amount", () => {
    const bad = (outputs: ReadonlyArray<Paid>, rewards: ReadonlyArray<MasternodeReward>) =>
      assert.strictEqual(check(outputs, rewards)?._tag, "BadRewardList", JSON.stringify(outputs))
    for (const script of ["bbc", "abb", "cbc", "ab", "abcd", "", "ABC"]) {
      bad([[script, 7]], list(["abc", 7]))
      bad([["x", 1], [script, 7]], list(["x", 1], ["abc", 7]))
    }
    bad([["a", 4], ["b", 5]], list(["a", 5], ["b", 4]))
    bad([["a", 4]], list(["a", 5]))
    bad([["a", 5]], list(["a", 4]))
    bad([["a", 1], ["b", 2]], list(["a", 1], ["b", 3]))
    bad([["a", 1], ["b", 2]], list(["a", 2], ["b", 2]))
  })

  it("of bytes beyond ASCII are UTF-8, with ill-formed ones as U+FFFD, and a byte order mark that stays", () => {
    const verdict = (script: ReadonlyArray<number>, address: string) => check([[script, 7]], list([address, 7]))?._tag
    assert.isUndefined(verdict([0xc3, 0xa9], "é"))
    assert.isUndefined(verdict([0xff], "\ufffd"))
    assert.isUndefined(verdict([0x80], "\ufffd"))
    assert.isUndefined(verdict([0xef, 0xbb, 0xbf, 0x61], "\ufeffa"))
    assert.isUndefined(verdict([0xc2, 0x80], "\u0080"))
    // The code of a character is not its bytes.
    for (const [script, address] of [[[0x80], "\u0080"], [[0xe9], "é"], [[0xff], "ÿ"], [[0x61, 0xe9], "aé"]] as const) {
      assert.strictEqual(verdict(script, address), "BadRewardList", address)
    }
    assert.strictEqual(verdict([0xef, 0xbb, 0xbf, 0x61], "a"), "BadRewardList")
    assert.strictEqual(verdict([0x61], "\ufeffa"), "BadRewardList")
  })
})

describe("outputs in another order or number", () => {
  it("are compared by their sums per address", () => {
    assert.isUndefined(check([["b", 2], ["a", 1]], list(["a", 1], ["b", 2])))
    assert.isUndefined(check([["a", 3]], list(["a", 1], ["a", 2])))
    assert.isUndefined(check([["a", 2], ["a", 1]], list(["a", 1], ["a", 2])))
    assert.isUndefined(check([["a", 1]], list(["a", 1], ["b", 0])))
    const detail = (outputs: ReadonlyArray<Paid>, rewards: ReadonlyArray<MasternodeReward>) => {
      const fault = check(outputs, rewards)
      return fault?._tag === "BadRewardList" ? fault.detail : fault?._tag
    }
    assert.strictEqual(
      detail([["a", 2]], list(["a", 1], ["a", 2])),
      "\"a\" is paid 2, but its masternode rewards are 3"
    )
    assert.strictEqual(
      detail([["b", 1]], list(["a", 1], ["c", 2])),
      "\"b\" is paid 1, but is not among the masternode rewards"
    )
    assert.strictEqual(detail([["a", 1], ["b", 1]], list(["a", 2])), "2 outputs for 1 masternode rewards")
    assert.isUndefined(check([["a", 0]], list(["a", 0], ["b", 9])), "no output of it, no matter")
  })
})

describe("recipients", () => {
  const three = list(["a", 1], ["b", 2], ["c", 3])
  const pays = (rewards: ReadonlyArray<MasternodeReward>): ReadonlyArray<Paid> =>
    rewards.map(({ address, amount }) => [address, amount])
  const verdict = (rewards: ReadonlyArray<MasternodeReward>, bitmap: ReadonlyArray<number>) =>
    check(pays(rewards), rewards, bitmap)

  it("are as many as the bits of the bitmap, one at least and three at most", () => {
    const few = (actual: number, minimum: number) => ({ _tag: "TooFewRecipients" as const, actual, minimum })
    for (const bitmap of [[], [0], [0x10], [0, 0x01], [0x80, 0]]) {
      assert.isUndefined(verdict(list(["a", 1]), bitmap))
      assert.isUndefined(check(pays(list(["a", 1])), unsummed(list(["a", 1])), bitmap), "one is found without a set")
      assert.deepStrictEqual(verdict(list(["a", 0]), bitmap), few(0, 1))
      assert.isUndefined(verdict(list(["a", 0], ["b", 1]), bitmap))
    }
    for (const bitmap of [[0x81], [0x01, 0x80], [0x18, 0], [0, 3]]) {
      assert.deepStrictEqual(verdict(list(["a", 1]), bitmap), few(1, 2))
      assert.deepStrictEqual(verdict(list(["a", 1], ["a", 2]), bitmap), few(1, 2))
      assert.deepStrictEqual(verdict(list(["a", 1], ["b", 0]), bitmap), few(1, 2))
      assert.isUndefined(verdict(list(["a", 1], ["b", 2]), bitmap))
    }
    for (const bitmap of [[0x07], [1, 1, 1], [0xff], [0xff, 0xff], [3, 3]]) {
      assert.deepStrictEqual(verdict(list(["a", 1], ["b", 2]), bitmap), few(2, 3))
      assert.isUndefined(verdict(three, bitmap))
      assert.isUndefined(verdict([...three, { address: "d", amount: 4 }], bitmap))
    }
  })
})
