/** The alert rules, and their tests for `promtool test rules`. */
import * as Limits from "../../src/domain/Limits.ts"
import { increase, metric, rate } from "./expressions.ts"

export interface Alert {
  readonly name: string
  readonly expression: string
  /** How long it must be true. */
  readonly lasting: string
  readonly severity: "critical" | "warning" | "info"
  readonly summary: string
  /** What to do. */
  readonly action: string
  /** Series that make it fire, one sample a minute, and series that do not. */
  readonly fires: Readonly<Record<string, string>>
  readonly rests: Readonly<Record<string, string>>
}

const node = `instance="a"`
/** A series of one node. */
const of = (name: string, labels = "") => `${name}{${node}${labels === "" ? "" : `,${labels}`}}`

const peers = metric("timemesh_peers")
const behind = metric("timemesh_chain_behind_blocks")

export const alerts: ReadonlyArray<Alert> = [
  {
    name: "TimemeshDown",
    expression: `up{job="timemesh"} == 0`,
    lasting: "2m",
    severity: "critical",
    summary: "the node does not answer Prometheus",
    action: "look at its service (systemctl status timemesh) and its log: the last line says why it stopped",
    fires: { [`up{job="timemesh",${node}}`]: "0x30" },
    rests: { [`up{job="timemesh",${node}}`]: "1x30" }
  },
  {
    name: "TimemeshNotOk",
    expression: `${metric("timemesh_ok")} == 0`,
    lasting: "10m",
    severity: "warning",
    summary: "the node has a problem that needs an operator",
    action: "timemesh status begins with it, and with what to do",
    fires: { [of("timemesh_ok")]: "0x30" },
    rests: { [of("timemesh_ok")]: "0x9 1x25" }
  },
  {
    name: "TimemeshFlap",
    expression: `${increase("timemesh_flaps_total", "1h")} > 0`,
    lasting: "0m",
    severity: "warning",
    summary: "a connection dropped although both processes were well",
    action:
      "timemesh peers shows who flapped, timemesh trace IP what happened; look for NAT, firewalls or load between them",
    fires: { [of("timemesh_flaps_total")]: "0x5 1x25" },
    rests: { [of("timemesh_flaps_total")]: "3x30" }
  },
  {
    name: "TimemeshNoPeers",
    expression: `sum by (instance) (${peers}) == 0`,
    lasting: "5m",
    severity: "critical",
    summary: "no peer is connected",
    action: "timemesh status names the cause and what to do",
    fires: {
      [of("timemesh_peers", `direction="inbound"`)]: "0x30",
      [of("timemesh_peers", `direction="outbound"`)]: "0x30"
    },
    rests: {
      [of("timemesh_peers", `direction="inbound"`)]: "0x30",
      [of("timemesh_peers", `direction="outbound"`)]: "1x30"
    }
  },
  {
    name: "TimemeshNoOutbound",
    expression: `sum by (instance) (${metric("timemesh_peers", { direction: "outbound" })}) == 0 and ` +
      `sum by (instance) (${peers}) > 0`,
    lasting: "1h",
    severity: "info",
    summary: "every peer dialled this node, and it reached none",
    action: "usual for the highest address of a small network; else check its way out with timemesh why IP",
    fires: {
      [of("timemesh_peers", `direction="inbound"`)]: "2x90",
      [of("timemesh_peers", `direction="outbound"`)]: "0x90"
    },
    rests: {
      [of("timemesh_peers", `direction="inbound"`)]: "2x90",
      [of("timemesh_peers", `direction="outbound"`)]: "1x90"
    }
  },
  {
    name: "TimemeshNotStoring",
    expression: `${metric("timemesh_chain_storing")} == 0`,
    lasting: "1m",
    severity: "critical",
    summary: "blocks cannot be stored, so the chain does not grow",
    action:
      "timemesh status says why: make room on the disk, or mend it; the stored chain is intact, and sync continues by itself",
    fires: { [of("timemesh_chain_storing")]: "1x5 0x25" },
    rests: { [of("timemesh_chain_storing")]: "0x5 1x25" }
  },
  {
    name: "TimemeshStuck",
    expression: `${behind} > 0 and ${increase("timemesh_chain_blocks_added_total", "15m")} == 0`,
    lasting: "15m",
    severity: "critical",
    summary: "peers have a better chain, and this node's does not grow",
    action: "timemesh status says why sync does not use them; look at the disk and the log",
    fires: { [of("timemesh_chain_behind_blocks")]: "9x60", [of("timemesh_chain_blocks_added_total")]: "5x60" },
    rests: { [of("timemesh_chain_behind_blocks")]: "9x60", [of("timemesh_chain_blocks_added_total")]: "0+5x60" }
  },
  {
    name: "TimemeshBehind",
    expression: `${behind} > 10`,
    lasting: "30m",
    severity: "warning",
    summary: "the chain is behind the best peer's",
    action: "wait, if the node is new; else timemesh status shows what sync is doing",
    fires: { [of("timemesh_chain_behind_blocks")]: "11x60" },
    rests: { [of("timemesh_chain_behind_blocks")]: "10x60" }
  },
  {
    name: "TimemeshLoopLag",
    expression: `${rate("timemesh_loop_lag_seconds_total", "10m")} > 0.05`,
    lasting: "10m",
    severity: "warning",
    summary: "the process stands still for more than 5 % of the time",
    action: "give it more processor time, or look for what takes it: swapping, another process, a slow disk",
    fires: { [of("timemesh_loop_lag_seconds_total")]: "0+6x60" },
    rests: { [of("timemesh_loop_lag_seconds_total")]: "0+1x60" }
  },
  {
    name: "TimemeshQuietPeer",
    expression: `${metric("timemesh_quietest_peer_seconds")} > ${2 * Limits.pingMs / 1_000}`,
    lasting: "0m",
    severity: "info",
    summary: "a connected peer has been silent for two pings",
    action: "timemesh peers marks it as quiet; at 45 s its connection ends as silent",
    fires: { [of("timemesh_quietest_peer_seconds")]: "35x30" },
    rests: { [of("timemesh_quietest_peer_seconds")]: "16x30" }
  },
  {
    name: "TimemeshNoDescriptors",
    expression: `${increase("timemesh_accept_failures_total", "15m")} > 0`,
    lasting: "0m",
    severity: "critical",
    summary: "no socket can be accepted: file descriptors are missing",
    action: "raise LimitNOFILE of the service (ulimit -n)",
    fires: { [of("timemesh_accept_failures_total")]: "0x5 3x25" },
    rests: { [of("timemesh_accept_failures_total")]: "3x30" }
  },
  {
    name: "TimemeshFull",
    expression: `sum by (instance) (${peers}) >= on (instance) ${metric("timemesh_max_peers")}`,
    lasting: "1h",
    severity: "info",
    summary: "every place for peers is taken",
    action: "raise --max-peers, if the host has memory and bandwidth for more",
    fires: { [of("timemesh_peers", `direction="inbound"`)]: "125x90", [of("timemesh_max_peers")]: "125x90" },
    rests: { [of("timemesh_peers", `direction="inbound"`)]: "124x90", [of("timemesh_max_peers")]: "125x90" }
  },
  {
    name: "TimemeshOffences",
    expression: `${increase("timemesh_offences_total", "1h")} > 10`,
    lasting: "0m",
    severity: "info",
    summary: "peers do what no honest peer does",
    action: "timemesh bans and the log name them; nothing needs to be done, unless all of them are yours",
    fires: { [of("timemesh_offences_total")]: "0x5 20x25" },
    rests: { [of("timemesh_offences_total")]: "0x5 2x25" }
  },
  {
    name: "TimemeshLogLost",
    expression: `${increase("timemesh_log_lines_dropped_total", "1h")} > 0`,
    lasting: "0m",
    severity: "warning",
    summary: "log lines were dropped",
    action: "what reads the log is too slow or the disk is full",
    fires: { [of("timemesh_log_lines_dropped_total")]: "0x5 9x25" },
    rests: { [of("timemesh_log_lines_dropped_total")]: "9x30" }
  },
  {
    name: "TimemeshRestarted",
    expression: `resets(${metric("timemesh_uptime_seconds")}[1h]) > 2`,
    lasting: "0m",
    severity: "warning",
    summary: "the node restarts again and again",
    action: "its log has the last error (journalctl -u timemesh)",
    fires: { [of("timemesh_uptime_seconds")]: "9 1 9 1 9 1 9x30" },
    rests: { [of("timemesh_uptime_seconds")]: "9 1 9x40" }
  }
]

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

const header = "# Made by npm run ops from scripts/ops/alerts.ts: change that.\n"

/** `ops/alerts.yml`. */
export const rulesFile = (): string =>
  `${header}groups:\n  - name: timemesh\n    rules:\n${
    alerts.map(({ action, expression, lasting, name, severity, summary }) =>
      [
        `      - alert: ${name}`,
        `        expr: ${quote(expression)}`,
        `        for: ${lasting}`,
        "        labels:",
        `          severity: ${severity}`,
        "        annotations:",
        `          summary: ${quote(`{{ $labels.instance }}: ${summary}`)}`,
        `          action: ${quote(action)}`
      ].join("\n")
    ).join("\n")
  }\n`

const series = (given: Readonly<Record<string, string>>): string =>
  Object.entries(given).map(([name, values]) => `      - series: ${quote(name)}\n        values: ${quote(values)}`)
    .join("\n")

const minutes = (lasting: string): number => Number.parseInt(lasting, 10) * (lasting.endsWith("h") ? 60 : 1)

const severityAndText = ({ action, severity, summary }: Alert): string =>
  [
    "          - exp_labels:",
    "              instance: a",
    `              severity: ${severity}`,
    "            exp_annotations:",
    `              summary: ${quote(`a: ${summary}`)}`,
    `              action: ${quote(action)}`
  ].join("\n")

const testOf = (alert: Alert, given: Alert["fires"], fires: boolean): string => {
  const job = alert.expression.startsWith("up{") ? "              job: timemesh\n" : ""
  const expected = severityAndText(alert).replace("              severity", `${job}              severity`)
  return [
    "  - interval: 1m",
    "    input_series:",
    series(given),
    "    alert_rule_test:",
    `      - eval_time: ${Math.max(12, minutes(alert.lasting) + 16)}m`,
    `        alertname: ${alert.name}`,
    fires ? `        exp_alerts:\n${expected}` : "        exp_alerts: []"
  ].join("\n")
}

/** `ops/alerts.test.yml`: each rule fires on what it is for, and rests otherwise. */
export const testsFile = (): string =>
  `${header}rule_files:\n  - alerts.yml\nevaluation_interval: 1m\ntests:\n${
    alerts.flatMap((alert) => [testOf(alert, alert.fires, true), testOf(alert, alert.rests, false)]).join("\n")
  }\n`
