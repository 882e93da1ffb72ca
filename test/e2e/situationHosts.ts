/**
 * Hosts on one cable, for test/e2e/situations.test.ts: this network namespace, which must be a new one with its own root, and another. Makes
 * each situation whose cause is the kernel's network, and prints what the node here answers, one JSON object a line.
 * Arguments: src/main.ts, an empty directory.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { closeSync, openSync, readlinkSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { createServer } from "node:net"
import { networkInterfaces } from "node:os"
import { text } from "node:stream/consumers"
import { setTimeout as pause } from "node:timers/promises"

interface Why {
  readonly situation: string
  readonly record?: { readonly failures: number; readonly connection?: unknown }
}

const [, , main = "", directory = ""] = process.argv
const admin = "http://127.0.0.1:24201"
const children: Array<ChildProcess> = []

const run = (line: string): void => {
  const [command = "", ...args] = line.split(" ")
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"] })
}

const begin = (name: string, command: string, args: ReadonlyArray<string>): ChildProcess => {
  const log = openSync(`${directory}/${name}.log`, "a")
  const child = spawn(command, [...args], { stdio: ["ignore", log, log] })
  closeSync(log)
  children.push(child)
  return child
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

/** Asks until `test` holds; the last answer when it does not within 20 s. */
const until = async <A>(read: () => Promise<A>, test: (value: A) => boolean): Promise<A> => {
  const end = performance.now() + 20_000
  for (;;) {
    const value = await read().catch(() => undefined)
    if (value !== undefined && (test(value) || performance.now() > end)) return value
    if (performance.now() > end) throw new Error("no answer of the node")
    await pause(100)
  }
}

/** One connection to the node, which stays: when the kernel has no port or descriptor left, there is no other. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** Ends a program, and waits for its end: its port is free then. */
const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill()
  })

const get = <A>(path: string, from = admin): Promise<A> =>
  new Promise((resolve, reject) => {
    const asked = request(`${from}${path}`, { agent }, (response) => {
      text(response).then((body) => JSON.parse(body) as A).then(resolve, reject)
    })
    asked.on("error", reject)
    asked.end()
  })
const why = (ip: string) => get<Why>(`/why/${ip}`)
const isUp = ({ record }: Why): boolean => record?.connection !== undefined

/** Prints the answer for an address once its situation is as named, or after 20 s whatever it is. */
const row = async (situation: string, ip: string, name = situation): Promise<void> => {
  const answer = await until(() => why(ip), (said) => said.situation === situation)
  say({ name, ...answer, status: await get("/status") })
}

/** Prints how long the peer is not connected after what was wrong has ended. */
const back = async (name: string, ip: string): Promise<void> => {
  const from = performance.now()
  const answer = await until(() => why(ip), isUp)
  say({ name, ...answer, backMs: Math.round(performance.now() - from) })
}

const other = begin("other", "unshare", ["-n", "sleep", "200"])
const there = (command: string): ReadonlyArray<string> => ["-t", String(other.pid), "-n", ...command.split(" ")]
const thereRun = (command: string): void => run(`nsenter ${there(command).join(" ")}`)

const quick = "--network devnet --ping 1s --dead 3s --dial 2s --fallback-first 500ms --fallback-first-jitter 100ms"
const node = (flags: string): string => `${process.execPath} ${main} run ${quick} ${flags}`

const netns = (pid: number | undefined) => readlinkSync(`/proc/${pid ?? "self"}/ns/net`)

const hosts = async (): Promise<void> => {
  await until(async () => netns(other.pid), (ns) => ns !== netns(undefined))
  run("ip link add one type veth peer name two")
  run(`ip link set two netns ${other.pid}`)
  run("ip link set lo up")
  run("ip link set one up")
  run("ip address add 10.55.0.1/24 dev one")
  for (const line of ["link set lo up", "link set two up"]) thereRun(`ip ${line}`)
  for (const last of [2, 4, 5]) thereRun(`ip address add 10.55.0.${last}/24 dev two`)
}

const routes = (): void => {
  // The other host does not forward: what is sent there is lost.
  run("ip route add 10.66.0.0/16 via 10.55.0.2")
  run("ip route add prohibit 10.77.0.1")
  run("ip route add blackhole 10.77.0.2")
}

const talk = "require('net').createServer(s=>s.end('220 mail.example ESMTP\\r\\n')).listen(24200,'10.55.0.5')"

const linkLocal = async (): Promise<void> => {
  const own = await until(
    async () => networkInterfaces().one?.find(({ address }) => address.startsWith("fe80"))?.address,
    (found) => found !== undefined
  )
  const dial = `const s=require('net').connect({host:'${own}%two',port:24200});` +
    "const b=[];s.on('data',d=>b.push(d));s.on('close',()=>console.log(Buffer.concat(b).toString('latin1')))"
  const said = await until<string | undefined>(async () => {
    const heard = execFileSync("nsenter", [...there(process.execPath), "-e", dial], { timeout: 8_000 }).toString(
      "latin1"
    )
    return heard.includes("link-local") ? heard : undefined
  }, (heard) => heard !== undefined)
  say({ name: "link-local", told: said?.includes("link-local"), status: await get("/status") })
}

try {
  await hosts()
  routes()
  const silent = createServer().listen(50_000, "10.55.0.1")
  const two = begin("two", "nsenter", there(node(`--listen 10.55.0.2 --data-dir ${directory}/two --admin off`)))
  const talker = begin("talker", "nsenter", [...there(process.execPath), "-e", talk])
  const peers = "10.55.0.2 10.55.0.4 10.55.0.5 10.55.0.99 10.66.0.9 203.0.113.5 10.77.0.1 10.77.0.2 2001:db8::7"
  const named = peers.split(" ").map((ip) => ip.includes(":") ? `--peer [${ip}]:24200` : `--peer ${ip}`).join(" ")
  const one = begin(
    "one",
    process.execPath,
    node(`--listen any --data-dir ${directory}/one --admin 127.0.0.1:24201 ${named}`).split(" ").slice(1)
  )
  await until(() => why("10.55.0.2"), isUp)
  await row("connected", "10.55.0.2")
  await row("refused", "10.55.0.4")
  await row("not-timemesh", "10.55.0.5")
  await row("unreachable", "10.55.0.99")
  await row("firewall", "10.77.0.1", "prohibited")
  await row("no-answer", "10.66.0.9")
  await row("no-route", "203.0.113.5")
  await row("system", "10.77.0.2", "blackhole")
  await row("no-family", "2001:db8::7")
  await row("own-address", "10.55.0.1")
  await linkLocal()

  // A second node behind the address of the first.
  begin(
    "second",
    process.execPath,
    `${main} run ${quick} --listen any:24300 --data-dir ${directory}/second --admin 127.0.0.1:24301 --peer 10.55.0.2`
      .split(" ")
  )
  const second = await until(
    () => get<Why>("/why/10.55.0.2", "http://127.0.0.1:24301"),
    ({ situation }) => situation === "second-node-here"
  )
  say({ name: "second-node-here", ...second })
  children.pop()?.kill()

  // The cable is pulled at this end, and comes back.
  run("ip link set one down")
  await row("network-down", "10.55.0.2")
  await row("no-family", "2001:db8::7", "no-family, without network")
  await pause(6_000)
  await row("network-down", "10.55.0.2", "network-down, later")
  run("ip link set one up")
  await back("back after the link", "10.55.0.2")

  // The address is taken away.
  run("ip address del 10.55.0.1/24 dev one")
  await row("network-down", "10.55.0.2", "no address")
  run("ip address add 10.55.0.1/24 dev one")
  await back("back after the address", "10.55.0.2")

  // Every port that the kernel may choose is taken.
  writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "50000 50000")
  await ended(two)
  await until(() => why("10.55.0.2"), (said) => !isUp(said))
  await row("resources", "10.55.0.2", "no free port")
  writeFileSync("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999")
  const again = begin("two", "nsenter", there(node(`--listen 10.55.0.2 --data-dir ${directory}/two --admin off`)))
  await back("back after the ports", "10.55.0.2")

  // No file descriptor is left to this process. What asks it has its connection already.
  again.kill()
  await until(() => why("10.55.0.2"), (said) => !isUp(said))
  // Node has more files open than that from its start on.
  run(`prlimit --pid ${one.pid} --nofile=15:`)
  await row("resources", "10.55.0.2")
  const { stats } = await until(
    () => get<{ readonly stats: { readonly acceptsFailed: number } }>("/status"),
    (status) => status.stats.acceptsFailed > 0
  )
  say({ name: "accepts failed", told: stats.acceptsFailed > 0 })
  run(`prlimit --pid ${one.pid} --nofile=1000:`)
  await Promise.all([ended(talker), ended(again)])
  // One address is left: a node on several may be connected at another of them.
  for (const last of [4, 5]) thereRun(`ip address del 10.55.0.${last}/24 dev two`)
  const rotating = begin(
    "rotating",
    "nsenter",
    there(node(`--listen any --data-dir ${directory}/rotating --admin off --peer 10.55.0.1`))
  )
  await back("back after the descriptors", "10.55.0.2")

  // The host's address changes twice; the second one was never configured.
  for (const [from, to] of [[2, 8], [8, 9]]) {
    thereRun(`ip address del 10.55.0.${from}/24 dev two`)
    thereRun(`ip address add 10.55.0.${to}/24 dev two`)
    await until(() => why(`10.55.0.${to}`), isUp)
  }
  await row("moved", "10.55.0.8")
  await row("alias", "10.55.0.2", "configured, and moved")
  rotating.kill()
  silent.close()
} finally {
  for (const child of children) child.kill("SIGKILL")
}
process.exit()
