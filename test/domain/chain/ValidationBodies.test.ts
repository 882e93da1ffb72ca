import { assert, describe, it } from "@effect/vitest"
import type * as Block from "../../../src/domain/chain/Block.ts"
import { type ChainParams, dueAt, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import type { SpecialData, Transaction } from "../../../src/domain/chain/Transaction.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import * as U64 from "../../../src/domain/chain/U64.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"
import {
  type Change,
  changed,
  emptyTransaction,
  good,
  later,
  options,
  parent,
  paying,
  transfer
} from "../../harness/changedBlocks.ts"
import { hasher } from "../../harness/hasher.ts"
import { signedData } from "../../harness/specialData.ts"

const check = (block: Block.Block, now = later, of = parent, params: ChainParams = testnet) =>
  Validation.block(params, hasher, of, block, now)

const tag = (change: Change, now = later) => check(changed(change), now)._tag

describe("body rules, one by one", () => {
  it("size", () => {
    const pad = (bytes: number) => changed({ header: { producerSignature: new Uint8Array(bytes) } })
    const room = 4_000_000 - good.bytes.length
    assert.strictEqual(check(pad(room))._tag, "Valid")
    assert.strictEqual(check(pad(room + 1))._tag, "TooLarge")
  })

  it("merkle root; the root of old blocks, whose txids covered the memo", () => {
    assert.strictEqual(tag({ header: { merkleRoot: Hash.zero } }), "WrongMerkleRoot")
    const [coinbase, distribution] = good.transactions
    if (coinbase === undefined || distribution === undefined) return assert.fail("two transactions")
    const transactions = [coinbase, { ...distribution, encryptedMemo: Uint8Array.of(1, 2, 3) }]
    assert.strictEqual(tag({ transactions }), "Valid")
    const merkleRoot = Merkle.root(hasher, transactions.map((transaction) => Txid.withMemo(hasher, transaction)))
    assert.notStrictEqual(Hash.toHex(merkleRoot), Hash.toHex(changed({ transactions }).header.merkleRoot))
    assert.strictEqual(tag({ transactions, header: { merkleRoot } }), "Valid")
    assert.strictEqual(tag({ transactions: [...transactions, transfer(1)], header: { merkleRoot } }), "WrongMerkleRoot")
  })

  it("duplicate transactions, among few and among many", () => {
    const reward = { header: { blockReward: 9_500_000_000 } }
    const many = Array.from({ length: 20 }, (_, i) => transfer(i))
    assert.strictEqual(tag({ ...reward, transactions: [...good.transactions, transfer(1), transfer(2)] }), "Valid")
    assert.strictEqual(tag({ ...reward, transactions: [...good.transactions, ...many] }), "Valid")
    const duplicate = (index: number, padded: boolean) => ({ _tag: "DuplicateTransaction" as const, index, padded })
    const of = (...more: ReadonlyArray<Transaction>) =>
      check(changed({ transactions: [...good.transactions, ...more] }))
    // The end repeated has the root of the shorter list: the copy is bad, not the block.
    assert.deepStrictEqual(of(transfer(1), transfer(1)), duplicate(3, true))
    const [one, two, three] = [transfer(1), transfer(2), transfer(3)]
    assert.strictEqual(
      Hash.toHex(changed({ transactions: [...good.transactions, one, two, three, one] }).header.merkleRoot).length,
      64
    )
    assert.deepStrictEqual(of(one, two, three, one), duplicate(5, false))
    // Two pairs repeated, one level up.
    const six = [...good.transactions, one, two, three, transfer(4)]
    assert.deepStrictEqual(of(one, two, three, transfer(4), three, transfer(4)), duplicate(6, true))
    const roots = [six, [...six, three, transfer(4)]].map((all) => Merkle.root(hasher, Merkle.txids(hasher, all)))
    assert.deepStrictEqual(roots[0], roots[1])
    assert.deepStrictEqual(of(...many, transfer(5)), duplicate(22, false))
    const scopes = [duplicate(3, true), duplicate(3, false)].map(Validation.scope)
    assert.deepStrictEqual(scopes, ["copy", "block"])
  })

  it("a size that only uncommitted parts exceed is the copy's fault", () => {
    const memo = changed({
      transactions: good.transactions.map((transaction) => ({
        ...transaction,
        encryptedMemo: new Uint8Array(2_000_000)
      }))
    })
    assert.deepStrictEqual(check(memo), {
      _tag: "TooLarge",
      bytes: memo.bytes.length,
      limit: 4_000_000,
      committed: false
    })
    const script = new Uint8Array(4_000_000)
    const large = changed({
      transactions: [...good.transactions, { ...transfer(1), outputs: [{ value: 1, scriptPubkey: script }] }]
    })
    const fault = check(large)
    assert.deepStrictEqual(fault, { _tag: "TooLarge", bytes: large.bytes.length, limit: 4_000_000, committed: true })
    if (fault._tag !== "Valid") assert.strictEqual(Validation.scope(fault), "block")
  })

  it("vrf", () => {
    const vrfOutput = new Uint8Array(32).fill(0xff)
    const vrf = (bytes: number, vrfScore: number | bigint) =>
      tag({ header: { vrfOutput, vrfProof: new Uint8Array(bytes), vrfScore } })
    assert.strictEqual(vrf(80, 2n ** 64n - 1n), "Valid")
    assert.strictEqual(vrf(80, 2n ** 64n - 2n), "BadVrf")
    assert.strictEqual(vrf(79, 2n ** 64n - 1n), "BadVrf")
    assert.strictEqual(vrf(0, 3), "Valid")
    const ordered = Uint8Array.of(1, 2, ...new Uint8Array(30))
    assert.strictEqual(
      tag({ header: { vrfOutput: ordered, vrfProof: new Uint8Array(80), vrfScore: 0x0201 } }),
      "Valid"
    )
  })

  it("at least two transactions", () => {
    assert.strictEqual(tag({ transactions: [] }), "TooFewTransactions")
    assert.strictEqual(tag({ transactions: good.transactions.slice(0, 1) }), "TooFewTransactions")
  })

  it("coinbase: no inputs, one output, the block's reward", () => {
    const [coinbase, distribution] = good.transactions
    if (coinbase === undefined || distribution === undefined) return assert.fail("two transactions")
    const [output] = coinbase.outputs
    if (output === undefined) return assert.fail("one output")
    const bad = (change: Partial<Transaction>) => tag({ transactions: [{ ...coinbase, ...change }, distribution] })
    assert.strictEqual(bad({ inputs: distribution.inputs }), "BadCoinbase")
    assert.strictEqual(bad({ outputs: [] }), "BadCoinbase")
    assert.strictEqual(bad({ outputs: [output, { ...output, value: 0 }] }), "BadCoinbase")
    assert.strictEqual(bad({ outputs: [{ ...output, value: 9_500_000_001 }] }), "BadCoinbase")
  })

  it("distribution: spends the coinbase and nothing else", () => {
    const [coinbase, distribution] = good.transactions
    const [input] = distribution?.inputs ?? []
    if (coinbase === undefined || distribution === undefined || input === undefined) return assert.fail("shape")
    const bad = (inputs: Transaction["inputs"]) => tag({ transactions: [coinbase, { ...distribution, inputs }] })
    const point = input.previousOutput
    assert.strictEqual(bad([input]), "Valid")
    assert.strictEqual(bad([]), "BadDistribution")
    assert.strictEqual(bad([input, input]), "BadDistribution")
    // Any of its outputs: the network compares the id alone.
    assert.strictEqual(bad([{ ...input, previousOutput: { ...point, vout: 1 } }]), "Valid")
    assert.strictEqual(bad([{ ...input, previousOutput: { ...point, txid: Hash.zero } }]), "BadDistribution")
  })

  it("distribution: pays the rewards by address, and nearly the block's reward", () => {
    const total = 9_500_000_000
    const half = total / 2
    const of = (...args: Parameters<typeof paying>) => tag(paying(...args))
    assert.strictEqual(of([["a", half], ["b", half]]), "Valid")
    assert.strictEqual(of([["a", half], ["b", half]], [["b", half], ["a", half]]), "Valid")
    assert.strictEqual(of([["a", half], ["a", half]], [["a", total]]), "Valid")
    assert.strictEqual(of([["a", total], ["b", 0]], [["a", total]]), "Valid")
    assert.strictEqual(of([["a", half], ["b", half]], [["a", half], ["c", half]]), "BadRewardList")
    assert.strictEqual(of([["a", half], ["b", half]], [["a", half], ["b", half - 1]]), "BadRewardList")
    assert.strictEqual(of([["a", half], ["b", half]], [["a", half]]), "BadRewardList")
    assert.strictEqual(of([["a", total]], [["a", total], ["b", 1]]), "BadDistribution")
    // One satoshi per share may be lost in rounding.
    assert.strictEqual(of([["a", half - 1], ["b", half - 1]]), "Valid")
    assert.strictEqual(of([["a", half - 1], ["b", half - 2]]), "BadRewardList")
    assert.strictEqual(of([["a", half + 1], ["b", half]]), "BadDistribution")
  })

  it("distribution: more entries than outputs are no fault, more outputs than entries are", () => {
    const total = 9_500_000_000
    const of = (...args: Parameters<typeof paying>) => tag(paying(...args))
    assert.strictEqual(of([["a", total], ["b", 5]], [["a", total]]), "Valid")
    assert.strictEqual(of([["a", total]], [["a", total - 1], ["a", 1]]), "BadRewardList")
    assert.strictEqual(of([["a", total], ["b", 0]], [["a", total], ["c", 0]]), "BadRewardList")
    // Each further entry allows one satoshi more of loss.
    assert.strictEqual(of([["a", total - 3], ["b", 0]], [["a", total - 3]]), "BadRewardList")
    assert.strictEqual(of([["a", total - 3], ["b", 0], ["c", 0]], [["a", total - 3]]), "Valid")
  })

  it("distribution: amounts are exact beyond 64 bits, in the outputs and in the list", () => {
    const total = 9_500_000_000n
    const pays = (list: ReadonlyArray<bigint>, outputs: ReadonlyArray<bigint>) => {
      const change = paying([["a", 0]])
      const [coinbase, distribution] = change.transactions ?? []
      if (coinbase === undefined || distribution === undefined) return assert.fail("two transactions")
      return tag({
        transactions: [coinbase, {
          ...distribution,
          outputs: outputs.map((value) => ({ value: U64.of(value), scriptPubkey: Buffer.from("a") }))
        }],
        masternodeRewards: list.map((amount) => ({ address: "a", amount: U64.of(amount) }))
      })
    }
    assert.strictEqual(pays([total], [total]), "Valid")
    assert.strictEqual(pays([2n ** 63n, 2n ** 63n + total], [2n ** 63n, 2n ** 63n + total]), "BadDistribution")
    assert.strictEqual(pays([2n ** 63n, 2n ** 63n + total], [total]), "BadRewardList")
  })

  it("reward without fees is exact; with further transactions not less", () => {
    const [coinbase, distribution] = good.transactions
    if (coinbase === undefined || distribution === undefined) return assert.fail("two transactions")
    const [output] = coinbase.outputs
    const rewarded = (value: number, ...more: ReadonlyArray<Transaction>) => {
      const minted = { ...coinbase, outputs: [{ value, scriptPubkey: output?.scriptPubkey ?? Hash.zero }] }
      const spent = {
        ...distribution,
        inputs: [{
          previousOutput: { txid: Txid.of(hasher, minted), vout: 0 },
          scriptSig: new Uint8Array(0),
          sequence: 0
        }],
        outputs: [{ value, scriptPubkey: Buffer.from(options.address) }]
      }
      return tag({
        transactions: [minted, spent, ...more],
        masternodeRewards: [{ address: options.address, amount: value }],
        header: { blockReward: value }
      })
    }
    assert.strictEqual(rewarded(9_500_000_000), "Valid")
    assert.strictEqual(rewarded(9_500_000_100), "WrongReward")
    assert.strictEqual(rewarded(9_499_999_999), "RewardTooLow")
    assert.strictEqual(rewarded(9_500_000_100, transfer(1)), "Valid")
    assert.strictEqual(rewarded(9_499_999_999, transfer(1)), "RewardTooLow")
  })

  it("recipients: as many as masternodes, at most three, at least one", () => {
    const total = 9_500_000_000
    const one = paying([["a", total]])
    const two = paying([["a", total / 2], ["b", total / 2]])
    const three = paying([["a", 1], ["b", 2], ["c", total - 3]])
    const bitmap = (...bytes: Array<number>) => ({ header: { activeMasternodesBitmap: Uint8Array.from(bytes) } })
    assert.strictEqual(tag({ ...one, ...bitmap() }), "Valid")
    assert.strictEqual(tag({ ...one, ...bitmap(0x80) }), "Valid")
    assert.strictEqual(tag({ ...one, ...bitmap(0xc0) }), "TooFewRecipients")
    assert.strictEqual(tag({ ...two, ...bitmap(0x80, 0x01) }), "Valid")
    assert.strictEqual(tag({ ...two, ...bitmap(0x80, 0x03) }), "TooFewRecipients")
    assert.strictEqual(tag({ ...three, ...bitmap(0xff, 0xff) }), "Valid")
    assert.strictEqual(tag({ ...paying([["a", total / 2], ["a", total / 2]]), ...bitmap(0xc0) }), "TooFewRecipients")
    assert.strictEqual(tag({ ...paying([["a", total], ["b", 0]]), ...bitmap(0xc0) }), "TooFewRecipients")
  })

  it("near the schedule's end, a transaction that moves nothing carries genuine special data", () => {
    const of = (...ghosts: ReadonlyArray<Transaction>) =>
      paying([["TIME0testaddr", 9_500_000_000]], undefined, ...ghosts)
    const special = (specialData: SpecialData): Transaction => ({ ...emptyTransaction, specialData })
    const unsigned = special({
      _tag: "MasternodeDeregistration",
      nodeAddress: "n",
      slotId: 1,
      pubkey: "00".repeat(32),
      signature: "00".repeat(64)
    })
    const signed = special(signedData({ _tag: "MasternodeDeregistration", nodeAddress: "n", slotId: 1 }))
    const due = dueAt(testnet, 101) * 1000
    const tenLater = dueAt(testnet, 111) * 1000 + 599_999
    for (const now of [due, tenLater]) {
      assert.strictEqual(tag(of(emptyTransaction), now), "GhostTransaction")
      assert.strictEqual(tag(of(unsigned), now), "GhostTransaction")
      assert.strictEqual(tag(of(signed), now), "Valid")
      assert.deepStrictEqual(check(changed(of(signed, transfer(1), unsigned)), now), {
        _tag: "GhostTransaction",
        index: 4
      })
    }
    // The eleventh block behind is history.
    assert.strictEqual(tag(of(emptyTransaction), tenLater + 1), "Valid")
    assert.strictEqual(tag(of(unsigned), later), "Valid")
  })
})
