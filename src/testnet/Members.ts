/** The nodes of a testnet as seen by the process that runs it: how to start each, and what each reports. */
import { Clock, Effect, FileSystem } from "effect"
import * as Limits from "../domain/Limits.ts"
import type { NetworkName } from "../domain/Network.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import * as PeerIp from "../domain/peer/PeerIp.ts"
import * as AdminClient from "../layers/http/AdminClient.ts"
import type { Self } from "../layers/node/Self.ts"
import * as AdminToken from "../layers/store/AdminToken.ts"
import type { Account, Kill } from "./Facts.ts"
import * as NodeProcess from "./NodeProcess.ts"

export interface Options {
  /** On 127.0.0.1 … 127.0.0.N. */
  readonly nodes: number
  /** P2P port of every node; the admin API of each is on the next. */
  readonly port: number
  /** Directory for logs and data directories. */
  readonly directory: string
  readonly self: Self
  readonly logLevel: "debug" | "info"
  /** All nodes make blocks. */
  readonly produce: boolean
  readonly transport: "plain" | "tls"
  readonly network: NetworkName
  /** Which of 1 … `nodes` are not processes of this program. */
  readonly daemons: ReadonlyArray<number>
}

export type State = "starting" | "running" | "killed" | "ended"

/** One node as last seen. */
export interface View extends Account {
  readonly state: State
  readonly pid: number | undefined
}

/** A member of the network, as this process sees it. */
export interface Member {
  readonly ip: string
  readonly args: ReadonlyArray<string>
  readonly logFile: string
  readonly client: AdminClient.AdminClient
  process: NodeProcess.NodeProcess | undefined
  state: State
}

export const addressOf = (k: number): string => `127.0.0.${k}`

const numbersOf = ({ daemons, nodes }: Options): ReadonlyArray<number> =>
  Array.from({ length: nodes }, (_, i) => i + 1).filter((k) => !daemons.includes(k))

/** The middle node, the seed: besides daemons, the only peer that the others are configured with. */
const seedOf = (options: Options): string => {
  const numbers = numbersOf(options)
  return addressOf(numbers[Math.ceil(numbers.length / 2) - 1] ?? 1)
}

/** Starts no process yet. */
export const make = (options: Options) => {
  const seed = seedOf(options)
  return Effect.forEach(numbersOf(options), (k) =>
    Effect.gen(function*() {
      const ip = addressOf(k)
      const dataDir = `${options.directory}/node-${k}`
      const admin = PeerAddress.make(PeerIp.fromStringUnsafe(ip), options.port + 1)
      const member: Member = {
        ip,
        args: [
          `--listen=${ip}:${options.port}`,
          `--admin=${PeerAddress.format(admin)}`,
          `--data-dir=${dataDir}`,
          `--network=${options.network}`,
          `--transport=${options.transport}`,
          "--log-format=json",
          `--log-level=${options.logLevel}`,
          ...(options.produce ? ["--produce"] : []),
          ...(ip === seed ? [] : [`--peer=${seed}:${options.port}`]),
          ...options.daemons.map((daemon) => `--peer=${addressOf(daemon)}:${options.port}`)
        ],
        logFile: `${dataDir}.log`,
        client: yield* AdminClient.make(admin, AdminToken.find(dataDir)),
        process: undefined,
        state: "starting"
      }
      return member
    }))
}

/** Starts its process, which lives as long as the scope. */
export const start = (self: Self, member: Member) =>
  Effect.gen(function*() {
    member.process = yield* NodeProcess.spawn(self, member.args, member.logFile)
    member.state = "starting"
    return member.process
  })

/** Starts all at once, the seed first, because the others dial it as soon as they are up. The scope stops them. */
export const startAll = (options: Options, members: ReadonlyArray<Member>) => {
  const seedFirst = members.toSorted((a, b) => Number(b.ip === seedOf(options)) - Number(a.ip === seedOf(options)))
  return Effect.forEach(seedFirst, (member) => start(options.self, member), {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.andThen(Effect.addFinalizer(() => stopAll(members))))
}

export const stopAll = (members: ReadonlyArray<Member>): Effect.Effect<void> =>
  Effect.forEach(members, (member) => member.process?.stop ?? Effect.void, { concurrency: "unbounded", discard: true })

/** SIGKILL, then a new process after this delay. Does nothing if no process runs. */
export const killAndRespawn = (self: Self, member: Member, afterMs: number) =>
  Effect.gen(function*() {
    const { ip, process } = member
    if (process === undefined) return undefined
    const issuedAt = yield* Clock.currentTimeMillis
    member.process = undefined
    member.state = "killed"
    yield* process.kill
    const exitedAt = yield* Clock.currentTimeMillis
    yield* Effect.sleep(Math.max(0, issuedAt + afterMs - exitedAt))
    const { pid, spawnedAt } = yield* start(self, member)
    const kill: Kill = { ip, issuedAt, exitedAt, respawnedAt: spawnedAt }
    return { kill, pid }
  })

const quickly = <A, E>(question: Effect.Effect<A, E>): Effect.Effect<A | undefined> =>
  question.pipe(
    Effect.timeout(Limits.testnetAnswerMs),
    Effect.orElseSucceed(() => undefined)
  )

/** What is known of a node without asking it. */
export const unasked = ({ ip, process, state }: Member): View => ({
  ip,
  state,
  pid: process?.pid,
  status: undefined,
  peers: undefined
})

/** Asks the node, and checks whether its process runs. */
export const view = (member: Member): Effect.Effect<View> =>
  Effect.gen(function*() {
    const { ip, process } = member
    if (process === undefined) return unasked(member)
    const [status, peers] = yield* Effect.all([quickly(member.client.status), quickly(member.client.peers)], {
      concurrency: 2
    })
    // Killed while being asked: it did not end by itself.
    if (member.process === process && !(yield* process.isRunning)) member.state = "ended"
    else if (status !== undefined && member.state === "starting") member.state = "running"
    return { ip, state: member.state, pid: process.pid, status, peers }
  })

export const viewAll = (members: ReadonlyArray<Member>) => Effect.forEach(members, view, { concurrency: "unbounded" })

/** The last output of an ended process, for the error text. */
export const lastWords = (member: Member) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(member.logFile)
    return text.trim().split("\n").at(-1)?.trim() ?? ""
  }).pipe(Effect.orElseSucceed(() => ""))
