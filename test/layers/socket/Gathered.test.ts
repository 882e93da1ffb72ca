import { assert, describe, it } from "@effect/vitest"
import { Gathered } from "../../../src/layers/socket/Gathered.ts"

const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i & 255))

describe("Gathered", () => {
  it("returns what arrived, in chunks of any size", () => {
    for (const size of [1, 7, 511, 512, 513, 4_999]) {
      const gathered = new Gathered()
      let at = 0
      for (; at + size < bytes.length; at += size) {
        gathered.push(bytes.subarray(at, at + size))
        assert.strictEqual(gathered.first, 0)
      }
      assert.isTrue(gathered.take(bytes.subarray(at)).equals(bytes))
      assert.isUndefined(gathered.first)
    }
  })

  it("copies nothing that arrives at once", () => {
    assert.strictEqual(new Gathered().take(bytes), bytes)
  })
})
