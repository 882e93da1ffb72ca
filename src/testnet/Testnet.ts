/**
 * A network of N separate node processes on 127.0.0.1 … 127.0.0.N: observed, disturbed on request, judged at the end.
 *
 * The middle node is the seed: it knows no peer, and the others know only it, so some rank above it and some below. The
 * verdict rests on the nodes' admin APIs and logs, never on this module's own expectations.
 */
import { Clock, Effect, Random, Schedule, Stream } from "effect"
import type { FileSystem, PlatformError, Scope } from "effect"
import type { HttpClient } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import * as Limits from "../domain/Limits.ts"
import * as PairAgreement from "../domain/pair/PairAgreement.ts"
import type { Self } from "../layers/node/Self.ts"
import { monotonicMs } from "../layers/time/monotonicMs.ts"
import * as ChainVerdict from "./ChainVerdict.ts"
import type { Cut, Kill } from "./Facts.ts"
import * as LogEvents from "./LogEvents.ts"
import * as Members from "./Members.ts"
import * as Mixed from "./Mixed.ts"
import * as Partition from "./Partition.ts"
import * as Preflight from "./Preflight.ts"
import * as Replay from "./Replay.ts"
import * as SeedChain from "./SeedChain.ts"
import * as Verdict from "./Verdict.ts"

export interface Options {
  readonly nodes: number
  /** How long the network runs, including the start. */
  readonly seconds: number
  /** A node is killed this often; `undefined`: never. */
  readonly chaosSeconds: number | undefined
  /** Blocks of the synthetic devnet chain that the first node starts with; 0: none. */
  readonly chain: number
  /** All nodes make blocks. */
  readonly produce: boolean
  /** How long the network is split in two halves, once fully connected; `undefined`: not at all. */
  readonly partitionSeconds: number | undefined
  /** P2P port of every node; the admin API of each is on the next. */
  readonly port: number
  readonly transport: "plain" | "tls"
  /** An empty or new directory for logs and data directories. */
  readonly directory: string
  readonly self: Self
  /** Runs some nodes as daemons of the TIME network; `undefined`: none. Then all are on testnet, over TLS, and the daemons have the first `chain` blocks. */
  readonly daemons: Daemons | undefined
}

/** Starts daemons at `ips`, which dial `peers` by their own rules and end with the scope. The result returns their current reports. */
export type Daemons = (
  ips: ReadonlyArray<string>,
  peers: ReadonlyArray<string>
) => Effect.Effect<
  Effect.Effect<ReadonlyArray<Mixed.DaemonAccount>>,
  { readonly message: string },
  Scope.Scope
>

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
  /** The first node's blocks are being made, before any process starts. */
  | { readonly _tag: "Seeding"; readonly blocks: number }
  | { readonly _tag: "Stopping" }
  /** The run was interrupted: the verdict so far. Never OK. */
  | { readonly _tag: "Interrupted"; readonly verdict: Verdict.Verdict }

type Environment =
  | ChildProcessSpawner.ChildProcessSpawner
  | FileSystem.FileSystem
  | HttpClient.HttpClient
  | Scope.Scope

type Tell = (progress: Progress) => Effect.Effect<void>

/** This many turns, the first after one interval, regardless of how long each takes; one that would overlap the previous is skipped. */
const turns = (everyMs: number, count: number): Stream.Stream<void> =>
  Stream.tick(everyMs).pipe(Stream.drop(1), Stream.take(count), Stream.buffer({ capacity: 1, strategy: "dropping" }))

/** Kills a random node and respawns it. On a slow machine, waits at most `patienceMs` until a node runs. */
const killOne = Effect.fnUntraced(function*(
  self: Self,
  members: ReadonlyArray<Members.Member>,
  kills: Array<Kill>,
  tell: Tell,
  patienceMs: number
) {
  const isRunning = (member: Members.Member): boolean => member.state === "running"
  yield* Effect.sync(() => members.some(isRunning)).pipe(
    Effect.repeat({ until: (isAny) => isAny, schedule: Schedule.spaced(Limits.testnetLookMs) }),
    Effect.timeoutOption(patienceMs)
  )
  const running = members.filter(isRunning)
  const victim = running[yield* Random.nextIntBetween(0, Math.max(0, running.length - 1))]
  if (victim?.process === undefined) return
  yield* tell({ _tag: "Killed", ip: victim.ip, pid: victim.process.pid })
  const respawned = yield* Members.killAndRespawn(self, victim, Limits.testnetRespawnMs)
  if (respawned === undefined) return
  kills.push(respawned.kill)
  yield* tell({ _tag: "Respawned", ip: victim.ip, pid: respawned.pid })
})

/** Totals over the samples of a run. */
interface Samples {
  count: number
  duplicates: number
  seen: ReadonlyArray<Members.View>
}

/** Asks every node, and counts what the answers show. */
const ask = (members: ReadonlyArray<Members.Member>, samples: Samples) =>
  Effect.map(Members.viewAll(members), (seen) => {
    samples.seen = seen
    for (const { peers } of seen) {
      if (peers === undefined) continue
      samples.count += 1
      if (Verdict.isDuplicate(peers)) samples.duplicates += 1
    }
  })

/** Asks every node, and reports the sample. Fails if a node ended before any node ever answered: the network cannot run here. */
const sample = Effect.fnUntraced(function*(
  members: ReadonlyArray<Members.Member>,
  samples: Samples,
  startedAt: number,
  pairs: number,
  tell: Tell
) {
  yield* ask(members, samples)
  const ended = members.find((member) => member.state === "ended")
  if (ended !== undefined && samples.count === 0) {
    return yield* new Preflight.TestnetError({ detail: `a node did not start: ${yield* Members.lastWords(ended)}` })
  }
  const elapsedMs = (yield* monotonicMs) - startedAt
  const connected = Verdict.connectedPairs(samples.seen)
  yield* tell({ _tag: "Sample", elapsedMs, nodes: samples.seen, connected, pairs })
})

/**
 * Runs the network for its time and judges it. `tell` receives every event, and a sample once a second. All processes have ended
 * when this returns, fails or is interrupted.
 */
export const run = (
  options: Options,
  tell: Tell
): Effect.Effect<Verdict.Verdict, Preflight.TestnetError | PlatformError.PlatformError, Environment> =>
  Effect.gen(function*() {
    yield* Preflight.check(options)
    const numbers = options.daemons === undefined ? [] : Mixed.daemonsOf(options.nodes)
    if (options.chain > 0 && options.daemons === undefined) {
      yield* tell({ _tag: "Seeding", blocks: options.chain })
      yield* SeedChain.seed(`${options.directory}/node-1`, options.chain)
    }
    const startedAt = yield* monotonicMs
    const pairs = PairAgreement.pairs(options.nodes - numbers.length)
    const membership: Members.Options = {
      ...options,
      logLevel: "debug",
      network: options.daemons === undefined ? "devnet" : "testnet",
      daemons: numbers
    }
    const members = yield* Members.make(membership)
    const kills: Array<Kill> = []
    const daemons = options.daemons === undefined
      ? Effect.succeed([])
      : yield* options.daemons(numbers.map(Members.addressOf), members.map(({ ip }) => ip)).pipe(
        Effect.mapError(({ message }) => new Preflight.TestnetError({ detail: `a daemon did not start: ${message}` }))
      )
    yield* Members.startAll(membership, members)
    if (options.chaosSeconds !== undefined) {
      const everyMs = options.chaosSeconds * 1_000
      const lastMs = options.seconds * 1_000 - Limits.testnetQuietEndMs
      yield* turns(everyMs, Math.max(0, Math.floor(lastMs / everyMs))).pipe(
        Stream.runForEach(() =>
          Effect.flatMap(
            monotonicMs,
            (now) => killOne(options.self, members, kills, tell, Math.max(0, startedAt + lastMs - now))
          )
        ),
        Effect.forkScoped
      )
    }

    let cut: Cut | undefined
    const isWhole = (views: ReadonlyArray<Members.View>) =>
      Verdict.connectedPairs(views) === pairs && ChainVerdict.agree(views, options) &&
      (options.daemons === undefined || Mixed.judge(views, Effect.runSync(daemons)).problems.length === 0)
    if (options.partitionSeconds !== undefined) {
      const report = (is: Cut) =>
        Effect.suspend(() => {
          cut = is
          return tell({ _tag: "Partition", cut: is })
        })
      const whole = Effect.map(Members.viewAll(members), isWhole)
      yield* Effect.forkScoped(Partition.run({ members, seconds: options.partitionSeconds, isWhole: whole, report }))
    }

    const samples: Samples = { count: 0, duplicates: 0, seen: members.map(Members.unasked) }
    /** `stoppedAt`: later log lines do not count. */
    const conclude = Effect.fnUntraced(function*(stoppedAt: number) {
      yield* tell({ _tag: "Stopping" })
      const daemonAccounts = yield* daemons
      yield* Members.stopAll(members)
      const histories = yield* Effect.forEach(
        members,
        ({ ip, logFile }) => Effect.map(LogEvents.read(logFile), (events) => ({ ip, events }))
      )
      return Verdict.judge({
        accounts: samples.seen,
        history: Replay.replay(histories, kills, stoppedAt, cut),
        nodes: histories,
        asked: options,
        cut,
        daemons: options.daemons === undefined ? undefined : daemonAccounts,
        partitionSeconds: options.partitionSeconds,
        kills,
        samples: samples.count,
        duplicateSamples: samples.duplicates,
        crashes: members.filter((member) => member.state === "ended").length,
        directory: options.directory
      })
    })

    const look = sample(members, samples, startedAt, pairs, tell)
    const watch = Effect.gen(function*() {
      // Before the first node answers, all there is to show is that they are starting.
      yield* tell({ _tag: "Sample", elapsedMs: 0, nodes: members.map(Members.unasked), connected: 0, pairs })
      const startMs = (yield* monotonicMs) - startedAt
      yield* turns(Limits.testnetSampleMs, options.seconds).pipe(
        Stream.runForEach(() => look),
        Effect.timeoutOption(Math.max(0, options.seconds * 1_000 - startMs))
      )
      yield* look
      yield* Effect.sync(() => isWhole(samples.seen)).pipe(
        Effect.tap((whole) => whole ? Effect.void : ask(members, samples)),
        Effect.repeat({ until: (whole) => whole, schedule: Schedule.spaced(Limits.testnetLookMs) }),
        Effect.timeoutOption(Limits.testnetPatienceMs)
      )
    })
    yield* Effect.onInterrupt(watch, () =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        // Ctrl-C reaches the nodes as well, some of them before this process.
        const judged = yield* conclude(now - Limits.testnetSampleMs)
        const verdict = Verdict.interrupted(judged, ((yield* monotonicMs) - startedAt) / 1_000, options.seconds)
        yield* tell({ _tag: "Interrupted", verdict })
      }).pipe(Effect.ignore))
    return yield* conclude(yield* Clock.currentTimeMillis)
  })
