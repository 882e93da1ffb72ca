/** What each fault of a body says, with every number of it, and which of several faults comes first. */
import { assert, describe, it } from "@effect/vitest"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as BodyRules from "../../../src/domain/chain/BodyRules.ts"
import { dueAt, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import type { Transaction } from "../../../src/domain/chain/Transaction.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import { type Change, changed, emptyTransaction, good, later, paying, transfer } from "../../harness/changedBlocks.ts"
import { hasher } from "../../harness/hasher.ts"

const check = (change: Change, now = later) => BodyRules.check(testnet, hasher, changed(change), now)
const total = 9_500_000_000
const [coinbase, distribution] = good.transactions as [Transaction, Transaction]
const [output] = coinbase.outputs as [Transaction["outputs"][0]]
const [input] = distribution.inputs as [Transaction["inputs"][0]]
const paid = (value: number | bigint, ...more: ReadonlyArray<Transaction>): Change => {
  const minted = { ...coinbase, outputs: [{ ...output, value }] }
  return {
    header: { blockReward: value },
    masternodeRewards: [{ address: "a", amount: value }],
    transactions: [minted, {
      ...distribution,
      inputs: [{ ...input, previousOutput: { txid: Txid.of(hasher, minted), vout: 0 } }],
      outputs: [{ value, scriptPubkey: Buffer.from("a") }]
    }, ...more]
  }
}

describe("a body", () => {
  it("that breaks no rule comes with its ids and with what it spends", () => {
    assert.deepStrictEqual(check({}), {
      _tag: "ValidBody",
      txids: good.transactions.map((transaction) => Txid.of(hasher, transaction)),
      spends: []
    })
    const more = [transfer(5), transfer(6)]
    assert.deepStrictEqual(check(paid(total, ...more)), {
      _tag: "ValidBody",
      txids: Merkle.txids(hasher, paid(total, ...more).transactions ?? []),
      spends: [{ txid: Hash.zero, vout: 5 }, { txid: Hash.zero, vout: 6 }]
    })
  })

  it("leaves fees that depend on earlier blocks to a later check, overflows included", () => {
    const over = { ...transfer(5), outputs: [{ ...output, value: 2n ** 64n - 1n }, { ...output, value: 1 }] }
    assert.strictEqual(check(paid(total, over))._tag, "ValidBody")
    const spendless = { ...over, inputs: [] }
    assert.deepStrictEqual(check(paid(total, spendless)), { _tag: "AmountOverflow", index: 2, side: "outputs" })
  })

  it("that breaks one gives what it has and what the rule wants", () => {
    const vrfOutput = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
    const cases: ReadonlyArray<readonly [Change, BodyRules.BodyFault]> = [
      [
        { header: { vrfProof: new Uint8Array(79) } },
        { _tag: "BadVrf", detail: "proof of 79 bytes, expected 80" }
      ],
      [
        { header: { vrfProof: new Uint8Array(81) } },
        { _tag: "BadVrf", detail: "proof of 81 bytes, expected 80" }
      ],
      [
        { header: { vrfProof: new Uint8Array(80), vrfOutput, vrfScore: 0x0807_0605_0403_0202n } },
        { _tag: "BadVrf", detail: "the score does not match the output" }
      ],
      [{ header: { merkleRoot: Hash.zero } }, { _tag: "WrongMerkleRoot" }],
      [{ transactions: [] }, { _tag: "TooFewTransactions", actual: 0 }],
      [{ transactions: [coinbase] }, { _tag: "TooFewTransactions", actual: 1 }],
      [
        { transactions: [{ ...coinbase, inputs: distribution.inputs }, distribution] },
        { _tag: "BadCoinbase", detail: "1 inputs, expected none" }
      ],
      [
        { transactions: [{ ...coinbase, outputs: [] }, distribution] },
        { _tag: "BadCoinbase", detail: "0 outputs, expected 1" }
      ],
      [
        { transactions: [{ ...coinbase, outputs: [output, output] }, distribution] },
        { _tag: "BadCoinbase", detail: "2 outputs, expected 1" }
      ],
      [
        { transactions: [{ ...coinbase, outputs: [{ ...output, value: 7 }] }, distribution] },
        { _tag: "BadCoinbase", detail: "value 7, expected the block reward 9500000000" }
      ],
      [paid(total + 1), { _tag: "WrongReward", actual: total + 1, expected: total }],
      [
        { transactions: [coinbase, { ...distribution, inputs: [] }] },
        { _tag: "BadDistribution", detail: "0 inputs, expected 1" }
      ],
      [
        { transactions: [coinbase, { ...distribution, inputs: [input, input] }] },
        { _tag: "BadDistribution", detail: "2 inputs, expected 1" }
      ],
      [
        {
          transactions: [coinbase, {
            ...distribution,
            inputs: [{ ...input, previousOutput: { txid: Hash.zero, vout: 0 } }]
          }]
        },
        { _tag: "BadDistribution", detail: "it does not spend the coinbase" }
      ],
      [
        paying([["a", total]], [["a", total], ["b", 1]]),
        { _tag: "BadDistribution", detail: "it pays 9500000001, more than the block reward 9500000000" }
      ],
      [
        paying([["a", total]], [["a", total - 1], ["a", 1]]),
        { _tag: "BadRewardList", detail: "2 outputs for 1 masternode rewards" }
      ],
      [
        paying([["a", total], ["b", 0]], [["c", 5]]),
        { _tag: "BadRewardList", detail: "\"c\" is paid 5, but is not among the masternode rewards" }
      ],
      [
        paying([["a", 4], ["b", 2], ["b", 3]], [["a", 4], ["b", 6]]),
        { _tag: "BadRewardList", detail: "\"b\" is paid 6, but its masternode rewards are 5" }
      ],
      [
        paying([["a", total - 3], ["b", 0]], [["a", total - 3]]),
        {
          _tag: "BadRewardList",
          detail: "9499999997 paid, less than the block reward 9500000000 by more than 1 for each of 2 rewards"
        }
      ],
      [
        { ...paying([["a", total], ["b", 0]]), header: { activeMasternodesBitmap: Uint8Array.of(0x81) } },
        { _tag: "TooFewRecipients", actual: 1, minimum: 2 }
      ],
      [
        { ...paying([["a", 1], ["b", total - 1]]), header: { activeMasternodesBitmap: Uint8Array.of(0, 0xff) } },
        { _tag: "TooFewRecipients", actual: 2, minimum: 3 }
      ]
    ]
    for (const [change, fault] of cases) assert.deepStrictEqual(check(change), fault)
  })

  it("has a proof's score in the first eight bytes of its output, the lowest one first", () => {
    const vrfOutput = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
    const vrfProof = new Uint8Array(80)
    assert.strictEqual(check({ header: { vrfProof, vrfOutput, vrfScore: 0x0807_0605_0403_0201n } })._tag, "ValidBody")
    assert.strictEqual(
      check({ header: { vrfProof, vrfOutput: Uint8Array.of(9, ...new Uint8Array(31)), vrfScore: 9 } })._tag,
      "ValidBody"
    )
  })

  it("is refused for the first of its faults in the order of the rules", () => {
    const ghost = paying([["TIME0testaddr", total]], undefined, emptyTransaction)
    const now = dueAt(testnet, 101) * 1_000
    // From the last rule to the first: each comes before all that follow it.
    const few = { header: { activeMasternodesBitmap: Uint8Array.of(0xff) } }
    const faults: ReadonlyArray<readonly [Change, BodyRules.BodyFault["_tag"]]> = [
      [ghost, "GhostTransaction"],
      [{ ...ghost, ...few }, "TooFewRecipients"],
      [{ ...ghost, ...few, masternodeRewards: [] }, "BadRewardList"],
      [
        { ...few, masternodeRewards: [], transactions: [coinbase, { ...distribution, inputs: [] }, emptyTransaction] },
        "BadDistribution"
      ],
      [
        {
          ...paid(total + 1),
          masternodeRewards: [],
          transactions: [...(paid(total + 1).transactions ?? []).slice(0, 1), { ...distribution, inputs: [] }]
        },
        "WrongReward"
      ],
      [
        { header: { blockReward: total + 1 }, transactions: [coinbase, { ...distribution, inputs: [] }] },
        "BadCoinbase"
      ],
      [{ transactions: [{ ...coinbase, inputs: [input] }] }, "TooFewTransactions"],
      [{ transactions: [coinbase, coinbase] }, "DuplicateTransaction"],
      [{ header: { merkleRoot: Hash.zero }, transactions: [coinbase, coinbase] }, "WrongMerkleRoot"],
      [{ header: { merkleRoot: Hash.zero, vrfProof: new Uint8Array(1) } }, "BadVrf"],
      [{ header: { merkleRoot: Hash.zero, vrfProof: new Uint8Array(4_000_000) } }, "TooLarge"]
    ]
    for (const [change, tag] of faults) assert.strictEqual(check(change, now)._tag, tag)
  })
})

describe("a block over the limit", () => {
  /** bytes. As good as 4,000,000, and quicker. */
  const limit = 2_000
  const small = { ...testnet, maxBlockBytes: limit }
  const checkSmall = (change: Change) => {
    const block = changed(change)
    return [BodyRules.check(small, hasher, block, later), block.bytes.length] as const
  }
  /** Whether the parts that the hash covers are said to exceed the limit alone. */
  const committed = (change: Change) => {
    const [fault, bytes] = checkSmall(change)
    if (fault._tag !== "TooLarge") return assert.fail(fault._tag)
    assert.deepStrictEqual([fault.bytes, fault.limit], [bytes, limit])
    return fault.committed
  }
  const long = new Uint8Array(limit)
  const text = "x".repeat(limit)

  it("has one byte more than it allows", () => {
    const padded = (bytes: number) => checkSmall({ header: { producerSignature: new Uint8Array(bytes) } })
    const room = limit - padded(0)[1]
    assert.deepStrictEqual([padded(room)[0]._tag, padded(room)[1]], ["ValidBody", limit])
    assert.deepStrictEqual([padded(room + 1)[0]._tag, padded(room + 1)[1]], ["TooLarge", limit + 1])
  })

  it("is the copy's fault where only what a relay can add is long", () => {
    assert.isFalse(committed({ header: { vrfProof: long } }))
    assert.isFalse(committed({ header: { producerSignature: long } }))
    assert.isFalse(committed({ transactions: [{ ...coinbase, encryptedMemo: long }, distribution] }))
    assert.isFalse(committed({ masternodeRewards: [{ address: text, amount: 1 }] }))
    assert.isFalse(committed({ consensusParticipantsBitmap: long }))
    const attestation = {
      masternodeAddress: text,
      sequenceNumber: 0,
      heartbeatTimestamp: 0,
      masternodePubkey: "",
      heartbeatSignature: "",
      witnesses: []
    }
    assert.isFalse(committed({ timeAttestations: [attestation] }))
  })

  it("is the block's fault where what the hash covers is: one byte over, without the rest", () => {
    assert.isTrue(committed({ header: { leader: text } }))
    assert.isTrue(committed({ header: { activeMasternodesBitmap: long } }))
    const spare = Block.encode({
      ...good,
      header: { ...good.header, vrfProof: new Uint8Array(0), producerSignature: new Uint8Array(0) },
      masternodeRewards: [],
      livenessRecovery: undefined
    }).length
    // What a relay can add is in the block as well, and does not count.
    const withBitmap = (bytes: number) =>
      committed({
        header: { activeMasternodesBitmap: new Uint8Array(bytes), vrfProof: long, producerSignature: long },
        transactions: [{ ...coinbase, encryptedMemo: long }, { ...distribution, encryptedMemo: Uint8Array.of(1) }],
        consensusParticipantsBitmap: long,
        livenessRecovery: true
      })
    assert.isFalse(withBitmap(limit - spare))
    assert.isTrue(withBitmap(limit - spare + 1))
  })
})

describe("duplicates", () => {
  const at = (transactions: ReadonlyArray<Transaction>) => {
    const fault = check(paid(total, ...transactions))
    return fault._tag === "DuplicateTransaction" ? fault.index : fault._tag
  }
  it("are found among as many as are compared in pairs, and among more", () => {
    for (const others of [1, 4, 5, 6, 7, 12]) {
      const distinct = Array.from({ length: others }, (_, i) => transfer(i))
      assert.strictEqual(at(distinct), "ValidBody", `${others}`)
      for (const i of [0, others - 1]) {
        assert.strictEqual(at([...distinct, transfer(i)]), 2 + others, `${i} of ${others} again`)
      }
    }
    const twice = Array.from({ length: 12 }, (_, i) => transfer(i % 6))
    assert.strictEqual(at(twice), 8, "the first that repeats")
  })

  it("cost reads that grow with their number, not with its square", () => {
    let reads = 0
    let ids = 0
    /** Ids that differ in their last bytes alone, so that telling two apart reads all of both. */
    const watching = {
      ...hasher,
      sha256: () => {
        const id = new Uint8Array(32).fill(7)
        new DataView(id.buffer).setUint32(28, ids += 1)
        return new Proxy(id, {
          get: (target, key) => {
            reads += 1
            const value: unknown = Reflect.get(target, key, target)
            return typeof value === "function" ? value.bind(target) : value
          }
        })
      }
    }
    const count = 300
    const transactions = Array.from({ length: count }, (_, i) => transfer(i))
    BodyRules.check(testnet, watching, changed({ header: { merkleRoot: Hash.zero }, transactions }), later)
    ids = 0
    const root = Merkle.root(watching, Merkle.txids(watching, transactions))
    ids = 0
    reads = 0
    const verdict = BodyRules.check(testnet, watching, changed({ header: { merkleRoot: root }, transactions }), later)
    assert.strictEqual(verdict._tag, "BadCoinbase")
    // About a hundred for the tree and a set; pairs would take 32 · 2 · 300 / 2 each.
    assert.isBelow(reads, 300 * count)
  })
})

describe("a ghost", () => {
  const now = dueAt(testnet, 101) * 1_000
  it("moves nothing at all: with an input or an output a transaction is not a ghost", () => {
    const tag = (...more: ReadonlyArray<Transaction>) =>
      check(paying([["TIME0testaddr", total]], undefined, ...more), now)
    assert.deepStrictEqual(tag(emptyTransaction), { _tag: "GhostTransaction", index: 2 })
    assert.deepStrictEqual(tag(transfer(1), emptyTransaction), { _tag: "GhostTransaction", index: 3 })
    assert.strictEqual(tag({ ...transfer(1), outputs: [] })._tag, "ValidBody")
    assert.strictEqual(tag({ ...transfer(1), inputs: [] })._tag, "ValidBody")
  })
})
