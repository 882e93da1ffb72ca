/**
 * A network of N separate node processes on 127.0.0.1 … 127.0.0.N, watched, disturbed on request, judged at the end.
 *
 * The middle node is the seed: it is told of nobody, all others are told of it alone, so some of them rank above it and some
 * below. What is judged comes from the nodes' admin APIs and logs, never from this module's own expectations.
 */
import { Clock, Effect, FileSystem, Random } from "effect"
import type { PlatformError, Scope } from "effect"
import type { HttpClient } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as AdminClient from "../admin/AdminClient.ts"
import * as ChainVerdict from "./ChainVerdict.ts"
import * as LogEvents from "./LogEvents.ts"
import * as NodeProcess from "./NodeProcess.ts"
import * as Partition from "./Partition.ts"
import * as Preflight from "./Preflight.ts"
import * as Replay from "./Replay.ts"
import * as SeedChain from "./SeedChain.ts"
import * as Verdict from "./Verdict.ts"

export interface Options {
  readonly nodes: number
  /** How long the network runs, the start included. */
  readonly seconds: number
  /** A node is killed this often; `undefined`: never. */
  readonly chaosSeconds: number | undefined
  /** Blocks of the synthetic devnet chain that the first node starts with; 0: none. */
  readonly chain: number
  /** All nodes make blocks. */
  readonly produce: boolean
  /** How long the network is split in two halves, once it is whole; `undefined`: not at all. */
  readonly partitionSeconds: number | undefined
  /** P2P port of every node; the admin API of each is on the next. */
  readonly port: number
  /** Empty or new: takes logs and data directories. */
  readonly directory: string
  readonly self: NodeProcess.Self
}

export type State = "starting" | "running" | "killed" | "ended"

/** One node as last seen. */
export interface View extends Verdict.Account {
  readonly state: State
  readonly pid: number | undefined
}

export type Progress =
  | {
    readonly _tag: "Sample"
    readonly elapsedMs: number
    readonly nodes: ReadonlyArray<View>
    readonly connected: number
    readonly pairs: number
  }
  | { readonly _tag: "Killed"; readonly ip: string; readonly pid: number }
  | { readonly _tag: "Respawned"; readonly ip: string; readonly pid: number }
  | { readonly _tag: "Partition"; readonly cut: ChainVerdict.Cut }
  | { readonly _tag: "Stopping" }

/** ms. No kill so shortly before the end: the last recovery must fit. */
const quietEndMs = 12_000
/** ms. From a kill to the respawn. */
const respawnMs = 1_000
/** ms. The end waits this long for a recovery that is not over, or for one tip. */
const patienceMs = 4_000
/** ms. A sample waits this long for a node's answer. */
const answerMs = 900

/** A member of the network, as this process knows it. */
interface Member {
  readonly ip: string
  readonly args: ReadonlyArray<string>
  readonly logFile: string
  readonly client: AdminClient.AdminClient
  process: NodeProcess.NodeProcess | undefined
  state: State
}

type Environment =
  | ChildProcessSpawner.ChildProcessSpawner
  | FileSystem.FileSystem
  | HttpClient.HttpClient
  | Scope.Scope

const addressOf = (k: number): string => `127.0.0.${k}`

/** The middle node. */
const seedOf = (options: Options): string => addressOf(Math.ceil(options.nodes / 2))

const makeMembers = (options: Options) => {
  const seed = seedOf(options)
  return Effect.forEach(Array.from({ length: options.nodes }, (_, i) => i + 1), (k) =>
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
          "--network=devnet",
          "--log-format=json",
          "--log-level=debug",
          ...(options.produce ? ["--produce"] : []),
          ...(ip === seed ? [] : [`--peer=${seed}:${options.port}`])
        ],
        logFile: `${dataDir}.log`,
        client: yield* AdminClient.make(admin),
        process: undefined,
        state: "starting"
      }
      return member
    }))
}

const start = (options: Options, member: Member) =>
  Effect.gen(function*() {
    member.process = yield* NodeProcess.spawn(options.self, member.args, member.logFile)
    member.state = "starting"
    return member.process
  })

const quickly = <A, E>(question: Effect.Effect<A, E>): Effect.Effect<A | undefined> =>
  question.pipe(
    Effect.timeout(answerMs),
    Effect.orElseSucceed(() => undefined)
  )

const view = (member: Member): Effect.Effect<View> =>
  Effect.gen(function*() {
    const { ip, process } = member
    if (process === undefined) return { ip, state: member.state, pid: undefined, status: undefined, peers: undefined }
    const [status, peers] = yield* Effect.all([quickly(member.client.status), quickly(member.client.peers)], {
      concurrency: 2
    })
    // Killed while it was asked: no end of its own.
    if (member.process === process && !(yield* process.isRunning)) member.state = "ended"
    else if (status !== undefined && member.state === "starting") member.state = "running"
    return { ip, state: member.state, pid: process.pid, status, peers }
  })

const viewAll = (members: ReadonlyArray<Member>) => Effect.forEach(members, view, { concurrency: "unbounded" })

/** Kills at every multiple of the interval, and respawns. */
const chaos = Effect.fnUntraced(function*(
  options: Options,
  members: ReadonlyArray<Member>,
  kills: Array<Replay.Kill>,
  startedAt: number,
  tell: (progress: Progress) => Effect.Effect<void>
) {
  const everyMs = (options.chaosSeconds ?? 0) * 1_000
  const last = startedAt + options.seconds * 1_000 - quietEndMs
  for (let due = startedAt + everyMs; due <= last; due += everyMs) {
    yield* Effect.sleep(Math.max(0, due - (yield* Clock.currentTimeMillis)))
    const running = members.filter((member) => member.state === "running")
    const victim = running[yield* Random.nextIntBetween(0, Math.max(0, running.length - 1))]
    const process = victim?.process
    if (victim === undefined || process === undefined) continue
    const issuedAt = yield* Clock.currentTimeMillis
    victim.process = undefined
    victim.state = "killed"
    yield* tell({ _tag: "Killed", ip: victim.ip, pid: process.pid })
    yield* process.kill
    const exitedAt = yield* Clock.currentTimeMillis
    yield* Effect.sleep(Math.max(0, issuedAt + respawnMs - exitedAt))
    const { pid, spawnedAt } = yield* start(options, victim)
    kills.push({ ip: victim.ip, issuedAt, exitedAt, respawnedAt: spawnedAt })
    yield* tell({ _tag: "Respawned", ip: victim.ip, pid })
  }
})

/** The last thing an ended process wrote, for the error text. */
const lastWords = (member: Member) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(member.logFile)
    return text.trim().split("\n").at(-1)?.trim() ?? ""
  }).pipe(Effect.orElseSucceed(() => ""))

/**
 * Runs the network for its time and judges it. `tell` hears what happens, a sample once a second. All processes have ended
 * when this returns, fails or is interrupted.
 */
export const run = (
  options: Options,
  tell: (progress: Progress) => Effect.Effect<void>
): Effect.Effect<Verdict.Verdict, Preflight.TestnetError | PlatformError.PlatformError, Environment> =>
  Effect.gen(function*() {
    yield* Preflight.check(options)
    if (options.chain > 0) yield* SeedChain.seed(`${options.directory}/node-1`, options.chain)
    const startedAt = yield* Clock.currentTimeMillis
    const endsAt = startedAt + options.seconds * 1_000
    const pairs = options.nodes * (options.nodes - 1) / 2
    const members = yield* makeMembers(options)
    const kills: Array<Replay.Kill> = []
    const stopAll = Effect.forEach(members, (member) => member.process?.stop ?? Effect.void, {
      concurrency: "unbounded",
      discard: true
    })
    // All at once, the seed first: the others dial it as soon as they are up.
    const seedFirst = members.toSorted((a, b) => Number(b.ip === seedOf(options)) - Number(a.ip === seedOf(options)))
    yield* Effect.forEach(seedFirst, (member) => start(options, member), { concurrency: "unbounded", discard: true })
    yield* Effect.addFinalizer(() => stopAll)
    if (options.chaosSeconds !== undefined) {
      yield* Effect.forkScoped(chaos(options, members, kills, startedAt, tell))
    }

    let cut: ChainVerdict.Cut | undefined
    if (options.partitionSeconds !== undefined) {
      const isWhole = Effect.map(
        viewAll(members),
        (views) => Verdict.connectedPairs(views) === pairs && ChainVerdict.agree(views, options)
      )
      const report = (is: ChainVerdict.Cut) =>
        Effect.suspend(() => {
          cut = is
          return tell({ _tag: "Partition", cut: is })
        })
      yield* Effect.forkScoped(Partition.run({ members, seconds: options.partitionSeconds, isWhole, report }))
    }

    let samples = 0
    let duplicateSamples = 0
    let seen: ReadonlyArray<View> = []
    const sample = Effect.gen(function*() {
      seen = yield* viewAll(members)
      for (const { peers } of seen) {
        if (peers === undefined) continue
        samples += 1
        if (Verdict.isDuplicate(peers)) duplicateSamples += 1
      }
      const ended = members.find((member) => member.state === "ended")
      if (ended !== undefined && samples === 0) {
        return yield* new Preflight.TestnetError({ detail: `a node did not start: ${yield* lastWords(ended)}` })
      }
      const elapsedMs = (yield* Clock.currentTimeMillis) - startedAt
      yield* tell({ _tag: "Sample", elapsedMs, nodes: seen, connected: Verdict.connectedPairs(seen), pairs })
    })
    for (let due = startedAt + 1_000; due < endsAt; due += 1_000) {
      yield* Effect.sleep(Math.max(0, due - (yield* Clock.currentTimeMillis)))
      yield* sample
    }
    yield* Effect.sleep(Math.max(0, endsAt - (yield* Clock.currentTimeMillis)))
    yield* sample
    const isDone = () => Verdict.connectedPairs(seen) === pairs && ChainVerdict.agree(seen, options)
    while (!isDone() && (yield* Clock.currentTimeMillis) < endsAt + patienceMs) {
      yield* Effect.sleep(100)
      seen = yield* viewAll(members)
    }

    const stoppedAt = yield* Clock.currentTimeMillis
    yield* tell({ _tag: "Stopping" })
    yield* stopAll
    const histories = yield* Effect.forEach(
      members,
      ({ ip, logFile }) => Effect.map(LogEvents.read(logFile), (events) => ({ ip, events }))
    )
    return Verdict.judge({
      accounts: seen,
      history: Replay.replay(histories, kills, stoppedAt, cut),
      nodes: histories,
      asked: options,
      cut,
      partitionSeconds: options.partitionSeconds,
      kills,
      samples,
      duplicateSamples,
      crashes: members.filter((member) => member.state === "ended").length,
      directory: options.directory
    })
  })
