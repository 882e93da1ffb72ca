/** A node of ours under check: the program as an operator runs it, on a host of its own, and what it says over its admin API. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as Lab from "./Lab.ts"
import { until } from "./Wait.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const ports = { peers: 24_100, admin: 24_101 }
const startSeconds = 240
const stopMs = 15_000

export interface Connection {
  readonly direction: "inbound" | "outbound"
  readonly wire: string
  readonly socket: string
  readonly upMs: number
}

interface Peer {
  readonly ip: string
  readonly connection?: Connection
  readonly software?: string
  readonly tip?: { readonly height: number; readonly hash: string }
}

export interface Status {
  readonly stats: { readonly ups: number; readonly downs: number }
  readonly chain?: { readonly height: number; readonly hash: string; readonly reorgs: number; readonly line: string }
}

export interface Options {
  readonly ip: string
  readonly directory: string
  readonly peers?: ReadonlyArray<string>
  readonly flags?: ReadonlyArray<string>
}

/** What a process wrote: `event` and its fields, of one line. */
export interface Logged {
  readonly event: string
  readonly at: number
  readonly [field: string]: unknown
}

export class OurNode {
  readonly ip: string
  readonly log: string
  private readonly options: Options
  private readonly data: string
  private child: ChildProcess | undefined

  constructor(options: Options) {
    this.options = options
    this.ip = options.ip
    this.data = join(options.directory, `timemesh-${options.ip}`)
    this.log = join(options.directory, `timemesh-${options.ip}.log`)
  }

  /** Gives a node that does not run the blocks of a file. */
  async load(file: string): Promise<void> {
    await this.command("chain", "import", "--network", "testnet", "--data-dir", this.data, file)
  }

  /** Makes the key of a masternode, for a node that is started with `--masternode`. */
  async makeKey(): Promise<void> {
    await this.command("masternodes", "key", "--network", "testnet", "--data-dir", this.data)
  }

  private async command(...args: ReadonlyArray<string>): Promise<void> {
    await promisify(execFile)(process.execPath, [main, ...args])
  }

  async start(): Promise<void> {
    const child = this.launch()
    await until(`our node on ${this.ip} answers`, startSeconds, async () => {
      if (child.exitCode !== null) throw new Error(`our node ended with code ${child.exitCode}: see ${this.log}`)
      return this.status().catch(() => undefined)
    })
  }

  /** Starts it, and waits for nothing. */
  launch(): ChildProcess {
    const { flags = [], peers = [] } = this.options
    const [command = "", ...where] = Lab.host(this.ip)
    const log = openSync(this.log, "a")
    const child = spawn(command, [
      ...where,
      process.execPath,
      main,
      "run",
      "--network=testnet",
      "--transport=tls",
      `--listen=${this.ip}:${ports.peers}`,
      `--admin=${this.ip}:${ports.admin}`,
      `--data-dir=${this.data}`,
      "--seed=none",
      "--log-format=json",
      "--log-level=debug",
      ...peers.map((peer) => `--peer=${peer}`),
      ...flags
    ], { stdio: ["ignore", log, log] })
    this.child = child
    return child
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    child.kill(signal)
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMs)
    await ended
    clearTimeout(timer)
  }

  /** As an operator names it to the node: it is dialled at once if it is ours to dial. */
  async connect(ip: string): Promise<void> {
    await this.ask("/connect", { address: `${ip}:${ports.peers}` })
  }

  /** As an operator does: it is not dialled until it is named again. */
  async disconnect(ip: string): Promise<void> {
    await this.ask("/disconnect", { ip })
  }

  private async ask<A>(path: string, body?: object): Promise<A> {
    const token = readFileSync(join(this.data, "admin.token"), "utf8").trim()
    const response = await fetch(`http://${this.ip}:${ports.admin}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(10_000)
    })
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
    return await response.json() as A
  }

  status(): Promise<Status> {
    return this.ask<Status>("/status")
  }

  async height(): Promise<number> {
    return (await this.status()).chain?.height ?? 0
  }

  async tip(): Promise<{ readonly height: number; readonly hash: string }> {
    return (await this.status()).chain ?? { height: 0, hash: "" }
  }

  async peers(): Promise<ReadonlyArray<Peer>> {
    return (await this.ask<{ readonly peers: ReadonlyArray<Peer> }>("/peers")).peers
  }

  async peer(ip: string): Promise<Peer | undefined> {
    return (await this.peers()).find((peer) => peer.ip === ip)
  }

  async connection(ip: string): Promise<Connection | undefined> {
    return (await this.peer(ip))?.connection
  }

  /** Addresses of its masternodes, in the order of its report. */
  async masternodes(): Promise<ReadonlyArray<string>> {
    const { masternodes } = await this.ask<{ readonly masternodes: ReadonlyArray<{ readonly ip: string }> }>(
      "/masternodes"
    )
    return masternodes.map(({ ip }) => ip)
  }

  /** Events of its log, of every process that it was. */
  events(...names: ReadonlyArray<string>): ReadonlyArray<Logged> {
    return readFileSync(this.log, "utf8").split("\n").flatMap((line) => {
      if (!names.some((name) => line.includes(`"event":"${name}"`))) return []
      const { annotations } = JSON.parse(line) as { readonly annotations: Logged }
      return [annotations]
    })
  }
}
