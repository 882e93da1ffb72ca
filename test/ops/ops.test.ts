/** What `ops/` holds is what the code makes, names metrics that exist, and is what Prometheus accepts. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { alerts } from "../../scripts/ops/alerts.ts"
import { board } from "../../scripts/ops/board.ts"
import { files, madeParts, operations } from "../../scripts/ops/main.ts"
import * as Limits from "../../src/domain/Limits.ts"
import * as Metric from "../../src/domain/metrics/Metric.ts"
import * as Settings from "../../src/layers/config/Settings.ts"
import { judge, promtool } from "../harness/promtool.ts"

const directory = fileURLToPath(new URL("../../ops/", import.meta.url))
const expressions = [
  ...alerts.map(({ expression }) => expression),
  ...board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
]

/** Metrics of an expression, those of a histogram by its own name, with the labels that narrow them. */
const used = (expression: string): ReadonlyArray<readonly [name: string, labels: ReadonlyArray<string>]> =>
  [...expression.matchAll(/(timemesh_\w+)(?:\{([^}]*)\})?/g)].map(([, name = "", labels = ""]) => [
    name.replace(/_bucket$/, ""),
    [...labels.matchAll(/(\w+)=/g)].map(([, label = ""]) => label).filter((label) => label !== "instance")
  ])

describe("ops/", () => {
  it("is what npm run ops makes", () => {
    for (const [name, make] of Object.entries(files)) {
      assert.strictEqual(fs.readFileSync(`${directory}${name}`, "utf8"), make(), `${name} is old: npm run ops`)
    }
  })

  it("starts the node with the small young generation that its API was measured with", () => {
    const option = `NODE_OPTIONS=--max-semi-space-size=${Limits.youngHalfMiB}`
    assert.match(fs.readFileSync(`${directory}timemesh.service`, "utf8"), new RegExp(`^Environment=${option}$`, "m"))
    assert.match(fs.readFileSync(`${directory}Dockerfile`, "utf8"), new RegExp(`^ENV ${option}$`, "m"))
  })

  it("docs/OPERATIONS.md has every setting and every metric, as they are in the code", () => {
    const text = fs.readFileSync(operations, "utf8")
    assert.strictEqual(text, madeParts(text), "its settings or metrics are old: npm run ops")
    for (const name of Metric.names) assert.include(text, `| \`${name}\` `)
    for (const { name } of Settings.all) assert.include(text, `- \`--${name} `)
  })

  it("describes an API whose fields are absent, never null, and whose questions need no token on loopback", () => {
    const text = fs.readFileSync(`${directory}openapi.json`, "utf8")
    assert.notInclude(text, "\"null\"")
    const { paths } = JSON.parse(text) as {
      readonly paths: Readonly<
        Record<string, { readonly get?: { security: unknown }; readonly post?: { security: unknown } }>
      >
    }
    for (const [path, { get, post }] of Object.entries(paths)) {
      if (get !== undefined) {
        assert.deepStrictEqual(get.security, path === "/health/live" ? [] : [{}, { token: [] }], path)
      }
      if (post !== undefined) assert.deepStrictEqual(post.security, [{ token: [] }], path)
    }
  })

  it("names metrics and labels that exist", () => {
    const found = expressions.flatMap(used)
    assert.isAbove(found.length, 40)
    for (const [name, labels] of found) {
      const definition = Metric.names.find((known) => known === name)
      assert.isDefined(definition, `there is no metric ${name}`)
      const known: ReadonlyArray<string> = definition === undefined ? [] : Metric.definitions[definition].labels
      for (const label of labels) assert.include(known, label, name)
    }
  })

  it("shows every metric on the board or in an alert, but for those that describe the others", () => {
    const shown = new Set(expressions.flatMap(used).map(([name]) => name))
    assert.deepStrictEqual(Metric.names.filter((name) => !shown.has(name)), [
      "timemesh_build_info",
      "timemesh_ups_total",
      "timemesh_unknown_frames_total",
      "timemesh_pings_total",
      "timemesh_pongs_total",
      "timemesh_chain_headers_height",
      "timemesh_chain_best_peer_height",
      "timemesh_chain_synced",
      "timemesh_sync_waiting_bytes",
      "timemesh_sync_sources",
      "timemesh_loop_lag_max_seconds",
      "timemesh_traced_pairs",
      "timemesh_trace_bytes"
    ])
  })

  it("says for each alert what to do", () => {
    assert.strictEqual(new Set(alerts.map(({ name }) => name)).size, alerts.length)
    for (const { action, name } of alerts) assert.isAbove(action.length, 20, name)
  })

  it("passes promtool: each rule fires on what it is for, and rests otherwise", (context) => {
    if (promtool === undefined) return context.skip("promtool is not installed: apt install prometheus")
    assert.strictEqual(judge(["check", "rules", `${directory}alerts.yml`], ""), "")
    assert.strictEqual(judge(["test", "rules", `${directory}alerts.test.yml`], ""), "")
  })
})
