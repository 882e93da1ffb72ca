/** `timemesh run`: one node in the foreground, until SIGINT or SIGTERM. */
import { Clock, Effect, Fiber, Layer, Scope, Stdio, Stream } from "effect"
import type { Exit } from "effect"
import { Command, Flag } from "effect/cli"
import type { SocketServer } from "effect/socket"
import * as Limits from "../domain/Limits.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import * as AdminServer from "../layers/admin/AdminServer.ts"
import * as DaemonConfig from "../layers/config/DaemonConfig.ts"
import * as Loggers from "../layers/log/Loggers.ts"
import * as NodeLog from "../layers/NodeLog.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import * as PeerStoreFile from "../layers/store/PeerStoreFile.ts"
import { ConnectionManager } from "../services/ConnectionManager.ts"
import type { NodeConfig, NodeSetup } from "../services/NodeConfig.ts"
import type { NodeEvents } from "../services/NodeEvents.ts"
import type { PeerState } from "../services/PeerState.ts"
import type { PeerStore } from "../services/PeerStore.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import { software } from "./version.ts"

/** Makes a node of a set-up; `main` chooses how. `around` is built before the node, with its events in reach. */
export type MakeNode = (
  setup: NodeSetup,
  around: Layer.Layer<never, never, NodeEvents>
) => Layer.Layer<
  PeerState | ConnectionManager | NodeEvents | NodeConfig,
  SocketServer.SocketServerError,
  PeerStore
>

const announce = (config: DaemonConfig.DaemonConfig, admin: PeerAddress.PeerAddress | undefined) =>
  Effect.gen(function*() {
    const { address } = yield* ConnectionManager
    yield* DataDir.announce(config.dataDir, {
      network: config.node.network.name,
      listen: PeerAddress.format(address),
      admin: admin === undefined ? null : PeerAddress.format(admin),
      software,
      startedAt: yield* Clock.currentTimeMillis
    })
    if (admin !== undefined) yield* Effect.logInfo(`admin API on http://${PeerAddress.format(admin)}`)
  })

/** The whole daemon. The data directory comes first and goes last: its lock covers all the rest. */
const daemon = (config: DaemonConfig.DaemonConfig, makeNode: MakeNode) => {
  const { admin, dataDir, node } = config
  const front = admin === undefined
    ? Layer.effectDiscard(announce(config, undefined))
    : Layer.effectDiscard(Effect.flatMap(AdminServer.AdminServer, ({ address }) => announce(config, address))).pipe(
      Layer.provide(AdminServer.layer(admin))
    )
  return front.pipe(
    Layer.provide(makeNode(node, NodeLog.layer)),
    Layer.provide(PeerStoreFile.layer(dataDir)),
    Layer.provide(Layer.effectDiscard(DataDir.lock(dataDir)))
  )
}

const explain = (
  config: DaemonConfig.DaemonConfig,
  error: SocketServer.SocketServerError | AdminServer.AdminServerError | DataDir.DataDirError
): Failure.Failure => {
  switch (error._tag) {
    case "SocketServerError":
      return Failure.cannotListen(config.node.listen, error)
    case "AdminServerError":
      return Failure.cannotBind("the admin API", PeerAddress.format(error.address), "--admin IP:PORT", error.code)
    case "DataDirError":
      return Failure.unusable(error.message)
  }
}

/** ms. Leaves time to say so within `Limits.closeMs`. */
const closeMs = Limits.closeMs - 200

/** Closes the scope, but does not wait longer than a service manager should have to. */
const close = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>) =>
  Effect.gen(function*() {
    const closing = yield* Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true })
    const closed = yield* Effect.interruptible(Fiber.await(closing)).pipe(
      Effect.timeoutOption(closeMs)
    )
    if (closed._tag === "None") {
      yield* Effect.logError(`not closed within ${closeMs / 1_000} s; leaving all the same`)
      yield* Effect.sync(() => {
        process.exitCode = 1
      })
    }
  })

/** Ends when standard input does: a parent that was killed closes it. */
const standardInputEnds = Effect.flatMap(Stdio.Stdio, (stdio) => Effect.ignore(Stream.runDrain(stdio.stdin)))

const program = Effect.fnUntraced(function*(
  config: DaemonConfig.DaemonConfig,
  warnings: ReadonlyArray<string>,
  withParent: boolean,
  makeNode: MakeNode
) {
  yield* Effect.forEach(warnings, (warning) => Effect.logWarning(warning), { discard: true })
  // A signal is the proper way to end, even while the node is starting.
  yield* Effect.sync(() => {
    process.exitCode = 0
  })
  const scope = yield* Scope.make()
  yield* Effect.onExit(
    Effect.gen(function*() {
      yield* Layer.buildWithScope(daemon(config, makeNode), scope).pipe(
        Effect.mapError((error) => explain(config, error))
      )
      yield* withParent ? standardInputEnds : Effect.never
    }),
    (exit) => close(scope, exit)
  )
})

/** The command. Its exit code after SIGINT or SIGTERM is `process.exitCode`: see `main.ts`. */
export const make = (makeNode: MakeNode) =>
  Command.make(
    "run",
    {
      settings: flags.all,
      withParent: Flag.Boolean("with-parent").pipe(
        Flag.withDescription("Stop when standard input ends, for parents that may be killed"),
        Flag.withDefault(false)
      )
    },
    Effect.fnUntraced(function*({ settings, withParent }) {
      const { config, warnings } = yield* DaemonConfig.load(settings, software).pipe(
        Effect.mapError((error) => Failure.unusable(error.message))
      )
      const terminal = yield* Effect.flatMap(Stdio.Stdio, (stdio) => stdio.stdoutIsTerminal)
      yield* program(config, warnings, withParent, makeNode).pipe(
        Effect.provide(Loggers.layer({
          format: config.logFormat ?? (terminal ? "pretty" : "json"),
          level: config.logLevel,
          colours: terminal
        }))
      )
    })
  ).pipe(Command.withDescription("Run a node in the foreground. SIGINT and SIGTERM stop it cleanly, with exit code 0"))
