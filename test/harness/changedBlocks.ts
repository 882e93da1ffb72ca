/** A good testnet block of height 101, and the same with any change. */
import * as Block from "../../src/domain/chain/Block.ts"
import { dueAt, testnet } from "../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
import type * as HeaderRules from "../../src/domain/chain/HeaderRules.ts"
import * as Merkle from "../../src/domain/chain/Merkle.ts"
import * as Synthetic from "../../src/domain/chain/Synthetic.ts"
import type { Transaction } from "../../src/domain/chain/Transaction.ts"
import { hasher } from "./hasher.ts"

export const options = { leader: "10.11.0.2", address: "TIME0testaddr" }
/** Ten thousand blocks after testnet began. */
export const later = dueAt(testnet, 10_000) * 1000

export const parentAt = (height: number): HeaderRules.Parent => ({
  height,
  hash: new Uint8Array(32).fill(7),
  treasuryBalance: 500_000_000 * (height + 1)
})
export const parent = parentAt(100)
export const good = Synthetic.onTop(testnet, hasher, parent, dueAt(testnet, 101), options).block

export type Change = Partial<Omit<Block.BlockFields, "header">> & { readonly header?: Partial<Block.FullHeader> }

/** The good block with a change; its merkle root follows unless the change names one. */
export const changed = (change: Change, base: Block.Block = good): Block.Block => {
  const fields = { ...base, ...change, header: { ...base.header, ...change.header } }
  const merkleRoot = change.header?.merkleRoot ?? Merkle.root(hasher, Merkle.txids(hasher, fields.transactions))
  return Block.make({ ...fields, header: { ...fields.header, merkleRoot } })
}

/** Coinbase and a distribution over the given rewards; with further transactions. */
export const paying = (
  rewards: ReadonlyArray<readonly [string, number]>,
  outputs: ReadonlyArray<readonly [string, number]> = rewards,
  ...more: ReadonlyArray<Transaction>
): Change => {
  const [coinbase, distribution] = good.transactions
  if (coinbase === undefined || distribution === undefined) throw new Error("two transactions")
  return {
    transactions: [coinbase, {
      ...distribution,
      outputs: outputs.map(([address, value]) => ({ value, scriptPubkey: Buffer.from(address) }))
    }, ...more],
    masternodeRewards: rewards.map(([address, amount]) => ({ address, amount }))
  }
}
export const transfer = (n: number): Transaction => ({
  version: 1,
  inputs: [{ previousOutput: { txid: Hash.zero, vout: n }, scriptSig: new Uint8Array(0), sequence: 0 }],
  outputs: [{ value: n, scriptPubkey: Buffer.from("TIME0x") }],
  lockTime: 0,
  timestamp: 0,
  specialData: undefined,
  encryptedMemo: undefined
})
export const emptyTransaction: Transaction = { ...transfer(1), inputs: [], outputs: [] }
