/** The node under attack, a real process; and what is measured of it from outside. */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Limits from "../../src/domain/Limits.ts"
import type { Target } from "./Client.ts"

export const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export interface Status {
  readonly connected: number
  readonly stats: { readonly dials: number; readonly ups: number }
}

/** `status`, and how long it took, ms. `undefined`: no answer within 5 s. */
export const status = (target: Target): Promise<{ readonly ms: number; readonly status: Status } | undefined> =>
  new Promise((resolve) => {
    const at = performance.now()
    const ask = get(
      { host: target.ip, port: target.admin, path: "/status", agent: false, timeout: 5_000 },
      (response) => {
        let text = ""
        response.on("data", (chunk) => text += String(chunk))
        response.on("end", () => {
          try {
            resolve({ ms: performance.now() - at, status: JSON.parse(text) as Status })
          } catch {
            resolve(undefined)
          }
        })
      }
    )
    ask.on("timeout", () => ask.destroy())
    ask.on("error", () => resolve(undefined))
  })

/** Of every node that is attacked. */
const token = "a-token-of-hostile-tests"

/** Bans an address for a day, as `timemesh ban` does. */
export const ban = async (target: Target, subnet: string): Promise<void> => {
  const response = await fetch(`http://${target.ip}:${target.admin}/ban`, {
    method: "POST",
    headers: { "content-type": "application/json", "authorization": `Bearer ${token}` },
    body: JSON.stringify({ subnet })
  })
  if (!response.ok) throw new Error(`the node did not ban ${subnet}: ${await response.text()}`)
}

export interface Running {
  readonly target: Target
  /** CPU time so far, s. */
  readonly cpu: () => number
  /** Resident memory, bytes. */
  readonly memory: () => number
  /** Bytes of log so far. */
  readonly logged: () => number
  readonly stop: () => Promise<void>
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) =>
    child.exitCode === null && child.signalCode === null ? child.once("exit", () => resolve()) : resolve()
  )

const flags = (values: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])

/** Starts a node with these configured peers, and waits for its first `status`. */
export const start = async (
  { ip, listen, peers, port, tls }: {
    readonly ip: string
    /** `any`: on IPv6 and IPv4. */
    readonly listen: string
    readonly port: number
    readonly peers: ReadonlyArray<string>
    readonly tls: Target["tls"]
  }
): Promise<Running> => {
  const directory = mkdtempSync(join(tmpdir(), "timemesh-hostile-"))
  const target: Target = { ip, port, admin: port + 1, isBare: false, ...(tls === undefined ? {} : { tls }) }
  const tokenFile = join(directory, "given.token")
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const child = spawn(process.execPath, [
    // As the unit and the image in ops/ start it.
    `--max-semi-space-size=${Limits.youngHalfMiB}`,
    fileOf("../../src/main.ts"),
    "run",
    "--with-parent",
    ...flags({
      network: "devnet",
      transport: tls === undefined ? "plain" : "tls",
      listen: `${listen}:${port}`,
      admin: `${ip}:${port + 1}`,
      "data-dir": directory,
      "admin-token-file": tokenFile,
      "log-format": "json"
    }),
    ...peers.flatMap((peer) => flags({ peer }))
  ], { stdio: ["pipe", "pipe", "inherit"] })
  let logged = 0
  child.stdout.on("data", (chunk: Buffer) => logged += chunk.length)
  for (let i = 0; await status(target) === undefined; i++) {
    if (i > 300 || child.exitCode !== null) throw new Error("the node did not start")
    await sleep(100)
  }
  return {
    target,
    cpu: () => {
      // After the name, which may hold blanks: the 12th and 13th field, in hundredths.
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) * 1_024,
    logged: () => logged,
    stop: async () => {
      child.kill("SIGTERM")
      await Promise.race([ended(child), sleep(8_000)])
      child.kill("SIGKILL")
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** The bare echo server. */
export const startBare = async (ip: string, port: number, tls: Target["tls"]): Promise<Running> => {
  const child = fork(fileOf("./echo.ts"), [JSON.stringify(tls ?? null), ip, String(port), String(port + 1)])
  await new Promise((resolve) => child.once("message", resolve))
  return {
    target: { ip, port, admin: port + 1, isBare: true, ...(tls === undefined ? {} : { tls }) },
    cpu: () => 0,
    memory: () => 0,
    logged: () => 0,
    stop: async () => {
      child.kill("SIGKILL")
      await ended(child)
    }
  }
}

/** A hostile process, ready to begin: loading it takes a core for a second, which is no part of the attack. */
export interface Attacker {
  readonly begin: () => void
  readonly end: () => Promise<void>
}

export const attacker = async (name: string, target: Target): Promise<Attacker> => {
  const child = fork(fileOf("./attacker.ts"), [name, JSON.stringify(target)])
  await new Promise((resolve) => child.once("message", resolve))
  const end = async () => {
    child.kill("SIGKILL")
    await ended(child)
  }
  return { begin: () => void child.send("begin"), end }
}
