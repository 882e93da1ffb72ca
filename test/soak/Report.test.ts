/** The judgement of a soak on made-up samples: what it must find, and what it must let pass. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../src/domain/Limits.ts"
import { randomFrom } from "../harness/random.ts"
import * as Faults from "./Faults.ts"
import * as LiveMemory from "./LiveMemory.ts"
import * as Quickened from "./Quickened.ts"
import * as Report from "./Report.ts"
import * as Slope from "./Slope.ts"

const minutes = 60

/** A process sampled six times a minute, with noise of ± 2 MiB on its memory. */
const life = (grows: { readonly kibPerMinute?: number; readonly fdsPerMinute?: number; readonly onceKib?: number }) => {
  const random = randomFrom(7)
  return {
    ip: "127.0.0.1",
    pid: 1,
    vitals: Array.from({ length: minutes * 6 + 1 }, (_, i) => ({
      at: 1_000_000 + i * 10_000,
      pid: 1,
      rssKib: 150_000 + (grows.kibPerMinute ?? 0) * i / 6 + (i > 30 ? grows.onceKib ?? 0 : 0) + random(4_096) - 2_048,
      fds: 40 + Math.floor((grows.fdsPerMinute ?? 0) * i / 6)
    }))
  }
}

describe("a slope", () => {
  it("is that of the line, with no error where there is no noise", () => {
    const line = [0, 1, 2, 3].map((x) => [x, 5 + 3 * x] as const)
    assert.deepStrictEqual(Slope.of(line), { slope: 3, error: 0 })
    assert.isUndefined(Slope.of(line.slice(0, 2)))
    assert.isUndefined(Slope.of([[1, 1], [1, 2], [1, 3]]))
    assert.deepStrictEqual(Slope.secondHalf(line).map(([x]) => x), [2, 3])
  })

  it("of noise is within three standard errors of the truth", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomFrom(seed)
      const slope = Slope.of(Array.from({ length: 100 }, (_, x) => [x, 2 * x + random(1_000)] as const))
      assert(slope !== undefined)
      assert.isBelow(Math.abs(slope.slope - 2), 3.5 * slope.error, `seed ${seed}`)
    }
  })
})

describe("a quickened soak", () => {
  const quickened = Quickened.make(8, 1_000_000, minutes)

  it("has clocks that run plainly, then faster, and whose times are ours again", () => {
    const second = 1_000
    // Cycles of 900 s, of which 450 s are plain.
    assert.deepStrictEqual(
      [0, 100, 450, 451, 900, 901, 3_600].map((s) => Quickened.lived(quickened, s * second) / second),
      [0, 100, 450, 458, 4_050, 4_051, 16_200]
    )
    for (let ms = 0; ms < minutes * 60_000; ms += 777) {
      assert.closeTo(Quickened.real(quickened, Quickened.lived(quickened, ms)), ms, 1e-6)
    }
    assert.strictEqual(Quickened.toReal(quickened, 1_000_000 + 458_000), 1_451_000)
    const [flag = ""] = Quickened.flags(quickened)
    assert.deepStrictEqual(Quickened.fromUrl(flag.replace("--import=", "")), quickened)
  })

  it("tells what grows with a node's own time from what grows with the hour", () => {
    const grown = (perNodeHour: number, perRealHour: number) =>
      Report.quickenedReport(
        quickened,
        [1, 2, 3, 4].map((seed) => {
          const random = randomFrom(seed)
          return {
            ip: `127.0.0.${seed}`,
            pid: seed,
            vitals: Array.from({ length: minutes + 1 }, (_, minute) => ({
              at: 1_000_000 + minute * 60_000,
              pid: seed,
              rssKib: 150_000,
              fds: 40,
              liveKib: 30_000 + perRealHour * minute / 60 + random(100) - 50 +
                perNodeHour * Quickened.lived(quickened, minute * 60_000) / 3_600_000
            }))
          }
        }),
        1_000_000,
        1_000_000 + minutes * 60_000
      )
    for (const [perNodeHour, perRealHour] of [[100, 0], [0, 800], [50, -300]] as const) {
      const { live, nodeHours } = grown(perNodeHour, perRealHour)
      assert.strictEqual(nodeHours, 4.5)
      assert(live !== null)
      assert.isBelow(Math.abs(live.perNodeHour.kib - perNodeHour), 4 * live.perNodeHour.error)
      assert.isBelow(Math.abs(live.perRealHour.kib - perRealHour), 4 * live.perRealHour.error)
      assert.isBelow(live.perNodeHour.error, 25)
      assert.isBelow(live.perRealHour.error, 200)
    }
  })

  it("tells nothing apart where the two are one", () => {
    assert.isUndefined(Slope.ofTwo([0, 1, 2, 3, 4].map((x) => [x, 8 * x, x] as const)))
    const plane = [[0, 0], [1, 8], [2, 9], [3, 17], [4, 18]].map(([a = 0, b = 0]) => [a, b, 5 + 3 * a - 2 * b] as const)
    const [perA = Number.NaN, perB = Number.NaN] = Slope.ofTwo(plane) ?? []
    assert.closeTo(perA, 3, 1e-9)
    assert.closeTo(perB, -2, 1e-9)
    assert.isUndefined(Slope.meanOf([1]))
    assert.deepStrictEqual(Slope.meanOf([1, 3]), { mean: 2, error: 1 })
  })
})

describe("a soak is not OK", () => {
  const allowed = Report.allowedKibPerMinute(minutes / 2)

  it("when a process grows by more than is allowed, and OK by less", () => {
    assert.include(Report.growthProblem(life({ kibPerMinute: allowed * 1.3 })) ?? "", "127.0.0.1 grows by")
    assert.isUndefined(Report.growthProblem(life({ kibPerMinute: allowed * 0.9 })))
    assert.isUndefined(Report.growthProblem(life({})))
    assert.isUndefined(Report.growthProblem(life({ onceKib: 60_000 })), "a heap that found its size early")
  })

  it("when what is still referred to grows, though resident memory does not show it", () => {
    const live = (kibPerMinute: number) => {
      const one = life({})
      // One collection a minute, with noise of ± 100 KiB.
      const random = randomFrom(11)
      return {
        ...one,
        vitals: one.vitals.map(({ at, fds, pid, rssKib }, i) => ({
          at,
          fds,
          pid,
          rssKib,
          liveKib: i % 6 === 0 ? 30_000 + kibPerMinute * i / 6 + random(200) - 100 : undefined
        }))
      }
    }
    const allowed = Report.allowedLiveKibPerMinute(minutes / 2)
    assert.include(Report.growthProblem(live(allowed * 1.2)) ?? "", "127.0.0.1 grows in live memory by")
    assert.isUndefined(Report.growthProblem(live(allowed * 0.8)))
    // A young generation that fills: resident memory grows within its bound, live memory does not.
    assert.deepStrictEqual([Report.nodeReport(live(0)).live?.first !== undefined, Report.nodeReport(life({})).live], [
      true,
      null
    ])
  })

  it("reads where a process can be asked: the latest one of a log", () => {
    const log = "{}\nDebugger listening on ws://127.0.0.1:1/a\nx\nDebugger listening on ws://127.0.0.1:2/b\n"
    assert.strictEqual(LiveMemory.addressIn(log), "ws://127.0.0.1:2/b")
    assert.isUndefined(LiveMemory.addressIn("{}\n"))
  })

  it("when descriptors pile up", () => {
    assert.include(Report.descriptorProblem(life({ fdsPerMinute: 0.1 })) ?? "", "46 descriptors open, at first 40")
    assert.isUndefined(Report.descriptorProblem(life({ fdsPerMinute: 0.06 })))
  })

  it("when a connection falls that no long pause explains", () => {
    const pause = (ms: number): Faults.Fault => ({
      kind: "pause",
      ip: "127.0.0.2",
      at: 10_000,
      endedAt: 10_000 + ms,
      recoveredMs: 0
    })
    const down = (at: number, node: string, peer: string) => ({ at, node, peer, reason: "silent, by local" })
    const long = pause(Limits.soakPauseLongMs)
    const within = 10_000 + Limits.deadMs
    assert.isTrue(Report.isExplained(down(within, "127.0.0.1", "127.0.0.2"), [long]))
    assert.isTrue(Report.isExplained(down(long.endedAt + 100, "127.0.0.2", "127.0.0.1"), [long]))
    assert.isFalse(Report.isExplained(down(within, "127.0.0.1", "127.0.0.3"), [long]), "between others")
    assert.isFalse(Report.isExplained(down(9_999, "127.0.0.1", "127.0.0.2"), [long]), "before")
    assert.isFalse(Report.isExplained(down(long.endedAt + 60_000, "127.0.0.1", "127.0.0.2"), [long]), "long after")
    assert.isFalse(
      Report.isExplained(down(12_000, "127.0.0.1", "127.0.0.2"), [pause(Limits.soakPauseShortMs)]),
      "a pause that nobody may take for a death"
    )
  })
})

describe("faults", () => {
  it("come in turn, and none that could not be recovered from before the end", () => {
    const hour = 3_600_000
    assert.deepStrictEqual([0, 1, 2, 3, 4].map((turn) => Faults.next(turn, hour)?.kind), [
      "kill",
      "pause",
      "kill",
      "pause",
      "kill"
    ])
    assert.strictEqual(Faults.next(3, hour)?.ms, Limits.soakPauseLongMs)
    assert.isUndefined(Faults.next(3, Limits.soakPauseLongMs + Limits.soakQuietEndMs - 1))
    assert.isUndefined(Faults.next(0, Limits.soakQuietEndMs))
  })
})
