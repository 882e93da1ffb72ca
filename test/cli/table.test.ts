/** Every table of the commands, on terminals of 40 to 250 columns, with the longest names, IPv6 and wide characters. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as bans from "../../src/cli/bans.ts"
import * as crawl from "../../src/cli/crawl.ts"
import * as doctor from "../../src/cli/doctor.ts"
import * as masternodes from "../../src/cli/masternodes.ts"
import * as peerTable from "../../src/cli/peerTable.ts"
import * as simulated from "../../src/cli/simulate/render.ts"
import * as status from "../../src/cli/status.ts"
import { hang, printableLines, widthOf } from "../../src/cli/terminalText.ts"
import * as testnetScreen from "../../src/cli/testnetScreen.ts"
import * as Model from "../../src/cli/watch/Model.ts"
import * as screen from "../../src/cli/watch/screen.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { recoveryKinds } from "../../src/simulation/plan/Recovery.ts"
import { answer, down, happened, up } from "./watch/node.ts"

const hostile =
  "\u001b[2J\u009b31m\u202E日本語🦀\r\nOK: 99 peers, and a software name that is as long as peers may send"
const long = "the host is down, or a firewall drops the dial; check both, and forward the port at the router"
const v4 = "203.0.113.7"
const v6 = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1f"
const hash = "ab".repeat(32)

const answered = answer([
  up(v4, { software: hostile }),
  up(v6, { software: hostile, situation: "flaps" }),
  down(`${v6}2`, long)
], {
  own: {
    notices: [{ kind: "translated", cause: long, fix: long }],
    line: `${v6}, seen by peers of 5 netgroups, ${hostile}`
  } as never,
  missing: [{ cause: long, example: v6, fix: `timemesh connect ${v6}`, peers: 3 }] as never
})

const row = {
  ip: v4,
  key: hash,
  port: 24_100,
  tier: "gold",
  state: "live",
  proof: "proved",
  isConnected: false,
  isSelf: false,
  witnesses: 3,
  announcedAt: 60_000,
  isContested: false
} as const
const none = { free: 0, bronze: 0, silver: 0, gold: 0 }

const finding: Parameters<typeof crawl.render>[0]["nodes"][number] = {
  ip: PeerIp.fromStringUnsafe(v4),
  port: 24_100,
  isReachable: true,
  wire: "native",
  transport: "TLSv1.3",
  software: hostile,
  height: 123_456,
  problem: undefined,
  peers: []
}

const figures = recoveryKinds.map((kind) => ({
  kind,
  count: 123,
  p50Ms: 400,
  p90Ms: 9_000,
  p99Ms: 70_000,
  worstMs: 99_999
}))

/** Each table as its command prints it, what stands in its first column, and the columns that are never left out. */
const tables: Readonly<
  Record<string, {
    readonly print: (width: number | undefined) => string
    readonly rows: ReadonlyArray<string>
    readonly kept: ReadonlyArray<string>
  }>
> = {
  peers: {
    print: (width) => peerTable.render(answered.peers, width),
    rows: [v4, v6, `${v6}2`],
    kept: ["PEER", "STATE"]
  },
  masternodes: {
    print: (width) =>
      masternodes.render({
        at: 1e9,
        counts: { live: { free: 1_234, bronze: 1_234, silver: 1_234, gold: 1_234 }, known: none, expired: none },
        masternodes: [row, { ...row, ip: v6, state: "known", isContested: true, port: 0 }],
        conflicts: [`2 keys claim ${v6}: ${hash}, ${hash}`]
      }, width),
    rows: [v4, v6],
    kept: ["MASTERNODE", "STATE"]
  },
  crawl: {
    print: (width) =>
      crawl.render({
        left: 7,
        nodes: [finding, { ...finding, ip: PeerIp.fromStringUnsafe(v6), isReachable: false, problem: long }]
      }, width),
    rows: [v4, v6],
    kept: ["NODE", "REACHED", "PROBLEM"]
  },
  bans: {
    print: (width) =>
      bans.render({
        at: 1e9,
        bans: [`${v4}/32`, `${v6}/128`].map((subnet) => ({
          subnet,
          since: 0,
          until: 2e9,
          leftMs: 1e9,
          by: "operator" as const,
          reason: `${hostile} ${long}`
        }))
      }, width),
    rows: [`${v4}/32`, `${v6}/128`],
    kept: ["BANNED", "ENDS IN", "REASON"]
  },
  "the testnet": {
    print: (width) =>
      testnetScreen.render({
        _tag: "Sample",
        elapsedMs: 12_345,
        connected: 3,
        pairs: 3,
        nodes: [v4, v6].map((ip) => ({
          ip,
          pid: 4_194_303,
          state: "running",
          status: answered.status,
          peers: answered.peers
        }))
      }, { columns: (width ?? 1_000) + 1, rows: 24 }),
    rows: [v4, v6],
    kept: ["NODE"]
  },
  "recoveries of simulations": {
    print: (width) =>
      simulated.total({
        seeds: 100,
        failedSeeds: Array.from({ length: 40 }, (_, i) => i + 1),
        wallSeconds: 3,
        maxRecoveryMs: 99_999,
        recovery: figures,
        dialsPerSecond: { mean: 1.2, p99: 3, most: 4, mostPerNode: 5 },
        problems: [long],
        ok: false
      }, width),
    rows: recoveryKinds,
    kept: ["RECOVERY AFTER", "WORST"]
  }
}

/** Text that `say` prints: names and values, and sentences. */
const texts: Readonly<Record<string, string>> = {
  status: status.render(answered.status),
  why: `${v6}: no-answer\n${long}\n${hostile}`,
  doctor: doctor.render([{ check: "data directory", level: "problem", says: long, fix: long }])
}

/** Every width up to 80 columns, and some of the wider ones. */
const widths = [...Array.from({ length: 41 }, (_, i) => 40 + i), 97, 100, 120, 132, 160, 200, 250]

const assertPrintable = (line: string, of: string) => assert.notMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, of)

describe("tables on a terminal", () => {
  for (const [name, { kept, print, rows }] of Object.entries(tables)) {
    it(`${name}: no line is wider than the terminal, from 40 to 250 columns, and what matters most is always there`, () => {
      for (const width of widths) {
        const lines = print(width).split("\n")
        for (const line of lines) {
          // A key or hash is longer than the narrowest terminals, and can be copied only if it is whole.
          if (line.length !== hash.length && !line.startsWith(hash)) {
            assert.isAtMost(widthOf(line), width, `${width}: ${line}`)
          }
          assertPrintable(line, `${width}: ${line}`)
        }
        const heading = lines.find((line) => line.startsWith(kept[0] ?? "?")) ?? ""
        for (const column of kept) assert.include(heading, column, `${width}`)
        for (const first of rows) {
          const [start, end] = [first.slice(0, 6), first.slice(-4)]
          assert.isTrue(
            lines.some((line) => line.startsWith(start) && line.split("  ")[0]?.trimEnd().endsWith(end)),
            `${width}: ${first}`
          )
        }
      }
    })

    it(`${name}: a pipe gets everything, whole`, () => {
      const text = print(undefined)
      for (const first of rows) assert.include(text, first)
      assert.notInclude(text, "…")
      assert.isAtLeast(print(60).split("\n").length, text.split("\n").length, "no row is left out")
    })

    it(`${name}: a wider terminal has every column of a narrower one`, () => {
      const columns = widths.map((width) =>
        (print(width).split("\n").find((line) => line.startsWith(kept[0] ?? "?")) ?? "").split(/ {2,}/)
      )
      for (const [i, narrower] of columns.slice(0, -1).entries()) {
        for (const column of narrower) assert.include(columns[i + 1] ?? [], column, `${widths[i + 1]}`)
      }
    })
  }

  for (const [name, text] of Object.entries(texts)) {
    it(`the text of ${name}: no line is wider than the terminal, and no word is lost`, () => {
      const words = (of: string) => of.split(/\s+/).filter((word) => word !== "")
      for (const width of widths) {
        const printed = hang(printableLines(text), width)
        for (const line of printed.split("\n")) {
          assert.isAtMost(widthOf(line), width, `${width}: ${line}`)
          assertPrintable(line, `${width}: ${line}`)
        }
        assert.deepStrictEqual(words(printed), words(printableLines(text)), `${width}`)
      }
    })
  }

  it("a snapshot of watch fits too", () => {
    const model = Model.heard(Model.answered(Model.start, answered, 0), happened(1, `${hostile} ${long}`))
    for (const width of widths) {
      for (const line of screen.snapshot(model, [], 0, width).split("\n")) assert.isAtMost(widthOf(line), width, line)
    }
  })
})

describe("the guide to operations", () => {
  const guide = fs.readFileSync(fileURLToPath(new URL("../../docs/OPERATIONS.md", import.meta.url)), "utf8")
  const { connection } = up(v4)
  const shown = answer([
    { ...up(v4), port: 24_100, situation: "flaps" },
    {
      ...up("2001:db8::1f"),
      port: 24_100,
      software: "timed/0.1.0",
      pin: { state: "not-pinned" },
      ...(connection === undefined ? {} : {
        connection: {
          ...connection,
          direction: "outbound",
          wire: "time",
          upMs: 183_600_000,
          rtt: { smoothedMs: 23, leastMs: 1, lastMs: 1, smoothedMicros: 23_400 },
          bytes: { sent: 812_000, received: 9_120_000 }
        }
      })
    },
    { ...down("198.51.100.4", "refused"), port: 24_100 }
  ])
  const listed = {
    at: 1e9,
    counts: { live: { ...none, gold: 1 }, known: none, expired: none },
    conflicts: [],
    masternodes: [{ ...row, key: "5e".repeat(32), isConnected: true, announcedAt: 9e8 }]
  }

  for (const width of [60, 200]) {
    it(`shows what the tables print at ${width} columns`, () => {
      const [, capture] =
        new RegExp(`<!-- at ${width} columns -->\\n\\n\`\`\`text\\n(.*?)\\n\`\`\``, "s").exec(guide) ?? []
      const [masternodeTable] = masternodes.render(listed, width).split("\n\n")
      assert.strictEqual(capture, `${peerTable.render(shown.peers, width)}\n\n${masternodeTable}`)
    })
  }
})

describe("the table of bans", () => {
  it("long reasons are cut, short ones are not, and without a terminal none is", () => {
    const ban = (subnet: string, reason: string) => ({
      subnet,
      since: 6_400_000,
      until: 0,
      leftMs: 10_000_000,
      by: "score" as const,
      reason
    })
    const all = {
      at: 10_000_000,
      bans: [
        ban("2001:db8:ffff:ffff::/64", "false-block: block 7 of a very long story"),
        ban("10.0.0.1", "short"),
        ban("10.0.0.2", "two\nlines")
      ]
    }
    assert.strictEqual(
      bans.render(all, undefined).split("\n")[1],
      "2001:db8:ffff:ffff::/64  score  1 h 0 min ago  2 h 46 min  false-block: block 7 of a very long story"
    )
    for (const width of [60, 70, 80, 100]) {
      const lines = bans.render(all, width).split("\n")
      assert.match(lines[1] ?? "", width < 100 ? /false-.*…$/ : /2 h 46 min {2}false-block.*/)
      assert.match(lines[2] ?? "", /short$/)
      assert.match(lines[3] ?? "", /two lines$/)
    }
    assert.strictEqual(bans.render({ at: 0, bans: [] }, 80), "No bans")
  })
})
