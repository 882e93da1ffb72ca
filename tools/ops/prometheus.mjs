/**
 * A real Prometheus (Debian's: `apt install prometheus`) with the rules of `ops/` against two real nodes: it scrapes them, no alert of a flap fires while all is well, and the
 * one of a planted flap fires at the end that saw it. `npm run ops:prometheus`. Without Prometheus it says so and does nothing. Exit code 1: something is not as it should be.
 */
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startNode, until, withProcesses } from "./node.mjs"

const ops = (name) => fileURLToPath(new URL(`../../ops/${name}`, import.meta.url))
const isThere = (command) => spawnSync(command, ["--version"]).status === 0

let failures = 0
const say = (ok, what, more = "") => {
  if (!ok) failures++
  process.stdout.write(`${ok ? "ok    " : "FAILED"}  ${what}\n${more === "" ? "" : more.trim().replaceAll(/^/gm, "        ") + "\n"}`)
}

const promtool = (args, input = "") => {
  const { status, stderr, stdout } = spawnSync("promtool", args, { input, encoding: "utf8" })
  say(status === 0, `promtool ${args.slice(0, 2).join(" ")}`, `${stdout}${stderr}`)
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const command = async ({ token, url }, path, body) => {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
}

const configOf = (nodes) =>
  JSON.stringify({
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: [ops("alerts.yml")],
    scrape_configs: [{ job_name: "timemesh", static_configs: [{ targets: nodes.map(({ admin }) => admin) }] }]
  })

const check = async (directory, start) => {
  const [a, b] = ["127.0.0.31", "127.0.0.32"]
  const port = await freePort()
  const one = await startNode(directory, start, "one", ["--listen", `${a}:${port}`, "--admin", `${a}:0`])
  const two = await startNode(directory, start, "two", ["--listen", `${b}:${port}`, "--admin", `${b}:0`, "--peer", `${a}:${port}`])
  promtool(["check", "metrics"], await (await fetch(`${one.url}/metrics`)).text())

  const config = join(directory, "prometheus.yml")
  writeFileSync(config, configOf([one, two]))
  const web = `127.0.0.1:${await freePort()}`
  const prometheus = start("prometheus", [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, "tsdb")}`,
    `--web.listen-address=${web}`
  ])
  const ask = async (path) => {
    if (prometheus.exitCode !== null) throw new Error(`Prometheus ended: ${prometheus.output}`)
    const response = await fetch(`http://${web}/api/v1/${path}`).catch(() => undefined)
    return response?.ok === true ? (await response.json()).data : undefined
  }
  const query = async (text) => (await ask(`query?query=${encodeURIComponent(text)}`))?.result ?? []
  const firing = async () =>
    ((await ask("alerts"))?.alerts ?? []).filter(({ labels, state }) => labels.alertname === "TimemeshFlap" && state === "firing")

  await until("both nodes are scraped, and connected to each other", async () =>
    (await query("sum by (instance) (timemesh_peers) == 1")).length === 2)
  say(true, "two nodes, connected to each other, are scraped")
  // Enough evaluations that an alert which fires at rest would be seen.
  await until("ten scrapes of each", async () => (await query("min(count_over_time(timemesh_flaps_total[1m])) >= 10")).length === 1)
  say((await firing()).length === 0, "TimemeshFlap rests while all is well")

  await command(one, "/isolate", { ips: [b] })
  await until("the connection is gone", async () => (await query("sum(timemesh_peers) == 0")).length === 1)
  await command(one, "/isolate", { ips: [] })
  const alerts = await until("TimemeshFlap fires", async () => {
    const found = await firing()
    return found.length > 0 ? found : undefined
  })
  say(alerts.some(({ labels }) => labels.instance === two.admin), "TimemeshFlap fires on a flap, at the end whose peer was cut off", JSON.stringify(alerts, undefined, 2))
}

if (isThere("promtool") && isThere("prometheus")) {
  promtool(["check", "rules", ops("alerts.yml")])
  promtool(["test", "rules", ops("alerts.test.yml")])
  await withProcesses(check)
} else {
  process.stdout.write("SKIPPED: Prometheus is not installed: apt install prometheus\n")
}
process.exitCode = failures === 0 ? 0 : 1
