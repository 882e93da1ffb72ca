import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { ToldDials } from "../../../src/layers/peer/ToldDials.ts"

const address = (i: number) => PeerIp.fromStringUnsafe(`203.0.${i >> 8}.${i & 255}`)

describe("dials to addresses told by others", () => {
  it("no more than 20 in any second, however many are due", () => {
    const dials = new ToldDials()
    const at: Array<number> = []
    for (let now = 0; now < 30_000; now += 7) {
      while (dials.paceMs(now) === 0) {
        dials.began(address(at.length % 65_536), now)
        at.push(now)
      }
    }
    assert.isAbove(at.length, 30 * Limits.toldDialsPerSecond * 0.95)
    for (const from of at) assert.isAtMost(at.filter((ms) => ms >= from && ms < from + 1_000).length, 20)
  })

  it("no more than one per minute to one address", () => {
    const dials = new ToldDials()
    assert.strictEqual(dials.waitMs(address(1), 5), 0)
    dials.began(address(1), 5)
    assert.strictEqual(dials.waitMs(address(1), 1_005), Limits.toldDialEveryMs - 1_000)
    // Others come between.
    for (let i = 2; i < 1_000; i++) dials.began(address(i), 5 + i * 50)
    assert.isAbove(dials.waitMs(address(1), 50_005), 0)
    assert.strictEqual(dials.waitMs(address(1), 5 + Limits.toldDialEveryMs), 0)
  })

  it("remembers no more addresses than may be dialled in that time", () => {
    const dials = new ToldDials()
    for (let i = 0; i < 10_000; i++) dials.began(address(i), i * 50)
    const remembered = Array.from({ length: 10_000 }, (_, i) => dials.waitMs(address(i), 500_000)).filter((ms) =>
      ms > 0
    )
    assert.isAtMost(remembered.length, Limits.toldDialEveryMs / 50)
  })
})
