/** What `timemesh show` prints for a person. */
import { assert, describe, it } from "@effect/vitest"
import * as show from "../../src/cli/show/render.ts"

const at = Date.UTC(2026, 0, 2)

describe("timemesh show", () => {
  it("names where each setting is from, in a terminal of any width", () => {
    const settings = {
      settings: [
        {
          name: "listen",
          environment: "TIMEMESH_LISTEN",
          values: ["0.0.0.0:24100"],
          source: "flag",
          where: "--listen"
        },
        { name: "peer", environment: "TIMEMESH_PEER", values: ["10.0.0.2", "10.0.0.3"], source: "default" },
        { name: "advertise", environment: "TIMEMESH_ADVERTISE", values: [], source: "default" }
      ]
    } as const
    assert.deepStrictEqual(show.settings(settings, undefined).split("\n"), [
      "SETTING    FROM      VALUE",
      "listen     --listen  0.0.0.0:24100",
      "peer       default   10.0.0.2, 10.0.0.3",
      "advertise  default   -"
    ])
    for (const line of show.settings(settings, 30).split("\n")) assert.isAtMost(line.length, 30)
    assert.include(show.settings({ settings: [] }, 80), "no settings")
  })

  it("has every refusal in its sums", () => {
    const text = show.refusals({
      at,
      refused: 5,
      byReason: { "EOF": 3, "rejected: network": 2 },
      byNetgroup: [{ netgroup: "203.0/16", refused: 4, byReason: { EOF: 4 }, at: at - 90_000, example: "203.0.113.7" }],
      others: 1,
      turnedAway: 6
    }, undefined)
    assert.match(
      text,
      /^refused +5 \(3 EOF, 2 rejected: network\)\nnetgroups not listed +1\nturned away, banned +6\n\n/
    )
    assert.match(text, /\n203\.0\/16 +4 +1 min 30 s ago +203\.0\.113\.7 +4 EOF$/)
  })

  it("says of a clock, resources, an address and a book what to do or where more is", () => {
    assert.strictEqual(
      show.clock({ at, behindS: 0, peers: [], of: 1 }),
      "no block of 1 peer is ahead of this node's clock"
    )
    assert.match(
      show.clock({ at, behindS: 9, peers: [{ ip: "10.0.0.2", behindS: 9 }], of: 3 }),
      /NTP\n10\.0\.0\.2: .* 9 s/
    )
    const memory = { residentBytes: 1 << 20, heapBytes: 1_024, heapLimitBytes: 2_048, externalBytes: 0 }
    const lean = show.resources({ at, memory, cpuMs: 1_000, lagMs: 5, maxLagMs: 3 })
    assert.notMatch(lean, /disk|open files/)
    const disk = { directory: "/data", freeBytes: 1_024, totalBytes: 4_096 }
    assert.match(
      show.resources({ at, memory, cpuMs: 1_000, lagMs: 5, maxLagMs: 3, disk, descriptors: { open: 7, limit: 64 } }),
      /\nopen files +7 of at most 64\ndisk +1\.0 KiB free of 4\.0 KiB at \/data\n/
    )
    assert.match(
      show.own({
        at,
        listen: "any:24100",
        port: 24_100,
        isConfirmed: false,
        reachable: "no",
        seen: [],
        notices: [{ notice: "unreachable", cause: "peers cannot reach it", fix: "forward the port" }],
        line: "not reachable"
      }),
      /^own address +not reachable\nlisten +any:24100\nnotice +peers cannot reach it; forward the port$/
    )
    const row = { ip: "10.0.0.2", port: 24_100, table: "tried", wire: "native", seenAt: at, failures: 0 } as const
    const book = show.book({ at, tried: 1, new: 2, addresses: [row], next: 100 }, undefined)
    assert.match(book, /^1 tried, 2 known only by gossip\n\nADDRESS/)
    assert.match(
      book,
      /10\.0\.0\.2 +24100 +tried +native +0 +- +2026-01-02T00:00\n\nmore: timemesh show book --skip 100$/
    )
  })
})
