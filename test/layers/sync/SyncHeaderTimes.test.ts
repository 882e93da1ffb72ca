/** Headers whose time has not come: how long they wait, and what they say of our clock. */
import { assert, describe, it } from "@effect/vitest"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import { hasher } from "../../harness/hasher.ts"
import { asking, came, shared } from "../../harness/headerAnswers.ts"
import type { Made } from "../../harness/syncContext.ts"
import { devnet, startOfTime } from "../../harness/syntheticChain.ts"

describe("headers of another time", () => {
  const due = (height: number) => ChainParams.dueAt(devnet, height)
  /** A block of that time on top of ours, seconds since 1970. */
  const at = (time: number): Made => {
    const parent = shared.at(-1)?.parent ?? assert.fail()
    const made = Synthetic.onTop(devnet, hasher, parent, time, {
      leader: "10.4.4.4",
      address: "TIME0test"
    })
    return {
      height: 21,
      hash: Hash.toHex(made.hash),
      previous: Hash.toHex(parent.hash),
      bytes: made.block.bytes,
      txids: undefined,
      parent: { height: 21, hash: made.hash, treasuryBalance: made.block.header.treasuryBalance }
    }
  }

  const ahead = (seconds: number): Made => at(startOfTime / 1_000 + seconds)

  it("that are in the future wait, and tell by how much our clock is behind", () => {
    const node = asking(shared, { height: 21, hash: "ab".repeat(32) })
    const seconds = devnet.futureSeconds + 30
    assert.deepStrictEqual(node.exchange([ahead(seconds)], { more: true }), [
      came({ more: "not-yet", clockBehind: seconds, dueMs: 30_000 })
    ])
    assert.isUndefined(node.link.last)
    node.setNow(startOfTime + 999)
    assert.deepStrictEqual(node.exchange([ahead(seconds)]), [
      came({ more: "not-yet", clockBehind: seconds, dueMs: 30_000 })
    ])
    node.setNow(startOfTime + 30_000)
    assert.strictEqual(node.exchange([ahead(seconds)])[0]?._tag, "HeadersReceived")
    assert.strictEqual(node.context.branches.size, 1)
  })

  it("that are ahead of the schedule wait until their height is due", () => {
    const node = asking(shared, { height: 21, hash: "ab".repeat(32) })
    const early = at(due(21) - 20)
    node.setNow((due(21) - 20) * 1_000 + 250)
    assert.deepStrictEqual(node.exchange([early]), [came({ more: "not-yet", clockBehind: 20, dueMs: 19_750 })])
    node.setNow((due(21) - 10) * 1_000)
    assert.deepInclude(node.exchange([early])[0], { count: 1, more: "no", clockBehind: undefined, dueMs: 0 })
  })

  it("say nothing about our clock where it is behind by nothing", () => {
    const node = asking(shared, { height: 1, hash: "ab".repeat(32) })
    node.setNow((due(21) - 20) * 1_000)
    assert.deepStrictEqual(node.exchange([at(due(21) - 20)]), [came({ more: "not-yet", dueMs: 20_000 })])
  })

  it("count the peer's announced height for how far our clock is behind", () => {
    const told = 20_100_000
    const node = asking(shared, { height: told, hash: "ab".repeat(32) })
    const seconds = devnet.futureSeconds + 1
    const [event] = node.exchange([ahead(seconds)])
    assert(event?._tag === "HeadersReceived")
    assert.strictEqual(event.clockBehind, Math.max(seconds, due(told) - startOfTime / 1_000))
  })
})
