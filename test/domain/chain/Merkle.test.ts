/** The merkle root, and lists of leaves of which a shorter one has the same. Each level is checked against SHA-256 of its pairs. */
import { assert, describe, it } from "@effect/vitest"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import type { Transaction } from "../../../src/domain/chain/Transaction.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import { good } from "../../harness/changedBlocks.ts"
import { hasher } from "../../harness/hasher.ts"

const leaf = (n: number): Hash.Hash => new Uint8Array(32).fill(n)
const both = (a: Hash.Hash, b: Hash.Hash): Hash.Hash => hasher.sha256(Uint8Array.of(...a, ...b)).slice()
const [a, b, c, d, e] = [1, 2, 3, 4, 5].map(leaf) as [Hash.Hash, Hash.Hash, Hash.Hash, Hash.Hash, Hash.Hash]
const rootOf = (...leaves: ReadonlyArray<Hash.Hash>) => Hash.toHex(Merkle.root(hasher, leaves))
const isPadded = (...leaves: ReadonlyArray<Hash.Hash>) => Merkle.mayBePadded(hasher, leaves)

describe("the merkle root", () => {
  it("of nothing is zero, of one leaf that leaf, and of more their pairs', the last one paired with itself", () => {
    assert.strictEqual(rootOf(), "00".repeat(32))
    assert.strictEqual(rootOf(a), Hash.toHex(a))
    assert.strictEqual(rootOf(a, b), Hash.toHex(both(a, b)))
    assert.strictEqual(rootOf(a, b, c), Hash.toHex(both(both(a, b), both(c, c))))
    const five = both(both(a, b), both(c, d))
    const rest = both(both(e, e), both(e, e))
    assert.strictEqual(rootOf(a, b, c, d, e), Hash.toHex(both(five, rest)))
  })

  it("is that of a shorter list where an end is repeated, on any level, and only there", () => {
    assert.strictEqual(rootOf(a, b, c), rootOf(a, b, c, c))
    assert.isTrue(isPadded(a, b, c, c))
    assert.strictEqual(rootOf(a, b, c, d, e, a), rootOf(a, b, c, d, e, a, e, a))
    assert.isTrue(isPadded(a, b, c, d, e, a, e, a))
    assert.isTrue(isPadded(a, a))
    // A last leaf without a neighbour is not compared, though a missing one would read as zero.
    const zero = Hash.zero
    for (const leaves of [[zero], [a, b, zero], [a, b, c, d, zero]]) assert.isFalse(isPadded(...leaves))
    for (const leaves of [[], [a], [a, b], [a, b, b], [a, b, c], [a, b, b, a], [a, b, c, d, e]]) {
      assert.isFalse(isPadded(...leaves), `${leaves.length} leaves`)
    }
  })

  it("of old blocks differs only where a transaction has a memo, and covers each memo", () => {
    assert.isFalse(Merkle.isLegacyRoot(hasher, [], Hash.zero))
    const [coinbase, distribution] = good.transactions
    if (coinbase === undefined || distribution === undefined) return assert.fail("two transactions")
    const root = (...transactions: ReadonlyArray<Transaction>) =>
      Merkle.root(hasher, transactions.map((transaction) => Txid.withMemo(hasher, transaction)))
    assert.isFalse(Merkle.isLegacyRoot(hasher, good.transactions, root(...good.transactions)))
    const memo = { ...coinbase, encryptedMemo: Uint8Array.of(1) }
    assert.isTrue(Merkle.isLegacyRoot(hasher, [memo, distribution], root(memo, distribution)))
    assert.isFalse(Merkle.isLegacyRoot(hasher, [memo, distribution], root(coinbase, distribution)))
    assert.isFalse(Merkle.isLegacyRoot(hasher, [memo, distribution], Hash.zero))
    const ids = Merkle.txids(hasher, [memo, distribution])
    assert.deepStrictEqual(ids, good.transactions.map((transaction) => Txid.of(hasher, transaction)))
  })
})
