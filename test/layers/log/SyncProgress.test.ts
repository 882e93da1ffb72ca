import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as progress from "../../../src/cli/progress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as SyncProgress from "../../../src/layers/log/SyncProgress.ts"
import type { SyncReport } from "../../../src/services/Sync.ts"
import { Sync } from "../../../src/services/Sync.ts"

const peer = (k: number, height: number, use: string) => ({
  ip: PeerIp.fromStringUnsafe(`10.0.0.${k}`),
  height,
  blocks: 0,
  use
})

const report = (height: number, headers: number, changes: Partial<SyncReport> = {}): SyncReport => ({
  tip: { height, hash: "00" },
  headers,
  synced: false,
  mayProduce: false,
  target: headers,
  line: `height ${height} of ${headers}, 2 sources`,
  peers: [peer(1, headers, "sending 9 blocks"), peer(2, headers, "sending 1 block"), peer(3, headers, "idle")],
  reorgs: 0,
  requests: 0,
  waiting: { blocks: 0, bytes: 0 },
  ...changes
})

/** A height a second, from `from` ms on. */
const paced = (heights: ReadonlyArray<number>, from = 0) =>
  heights.reduce((pace, height, i) => SyncProgress.sampled(pace, from + i * 1_000, height), SyncProgress.start)

describe("progress of sync", () => {
  it("the rate is that of the last five seconds", () => {
    assert.strictEqual(SyncProgress.rate(SyncProgress.start), 0)
    assert.strictEqual(SyncProgress.rate(paced([10])), 0)
    assert.strictEqual(SyncProgress.rate(paced([0, 100, 200])), 100)
    assert.strictEqual(SyncProgress.rate(paced([0, 0, 0, 0, 0, 0, 0, 10, 20, 30, 40, 50])), 10)
    assert.isAtMost(paced(Array.from({ length: 100 }, (_, i) => i)).samples.length, 7)
  })

  it("samples far apart give the rate since the last one", () => {
    const pace = SyncProgress.sampled(SyncProgress.sampled(SyncProgress.start, 0, 0), 10_000, 500)
    assert.strictEqual(SyncProgress.rate(pace), 50)
    assert.strictEqual(SyncProgress.rate(SyncProgress.sampled(pace, 20_000, 1_500)), 100)
  })

  it("a rewind starts anew", () => {
    assert.strictEqual(SyncProgress.rate(paced([100, 200, 50])), 0)
    assert.strictEqual(SyncProgress.rate(paced([100, 200, 50, 60])), 10)
  })

  it("the bar tells part, blocks, pace, peers in use and time left, and fits", () => {
    const pace = paced([0, 600, 1_200])
    assert.strictEqual(
      SyncProgress.bar(report(1_200, 2_400), pace, 200),
      "[#####.....] 50 % 1,200/2,400, 600 blocks/s, 2 peers, 2 s left"
    )
    assert.strictEqual(SyncProgress.bar(report(1_200, 2_400), pace, 30)?.length, 30)
    assert.match(SyncProgress.bar(report(0, 9), SyncProgress.start, 200) ?? "", /0 blocks\/s, .*, waiting$/)
    assert.match(SyncProgress.bar(report(0, 1_000_000), pace, 200) ?? "", /27 min 46 s left/)
  })

  it("there is no bar when nothing is to be fetched", () => {
    const pace = paced([0, 9])
    assert.isUndefined(SyncProgress.bar(report(9, 9), pace, 80))
    assert.isUndefined(SyncProgress.bar(report(5, 9, { synced: true }), pace, 80))
    const blamed = [peer(1, 99, "not used: bad-block")]
    assert.isUndefined(SyncProgress.bar(report(9, 9, { peers: blamed }), pace, 80))
  })

  it("the log line is sync's own, with the pace while there is one", () => {
    assert.strictEqual(SyncProgress.text(report(9, 9), paced([9, 9])), "height 9 of 9, 2 sources")
    assert.strictEqual(
      SyncProgress.text(report(100, 200), paced([0, 100])),
      "height 100 of 200, 2 sources, 100 blocks/s, 1 s left"
    )
  })

  it.effect("the bar is drawn while there is something to fetch, and taken away after", () =>
    Effect.gen(function*() {
      const drawn: Array<string> = []
      const line: progress.ProgressLine = {
        show: (text) => drawn.push(text.slice(0, 12)),
        clear: () => drawn.push("clear"),
        width: () => 120
      }
      const current = Effect.map(Clock.currentTimeMillis, (now) => {
        const height = Math.min(4, Math.floor(now / 250))
        return report(height, 4, { synced: height === 4 })
      })
      const sync = Layer.mock(Sync, { report: current })
      const running = yield* Effect.forkChild(Layer.launch(Layer.provide(progress.layer(line), sync)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(drawn, [
        "[##........]",
        "[#####.....]",
        "[#######...]",
        "clear"
      ])
      yield* Fiber.interrupt(running)
      assert.strictEqual(drawn.at(-1), "clear")
    }))
})
