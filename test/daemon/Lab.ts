/**
 * Hosts on one cable, cut off from everything else: network namespaces inside one of this program's own, which ends with it. On the cable this
 * process has an address, too, where it answers the time (NTP); the names that the daemon asks for are in a hosts file of these namespaces.
 */
import { spawn, spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Worker } from "node:worker_threads"

const marker = "DAEMON_CHECK_INSIDE"
const here = "10.77.0.1"

const timeNames = ["time.google.com", "time.cloudflare.com", "time.apple.com", "time.nist.gov"]
/** Asked for peers and for one's own address: refused at once, as on a host without the internet. */
const webNames = ["time-coin.io", "api.ipify.org"]

const unshare = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

/** Whether this process is the one inside. */
export const isInside = (): boolean => process.env[marker] === "1"

/**
 * Runs this very program inside; the result is its exit code, or why there is none. It is process 1 of its namespace, so everything in there ends
 * with it; and it ends when the channel to this process closes, even where this one is killed.
 */
export const runInside = (): Promise<number | string> =>
  new Promise((resolve) => {
    const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"]
    const probe = spawnSync("unshare", [...asRoot, ...unshare, "ip", "link", "add", "mesh", "type", "bridge"])
    if (probe.status !== 0) {
      const why = probe.error?.message ?? probe.stderr.toString().trim()
      return resolve(`no network namespaces can be made here: ${why}`)
    }
    const child = spawn("unshare", [
      ...asRoot,
      ...unshare,
      process.execPath,
      ...process.execArgv,
      ...process.argv.slice(1)
    ], {
      env: { ...process.env, [marker]: "1" },
      stdio: ["inherit", "inherit", "inherit", "ipc"]
    })
    child.once("exit", (code) => resolve(code ?? 1))
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        if (child.connected) child.disconnect()
      })
    }
  })

/** Ends this process, the one inside, when the one outside is stopped or gone. */
const endWithOutside = (): void => {
  process.once("disconnect", () => process.exit(130))
  // It keeps nothing running.
  process.channel?.unref()
}

/** Fails with the command's own words. */
const run = (command: string, ...args: ReadonlyArray<string>): void => {
  const { error, status, stderr } = spawnSync(command, args)
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.toString().trim()}`)
}

/** The cable, names and time. Files go into `directory`. */
export const open = (directory: string): void => {
  endWithOutside()
  const hosts = join(directory, "hosts")
  writeFileSync(
    hosts,
    [
      "127.0.0.1 localhost",
      ...timeNames.map((name) => `${here} ${name}`),
      ...webNames.map((name) => `127.0.0.1 ${name}`)
    ]
      .join("\n").concat("\n")
  )
  run("mount", "--bind", hosts, "/etc/hosts")
  run("mount", "-t", "tmpfs", "tmpfs", "/run")
  run("ip", "link", "set", "lo", "up")
  run("ip", "link", "add", "mesh", "type", "bridge")
  run("ip", "address", "add", `${here}/16`, "dev", "mesh")
  run("ip", "link", "set", "mesh", "up")
  answerTime()
}

const answerTime = (): void => {
  const clock = new Worker(new URL("clock.ts", import.meta.url), { workerData: here })
  // Without it no daemon starts, and the checks say so.
  clock.once("error", (error) => process.stderr.write(`the time is not answered: ${error.message}\n`))
  // It keeps nothing running.
  clock.unref()
}

const made = new Map<string, number>()

/** A host with that address, made if need be. The result runs a command there. */
export const host = (ip: string): ReadonlyArray<string> => {
  let id = made.get(ip)
  if (id === undefined) {
    id = made.size + 1
    made.set(ip, id)
    const [name, outer, inner] = [`host${id}`, `out${id}`, `in${id}`]
    run("ip", "netns", "add", name)
    run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
    run("ip", "link", "set", outer, "master", "mesh", "up")
    run("ip", "-n", name, "address", "add", `${ip}/16`, "dev", inner)
    for (const link of ["lo", inner]) run("ip", "-n", name, "link", "set", link, "up")
  }
  return ["nsenter", `--net=/run/netns/host${id}`]
}

/** A dial that waits for the first answer. `nextMs`: until its request goes out again, if that is unanswered. */
export interface Dialling {
  readonly nextMs: number
}

/** The dial from one host to the other that is under way: a socket that has asked and was not answered. */
export const dialling = (from: string, to: string): Dialling | undefined => {
  const [command = "", ...where] = host(from)
  const { stdout } = spawnSync(command, [...where, "cat", "/proc/net/tcp"], { encoding: "utf8" })
  const remote = to.split(".").toReversed().map((byte) => Number(byte).toString(16).padStart(2, "0")).join("")
  // Remote address, state SYN_SENT, queues, timer and its remaining time in hundredths of a second.
  const [, ticks] = new RegExp(` ${remote}:[0-9A-F]{4} 02 \\S+ [0-9A-F]{2}:([0-9A-F]{8}) `, "i").exec(stdout) ?? []
  return ticks === undefined ? undefined : { nextMs: Number.parseInt(ticks, 16) * 10 }
}

const hardwareOf = (ip: string): string => {
  host(ip)
  const { stdout } = spawnSync("ip", ["-n", `host${made.get(ip)}`, "-o", "link", "show", `in${made.get(ip)}`], {
    encoding: "utf8"
  })
  const [, hardware = ""] = /link\/ether (\S+)/.exec(stdout) ?? []
  return hardware
}

/** Of no host on the cable. */
const noHardware = "02:00:00:00:00:01"

/**
 * Parts two hosts, or joins them again. Meanwhile what one sends to the other is lost, as on a bad line, and sent again by its system. Their lines to other
 * hosts are not affected.
 */
export const line = (one: string, other: string, isJoined: boolean): void => {
  for (const [from, to] of [[one, other], [other, one]] as const) {
    const hardware = isJoined ? hardwareOf(to) : noHardware
    host(from)
    const at = ["dev", `in${made.get(from)}`]
    run("ip", "-n", `host${made.get(from)}`, "neigh", "replace", to, "lladdr", hardware, ...at, "nud", "permanent")
  }
}

/** One more address of this process's own. */
export const address = (ip: string): void => run("ip", "address", "add", `${ip}/16`, "dev", "mesh")
