/** A PostgreSQL server of the tests' own: an unprivileged user's, in a directory of its own, on a unix socket. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Context, Effect, Exit, FileSystem, Layer, Scope, Semaphore } from "effect"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { chown } from "node:fs/promises"

/** Where Debian puts the newest server, or the usual places; `undefined` without one. */
export const binaries = ((): string | undefined => {
  const debian = "/usr/lib/postgresql"
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const places = [
    ...versions.map((version) => `${debian}/${version}/bin`),
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin"
  ]
  return places.find((place) => existsSync(`${place}/initdb`) && existsSync(`${place}/postgres`))
})()

/** The server refuses to run as root: then as the user Debian made for it, or as nobody. */
const user = (() => {
  if (process.getuid?.() !== 0) return {}
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? []
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) }
})()

const exited = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) resume(Effect.void)
    else child.once("exit", () => resume(Effect.void))
  })

const start = (directory: string) =>
  Effect.acquireRelease(
    Effect.callback<ChildProcess>((resume) => {
      const child = spawn(`${binaries}/postgres`, [
        "-D",
        `${directory}/data`,
        "-k",
        directory,
        "-c",
        "listen_addresses=",
        // Processes are killed here, never the machine: what was written is there, and a restart need not sync every file.
        "-c",
        "fsync=off"
      ], {
        ...user,
        cwd: directory,
        stdio: ["ignore", "ignore", "pipe"]
      })
      let said = ""
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said += text
        if (said.includes("ready to accept connections")) resume(Effect.succeed(child))
      })
      child.once("exit", () => resume(Effect.die(new Error(`postgres: ${said}`))))
    }),
    (child) => Effect.andThen(Effect.sync(() => child.kill("SIGINT")), exited(child))
  )

export class PostgresServer extends Context.Service<PostgresServer, {
  /** Directory of the socket: the `host` to connect to. */
  readonly host: string
  readonly username: string
  /** A name for a new database. */
  readonly nextName: Effect.Effect<string>
  /** As a power cut: no shutdown, connections break. */
  readonly crash: Effect.Effect<void>
  readonly restart: Effect.Effect<void>
}>()("timemesh/test/layers/postgresServer/PostgresServer") {}

const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  const scope = yield* Effect.scope
  if (user.uid !== undefined) yield* Effect.promise(() => chown(directory, user.uid, user.gid))
  const made = yield* Effect.sync(() =>
    spawnSync(
      `${binaries}/initdb`,
      ["-D", `${directory}/data`, "-U", "timemesh", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
      { ...user, cwd: directory, encoding: "utf8" }
    )
  )
  if (made.status !== 0) return yield* Effect.die(new Error(`initdb: ${made.stderr}`))
  let names = 0
  let running = yield* Scope.fork(scope)
  let child = yield* Scope.provide(start(directory), running)
  const one = yield* Semaphore.make(1)
  return PostgresServer.of({
    host: directory,
    username: "timemesh",
    nextName: Effect.sync(() => `chain_${++names}`),
    crash: one.withPermit(Effect.suspend(() => {
      child.kill("SIGQUIT")
      return Effect.andThen(exited(child), Scope.close(running, Exit.void))
    })),
    restart: one.withPermit(Effect.gen(function*() {
      running = yield* Scope.fork(scope)
      child = yield* Scope.provide(start(directory), running)
    }))
  })
})

export const layer = Layer.effect(PostgresServer, make).pipe(Layer.provide(NodeFileSystem.layer), Layer.orDie)
