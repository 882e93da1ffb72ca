/**
 * One node of a testnet: a process of its own, running `timemesh run`, its output appended to a log file.
 *
 * A child never outlives its parent: closing the scope stops it (SIGTERM, then SIGKILL), and a parent that is killed itself
 * closes the child's standard input, which `--with-parent` treats as the order to stop.
 */
import { Clock, Effect, Exit, Fiber, FileSystem, Option, Scope, Stream } from "effect"
import type { PlatformError } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { ChildProcess } from "effect/process"
import * as Limits from "../domain/Limits.ts"
import * as Settings from "../layers/config/Settings.ts"
import type { Self } from "../layers/node/Self.ts"

export interface NodeProcess {
  readonly pid: number
  /** Wall time of the spawn, ms. */
  readonly spawnedAt: number
  /** Waits until it has ended, by itself or not, and its output is written. */
  readonly ended: Effect.Effect<void>
  readonly isRunning: Effect.Effect<boolean>
  /** SIGKILL; waits for the end. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM, then SIGKILL if it takes longer than a clean stop may; waits for the end. */
  readonly stop: Effect.Effect<void>
}

/** The daemon's own variables, hidden from the child: only its flags configure it. */
const noSettings = Object.fromEntries(
  [...Settings.all, Settings.configFile].map(({ name }) => [Settings.environmentName(name), undefined])
)

export const spawn = Effect.fnUntraced(function*(
  self: Self,
  args: ReadonlyArray<string>,
  logFile: string
): Effect.fn.Return<
  NodeProcess,
  PlatformError.PlatformError,
  ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope
> {
  const fs = yield* FileSystem.FileSystem
  const scope = yield* Scope.fork(yield* Effect.scope)
  const [command, ...before] = self
  const spawnedAt = yield* Clock.currentTimeMillis
  const child = yield* ChildProcess.make(command, [...before, "run", "--with-parent", ...args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: noSettings,
    extendEnv: true,
    killSignal: "SIGTERM",
    forceKillAfter: Limits.testnetStopMs
  }).pipe(Scope.provide(scope))
  const written = yield* Stream.run(child.all, fs.sink(logFile, { flag: "a" })).pipe(
    Effect.ignore,
    Effect.forkIn(scope)
  )
  const ended = Effect.andThen(Effect.ignore(child.exitCode), Fiber.join(written))
  const end = (kill: Effect.Effect<void, PlatformError.PlatformError>) =>
    Effect.ignore(kill).pipe(Effect.andThen(ended), Effect.andThen(Scope.close(scope, Exit.void)))
  return {
    pid: child.pid,
    spawnedAt,
    ended,
    isRunning: Effect.map(Effect.option(child.isRunning), Option.getOrElse(() => false)),
    kill: end(child.kill({ killSignal: "SIGKILL" })),
    stop: end(child.kill({ killSignal: "SIGTERM", forceKillAfter: Limits.testnetStopMs }))
  }
})
