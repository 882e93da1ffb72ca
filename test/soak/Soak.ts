/**
 * A network of real processes, left alone (or disturbed on purpose) for a long time, and looked at from outside: memory and
 * descriptors as the system counts them, connections as the nodes and their logs tell.
 */
import { Clock, Effect, Semaphore } from "effect"
import type { FileSystem, PlatformError, Scope } from "effect"
import type { HttpClient } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import * as Limits from "../../src/domain/Limits.ts"
import type { Self } from "../../src/layers/node/Self.ts"
import type { Kill } from "../../src/testnet/Facts.ts"
import * as LogEvents from "../../src/testnet/LogEvents.ts"
import * as Members from "../../src/testnet/Members.ts"
import * as Preflight from "../../src/testnet/Preflight.ts"
import * as Replay from "../../src/testnet/Replay.ts"
import * as Verdict from "../../src/testnet/Verdict.ts"
import type { Fault } from "./Faults.ts"
import * as Faults from "./Faults.ts"
import * as LiveMemory from "./LiveMemory.ts"
import * as Quickened from "./Quickened.ts"
import * as Report from "./Report.ts"
import * as Vitals from "./Vitals.ts"

export interface Options {
  readonly nodes: number
  /** Counted from when every pair is connected. */
  readonly minutes: number
  /** ms; `undefined`: no faults. */
  readonly faultEveryMs: number | undefined
  readonly sampleMs: number
  /** How fast the nodes' clocks run in most of the time; `undefined`: as fast as ours. Not with faults. */
  readonly faster: number | undefined
  readonly port: number
  readonly directory: string
  readonly self: Self
}

/** ms. Time to become whole, and per node: starting many processes at once keeps a small machine busy. */
const startMs = 20_000
const startPerNodeMs = 3_000

/** Nodes asked at once. All together would wait for each other on a busy machine, and the last for longer than they may. */
const atOnce = 4
/** ms. The end waits this long for a recovery that is not over, or a node that is slow to answer. */
const patienceMs = 10_000
const againMs = 500

type Environment =
  | ChildProcessSpawner.ChildProcessSpawner
  | FileSystem.FileSystem
  | HttpClient.HttpClient
  | Scope.Scope

/** All processes have ended when this returns, fails or is interrupted. */
export const run = (
  options: Options,
  tell: (line: string) => Effect.Effect<void>
): Effect.Effect<Report.Report, Preflight.TestnetError | PlatformError.PlatformError, Environment> =>
  Effect.gen(function*() {
    const { directory, faster, faultEveryMs, minutes, nodes, sampleMs } = options
    yield* Preflight.check(options)
    const startedAt = yield* Clock.currentTimeMillis
    const quickened = faster === undefined ? undefined : Quickened.make(faster, startedAt, minutes)
    const [command, ...before] = options.self
    const self: Self = [command, ...(quickened === undefined ? [] : Quickened.flags(quickened)), ...before]
    const membership: Members.Options = {
      ...options,
      self,
      logLevel: "info",
      produce: false,
      transport: "plain",
      network: "devnet",
      daemons: []
    }
    const members = yield* Members.make(membership)
    const pairs = nodes * (nodes - 1) / 2
    yield* Members.startAll(membership, members)

    let seen: ReadonlyArray<Members.View> = []
    const look = Effect.gen(function*() {
      seen = yield* Effect.forEach(members, Members.view, { concurrency: atOnce })
      return Verdict.connectedPairs(seen) === pairs
    })
    let whole = false
    while (!whole && (yield* Clock.currentTimeMillis) < startedAt + startMs + nodes * startPerNodeMs) {
      yield* Effect.sleep(Math.min(1_000, sampleMs))
      whole = yield* look
      const ended = members.find(({ state }) => state === "ended")
      if (ended !== undefined && !whole) {
        return yield* new Preflight.TestnetError({ detail: `a node ended: ${yield* Members.lastWords(ended)}` })
      }
    }
    const wholeAt = whole ? yield* Clock.currentTimeMillis : undefined
    yield* tell(whole ? `${pairs} pairs connected` : `not whole: ${Verdict.connectedPairs(seen)} of ${pairs} pairs`)

    // A fault and a sample wait for each other: what is sampled is a network that should be whole.
    const quiet = yield* Semaphore.make(1)
    const kills: Array<Kill> = []
    const faults: Array<Fault> = []
    const lives = new Map<number, Report.Life & { readonly vitals: Array<Vitals.Vitals> }>()
    let samples = 0
    let duplicateSamples = 0
    let nextLiveAt = 0
    const sample = quiet.withPermit(Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const isLive = now >= nextLiveAt
      if (isLive) nextLiveAt = now + Limits.soakLiveMs
      // Before the nodes are asked: a request is a descriptor, too.
      for (const { ip, logFile, process } of members) {
        if (process === undefined) continue
        const vitals = yield* Vitals.of(process.pid)
        if (vitals === undefined) continue
        const life = lives.get(process.pid) ?? { ip, pid: process.pid, vitals: [] }
        lives.set(process.pid, life)
        life.vitals.push(isLive ? { ...vitals, liveKib: yield* LiveMemory.of(logFile) } : vitals)
      }
      yield* look
      for (const { peers } of seen) {
        if (peers === undefined) continue
        samples += 1
        if (Verdict.isDuplicate(peers)) duplicateSamples += 1
      }
      const rss = [...lives.values()].filter(({ pid }) => members.some(({ process }) => process?.pid === pid))
        .reduce((sum, { vitals }) => sum + (vitals.at(-1)?.rssKib ?? 0), 0)
      const downs = seen.reduce((sum, { status }) => sum + (status?.stats.downs ?? 0), 0)
      const silent = seen.filter(({ peers, status }) => peers === undefined || status === undefined).length
      const elapsed = (((yield* Clock.currentTimeMillis) - (wholeAt ?? startedAt)) / 60_000).toFixed(1)
      yield* tell(
        `${elapsed} min: ${Verdict.connectedPairs(seen)} of ${pairs} pairs, ${downs} downs, ${
          (rss / 1_024).toFixed(0)
        } MiB${silent === 0 ? "" : `, ${silent} did not answer`}`
      )
    }))

    if (wholeAt !== undefined) {
      const endsAt = wholeAt + options.minutes * 60_000
      if (faultEveryMs !== undefined) {
        yield* Effect.forkScoped(
          Faults.run({
            self,
            members,
            everyMs: faultEveryMs,
            endsAt,
            isWhole: look,
            during: quiet.withPermit,
            tell,
            kills,
            faults
          })
        )
      }
      // A sample that a fault kept waiting is taken late, and those that came due meanwhile are not.
      for (let due = wholeAt; due < endsAt;) {
        yield* Effect.sleep(Math.max(0, due - (yield* Clock.currentTimeMillis)))
        yield* sample
        due += sampleMs * Math.max(1, Math.ceil(((yield* Clock.currentTimeMillis) - due) / sampleMs))
      }
      yield* Effect.sleep(Math.max(0, endsAt - (yield* Clock.currentTimeMillis)))
      yield* sample
    }

    const lastLook = (yield* Clock.currentTimeMillis) + patienceMs
    while (!(yield* look) && (yield* Clock.currentTimeMillis) < lastLook) yield* Effect.sleep(againMs)
    const stoppedAt = yield* Clock.currentTimeMillis
    yield* tell("stopping")
    yield* Members.stopAll(members)
    const histories = yield* Effect.forEach(
      members,
      ({ ip, logFile }) =>
        Effect.map(LogEvents.read(logFile), (events) => ({
          ip,
          events: quickened === undefined
            ? events
            : events.map((event) => ({ ...event, at: Quickened.toReal(quickened, event.at) }))
        }))
    )
    return Report.judge({
      accounts: seen,
      histories,
      history: Replay.replay(histories, kills, stoppedAt),
      kills,
      faults,
      lives: [...lives.values()],
      samples,
      duplicateSamples,
      crashes: members.filter(({ state }) => state === "ended").length,
      wholeAt,
      stoppedAt,
      quickened,
      directory
    })
  })

/** ms. A soak has ended by then, whatever happens. */
export const boundMs = ({ minutes, nodes }: Pick<Options, "nodes" | "minutes">): number =>
  minutes * 60_000 + startMs + nodes * startPerNodeMs + Limits.soakPauseLongMs + 60_000
