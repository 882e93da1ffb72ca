import { assert, describe, it } from "@effect/vitest"
import { offenceOf } from "../../../src/domain/sync/SyncProof.ts"

describe("faults of sync", () => {
  it("count towards a ban only if no honest peer can look so", () => {
    const counted = ["bad-header", "bad-block", "wrong-block", "protocol"] as const
    assert.deepStrictEqual(counted.map(offenceOf), ["false-header", "false-block", "false-block", "protocol"])
    const slow = ["withheld", "inflated-height", "empty-headers", "unresponsive", "stalled"] as const
    for (const fault of slow) assert.isUndefined(offenceOf(fault), fault)
  })
})
