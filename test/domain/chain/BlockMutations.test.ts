/** The reference daemon's verdict on 96 mutated blocks, and ours: the same, or another one for a written reason. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as Block from "../../../src/domain/chain/Block.ts"
import { dueAt, testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Fees from "../../../src/domain/chain/Fees.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import type { OutPoint } from "../../../src/domain/chain/Transaction.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"
import * as mutations from "../../harness/blockMutations.ts"
import { hasher } from "../../harness/hasher.ts"

/** Far behind schedule, and two and a half minutes after the block was due. */
const far = Date.parse("2026-11-28T12:00:00Z")
const near = (dueAt(testnet, 22) + 300) * 1_000

const outputs = new Map(
  mutations.base.flatMap(({ block, txids }) =>
    txids.map((txid, i) => [Hash.toHex(txid), block.transactions[i]?.outputs ?? []] as const)
  )
)
const valueOf = ({ txid, vout }: OutPoint) => outputs.get(Hash.toHex(txid))?.[vout]?.value

/** What is wrong with the bytes as block 21; `undefined`: nothing. */
const faultOf = (bytes: Uint8Array, now: number) => {
  const block = Block.decode(bytes)
  if (Block.isMalformed(block)) return { tag: "Malformed", scope: "copy", words: block.reason }
  const verdict = Validation.block(testnet, hasher, mutations.parent, block, now)
  const fault = verdict._tag === "Valid" ? Fees.check(testnet, block, valueOf) : verdict
  return fault && { tag: fault._tag, scope: Validation.scope(fault), words: Validation.describe(fault) }
}

describe("96 mutated blocks", () => {
  it("are what the table has", () => {
    assert.strictEqual(mutations.rows.length, 96)
    assert.strictEqual(new Set(mutations.rows.map(({ mutation }) => mutation)).size, 96)
    const bytes = new Set(mutations.rows.map(({ mutation }) => Hash.toHex(mutations.bytesOf(mutation))))
    assert.strictEqual(bytes.size, 96, "two mutations are the same block")
  })

  const record = fs.readFileSync(
    new URL("../../../docs/decisions/0030-the-networks-verdict-on-blocks.md", import.meta.url),
    "utf8"
  )

  for (const row of mutations.rows) {
    const differs = row.ours !== row.daemon
    it(`${row.mutation}: ${row.ours}${differs ? `, the daemon ${row.daemon}` : ""}`, () => {
      const fault = faultOf(mutations.bytesOf(row.mutation), far)
      assert.strictEqual(fault === undefined ? "takes" : "refuses", row.ours, fault?.words)
      assert.deepStrictEqual([fault?.tag, fault?.scope], [row.fault, row.scope])
      const recent = faultOf(mutations.bytesOf(row.mutation), near)
      const expected = row.mutation === "ts late by 100000s" ? "refuses" : row.near ?? row.ours
      assert.strictEqual(recent === undefined ? "takes" : "refuses", expected, recent?.words)
      // Another verdict than the network's has its reason, here and in the decision record.
      assert.strictEqual(row.why !== undefined, differs)
      if (differs) assert.include(record, row.mutation)
    })
  }
})
