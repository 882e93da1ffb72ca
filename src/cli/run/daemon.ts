/** What `timemesh run` does: the whole daemon. Loaded on demand: it is all of the node. */
import { Clock, Effect, Fiber, Layer, Scope, Stdio, Stream } from "effect"
import type { Exit, Redacted } from "effect"
import { TerminalCapabilities } from "effect/cli"
import type { SocketServer } from "effect/socket"
import * as nodePath from "node:path"
import * as Limits from "../../domain/Limits.ts"
import { mayProduce } from "../../domain/NodeSetup.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerLimit from "../../domain/peer/PeerLimit.ts"
import type { Flags } from "../../layers/config/ConfigSources.ts"
import * as DaemonConfig from "../../layers/config/DaemonConfig.ts"
import { type EffectiveSetting, effectiveSettings } from "../../layers/config/effectiveSettings.ts"
import { usualTransport } from "../../layers/config/Values.ts"
import * as AdminServer from "../../layers/http/AdminServer.ts"
import { NodeFacts } from "../../layers/http/NodeFacts.ts"
import * as OtlpExport from "../../layers/http/OtlpExport.ts"
import * as Loggers from "../../layers/log/Loggers.ts"
import * as LogOutput from "../../layers/log/LogOutput.ts"
import * as NodeLog from "../../layers/log/NodeLog.ts"
import * as MasternodeKey from "../../layers/masternode/MasternodeKey.ts"
import * as DnsResolver from "../../layers/socket/DnsResolver.ts"
import * as OpenFiles from "../../layers/socket/OpenFiles.ts"
import * as TcpSocket from "../../layers/socket/TcpSocket.ts"
import * as TlsSocket from "../../layers/socket/TlsSocket.ts"
import * as AdminToken from "../../layers/store/AdminToken.ts"
import * as CertificateFile from "../../layers/store/CertificateFile.ts"
import * as DataDir from "../../layers/store/DataDir.ts"
import * as PeerStoreSqlite from "../../layers/store/PeerStoreSqlite.ts"
import * as PinsFile from "../../layers/store/PinsFile.ts"
import type { FileError } from "../../layers/store/PlainFiles.ts"
import * as StoreTimes from "../../layers/store/StoreTimes.ts"
import { systemCode } from "../../layers/store/systemError.ts"
import * as Producer from "../../layers/sync/Producer.ts"
import type { ChainStore, ChainStoreError } from "../../services/ChainStore.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { OwnMasternode } from "../../services/Masternodes.ts"
import type { NodeConfig, NodeSetup, NodeSetupError } from "../../services/NodeConfig.ts"
import type { NodeEvents } from "../../services/NodeEvents.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { PeerState } from "../../services/PeerState.ts"
import type { PeerStore } from "../../services/PeerStore.ts"
import type { Sync } from "../../services/Sync.ts"
import * as Failure from "../Failure.ts"
import * as nodeChain from "../nodeChain.ts"
import * as progress from "../progress.ts"
import * as serviceManager from "../serviceManager.ts"
import * as signals from "../signals.ts"
import { canAnimate } from "../terminal.ts"
import { software } from "../version.ts"

/** Builds a node from a set-up; `main` chooses how. `around` is built before the node, with access to its events. */
export type MakeNode = (
  setup: NodeSetup,
  around: Layer.Layer<never, never, NodeEvents>
) => Layer.Layer<
  PeerState | ConnectionManager | NodeEvents | NodeConfig | Sync,
  NodeSetupError | SocketServer.SocketServerError | ChainStoreError,
  PeerStore | ChainStore | PeerSocket
>

/** The flags as given. */
export interface Given {
  readonly settings: Flags
  readonly withParent: boolean
  readonly produce: boolean
}

const announce = (config: DaemonConfig.DaemonConfig, admin: PeerAddress.PeerAddress | undefined) =>
  Effect.gen(function*() {
    const { address } = yield* ConnectionManager
    yield* DataDir.announce(config.dataDir, {
      network: config.node.network.name,
      listen: PeerAddress.format(address),
      ...(admin === undefined ? {} : { admin: PeerAddress.format(admin) }),
      ...(config.adminToken.file === undefined ? {} : { adminTokenFile: nodePath.resolve(config.adminToken.file) }),
      software,
      startedAt: yield* Clock.currentTimeMillis
    })
    if (admin !== undefined) yield* Effect.logInfo(`admin API on http://${PeerAddress.format(admin)}`)
  })

/** Inputs of one run. */
interface Run {
  readonly config: DaemonConfig.DaemonConfig
  /** As the admin API shows them. */
  readonly settings: ReadonlyArray<EffectiveSetting>
  readonly warnings: ReadonlyArray<string>
  readonly withParent: boolean
  /** Produce test blocks: devnet only. */
  readonly produce: boolean
  /** Where the progress bar is drawn; without it, progress is logged. */
  readonly bar: progress.ProgressLine | undefined
  readonly makeNode: MakeNode
}

/** The masternode that the node announces itself as, if any. */
const ownMasternode = (settings: DaemonConfig.MasternodeSettings | undefined) =>
  settings === undefined ? Layer.empty : Layer.effect(
    OwnMasternode,
    Effect.map(
      MasternodeKey.load(settings.keyFile),
      (key) => MasternodeKey.identity(key, settings.tier, settings.collateral, settings.rewards)
    )
  )

const sockets = ({ dataDir, transport }: DaemonConfig.DaemonConfig) =>
  transport === "plain"
    ? TcpSocket.layer
    : TlsSocket.layer({ acceptPlain: false }).pipe(
      Layer.provide([CertificateFile.layer(dataDir), PinsFile.layer(dataDir)])
    )

/** On networks with other operators' nodes, plain TCP is a choice that the operator should see. */
const plainWarning = ({ node, transport }: DaemonConfig.DaemonConfig): ReadonlyArray<string> =>
  transport === usualTransport(node.network.name) || transport === "tls" ? [] : [
    `--transport plain: whoever is on the way reads and changes what peers of ${node.network.name} say to this node, and nodes that use TLS, ` +
    "the default, refuse it; for trusted networks only"
  ]

/** The peer limit that the limit of open files carries, with a warning where that is less than the configured one. */
const withinOpenFiles = (
  config: DaemonConfig.DaemonConfig
): { readonly config: DaemonConfig.DaemonConfig; readonly warnings: ReadonlyArray<string> } => {
  const { node } = config
  const { tuning } = node
  const openFiles = OpenFiles.read()
  const maxPeers = PeerLimit.carried(tuning.maxPeers, openFiles)
  if (maxPeers === tuning.maxPeers) return { config, warnings: [] }
  return {
    config: { ...config, node: { ...node, tuning: { ...tuning, maxPeers } } },
    warnings: [
      `peer limit lowered from ${tuning.maxPeers} to ${maxPeers}: ${openFiles} open files are allowed; raise the limit (ulimit -n ` +
      `${tuning.maxPeers + Limits.descriptorsBesides}, LimitNOFILE= of the unit), or lower --max-peers`
    ]
  }
}

/** The token that commands to this node need. */
const tokenOf = (
  { adminToken: { file, token }, dataDir }: DaemonConfig.DaemonConfig
): Effect.Effect<Redacted.Redacted, FileError | DataDir.DataDirError> =>
  token !== undefined
    ? Effect.succeed(token)
    : file !== undefined
    ? AdminToken.fromFile(file)
    : AdminToken.load(dataDir)

const adminServer = (admin: PeerAddress.PeerAddress, config: DaemonConfig.DaemonConfig) =>
  Layer.unwrap(
    Effect.map(tokenOf(config), (token) => AdminServer.layer(admin, { token, isClosed: config.adminIsClosed }))
  )

/** The whole daemon. The data directory's lock is taken first and released last: it covers everything else. */
const daemon = ({ bar, config, makeNode, produce, settings }: Run) => {
  const { admin, dataDir, masternode, node, otlp } = config
  const front = admin === undefined
    ? Layer.effectDiscard(announce(config, undefined))
    : Layer.effectDiscard(Effect.flatMap(AdminServer.AdminServer, ({ address }) => announce(config, address))).pipe(
      Layer.provide(adminServer(admin, config))
    )
  const telemetry = otlp === undefined ? Layer.empty : OtlpExport.layer(otlp)
  return Layer.mergeAll(front, telemetry, progress.layer(bar), produce ? Producer.layer() : Layer.empty).pipe(
    Layer.provide(
      makeNode({ ...node, produces: produce }, config.transport === "tls" ? NodeLog.layerTls : NodeLog.layer)
    ),
    Layer.provide([
      Layer.provideMerge(StoreTimes.peers, PeerStoreSqlite.layer(dataDir, node.network)),
      Layer.provide(StoreTimes.chain, nodeChain.layer(config)),
      ownMasternode(masternode),
      sockets(config),
      DnsResolver.layer()
    ]),
    Layer.provide([
      Layer.succeed(NodeFacts, { dataDir, settings }),
      StoreTimes.layer(),
      Layer.effectDiscard(DataDir.lock(dataDir))
    ]),
    Layer.merge(signals.layer)
  )
}

const explain = (
  config: DaemonConfig.DaemonConfig,
  error:
    | NodeSetupError
    | SocketServer.SocketServerError
    | AdminServer.AdminServerError
    | DataDir.DataDirError
    | ChainStoreError
    | FileError
): Failure.Failure => {
  switch (error._tag) {
    case "SocketServerError":
      return unbound(Failure.cannotListen(config.node.listen, error), systemCode(error))
    case "NodeSetupError":
    case "FileError":
      return Failure.lasting(error)
    case "AdminServerError":
      return unbound(
        Failure.cannotBind("the admin API", error.address, "--admin IP:PORT", error.code),
        error.code
      )
    case "DataDirError":
      return error.isBusy === true ? Failure.unusable(error) : Failure.lasting(error)
    case "ChainStoreError":
      return error.reason._tag === "Damaged" || error.reason._tag === "WrongNetwork"
        ? Failure.lasting(error)
        : Failure.unusable(error)
  }
}

/** A restart can help if the port is in use or the address is not up yet. A missing permission will be missing again. */
const unbound = (failure: Failure.Failure, code: string | undefined): Failure.Failure =>
  code === "EACCES" ? Failure.lasting(failure) : failure

/** ms. Leaves time to log a slow close within `Limits.closeMs`. */
const closeMs = Limits.closeMs - 200

/** Closes the scope, but gives up before a service manager's timeout. */
const close = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>) =>
  Effect.gen(function*() {
    const closing = yield* Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true })
    const closed = yield* Effect.interruptible(Fiber.await(closing)).pipe(
      Effect.timeoutOption(closeMs)
    )
    if (closed._tag === "None") {
      yield* Effect.logError(`not closed within ${closeMs / 1_000} s; exiting anyway`)
      // An orderly exit would wait for the threads that delay the close.
      yield* Effect.sync(() => process.kill(process.pid, "SIGKILL"))
    }
  })

/** Ends when standard input closes, as it does when the parent is killed. */
const standardInputEnds = Effect.flatMap(Stdio.Stdio, (stdio) => Effect.ignore(Stream.runDrain(stdio.stdin)))

const program = Effect.fnUntraced(function*(run: Run) {
  const { config, warnings, withParent } = run
  yield* Effect.forEach([...warnings, ...plainWarning(config)], (warning) => Effect.logWarning(warning), {
    discard: true
  })
  const scope = yield* Scope.make()
  yield* Effect.onExit(
    Effect.gen(function*() {
      yield* Layer.buildWithScope(daemon(run), scope).pipe(
        Effect.mapError((error) => explain(config, error))
      )
      yield* Layer.buildWithScope(serviceManager.layer, scope)
      yield* withParent ? standardInputEnds : Effect.never
    }),
    (exit) => close(scope, exit)
  )
})

/** Runs the node that the flags describe until a signal. */
export const run = Effect.fnUntraced(function*(makeNode: MakeNode, { produce, settings, withParent }: Given) {
  const loaded = yield* DaemonConfig.load(settings, software).pipe(
    Effect.mapError((error) => Failure.lasting(error))
  )
  const { given } = loaded
  const fitting = withinOpenFiles(loaded.config)
  const { config } = fitting
  if (produce && !mayProduce(config.node.network)) {
    return yield* Failure.lasting(
      `--produce is a test producer, not consensus, and works on devnet only, not on ${config.node.network.name}`,
      "use --network devnet"
    )
  }
  const terminal = yield* Effect.flatMap(Stdio.Stdio, (stdio) => stdio.stdoutIsTerminal)
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const output = LogOutput.standard()
  const bar = (yield* canAnimate("stdout")) ? progress.onTerminal(process.stdout, output.hint) : undefined
  yield* program({
    config,
    settings: effectiveSettings(config, given),
    warnings: [...loaded.warnings, ...fitting.warnings],
    withParent,
    produce,
    bar,
    makeNode
  }).pipe(
    Effect.provide(Loggers.layer({
      format: config.logFormat ?? (terminal ? "pretty" : "json"),
      level: config.logLevel,
      colours: canColor,
      output,
      before: bar?.clear
    }))
  )
})
