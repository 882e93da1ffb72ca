/** Examines what a node needs on this host, and queries the node that runs there. Changes nothing. */
import { Clock, Effect, Result } from "effect"
import type { FileSystem } from "effect"
import type { HttpClient } from "effect/http"
import * as fs from "node:fs/promises"
import * as Net from "node:net"
import { DatabaseSync } from "node:sqlite"
import * as Limits from "../../domain/Limits.ts"
import { formatListen } from "../../domain/NodeSetup.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type * as ConfigSources from "../../layers/config/ConfigSources.ts"
import * as DaemonConfig from "../../layers/config/DaemonConfig.ts"
import * as Settings from "../../layers/config/Settings.ts"
import { diskOf } from "../../layers/http/InsightHandlers.ts"
import * as DnsResolver from "../../layers/socket/DnsResolver.ts"
import * as OpenFiles from "../../layers/socket/OpenFiles.ts"
import * as AdminToken from "../../layers/store/AdminToken.ts"
import * as DataDir from "../../layers/store/DataDir.ts"
import { placeOf } from "../../layers/store/makeDirectory.ts"
import { systemCode } from "../../layers/store/systemError.ts"
import { NameResolver } from "../../services/NameResolver.ts"
import * as askNode from "../askNode.ts"
import { software } from "../version.ts"
import type { Answers, Database, Directory, Facts, NoAnswer, Port } from "./findings.ts"

/** The host facts that a test can replace. */
export interface Host {
  readonly nodeVersion: string
  readonly descriptors: number | undefined
  /** The disk that holds the directory. */
  readonly disk: (directory: string) => Effect.Effect<Directory["disk"]>
  /** The system's code if listening on the port fails. Without `ip`: on every address. */
  readonly bind: (ip: string | undefined, port: number) => Effect.Effect<string | undefined>
  /** The system's code if the name has no address. */
  readonly resolve: (name: string) => Effect.Effect<string | undefined>
  /** The system's code if nothing answers there. */
  readonly connect: (ip: string, port: number) => Effect.Effect<string | undefined>
}

/** The system's code; `undefined` if the socket opened. */
const attempt = (open: (done: (code: string | undefined) => void) => void): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => open((code) => resume(Effect.succeed(code))))

const bind = (ip: string | undefined, port: number) =>
  attempt((done) => {
    const server = Net.createServer()
    server.once("error", (error) => done(systemCode(error) ?? error.message))
    server.listen({ host: ip, port, exclusive: true }, () => server.close(() => done(undefined)))
  })

const connect = (ip: string, port: number) =>
  attempt((done) => {
    const socket = Net.connect({ host: ip, port })
    socket.once("error", (error) => done(systemCode(error) ?? error.message))
    socket.once("connect", () => {
      socket.destroy()
      done(undefined)
    })
  })

const resolve = (name: string): Effect.Effect<string | undefined> =>
  Effect.flatMap(NameResolver, (resolver) => resolver.resolve(name)).pipe(
    Effect.match({ onSuccess: () => undefined, onFailure: ({ code }) => code }),
    Effect.timeoutOrElse({ duration: Limits.seedResolveMs, orElse: () => Effect.succeed("no answer") }),
    Effect.provide(DnsResolver.layer())
  )

export const thisHost: Host = {
  nodeVersion: process.versions.node,
  descriptors: OpenFiles.read(),
  disk: diskOf,
  bind,
  resolve,
  connect
}

const exists = (path: string): Promise<boolean> => fs.stat(path).then(() => true, () => false)

/** Whether the database file can be read. Not used while a node runs, which has the file open. */
const databaseOf = (file: string): Effect.Effect<Database> =>
  Effect.promise(() => exists(file)).pipe(
    Effect.map((isThere): Database => {
      if (!isThere) return { state: "none" }
      try {
        const database = new DatabaseSync(file, { readOnly: true })
        try {
          database.prepare("SELECT count(*) FROM sqlite_master").get()
        } finally {
          database.close()
        }
        return { state: "readable" }
      } catch (error) {
        return { state: "damaged", why: `cannot be read: ${error instanceof Error ? error.message : String(error)}` }
      }
    })
  )

const changedAt = async (path: string): Promise<number | undefined> => {
  const names = await fs.readdir(path).catch(() => [])
  const times = await Promise.all(
    names.filter(DataDir.isNodeFile).map((name) => fs.stat(`${path}/${name}`).then(({ mtimeMs }) => mtimeMs, () => 0))
  )
  return times.length === 0 ? undefined : Math.max(...times)
}

const directoryOf = Effect.fnUntraced(function*(path: string, runs: boolean, host: Host) {
  const isThere = yield* Effect.promise(() => exists(path))
  const problem = yield* Effect.match(DataDir.check(path), {
    onSuccess: () => undefined,
    onFailure: ({ detail, fix }) => ({ what: `${path} ${detail}`, fix })
  })
  return {
    path,
    exists: isThere,
    problem,
    token: isThere ? yield* AdminToken.weakness(path) : undefined,
    changedAt: yield* Effect.promise(() => changedAt(path)),
    disk: yield* host.disk(isThere ? path : yield* Effect.promise(() => placeOf(path))),
    database: runs ? { state: "open" } : problem !== undefined ? undefined : yield* databaseOf(`${path}/chain.db`)
  } satisfies Directory
})

const portsOf = Effect.fnUntraced(
  function*({ admin, node: { listen } }: DaemonConfig.DaemonConfig, node: Answers | NoAnswer, host: Host) {
    const ports: Array<Port> = []
    if ("why" in node) {
      ports.push({
        of: "peers",
        address: formatListen(listen),
        flag: "--listen IP:PORT",
        code: yield* host.bind(listen.ip === "any" ? undefined : listen.ip, listen.port)
      })
      if (admin !== undefined) {
        ports.push({
          of: "admin API",
          address: PeerAddress.format(admin),
          flag: "--admin IP:PORT",
          code: yield* host.bind(admin.ip, admin.port)
        })
      }
      return ports
    }
    // A node that listens on every address listens on loopback too.
    const at = PeerAddress.fromString(node.status.listen.replace(/^(?:any|0\.0\.0\.0|\[::\]):/, "127.0.0.1:"), 0)
    if (Result.isFailure(at)) return ports
    return [{
      of: "peers",
      address: node.status.listen,
      flag: "--listen IP:PORT",
      code: yield* host.connect(at.success.ip, at.success.port)
    }]
  }
)

const { admin, adminToken, adminTokenFile, dataDir, network } = Settings.general
const asking: ReadonlySet<string> = new Set(
  [admin, adminToken, adminTokenFile, dataDir, network].map(({ name }) => name)
)

/** The running node that these settings would query, if any. Where a node listens by default does not show where this one listens. */
const answersOf = (flags: ConfigSources.Flags): Effect.Effect<
  Answers | NoAnswer,
  never,
  FileSystem.FileSystem | HttpClient.HttpClient
> =>
  askNode.ask(
    Object.fromEntries(Object.entries(flags).filter(([name]) => asking.has(name))),
    (client) => Effect.all({ status: client.status, resources: client.resources, clock: client.clock })
  ).pipe(Effect.match({
    onSuccess: (answers): Answers | NoAnswer => answers,
    onFailure: ({ exitCode, fix, isSilentNode, what }) => ({
      why: what,
      fix,
      isProblem: exitCode !== 1 || isSilentNode === true
    })
  }))

/** The facts of the node that the flags name. */
export const examine = (
  flags: ConfigSources.Flags,
  host: Host = thisHost
): Effect.Effect<Facts, never, FileSystem.FileSystem | HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const loaded = yield* Effect.result(DaemonConfig.load(flags, software))
    const common = { nodeVersion: host.nodeVersion, now, descriptors: host.descriptors }
    if (Result.isFailure(loaded)) {
      return {
        ...common,
        settings: loaded.failure,
        directory: undefined,
        ports: [],
        seeds: [],
        starts: 0,
        maxPeers: 0,
        node: { why: "", isProblem: false }
      }
    }
    const { config } = loaded.success
    const { peers, seeds = [] } = config.node
    const names = seeds.flatMap((seed) => seed._tag === "Name" ? [seed.name] : [])
    const node = config.admin === undefined
      ? { why: "its admin API is off (--admin off), so a node that runs cannot be asked", isProblem: false }
      : yield* answersOf(flags)
    return {
      ...common,
      settings: undefined,
      directory: yield* directoryOf(config.dataDir, !("why" in node), host),
      ports: yield* portsOf(config, node, host),
      seeds: yield* Effect.forEach(names, (name) => Effect.map(host.resolve(name), (code) => ({ name, code })), {
        concurrency: "unbounded"
      }),
      starts: peers.length + seeds.length - names.length,
      maxPeers: config.node.tuning.maxPeers,
      node
    }
  })
