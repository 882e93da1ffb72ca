/**
 * A network of N separate node processes on 127.0.0.1 … 127.0.0.N, watched, disturbed on request, judged at the end.
 *
 * The middle node is the seed: it knows no peer, and the others know only it, so some rank above it and some below. The
 * verdict rests on the nodes' admin APIs and logs, never on this module's own expectations.
 */
import { Clock, Effect, Random } from "effect"
import type { FileSystem, PlatformError, Scope } from "effect"
import type { HttpClient } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import type { Self } from "../layers/node/Self.ts"
import * as ChainVerdict from "./ChainVerdict.ts"
import type { Cut, Kill } from "./Facts.ts"
import * as LogEvents from "./LogEvents.ts"
import * as Members from "./Members.ts"
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
  readonly self: Self
}

export type { State, View } from "./Members.ts"

export type Progress =
  | {
    readonly _tag: "Sample"
    readonly elapsedMs: number
    readonly nodes: ReadonlyArray<Members.View>
    readonly connected: number
    readonly pairs: number
  }
  | { readonly _tag: "Killed"; readonly ip: string; readonly pid: number }
  | { readonly _tag: "Respawned"; readonly ip: string; readonly pid: number }
  | { readonly _tag: "Partition"; readonly cut: Cut }
  | { readonly _tag: "Stopping" }

/** ms. No kill so shortly before the end: the last recovery must fit. */
const quietEndMs = 12_000
/** ms. From a kill to the respawn. */
const respawnMs = 1_000
/** ms. The end waits this long for a recovery that is not over, or for one tip. */
const patienceMs = 4_000

type Environment =
  | ChildProcessSpawner.ChildProcessSpawner
  | FileSystem.FileSystem
  | HttpClient.HttpClient
  | Scope.Scope

/** Kills at every multiple of the interval, and respawns. */
const chaos = Effect.fnUntraced(function*(
  options: Options,
  members: ReadonlyArray<Members.Member>,
  kills: Array<Kill>,
  startedAt: number,
  tell: (progress: Progress) => Effect.Effect<void>
) {
  const everyMs = (options.chaosSeconds ?? 0) * 1_000
  const last = startedAt + options.seconds * 1_000 - quietEndMs
  for (let due = startedAt + everyMs; due <= last; due += everyMs) {
    yield* Effect.sleep(Math.max(0, due - (yield* Clock.currentTimeMillis)))
    const running = members.filter((member) => member.state === "running")
    const victim = running[yield* Random.nextIntBetween(0, Math.max(0, running.length - 1))]
    if (victim?.process === undefined) continue
    yield* tell({ _tag: "Killed", ip: victim.ip, pid: victim.process.pid })
    const respawned = yield* Members.killAndRespawn(options.self, victim, respawnMs)
    if (respawned === undefined) continue
    kills.push(respawned.kill)
    yield* tell({ _tag: "Respawned", ip: victim.ip, pid: respawned.pid })
  }
})

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
    const membership: Members.Options = { ...options, logLevel: "debug" }
    const members = yield* Members.make(membership)
    const kills: Array<Kill> = []
    yield* Members.startAll(membership, members)
    if (options.chaosSeconds !== undefined) {
      yield* Effect.forkScoped(chaos(options, members, kills, startedAt, tell))
    }

    let cut: Cut | undefined
    if (options.partitionSeconds !== undefined) {
      const isWhole = Effect.map(
        Members.viewAll(members),
        (views) => Verdict.connectedPairs(views) === pairs && ChainVerdict.agree(views, options)
      )
      const report = (is: Cut) =>
        Effect.suspend(() => {
          cut = is
          return tell({ _tag: "Partition", cut: is })
        })
      yield* Effect.forkScoped(Partition.run({ members, seconds: options.partitionSeconds, isWhole, report }))
    }

    let samples = 0
    let duplicateSamples = 0
    let seen: ReadonlyArray<Members.View> = []
    const sample = Effect.gen(function*() {
      seen = yield* Members.viewAll(members)
      for (const { peers } of seen) {
        if (peers === undefined) continue
        samples += 1
        if (Verdict.isDuplicate(peers)) duplicateSamples += 1
      }
      const ended = members.find((member) => member.state === "ended")
      if (ended !== undefined && samples === 0) {
        return yield* new Preflight.TestnetError({ detail: `a node did not start: ${yield* Members.lastWords(ended)}` })
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
      seen = yield* Members.viewAll(members)
    }

    const stoppedAt = yield* Clock.currentTimeMillis
    yield* tell({ _tag: "Stopping" })
    yield* Members.stopAll(members)
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
