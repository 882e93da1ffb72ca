/** Nodes as processes of their own, on loopback, for as long as they are used. */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** How long a process may take to start, or to do what is waited for, on a busy machine, ms. */
export const patienceMs = 120_000

/** Waits until `holds` gives something, and gives that. `what`: for the error. */
export const until = async (what, holds) => {
  for (const end = Date.now() + patienceMs;;) {
    const found = await holds()
    if (found) return found
    if (Date.now() > end) throw new Error(`not within ${patienceMs / 1_000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Ends a process that was started here, and waits for its end. */
const ended = async (child) => {
  const exit = new Promise((resolve) => child.once("exit", resolve))
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM")
    await exit
  }
}

/** Runs `use` with a directory that is removed afterwards and a way to start processes that are ended afterwards. */
export const withProcesses = async (use) => {
  const directory = mkdtempSync(join(tmpdir(), "timemesh-ops-"))
  const children = []
  const start = (command, args) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] })
    child.output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => child.output += chunk)
    children.push(child)
    return child
  }
  try {
    return await use(directory, start)
  } finally {
    await Promise.all(children.map(ended))
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Starts a node on devnet whose data are in `directory/name`; gives the address of its admin API and its token. */
export const startNode = async (directory, start, name, args) => {
  const data = join(directory, name)
  const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
  const child = start(process.execPath, [main, "run", "--network", "devnet", "--data-dir", data, "--with-parent", ...args])
  const file = join(data, "node.json")
  await until(`a node starts: ${child.output}`, () => {
    if (child.exitCode !== null) throw new Error(`the node does not start: ${child.output}`)
    return existsSync(file)
  })
  const { admin } = JSON.parse(readFileSync(file, "utf8"))
  return { admin, url: `http://${admin}`, token: readFileSync(join(data, "admin.token"), "utf8").trim() }
}
