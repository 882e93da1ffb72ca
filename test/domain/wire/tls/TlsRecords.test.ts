import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../../src/domain/Limits.ts"
import { TlsRecords } from "../../../../src/domain/wire/tls/TlsRecords.ts"

/** A record of so many bytes in all. */
const record = (bytes: number): Uint8Array => {
  const made = new Uint8Array(bytes).fill(1)
  made.set([23, 3, 3, (bytes - 5) >> 8, (bytes - 5) & 255])
  return made
}

describe("TlsRecords", () => {
  it("records are told apart however they are cut into chunks", () => {
    const bytes = Buffer.concat([record(5), record(300), record(25), record(16_000), record(6)])
    for (const size of [1, 2, 3, 4, 5, 7, 100, 5_000, bytes.length]) {
      const records = new TlsRecords()
      let cost = 0
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = bytes.subarray(at, at + size)
        assert.strictEqual(records.prefix(chunk, Number.POSITIVE_INFINITY), chunk.length)
        cost += records.cost
      }
      assert.strictEqual(cost, bytes.length + 5 * Limits.tlsRecordCostBytes, `chunks of ${size}`)
    }
  })

  it("a prefix ends between records, once it costs so much", () => {
    const records = new TlsRecords()
    const bytes = Buffer.concat(Array.from({ length: 10 }, () => record(25)))
    const each = 25 + Limits.tlsRecordCostBytes
    assert.deepStrictEqual([records.prefix(bytes, 2 * each), records.cost], [50, 2 * each])
    assert.deepStrictEqual([records.prefix(bytes.subarray(50), 2 * each + 1), records.cost], [75, 3 * each])
    assert.strictEqual(records.prefix(bytes.subarray(125), 1), 25, "one at the least")
    // A record that has begun is finished, whatever it costs.
    assert.strictEqual(records.prefix(bytes.subarray(150, 153), 1), 3)
    assert.strictEqual(records.prefix(bytes.subarray(153), 1), 22)
  })
})
