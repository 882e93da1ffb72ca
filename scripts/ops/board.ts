/** The Grafana board, for any number of nodes: choose them by `instance`. */
import type { Way } from "../../src/domain/metrics/Counts.ts"
import { increase, metric, rate, sumBy } from "./expressions.ts"

interface Panel {
  readonly title: string
  readonly unit: string
  readonly queries: ReadonlyArray<readonly [expression: string, legend: string]>
  readonly what?: string
}

const perNode = "{{instance}}"
const hour = "1h"
const recent = "$__rate_interval"

const quantile = (q: number): string =>
  `histogram_quantile(${q}, sum by (instance, le) (rate(timemesh_rtt_seconds_bucket[${recent}])))`

const byType = (name: "timemesh_messages_total" | "timemesh_message_bytes_total", way: Way): string =>
  `sum by (instance, wire, type) (rate(${metric(name, { way })}[${recent}]))`

const panels: ReadonlyArray<Panel> = [
  {
    title: "Verdict",
    unit: "short",
    what:
      "1 while all is well, as timemesh status says; ready as /health/ready says. 0: timemesh status has the cause and its fix.",
    queries: [
      [metric("timemesh_ok"), `${perNode} ok`],
      [metric("timemesh_ready"), `${perNode} ready`],
      [metric("timemesh_chain_storing"), `${perNode} storing`]
    ]
  },
  {
    title: "Peers",
    unit: "short",
    queries: [[`sum by (instance, direction) (${metric("timemesh_peers")})`, `${perNode} {{direction}}`]]
  },
  {
    title: "Flaps per hour",
    unit: "short",
    what: "Connections that dropped although both processes were well. The goal is 0.",
    queries: [[increase("timemesh_flaps_total", hour), perNode]]
  },
  {
    title: "Blocks behind the best peer",
    unit: "short",
    queries: [[metric("timemesh_chain_behind_blocks"), perNode]]
  },
  { title: "Height", unit: "short", queries: [[metric("timemesh_chain_height"), perNode]] },
  {
    title: "Downs by reason, per hour",
    unit: "short",
    queries: [[sumBy("reason", (name) => increase(name, hour), "timemesh_downs_total"), `${perNode} {{reason}}`]]
  },
  {
    title: "Refused by reason, per hour",
    unit: "short",
    queries: [[sumBy("reason", (name) => increase(name, hour), "timemesh_refused_total"), `${perNode} {{reason}}`]]
  },
  {
    title: "Dials and their failures, per second",
    unit: "ops",
    queries: [
      [rate("timemesh_dials_total", recent), `${perNode} dials`],
      [sumBy("fault", (name) => rate(name, recent), "timemesh_dial_failures_total"), `${perNode} failed: {{fault}}`]
    ]
  },
  {
    title: "Addresses by situation",
    unit: "short",
    what: "As timemesh why has it; docs/OPERATIONS.md says what to do about each.",
    queries: [[sumBy("situation", metric, "timemesh_known_peers"), `${perNode} {{situation}}`]]
  },
  {
    title: "Round trips",
    unit: "s",
    queries: [[quantile(0.5), `${perNode} median`], [quantile(0.99), `${perNode} 99 %`]]
  },
  {
    title: "Silence of the quietest peer",
    unit: "s",
    queries: [[metric("timemesh_quietest_peer_seconds"), perNode]]
  },
  {
    title: "Traffic",
    unit: "Bps",
    queries: [[sumBy("way", (name) => rate(name, recent), "timemesh_bytes_total"), `${perNode} {{way}}`]]
  },
  {
    title: "Messages",
    unit: "ops",
    queries: [[sumBy("way", (name) => rate(name, recent), "timemesh_messages_total"), `${perNode} {{way}}`]]
  },
  {
    title: "Messages received by type",
    unit: "ops",
    queries: [[byType("timemesh_messages_total", "received"), `${perNode} {{wire}} {{type}}`]]
  },
  {
    title: "Bytes sent by type",
    unit: "Bps",
    queries: [[byType("timemesh_message_bytes_total", "sent"), `${perNode} {{wire}} {{type}}`]]
  },
  {
    title: "Queues",
    unit: "short",
    what: "Sockets without a Hello, dials, messages for the application, requests of peers: long is slow.",
    queries: [[sumBy("queue", metric, "timemesh_queue_length"), `${perNode} {{queue}}`]]
  },
  {
    title: "Waiting to be sent",
    unit: "bytes",
    queries: [
      [metric("timemesh_outbox_bytes"), `${perNode} all`],
      [metric("timemesh_outbox_largest_bytes"), `${perNode} largest`]
    ]
  },
  {
    title: "Sync: blocks per second and bodies in memory",
    unit: "short",
    queries: [
      [rate("timemesh_chain_blocks_added_total", recent), `${perNode} blocks/s`],
      [metric("timemesh_sync_waiting_blocks"), `${perNode} in memory`]
    ]
  },
  {
    title: "Operations of the stores, 99 %",
    unit: "s",
    what: "From the call to its end, waiting for the database included.",
    queries: [[
      `histogram_quantile(0.99, sum by (instance, store, operation, le) (rate(timemesh_store_seconds_bucket[${recent}])))`,
      `${perNode} {{store}} {{operation}}`
    ]]
  },
  {
    title: "Reorganisations per hour",
    unit: "short",
    queries: [[increase("timemesh_chain_reorgs_total", hour), perNode]]
  },
  {
    title: "Masternodes",
    unit: "short",
    queries: [[sumBy("state", metric, "timemesh_masternodes"), `${perNode} {{state}}`]]
  },
  {
    title: "Peer book and bans",
    unit: "short",
    queries: [
      [sumBy("table", metric, "timemesh_book_addresses"), `${perNode} {{table}}`],
      [metric("timemesh_bans"), `${perNode} bans`]
    ]
  },
  {
    title: "Offences, sockets of banned addresses and evictions, per hour",
    unit: "short",
    queries: [
      [increase("timemesh_offences_total", hour), `${perNode} offences`],
      [increase("timemesh_turned_away_total", hour), `${perNode} turned away`],
      [increase("timemesh_evictions_total", hour), `${perNode} evicted`]
    ]
  },
  {
    title: "Time stood still",
    unit: "percentunit",
    queries: [[rate("timemesh_loop_lag_seconds_total", recent), perNode]]
  },
  {
    title: "Processor",
    unit: "percentunit",
    queries: [[rate("timemesh_cpu_seconds_total", recent), perNode]]
  },
  {
    title: "Memory",
    unit: "bytes",
    queries: [
      [metric("timemesh_resident_memory_bytes"), `${perNode} resident`],
      [metric("timemesh_heap_used_bytes"), `${perNode} heap`]
    ]
  },
  { title: "Up for", unit: "s", queries: [[metric("timemesh_uptime_seconds"), perNode]] }
]

/** Every expression of the board narrowed to the nodes that are chosen. */
const chosen = (expression: string): string =>
  expression.replaceAll(/timemesh_\w+(?:\{([^}]*)\})?/g, (found, labels: string | undefined) => {
    const [name] = found.split("{")
    return `${name}{${labels === undefined ? "" : `${labels},`}instance=~"$instance"}`
  })

const source = { type: "prometheus", uid: "${source}" }

const panelOf = ({ queries, title, unit, what }: Panel, i: number) => ({
  id: i + 1,
  title,
  ...(what === undefined ? {} : { description: what }),
  type: "timeseries",
  datasource: source,
  gridPos: { x: i % 2 * 12, y: Math.floor(i / 2) * 8, w: 12, h: 8 },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  targets: queries.map(([expression, legendFormat], n) => ({
    refId: String.fromCodePoint(65 + n),
    datasource: source,
    expr: chosen(expression),
    legendFormat
  }))
})

export const board = {
  uid: "timemesh",
  title: "timemesh",
  tags: ["timemesh"],
  schemaVersion: 39,
  refresh: "30s",
  time: { from: "now-6h", to: "now" },
  templating: {
    list: [
      { name: "source", label: "Prometheus", type: "datasource", query: "prometheus" },
      {
        name: "instance",
        label: "Node",
        type: "query",
        datasource: source,
        query: `label_values(${metric("timemesh_build_info")}, instance)`,
        includeAll: true,
        multi: true,
        current: { text: "All", value: "$__all" }
      }
    ]
  },
  panels: panels.map(panelOf)
}

/** `ops/grafana.json`. */
export const boardFile = (): string => `${JSON.stringify(board, undefined, 2)}\n`
