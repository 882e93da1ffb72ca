import { assert, describe, it } from "@effect/vitest"
import { type Tag, tags } from "../../../../src/domain/wire/time/TimeMessage.ts"
import * as TimeRates from "../../../../src/domain/wire/time/TimeRates.ts"
import { randomFrom } from "../../../harness/random.ts"

/** The daemon's own limits, in fixed windows. */
const theirs: ReadonlyArray<readonly [tag: Tag, most: number, ms: number]> = [
  ["GetPeers", 5, 60_000],
  ["GetMasternodes", 6, 60_000],
  ["MasternodesResponse", 12, 60_000],
  ["MasternodeAnnouncementV3", 3, 60_000],
  ["GetBlocks", 100, 10_000],
  ["BlockResponse", 10, 1_000],
  ["BlocksResponse", 500, 1_000],
  ["GetBlockHash", 100, 1_000]
]

describe("TimeRates", () => {
  for (const [tag, most, ms] of theirs) {
    it(`sends ${tag} at most at half of the daemon's rate, wherever its windows begin`, () => {
      const random = randomFrom(most)
      let sent = TimeRates.nothing
      const times: Array<number> = []
      for (let now = 0; now < 5 * ms; now += 1 + random(Math.ceil(ms / (4 * most)))) {
        if (TimeRates.waitMs(sent, tag, now) > 0) continue
        sent = TimeRates.after(sent, tag, now)
        times.push(now)
      }
      for (const from of times) {
        const inWindow = times.filter((at) => at >= from && at < from + ms).length
        assert.isAtMost(inWindow, most / 2)
      }
      assert.isAbove(times.length, 1, "it sends at all")
    })
  }

  it("says how long to wait, exactly", () => {
    let sent = TimeRates.after(TimeRates.nothing, "GetPeers", 1_000)
    sent = TimeRates.after(sent, "GetPeers", 5_000)
    assert.strictEqual(TimeRates.waitMs(sent, "GetPeers", 6_000), 55_000)
    assert.strictEqual(TimeRates.waitMs(sent, "GetPeers", 60_999), 1)
    assert.strictEqual(TimeRates.waitMs(sent, "GetPeers", 61_000), 0)
    assert.strictEqual(TimeRates.waitMs(sent, "GetChainTip", 6_000), 0, "of another kind at once")
  })

  it("counts each message in its own bucket, all others together, and some not at all", () => {
    const { general, ...buckets } = Object.groupBy(tags, (tag) => TimeRates.bucketOf(tag) ?? "none")
    assert.isTrue(general?.includes("GetChainTip"))
    assert.deepStrictEqual<unknown>({ ...buckets }, {
      peers: ["GetPeers"],
      masternodes: ["GetMasternodes"],
      masternodeList: ["MasternodesResponse"],
      announcement: [
        "MasternodeAnnouncement",
        "MasternodeAnnouncementV2",
        "MasternodeAnnouncementV3",
        "MasternodeAnnouncementV4"
      ],
      pages: ["GetBlocks"],
      block: ["BlockAnnouncement", "BlockResponse", "TimeLockBlockProposal"],
      pageServed: ["BlocksResponse", "BlockRangeResponse"],
      none: ["Handshake", "Ack", "Version", "Ping", "Pong"]
    })
  })

  it("waits only once a bucket is full, and remembers no more than fill it", () => {
    let sent = TimeRates.nothing
    for (let i = 0; i < 3; i++) {
      assert.strictEqual(TimeRates.waitMs(sent, "GetMasternodes", 100 * i), 0, `${i}`)
      sent = TimeRates.after(sent, "GetMasternodes", 100 * i)
    }
    assert.deepStrictEqual(sent, { masternodes: [0, 100, 200] })
    assert.strictEqual(TimeRates.waitMs(sent, "GetMasternodes", 300), 59_700)
    sent = TimeRates.after(sent, "GetMasternodes", 60_000)
    assert.deepStrictEqual(sent, { masternodes: [100, 200, 60_000] })
    assert.strictEqual(TimeRates.waitMs(sent, "GetMasternodes", 60_001), 99)
    assert.strictEqual(TimeRates.waitMs(sent, "GetMasternodes", 1_000_000), 0)
    sent = TimeRates.after(sent, "GetPeers", 7)
    assert.deepStrictEqual(sent, { masternodes: [100, 200, 60_000], peers: [7] })
    assert.strictEqual(TimeRates.after(sent, "Ping", 9), sent)
  })

  it("sends the first of each kind at once", () => {
    for (const tag of tags) assert.strictEqual(TimeRates.waitMs(TimeRates.nothing, tag, 0), 0, tag)
  })

  it("never holds back what the daemon does not count", () => {
    let sent = TimeRates.nothing
    for (let i = 0; i < 1_000; i++) {
      assert.strictEqual(TimeRates.waitMs(sent, "Pong", 0), 0)
      sent = TimeRates.after(sent, "Pong", 0)
    }
  })
})
