/** Runs the program as an operator does: as a process of its own. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Option, Scope, Stream, SubscriptionRef } from "effect"
import { ChildProcess } from "effect/process"
import type { ChildProcessSpawner } from "effect/process"
import { program } from "../harness/bundled.ts"

/** The program, to be run by Node as it is. */
export const main = program

const command = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  ChildProcess.make(process.execPath, [main, ...args], { env: { ...env }, extendEnv: true, forceKillAfter: 6_000 })

type Needs = ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope

/** A test with a fresh directory; its processes end with it. Real processes on two busy cores take their time. */
export const e2e = (
  name: string,
  body: (directory: string, fs: FileSystem.FileSystem) => Effect.Effect<void, unknown, Needs>
) =>
  it.live(
    name,
    () =>
      Effect.scoped(Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* body(yield* fs.makeTempDirectoryScoped(), fs)
      })).pipe(Effect.provide(NodeServices.layer))
  )

/** Runs to the end. `signal` when it did not exit by itself. */
export const call = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* command(args, env)
    const [stdout, stderr, code] = yield* Effect.all([
      Stream.mkString(Stream.decodeText(child.stdout)),
      Stream.mkString(Stream.decodeText(child.stderr)),
      Effect.option(child.exitCode)
    ], { concurrency: "unbounded" })
    return { stdout, stderr, code: Option.getOrElse(Option.map(code, Number), () => "signal" as const) }
  }))

/** Starts it and returns. Everything written is kept; closing the scope ends the process. */
export const start = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const child = yield* command(args, env).pipe(Scope.provide(scope))
  const lines = yield* SubscriptionRef.make<ReadonlyArray<string>>([])
  yield* child.all.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => SubscriptionRef.update(lines, (all) => [...all, line])),
    Effect.ignore,
    Effect.forkIn(scope)
  )
  return {
    pid: child.pid,
    lines: SubscriptionRef.get(lines),
    /** Waits for a line that matches, written already or not. */
    line: (pattern: RegExp) =>
      SubscriptionRef.changes(lines).pipe(
        Stream.flatMap((all) => Stream.fromIterable(all.filter((line) => pattern.test(line)).slice(0, 1))),
        Stream.runHead,
        Effect.map(Option.getOrThrow)
      ),
    exitCode: Effect.map(child.exitCode, Number),
    signal: (killSignal: "SIGTERM" | "SIGINT" | "SIGKILL") => Effect.ignore(child.kill({ killSignal })),
    close: Scope.close(scope, Exit.void)
  }
})
