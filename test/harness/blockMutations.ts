/** The mutated blocks of `vectors/block-mutations.json`, by name: block 21 on top of 20 synthetic testnet blocks. */
import * as fs from "node:fs"
import * as Block from "../../src/domain/chain/Block.ts"
import { dueAt, testnet } from "../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../src/domain/chain/HeaderRules.ts"
import * as Merkle from "../../src/domain/chain/Merkle.ts"
import * as Synthetic from "../../src/domain/chain/Synthetic.ts"
import type { Transaction, TxInput, TxOutput } from "../../src/domain/chain/Transaction.ts"
import * as Txid from "../../src/domain/chain/Txid.ts"
import type { U64 } from "../../src/domain/chain/U64.ts"
import { knownOf, toStored } from "../../src/layers/chain/StoredBlocks.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import { hasher } from "./hasher.ts"

export interface MutationRow {
  readonly mutation: string
  readonly daemon: "takes" | "refuses"
  /** The daemon's verdict where the block is recent, if it is another one. */
  readonly near?: "takes" | "refuses"
  readonly ours: "takes" | "refuses"
  /** Our fault and what it proves; none where we take the block. */
  readonly fault?: string
  readonly scope?: string
  /** Why our verdict is another one than the daemon's. */
  readonly why?: string
}

export const rows: ReadonlyArray<MutationRow> = JSON.parse(
  fs.readFileSync(new URL("../vectors/block-mutations.json", import.meta.url), "utf8")
)

const leader = "10.11.0.2"
const address = "TIME0testaddr"
/** Satoshi. Reward without fees, what a synthetic block's treasury grows by, and the treasury before block 21. */
const R = 9_500_000_000
const step = 500_000_000
const treasuryBefore = 21 * step
const none = new Uint8Array(0)

const made = (() => {
  const blocks: Array<Synthetic.Made> = []
  let parent = Synthetic.genesisParent(testnet)
  for (let height = 1; height <= 21; height++) {
    const next = Synthetic.onTop(testnet, hasher, parent, dueAt(testnet, height), { leader, address })
    blocks.push(next)
    parent = HeaderRules.parentOf(next.block.header, next.hash)
  }
  return blocks
})()

const at = (height: number): Synthetic.Made => {
  const found = made[height - 1]
  if (found === undefined) throw new Error(`no block ${height}`)
  return found
}

/** Blocks 1 to 20. */
export const base: ReadonlyArray<Synthetic.Made> = made.slice(0, 20)
export const parent: HeaderRules.Parent = HeaderRules.parentOf(at(20).block.header, at(20).hash)
const good = at(21).block
const due = dueAt(testnet, 21)

const transactionOf = (block: Block.Block, index: number): Transaction => {
  const found = block.transactions[index]
  if (found === undefined) throw new Error(`no transaction ${index}`)
  return found
}
const goodCoinbase = transactionOf(good, 0)
const goodDistribution = transactionOf(good, 1)

type Pair = readonly [address: string | Uint8Array, amount: U64]

interface Change {
  readonly header?: Partial<Block.FullHeader>
  readonly body?: Partial<Omit<Block.BlockFields, "header" | "transactions">>
  readonly reward?: U64
  /** Value of the coinbase's output; the reward otherwise. */
  readonly minted?: U64
  readonly coinbase?: Partial<Transaction>
  readonly distribution?: Partial<Transaction>
  readonly inputs?: (coinbaseId: Hash.Hash) => ReadonlyArray<TxInput>
  /** What the distribution pays, and what the list says. */
  readonly paid?: ReadonlyArray<Pair>
  readonly listed?: ReadonlyArray<readonly [string, U64]>
  readonly more?: ReadonlyArray<Transaction>
  /** Of coinbase, distribution and the others. */
  readonly order?: (all: ReadonlyArray<Transaction>) => ReadonlyArray<Transaction>
  readonly root?: (all: ReadonlyArray<Transaction>) => Hash.Hash
}

const input = (txid: Hash.Hash, vout = 0): TxInput => ({
  previousOutput: { txid, vout },
  scriptSig: none,
  sequence: 0xffff_ffff
})
const output = ([to, value]: Pair): TxOutput => ({
  value,
  scriptPubkey: typeof to === "string" ? Uint8Array.from(Buffer.from(to)) : to
})

const mutated = (change: Change): Block.Block => {
  const reward = change.reward ?? R
  const minted = change.minted ?? reward
  const coinbase: Transaction = {
    ...goodCoinbase,
    outputs: [{ value: minted, scriptPubkey: goodCoinbase.outputs[0]?.scriptPubkey ?? none }],
    ...change.coinbase
  }
  const id = Txid.of(hasher, coinbase)
  const paid = change.paid ?? [[address, reward]]
  const distribution: Transaction = {
    ...goodDistribution,
    inputs: change.inputs === undefined ? [input(id)] : change.inputs(id),
    outputs: paid.map(output),
    ...change.distribution
  }
  const all = [coinbase, distribution, ...(change.more ?? [])]
  const transactions = change.order?.(all) ?? all
  const listed = change.listed ?? paid.map(([to, amount]) => [typeof to === "string" ? to : "", amount] as const)
  return Block.make({
    ...good,
    header: {
      ...good.header,
      blockReward: reward,
      merkleRoot: change.root?.(transactions) ?? rootOf(transactions),
      ...change.header
    },
    transactions,
    masternodeRewards: listed.map(([to, amount]) => ({ address: to, amount })),
    ...change.body
  })
}

const rootOf = (transactions: ReadonlyArray<Transaction>) =>
  Merkle.root(hasher, transactions.map((transaction) => Txid.of(hasher, transaction)))
const legacyRoot = (transactions: ReadonlyArray<Transaction>) =>
  Merkle.root(hasher, transactions.map((transaction) => Txid.withMemo(hasher, transaction)))

/** A transaction of users. */
const transfer = (inputs: ReadonlyArray<TxInput>, outputs: ReadonlyArray<Pair>, n = 0): Transaction => ({
  version: 1,
  inputs,
  outputs: outputs.map(output),
  lockTime: n,
  timestamp: due,
  specialData: undefined,
  encryptedMemo: undefined
})

/** The reward that block 10 paid: R satoshi. */
const spendable = input(at(10).txids[1])
const unknown = input(new Uint8Array(32).fill(0xee))
const paying = (fee: number, reward: U64): Change => ({ more: [transfer([spendable], [["TIME0x", R - fee]])], reward })
const ofUnknown = (change: Change): Change => ({ ...change, more: [transfer([unknown], [["TIME0x", 5]])] })
const memo = Uint8Array.of(1, 2, 3)
const bitmap = (byte: number, change: Change = {}): Change => ({
  ...change,
  header: { activeMasternodesBitmap: Uint8Array.of(byte) }
})
const script = (bytes: ReadonlyArray<number>, listed: string): Change => ({
  paid: [[Uint8Array.from(bytes), R]],
  listed: [[listed, R]]
})
const vrfOutput = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
const vrf = (bytes: number, vrfScore: U64): Change => ({
  header: { vrfProof: new Uint8Array(bytes).fill(9), vrfOutput, vrfScore }
})
const littleEndian = 0x0807_0605_0403_0201n
const bigEndian = 0x0102_0304_0506_0708n
const ghost = transfer([], [])
const unsigned: Transaction = {
  ...ghost,
  specialData: {
    _tag: "MasternodeDeregistration",
    nodeAddress: "10.0.0.1:24100",
    slotId: 1,
    pubkey: "ab".repeat(32),
    signature: "cd".repeat(64)
  }
}
const duplicate = transfer([unknown], [["TIME0x", 1]])
const wrapped = 2n ** 63n
const sized = (bytes: number): Change => ({
  header: { producerSignature: new Uint8Array(bytes - good.bytes.length) }
})

const changes: Readonly<Record<string, Change>> = {
  "control": {},
  "ts early by 30s": { header: { timestamp: due - 30 } },
  "ts early by 31s": { header: { timestamp: due - 31 } },
  "ts early by 100s": { header: { timestamp: due - 100 } },
  "ts early by 600s": { header: { timestamp: due - 600 } },
  "ts early by 601s": { header: { timestamp: due - 601 } },
  "ts late by 100000s": { header: { timestamp: due + 100_000 } },
  "ts genesis-1": { header: { timestamp: testnet.genesisTime - 1 } },
  "height 22 on block 20": { header: { height: 22, timestamp: testnet.genesisTime + 600 * 22 } },
  "previous hash zero": { header: { previousHash: Hash.zero } },
  "previous hash of block 4": { header: { previousHash: at(4).hash } },
  "merkle wrong": { header: { merkleRoot: new Uint8Array(32).fill(1) } },
  "merkle over swapped order": { root: (all) => rootOf(all.toReversed()) },
  "transactions swapped (distribution first)": { order: (all) => all.toReversed() },
  "memo on distribution, current root": { distribution: { encryptedMemo: memo } },
  "memo on distribution, legacy root": { distribution: { encryptedMemo: memo }, root: legacyRoot },
  "memo on coinbase, legacy root": { coinbase: { encryptedMemo: memo }, root: legacyRoot },
  "distribution twice (duplicate txid)": { order: ([a, b]) => a && b ? [a, b, b] : [] },
  "duplicate txid differing only in memo": { more: [duplicate, { ...duplicate, encryptedMemo: memo }] },
  "one transaction": { order: (all) => all.slice(0, 1) },
  "no transactions (zero root)": { order: () => [] },
  "coinbase with an input": { coinbase: { inputs: [unknown] } },
  "coinbase two outputs": { coinbase: { outputs: [output(["a", R]), output(["b", 0])] } },
  "coinbase no outputs": { coinbase: { outputs: [] } },
  "coinbase value reward-1": { minted: R - 1 },
  "reward +1 (all consistent)": { reward: R + 1 },
  "reward -1 (all consistent)": { reward: R - 1 },
  "distribution pays R-1 (one recipient)": { paid: [[address, R - 1]] },
  "distribution pays R-2 (one recipient)": { paid: [[address, R - 2]] },
  "distribution pays R+1": { paid: [[address, R + 1]] },
  "output 1 less than its reward entry": { paid: [[address, R - 1]], listed: [[address, R]] },
  "output to an unlisted address": { paid: [["TIME0other", R]], listed: [[address, R]] },
  "listed reward not paid (A:R paid, B:5 listed)": { paid: [["A", R]], listed: [["A", R], ["B", 5]] },
  "listed reward not paid (A:R paid, B:R listed)": { paid: [["A", R]], listed: [["A", R], ["B", R]] },
  "zero reward listed, not paid": { paid: [["A", R]], listed: [["A", R], ["B", 0]] },
  "one reward entry, paid in two outputs": { paid: [["A", R - 7], ["A", 7]], listed: [["A", R]] },
  "two entries same address, one output": { paid: [["A", R]], listed: [["A", R - 7], ["A", 7]] },
  "two recipients, orders differ": { paid: [["A", R - 7], ["B", 7]], listed: [["B", 7], ["A", R - 7]] },
  "zero-value output to unlisted address, padded list": {
    paid: [["A", R], ["TIME0z", 0]],
    listed: [["A", R], ["B", 0]]
  },
  "distribution spends coinbase vout 1": { inputs: (id) => [input(id, 1)] },
  "distribution spends another tx": { inputs: () => [unknown] },
  "distribution two inputs": { inputs: (id) => [input(id), unknown] },
  "distribution no inputs": { inputs: () => [] },
  "script 0xE9, listed address U+00E9": script([0xe9], "\u00e9"),
  "script UTF-8 of U+00E9, listed U+00E9": script([0xc3, 0xa9], "\u00e9"),
  "script 0xFF, listed U+FFFD": script([0xff], "\ufffd"),
  "script F0 9F 98 (cut), listed U+FFFD": script([0xf0, 0x9f, 0x98], "\ufffd"),
  "script ED A0 80 (surrogate), listed 3x U+FFFD": script([0xed, 0xa0, 0x80], "\ufffd".repeat(3)),
  "script with BOM, listed with BOM": script([0xef, 0xbb, 0xbf, 0x41], "\ufeffA"),
  "script empty, listed empty address": script([], ""),
  "outputs wrap u64 (2^63 + 2^63+R to one address)": { paid: [["A", wrapped], ["A", wrapped + BigInt(R)]] },
  "outputs wrap u64, two addresses": { paid: [["A", wrapped], ["B", wrapped + BigInt(R)]] },
  "treasury +500000001": { header: { treasuryBalance: treasuryBefore + step + 1 } },
  "treasury unchanged": { header: { treasuryBalance: treasuryBefore } },
  "treasury 0": { header: { treasuryBalance: 0 } },
  "treasury u64 max": { header: { treasuryBalance: 2n ** 64n - 1n } },
  "leader empty": { header: { leader: "" } },
  "leader with spaces around": { header: { leader: ` ${leader} ` } },
  "leader only spaces": { header: { leader: "   " } },
  "leader ends with newline": { header: { leader: `${leader}\n` } },
  "leader ends with U+00A0": { header: { leader: `${leader}\u00a0` } },
  "leader U+00E9": { header: { leader: "\u00e9" } },
  "version 0": { header: { version: 0 } },
  "version 2": { header: { version: 2 } },
  "version 4294967295": { header: { version: 4_294_967_295 } },
  "bitmap 3 bits, 1 recipient": bitmap(0xe0),
  "bitmap 2 bits, 1 recipient": bitmap(0xc0),
  "bitmap 3 bits, 3 recipients": bitmap(0xe0, { paid: [["A", 1], ["B", 2], ["C", R - 3]] }),
  "bitmap 3 bits, 3 recipients, one gets 0": bitmap(0xe0, { paid: [["A", 2], ["B", R - 2], ["C", 0]] }),
  "vrf proof 79 bytes": vrf(79, littleEndian),
  "vrf proof 80 bytes, LE score": vrf(80, littleEndian),
  "vrf proof 80 bytes, BE score": vrf(80, bigEndian),
  "vrf no proof, score 1": vrf(0, 1),
  "size 4000000": sized(4_000_000),
  "size 4000001": sized(4_000_001),
  "producer signature garbage": { header: { producerSignature: new Uint8Array(64).fill(0x5a) } },
  "uncommitted fields nonsense": {
    header: {
      attestationRoot: new Uint8Array(32).fill(3),
      masternodeTiers: { free: 9, bronze: 8, silver: 7, gold: 4_294_967_295 },
      livenessRecovery: true,
      totalFees: 2n ** 64n - 1n
    },
    body: { consensusParticipantsBitmap: Uint8Array.of(1, 2, 3), livenessRecovery: undefined }
  },
  "one time attestation": {
    body: {
      timeAttestations: [{
        masternodeAddress: "10.0.0.1",
        sequenceNumber: 1,
        heartbeatTimestamp: due,
        masternodePubkey: "ab",
        heartbeatSignature: "cd",
        witnesses: [{ witnessAddress: "10.0.0.2", witnessPubkey: "ef", witnessTimestamp: due, signature: "01" }]
      }]
    }
  },
  "tx spends block 10 reward, fee 1000, right reward": paying(1_000, R + 1_000),
  "tx fee 1000, reward claims 999": paying(1_000, R + 999),
  "tx fee 1000, reward claims 1001": paying(1_000, R + 1_001),
  "tx fee 1000, reward claims 10^15": paying(1_000, 10 ** 15),
  "tx fee 0 but reward R": paying(0, R),
  "tx of unknown input, reward 10^15": ofUnknown({ reward: 10 ** 15 }),
  "tx of unknown input, reward 1": ofUnknown({ reward: 1 }),
  "tx of unknown input, distribution pays thief 10^17": ofUnknown({
    paid: [["thief", 10n ** 17n]],
    listed: [[address, R]]
  }),
  "tx of unknown input, treasury 10^18": ofUnknown({ header: { treasuryBalance: 10n ** 18n } }),
  "tx of unknown input, distribution empty": ofUnknown({ inputs: () => [], paid: [], listed: [[address, R]] }),
  "tx outputs exceed inputs": paying(-1_000, R),
  "tx spends the same output in two txs": {
    more: [transfer([spendable], [["TIME0x", R]]), transfer([spendable], [["TIME0y", R]])]
  },
  "tx spends same output twice in one tx": { more: [transfer([spendable, spendable], [["TIME0x", 2 * R]])] },
  "ghost tx (no in, no out)": { more: [ghost] },
  "ghost tx with unsigned special data": { more: [unsigned] },
  "tx without inputs, one output": { more: [transfer([], [["TIME0x", 5]])] },
  "reward u64 max, unknown input": ofUnknown({ reward: 2n ** 64n - 1n })
}

/** Offset of the timestamp in a block's bincode. */
const timestampAt = 4 + 8 + 32 + 32

/** Bytes of the mutated block of that name. */
export const bytesOf = (mutation: string): Uint8Array => {
  if (mutation === "ts i64 min") {
    const bytes = Uint8Array.from(good.bytes)
    new DataView(bytes.buffer).setBigInt64(timestampAt, -(2n ** 63n), true)
    return bytes
  }
  const change = changes[mutation]
  if (change === undefined) throw new Error(`the mutation "${mutation}" is not built`)
  return mutated(change).bytes
}

/** The mutated block as a store would keep it, whatever its verdict. */
export const storedOf = (mutation: string): StoredBlock => {
  const block = Block.decode(bytesOf(mutation))
  if (Block.isMalformed(block)) throw new Error(`the mutation "${mutation}" is malformed`)
  return toStored(knownOf(hasher, block))
}
