/** What decoding a block costs: nothing for empty lists, and nothing after the first fault, however long a list claims to be. */
import { assert, describe, it } from "@effect/vitest"
import { Reader } from "../../../src/domain/chain/Bincode.ts"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Transaction from "../../../src/domain/chain/Transaction.ts"
import { emptyTransaction, good, transfer } from "../../harness/changedBlocks.ts"

/** Counts what is read after the first fault. */
class Counting extends Reader {
  after = 0

  override fail(reason: string): void {
    if (this.failed !== undefined) this.after += 1
    super.fail(reason)
  }
}

const attestation: Block.TimeAttestation = {
  masternodeAddress: "m",
  sequenceNumber: 1,
  heartbeatTimestamp: 2,
  masternodePubkey: "p",
  heartbeatSignature: "s",
  witnesses: []
}
const witness = { witnessAddress: "w", witnessPubkey: "p", witnessTimestamp: 3, signature: "s" }
const decoded = (fields: Partial<Block.BlockFields>): Block.Block => {
  const block = Block.decode(Block.encode({ ...good, ...fields }))
  return Block.isMalformed(block) ? assert.fail(block.reason) : block
}

describe("decoding a block", () => {
  it("makes no list of its own for what is empty", () => {
    const [a, b] = [
      decoded({ transactions: [], masternodeRewards: [] }),
      decoded({ transactions: [], masternodeRewards: [] })
    ]
    assert.strictEqual(a.transactions, b.transactions)
    assert.strictEqual(a.masternodeRewards, b.masternodeRewards)
    assert.strictEqual(a.timeAttestations, b.timeAttestations)
    const [c, d] = [decoded({ timeAttestations: [attestation] }), decoded({ timeAttestations: [attestation] })]
    assert.strictEqual(c.timeAttestations[0]?.witnesses, d.timeAttestations[0]?.witnesses)
    const [e, f] = [decoded({ transactions: [emptyTransaction] }), decoded({ transactions: [emptyTransaction] })]
    assert.strictEqual(e.transactions[0]?.inputs, f.transactions[0]?.inputs)
    assert.strictEqual(e.transactions[0]?.outputs, f.transactions[0]?.outputs)
  })

  it("ends at its first fault, in each of its lists", () => {
    const many = <A>(one: A) => Array.from({ length: 1_000 }, () => one)
    const input = transfer(1).inputs[0]
    const output = transfer(1).outputs[0]
    const blocks: ReadonlyArray<readonly [string, Partial<Block.BlockFields>]> = [
      ["transactions", { transactions: many(emptyTransaction) }],
      ["inputs", { transactions: [{ ...emptyTransaction, inputs: many(input).flatMap((one) => one ?? []) }] }],
      ["outputs", { transactions: [{ ...emptyTransaction, outputs: many(output).flatMap((one) => one ?? []) }] }],
      ["rewards", { masternodeRewards: many({ address: "a", amount: 1 }) }],
      ["attestations", { timeAttestations: many(attestation) }],
      ["witnesses", { timeAttestations: [{ ...attestation, witnesses: many(witness) }] }]
    ]
    for (const [name, fields] of blocks) {
      const bytes = Block.encode({ ...good, transactions: [], masternodeRewards: [], ...fields })
      // Its list alone is long: a length near its start that no block has.
      const at = Math.floor(bytes.length / 4)
      let failed = 0
      for (let from = at; from < at + 50; from++) {
        const reader = new Counting(Uint8Array.from(bytes).fill(0xff, from, from + 8))
        Block.read(reader)
        if (reader.failed === undefined) continue
        failed += 1
        assert.isBelow(reader.after, 100, `${name}, ${from}`)
      }
      assert.isAbove(failed, 5, name)
    }
  })

  it("says what is wrong, and where", () => {
    const { bytes } = good
    assert.deepStrictEqual(Block.decode(bytes.subarray(0, 3)), { _tag: "Malformed", reason: "truncated", at: 0 })
    assert.deepStrictEqual(Block.decode(Uint8Array.of(...bytes, 1, 2)), {
      _tag: "Malformed",
      reason: "trailing bytes",
      at: bytes.length
    })
    const transaction = Transaction.encode(transfer(1))
    assert.deepStrictEqual(Transaction.decode(Uint8Array.of(...transaction, 0)), {
      _tag: "Malformed",
      reason: "trailing bytes",
      at: transaction.length
    })
    for (let end = 0; end < transaction.length; end++) {
      assert.strictEqual(Block.isMalformed(Transaction.decode(transaction.subarray(0, end))), true, `${end} bytes`)
    }
  })

  it("takes lists whose elements are as short as they can be", () => {
    const least: Block.BlockFields = {
      ...good,
      header: { ...good.header, leader: "", livenessRecovery: undefined },
      transactions: [],
      masternodeRewards: [],
      livenessRecovery: undefined
    }
    assert.strictEqual(Block.encode(least).length, Block.blockLeast)
    assert.strictEqual(Transaction.encode(emptyTransaction).length, Transaction.transactionLeast)
    // At the block's end, so that nothing behind makes up for a bound that is too high.
    const short = [
      { masternodeRewards: Array.from({ length: 9 }, () => ({ address: "", amount: 0 })) },
      { transactions: Array.from({ length: 9 }, () => emptyTransaction) },
      {
        timeAttestations: Array.from({ length: 9 }, () => ({
          ...attestation,
          masternodeAddress: "",
          masternodePubkey: "",
          heartbeatSignature: "",
          witnesses: Array.from({ length: 9 }, () => ({
            witnessAddress: "",
            witnessPubkey: "",
            witnessTimestamp: 0,
            signature: ""
          }))
        }))
      },
      {
        transactions: [{
          ...emptyTransaction,
          inputs: Array.from({ length: 9 }, () => ({
            previousOutput: { txid: new Uint8Array(32), vout: 0 },
            scriptSig: new Uint8Array(0),
            sequence: 0
          })),
          outputs: Array.from({ length: 9 }, () => ({ value: 0, scriptPubkey: new Uint8Array(0) }))
        }]
      }
    ]
    for (const fields of short) {
      const block = Block.decode(Block.encode({ ...least, ...fields }))
      assert.isFalse(Block.isMalformed(block), Object.keys(fields).join())
    }
  })

  it("is malformed where the result says so, and in no other case", () => {
    assert.isTrue(Block.isMalformed({ _tag: "Malformed", reason: "", at: 0 }))
    assert.isFalse(Block.isMalformed({ _tag: "Other" }))
    assert.isFalse(Block.isMalformed({}))
  })
})
