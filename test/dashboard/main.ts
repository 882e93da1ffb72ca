/**
 * `npm run dashboard-check`: the dashboard in a real Chromium, with the bound on first paint, and README's picture made anew. With `-- --minutes M`
 * a page stays open instead, and nothing may grow in it (`Open`). Installs Debian's Chromium where it is missing and may; else it says that it was
 * skipped, and ends with 0.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import * as Browser from "./Browser.ts"
import * as Open from "./Open.ts"

const { values: { minutes } } = parseArgs({ options: { minutes: { type: "string" } } })

const say = (text: string) => process.stdout.write(`${text}\n`)
const run = (program: string, args: ReadonlyArray<string>) =>
  spawnSync(program, args, {
    stdio: "inherit",
    env: { ...process.env, DASHBOARD_CHECK: "1", DEBIAN_FRONTEND: "noninteractive" }
  })
    .status ?? 1

if (Browser.find() === undefined && process.getuid?.() === 0) {
  say("installing Chromium: apt-get install chromium")
  if (run("apt-get", ["update", "-qq"]) === 0) {
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"])
  }
}
if (Browser.find() === undefined) {
  say("SKIPPED: no Chromium is installed, and it cannot be installed here (apt install chromium)")
} else if (minutes !== undefined) {
  process.exitCode = await Effect.runPromise(Open.run(Number(minutes))) ? 0 : 1
} else process.exitCode = run(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "test/dashboard"])
