/** The testnet under fire: separate processes, one killed −9 every so often, until all pairs are connected again. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import type { Measured } from "./Peer.ts"
import { median } from "./stats.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
/** ms. The testnet ends within `seconds` + 8 s; beyond this it is asked to stop, then killed. */
const slackMs = 15_000

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

/** A port that is free together with the next one (the admin API), below the range that outgoing connections take. */
const freePort = async (): Promise<number> => {
  for (let port = 14_200; port < 20_000; port += 10) if (await isFree(port) && await isFree(port + 1)) return port
  throw new Error("no free port for the testnet")
}

/** The last line is the report. */
const report = (output: string): { readonly ok?: unknown; readonly recoveriesMs?: unknown } =>
  JSON.parse(output.trimEnd().split("\n").at(-1) ?? "")

/** Worst and median recovery. Rejects when the testnet fails or saw no kill. */
export const chaos = async (seconds: number, everySeconds: number): Promise<Measured> => {
  if (!existsSync(main)) throw new Error("src/main.ts is not there")
  const flags = [
    "--nodes",
    "8",
    "--seconds",
    `${seconds}`,
    "--chaos",
    `${everySeconds}`,
    "--port",
    `${await freePort()}`
  ]
  const args = [main, "testnet", ...flags, "--json"]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
  const stop = () => void child.kill("SIGTERM")
  process.once("exit", stop)
  let output = ""
  let errors = ""
  child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
  child.stderr.on("data", (chunk: Buffer) => errors += chunk.toString())
  const asked = setTimeout(stop, seconds * 1000 + slackMs)
  const killed = setTimeout(() => child.kill("SIGKILL"), seconds * 1000 + slackMs + 5_000)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", resolve)
  })
  clearTimeout(asked)
  clearTimeout(killed)
  process.off("exit", stop)
  if (output === "") throw new Error(`testnet: exit code ${code}: ${errors.trim().slice(-500)}`)
  const { ok, recoveriesMs } = report(output)
  const recoveries = Array.isArray(recoveriesMs) ? recoveriesMs.map(Number) : []
  if (recoveries.length === 0) throw new Error(`testnet: no recoveries reported, exit code ${code}`)
  return {
    recoveryMs: Math.max(...recoveries),
    recoveryMedianMs: median(recoveries),
    kills: recoveries.length,
    ok: ok === true ? 1 : 0
  }
}
