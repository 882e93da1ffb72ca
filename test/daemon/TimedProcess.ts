/** The daemon under check, a process on a host of its own, and what it says over RPC. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import * as Lab from "./Lab.ts"
import { until } from "./Wait.ts"

const user = "check"
const ports = { peers: 24_100, rpc: 24_101 }
/** s. It opens its database, asks the time and the names first. */
const startSeconds = 240
const stopMs = 20_000

export interface Options {
  readonly binary: string
  readonly ip: string
  /** Below which its home is made. */
  readonly directory: string
  readonly masternode?: boolean
  /** Further lines of its configuration. */
  readonly conf?: ReadonlyArray<string>
}

const numeric = (ip: string): number => ip.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0)

interface Listed {
  readonly address: string
  readonly is_active: boolean
}

interface BanList {
  readonly permanent: ReadonlyArray<unknown>
  readonly temporary: ReadonlyArray<unknown>
  readonly subnets: ReadonlyArray<unknown>
  readonly violations: ReadonlyArray<unknown>
}

export class TimedProcess {
  readonly ip: string
  readonly log: string
  private readonly options: Options
  private readonly home: string
  private child: ChildProcess | undefined

  constructor(options: Options) {
    this.options = options
    this.ip = options.ip
    this.home = join(options.directory, `timed-${options.ip}`)
    this.log = join(options.directory, `timed-${options.ip}.log`)
    const { conf = [], ip, masternode = false } = options
    mkdirSync(join(this.home, "testnet"), { recursive: true })
    writeFileSync(
      this.conf,
      [
        "testnet=1",
        `port=${ports.peers}`,
        `externalip=${ip}`,
        `masternode=${masternode ? 1 : 0}`,
        "rpcbind=0.0.0.0",
        `rpcuser=${user}`,
        `rpcpassword=${user}`,
        "debug=debug",
        ...conf
      ].join("\n").concat("\n")
    )
  }

  private get conf(): string {
    return join(this.home, "testnet", "time.conf")
  }

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    const [command = "", ...where] = Lab.host(this.ip)
    const log = openSync(this.log, "a")
    const child = spawn(
      command,
      [...where, this.options.binary, "--conf", this.conf, "--datadir", join(this.home, "testnet")],
      { env: { ...process.env, HOME: this.home }, stdio: ["ignore", log, log] }
    )
    this.child = child
    await until(`the daemon on ${this.ip} answers`, startSeconds, async () => {
      if (child.exitCode !== null) throw new Error(`the daemon ended with code ${child.exitCode}: see ${this.log}`)
      return this.height().catch(() => undefined)
    })
  }

  /** By default as an operator does, and if it does not end then, for good. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    child.kill(signal)
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMs)
    await ended
    clearTimeout(timer)
  }

  async rpc<A>(method: string, ...params: ReadonlyArray<unknown>): Promise<A> {
    const response = await fetch(`http://${this.ip}:${ports.rpc}/`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${Buffer.from(`${user}:${user}`).toString("base64")}`
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: "check", method, params }),
      signal: AbortSignal.timeout(10_000)
    })
    const { error, result } = await response.json() as {
      readonly result?: A
      readonly error?: { readonly message: string }
    }
    if (result === undefined || (error !== undefined && error !== null)) {
      throw new Error(`${method}: ${error?.message ?? "no result"}`)
    }
    return result
  }

  height(): Promise<number> {
    return this.rpc<number>("getblockcount")
  }

  hashAt(height: number): Promise<string> {
    return this.rpc<string>("getblockhash", height)
  }

  /** Sockets with peers, counted by it. */
  connections(): Promise<number> {
    return this.rpc<number>("getconnectioncount")
  }

  /** Sockets by direction, seen from it. */
  async directions(): Promise<{ readonly inbound: number; readonly outbound: number }> {
    const info = await this.rpc<{ readonly connections_in: number; readonly connections_out: number }>("getnetworkinfo")
    return { inbound: info.connections_in, outbound: info.connections_out }
  }

  /** Addresses of its registry, itself among them if it is one, in the order of our report: by numeric IP. */
  async masternodes(): Promise<ReadonlyArray<string>> {
    const list = await this.rpc<{ readonly masternodes: ReadonlyArray<{ readonly address: string }> }>(
      "masternodelist",
      true
    )
    return list.masternodes.map(({ address }) => address.split(":")[0] ?? address).toSorted((a, b) =>
      numeric(a) - numeric(b)
    )
  }

  /** The same list, of those that are active: connected to it, or seen so by others. */
  async activeMasternodes(): Promise<ReadonlyArray<string>> {
    const list = await this.rpc<{ readonly masternodes: ReadonlyArray<Listed> }>("masternodelist", true)
    return list.masternodes.flatMap(({ address, is_active }) => is_active ? [address.split(":")[0] ?? address] : [])
  }

  /**
   * By its log: how many pages of blocks it asked for, and how long it waited for the first block of each, s in all. It looks every 0.2 s. The rest of a sync it
   * spends on checking blocks.
   */
  pages(): { readonly count: number; readonly waited: number } {
    let asked: number | undefined
    let [count, waited] = [0, 0]
    for (const line of stripVTControlCharacters(readFileSync(this.log, "utf8")).split("\n")) {
      const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) /.exec(line) ?? []
      const at = Date.parse(`${day}T${time}Z`) / 1_000
      if (line.includes("Pipeline") && line.includes("Requesting blocks")) asked = at
      if (asked === undefined || !line.includes("Block sync progress")) continue
      count += 1
      waited += at - asked
      asked = undefined
    }
    return { count, waited }
  }

  /** What it holds against anybody, in its words; empty: nothing. */
  async grudges(): Promise<string> {
    const { permanent, subnets, temporary, violations } = await this.rpc<BanList>("getbanlist")
    const all = [...permanent, ...temporary, ...subnets, ...violations]
    return all.map((one) => JSON.stringify(one)).join(" ")
  }
}
