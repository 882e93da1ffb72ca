/** The merkle root over a block's txids: single SHA-256; an odd last node is paired with itself. */
import * as Hash from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import type { Transaction } from "./Transaction.ts"
import * as Txid from "./Txid.ts"

const pair = new Uint8Array(2 * Hash.length)

const levelAbove = (hasher: Hasher, level: ReadonlyArray<Hash.Hash>): ReadonlyArray<Hash.Hash> => {
  const above: Array<Hash.Hash> = []
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] ?? Hash.zero
    pair.set(left, 0)
    pair.set(level[i + 1] ?? left, Hash.length)
    above.push(hasher.sha256(pair))
  }
  return above
}

/** No leaves: zero. One leaf: the leaf itself. */
export const root = (hasher: Hasher, leaves: ReadonlyArray<Hash.Hash>): Hash.Hash => {
  let level = leaves
  while (level.length > 1) level = levelAbove(hasher, level)
  return level[0] ?? Hash.zero
}

/**
 * Whether fewer leaves have the same root: on some level two paired neighbours are equal, like a last node and its copy. Such a transaction
 * list may be a good block's with its end repeated (Bitcoin's CVE-2012-2459).
 */
export const mayBePadded = (hasher: Hasher, leaves: ReadonlyArray<Hash.Hash>): boolean => {
  for (let level = leaves; level.length > 1; level = levelAbove(hasher, level)) {
    for (let i = 0; i + 1 < level.length; i += 2) {
      if (Hash.equals(level[i] ?? Hash.zero, level[i + 1] ?? Hash.zero)) return true
    }
  }
  return false
}

export const txids = (hasher: Hasher, transactions: ReadonlyArray<Transaction>): Array<Hash.Hash> => {
  const ids: Array<Hash.Hash> = []
  for (const transaction of transactions) ids.push(Txid.of(hasher, transaction))
  return ids
}

/** Whether the transactions have this root under the rule of old blocks, whose txids covered the memo. */
export const isLegacyRoot = (
  hasher: Hasher,
  transactions: ReadonlyArray<Transaction>,
  expected: Hash.Hash
): boolean =>
  transactions.some((transaction) => transaction.encryptedMemo !== undefined) &&
  Hash.equals(root(hasher, transactions.map((transaction) => Txid.withMemo(hasher, transaction))), expected)
