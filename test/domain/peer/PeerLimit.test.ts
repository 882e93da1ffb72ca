import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerLimit from "../../../src/domain/peer/PeerLimit.ts"

describe("peer limit", () => {
  it("is the configured one where the open files carry it, or are not known", () => {
    assert.strictEqual(PeerLimit.carried(Limits.maxPeers, undefined), Limits.maxPeers)
    for (const openFiles of [525, 1_024, 1_048_576]) {
      assert.strictEqual(PeerLimit.carried(Limits.maxPeers, openFiles), Limits.maxPeers, `${openFiles}`)
    }
    assert.strictEqual(PeerLimit.carried(4_096, 4_496), 4_096)
  })

  it("leaves what a node needs besides peers", () => {
    assert.strictEqual(PeerLimit.carried(4_096, 4_495), 4_095)
    assert.strictEqual(PeerLimit.carried(1_000, 1_024), 624)
  })

  it("leaves half where there is less than that, and always allows one peer", () => {
    assert.strictEqual(PeerLimit.carried(125, 256), 96)
    assert.strictEqual(PeerLimit.carried(125, 128), 32)
    assert.strictEqual(PeerLimit.carried(125, 48), 1)
    assert.strictEqual(PeerLimit.carried(1, 8), 1)
  })
})
