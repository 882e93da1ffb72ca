/**
 * `npm run hostile [-- --tls] [ATTACK …]`: attacks a real node on loopback with every hostile program, one after the other, and prints what honest
 * peers notice. docs/hostile.md says how to read it. Ends by itself, with exit code 1 where a bound was missed.
 */
import { table } from "../../src/cli/table.ts"
import { makeCertificate } from "../../src/layers/socket/makeCertificate.ts"
import { type Attack, attacks } from "./attacks.ts"
import { Client, type Target } from "./Client.ts"
import * as Node from "./Node.ts"
import { tlsAttacks } from "./tlsAttacks.ts"

const [self, configured, known, stranger] = ["127.200.0.1", "127.150.0.1", "127.151.0.1", "127.152.0.1"] as const
const honestIps = [1, 2, 3, 4, 5].map((i) => `127.14${i}.0.1`)
/** s. */
const idleSeconds = 5.5
const attackSeconds = 8
const strangerSeconds = 60

const quantile = (values: ReadonlyArray<number>, q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN

/** Those of TLS itself only where TLS is spoken. */
const all: Readonly<Record<string, Attack>> = process.argv.includes("--tls") ? { ...attacks, ...tlsAttacks } : attacks

interface Honest {
  /** Round trips so far, ms. */
  readonly rtts: Array<number>
  readonly downs: () => number
  readonly stop: () => void
}

/** Five peers that ping ten times a second each. */
const honestPeers = async (target: Target): Promise<Honest> => {
  const clients = honestIps.map((ip) => new Client(target, ip))
  const up = await Promise.all(clients.map((client) => client.up))
  if (up.includes(false)) {
    const why = clients.map(({ reject }) => reject ?? "no word").join("; ")
    throw new Error(`an honest peer did not come up: ${why}`)
  }
  const rtts: Array<number> = []
  const timer = setInterval(() => {
    for (const client of clients) client.ping((ms) => rtts.push(ms))
  }, 100)
  return {
    rtts,
    downs: () => clients.filter((client) => client.isClosed).length,
    stop: () => {
      clearInterval(timer)
      // What is not answered yet took at least as long as it has waited.
      for (const client of clients) if (client.waitsMs > 0) rtts.push(client.waitsMs)
      const ended = clients.filter(({ isClosed }) => isClosed)
      for (const client of ended) process.stderr.write(`honest Down: ${client.reject ?? "no word"}\n`)
      for (const client of clients) client.close()
    }
  }
}

/** s until a peer from there is up, which says its Hello 200 ms late and dials again a second after each failure. */
const admitted = async (target: Target, from: string, seconds: number): Promise<number> => {
  const at = performance.now()
  while (performance.now() - at < seconds * 1_000) {
    const client = new Client(target, from, 200)
    const isUp = await Promise.race([client.up, Node.sleep(5_000).then(() => false)])
    if (isUp) {
      const seconds = (performance.now() - at) / 1_000
      await Node.sleep(200)
      client.close()
      return seconds
    }
    client.close()
    await Node.sleep(1_000)
  }
  return Infinity
}

interface Row {
  readonly name: string
  readonly downs: number
  readonly idle: ReadonlyArray<number>
  readonly rtts: ReadonlyArray<number>
  readonly bare: ReadonlyArray<number>
  readonly memory: number
  readonly configured: number
  /** `undefined`: its address is squatted. */
  readonly known: number | undefined
  readonly stranger: number
  readonly banned: number
  readonly statusMs: number
  /** Of one core. */
  readonly cpu: number
  readonly logPerDay: number
  readonly dialsPerSecond: number
}

const isTls = process.argv.includes("--tls")
/** Of all peers, hostile or not: the node knows each address by it. */
const certificate = isTls ? await makeCertificate() : undefined
const tls = certificate === undefined ? undefined : { cert: certificate.certificate, key: certificate.privateKey }

const underBare = async (name: string, port: number): Promise<ReadonlyArray<number>> => {
  const bare = await Node.startBare(self, port, tls)
  const attacker = await Node.attacker(name, bare.target)
  const honest = await honestPeers(bare.target)
  attacker.begin()
  await Node.sleep(1_000)
  honest.rtts.length = 0
  await Node.sleep(attackSeconds * 1_000)
  honest.stop()
  await attacker.end()
  await bare.stop()
  return honest.rtts
}

const measure = async (name: string, port: number): Promise<Row> => {
  const chosen = all[name]
  if (chosen === undefined) throw new Error(`no attack is called ${name}: ${Object.keys(all).join(", ")}`)
  const { banned, newcomersAfter = 1, squatted } = chosen
  const listen = banned === undefined ? self : "any"
  const node = await Node.start({ ip: self, listen, port, peers: [configured], tls })
  const { target } = node
  const attacker = await Node.attacker(name, target)
  if (banned !== undefined) await Node.ban(target, banned)
  const friend = new Client(target, known)
  await friend.up
  const honest = await honestPeers(target)
  await Node.sleep(idleSeconds * 1_000)
  const idleBefore = honest.rtts.splice(0)
  friend.close()
  await Node.sleep(200)
  const before = {
    memory: node.memory(),
    logged: node.logged(),
    cpu: node.cpu(),
    dials: (await Node.status(target))?.status.stats.dials ?? 0
  }
  const at = performance.now()
  attacker.begin()
  let memory = before.memory
  const statuses: Array<number> = []
  const attacked = { isOver: false }
  const watching = (async () => {
    while (!attacked.isOver) {
      const answer = await Node.status(target)
      statuses.push(answer?.ms ?? 5_000)
      memory = Math.max(memory, node.memory())
      await Node.sleep(250)
    }
  })()
  await Node.sleep(newcomersAfter * 1_000)
  const newcomers = Promise.all([
    admitted(target, configured, 20),
    admitted(target, known, squatted === undefined ? 20 : 5),
    admitted(target, stranger, strangerSeconds),
    banned === undefined ? Infinity : admitted(target, banned, 5)
  ])
  const [[configuredIn, knownIn, strangerIn, bannedIn]] = await Promise.all([
    newcomers,
    Node.sleep((attackSeconds - 1) * 1_000)
  ])
  const seconds = (performance.now() - at) / 1_000
  const dials = ((await Node.status(target))?.status.stats.dials ?? before.dials) - before.dials
  const logged = node.logged() - before.logged
  const cpu = node.cpu() - before.cpu
  const rtts = honest.rtts.splice(0)
  attacked.isOver = true
  await watching
  await attacker.end()
  await Node.sleep(2_000)
  const waited = honest.rtts.splice(0).filter((ms) => ms > 2_000)
  await Node.sleep(idleSeconds * 1_000)
  const downs = honest.downs()
  const idle = [...idleBefore, ...honest.rtts]
  honest.stop()
  await node.stop()
  return {
    name: chosen.name,
    downs,
    idle,
    // Those that were under way when the attack ended count as well.
    rtts: [...rtts, ...waited],
    bare: await underBare(name, port + 2),
    memory: memory - before.memory,
    configured: configuredIn,
    known: squatted === undefined ? knownIn : undefined,
    stranger: strangerIn,
    banned: bannedIn,
    statusMs: quantile(statuses, 1),
    cpu: cpu / seconds,
    logPerDay: logged / seconds * 86_400,
    dialsPerSecond: dials / seconds
  }
}

/** The bounds that a row misses. */
const missed = (row: Row): ReadonlyArray<string> => {
  const p99 = quantile(row.rtts, 0.99)
  const isQuick = p99 <= 3 * quantile(row.idle, 0.99) ||
    p99 <= 1.5 * quantile(row.bare, 0.99)
  return [
    ...(row.downs === 0 ? [] : ["Downs"]),
    ...(isQuick ? [] : ["RTT"]),
    ...(row.memory <= 100 * 1024 * 1024 ? [] : ["memory"]),
    ...(row.configured <= 5 && (row.known ?? 0) <= 5 ? [] : ["known newcomer"]),
    ...(row.stranger <= strangerSeconds ? [] : ["stranger"]),
    ...(row.banned === Infinity ? [] : ["ban"]),
    ...(row.statusMs <= 200 ? [] : ["status"])
  ]
}

const ms = (value: number): string => value.toFixed(1)
const seconds = (value: number | undefined): string =>
  value === undefined ? "in use" : Number.isFinite(value) ? value.toFixed(1) : "never"

const render = (row: Row): ReadonlyArray<string> => [
  row.name,
  String(row.downs),
  `${ms(quantile(row.idle, 0.5))} / ${ms(quantile(row.idle, 0.99))}`,
  `${ms(quantile(row.rtts, 0.5))} / ${ms(quantile(row.rtts, 0.99))}`,
  `${ms(quantile(row.rtts, 0.99) / quantile(row.idle, 0.99))}`,
  ms(quantile(row.bare, 0.99)),
  `${(row.memory / 1024 / 1024).toFixed(0)}`,
  [row.configured, row.known, row.stranger].map(seconds).join(" / "),
  row.statusMs.toFixed(0),
  `${(row.cpu * 100).toFixed(0)}`,
  (row.logPerDay / 1e6).toFixed(0),
  row.dialsPerSecond.toFixed(1),
  missed(row).join(", ") || "met"
]

const heads = [
  "ATTACK",
  "DOWNS",
  "IDLE p50/p99 ms",
  "ATTACKED p50/p99 ms",
  "× IDLE",
  "BARE p99",
  "MEMORY MiB",
  "IN AFTER s: configured / known / stranger",
  "STATUS ms",
  "CPU %",
  "LOG MB/day",
  "DIALS/s",
  "BOUNDS"
]

const chosen = process.argv.slice(2).filter((argument) => argument !== "--tls")
const names = chosen.length > 0 ? chosen : Object.keys(all)
const rows: Array<Row> = []
for (const [i, name] of names.entries()) {
  const row = await measure(name, 26_000 + 10 * i)
  rows.push(row)
  process.stdout.write(`${render(row).join(" · ")}\n`)
}
process.stdout.write(`\n${table([heads, ...rows.map(render)])}\n`)
process.exit(rows.every((row) => missed(row).length === 0) ? 0 : 1)
