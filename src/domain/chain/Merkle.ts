/** The merkle root over a block's txids: single SHA-256, an odd last node is paired with itself. */
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import type { Transaction } from "./Transaction.ts"
import * as Txid from "./Txid.ts"

const pair = new Uint8Array(2 * Hash.length)

/** Of no leaves: zero. Of one: the leaf itself. */
export const root = (hasher: Hasher, leaves: ReadonlyArray<Hash.Hash>): Hash.Hash => {
  let level = leaves
  while (level.length > 1) {
    const above: Array<Hash.Hash> = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] ?? Hash.zero
      pair.set(left, 0)
      pair.set(level[i + 1] ?? left, Hash.length)
      above.push(hasher.sha256(pair))
    }
    level = above
  }
  return level[0] ?? Hash.zero
}

export const txids = (hasher: Hasher, transactions: ReadonlyArray<Transaction>): Array<Hash.Hash> => {
  const ids: Array<Hash.Hash> = []
  for (const transaction of transactions) ids.push(Txid.of(hasher, transaction))
  return ids
}

/** Whether the transactions have this root under the rule of old blocks, whose ids covered the memo. */
export const isLegacyRoot = (
  hasher: Hasher,
  transactions: ReadonlyArray<Transaction>,
  expected: Hash.Hash
): boolean =>
  transactions.some((transaction) => transaction.encryptedMemo !== undefined) &&
  Hash.equals(root(hasher, transactions.map((transaction) => Txid.withMemo(hasher, transaction))), expected)
