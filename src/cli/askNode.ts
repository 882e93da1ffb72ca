/**
 * Queries a running node: the one at `--admin`, otherwise the one whose `node.json` is in a data directory.
 *
 * A killed node leaves its `node.json` behind, and another node may answer at the address it names. So a node found
 * through its data directory must hold that directory's lock, and answer as the process and network that `node.json` names.
 */
import { Effect, Option, Result } from "effect"
import type { FileSystem, Redacted } from "effect"
import type { HttpClient } from "effect/http"
import { networkNames } from "../domain/Network.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import * as ConfigSources from "../layers/config/ConfigSources.ts"
import * as DaemonConfig from "../layers/config/DaemonConfig.ts"
import * as Settings from "../layers/config/Settings.ts"
import * as ThisHost from "../layers/config/ThisHost.ts"
import * as Values from "../layers/config/Values.ts"
import * as AdminClient from "../layers/http/AdminClient.ts"
import * as AdminToken from "../layers/store/AdminToken.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import * as Failure from "./Failure.ts"

const { admin, dataDir, network } = Settings.general

/** A node named by a data directory. */
interface Found {
  readonly directory: string
  readonly file: DataDir.NodeFile
  /** Whether the node's process holds the directory's lock. */
  readonly runs: boolean
  /** The process that holds the lock instead: another command, such as `chain verify`. */
  readonly user: number | undefined
}

const byAddress = "ask the node by its address: --admin IP:PORT"

const parseAdmin = (text: string, where: string): Effect.Effect<PeerAddress.PeerAddress, Failure.Failure> => {
  const address = PeerAddress.fromString(text, 0)
  return Result.isSuccess(address)
    ? Effect.succeed(address.success)
    : Effect.fail(
      Failure.unusable(`${where}: "${text}" is not an admin API address`, "use IP:PORT, for example 127.0.0.1:24101")
    )
}

const processExists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** The nodes that the directories name. */
const findIn = (directories: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Found>, Failure.Failure> =>
  Effect.forEach(directories, (directory) =>
    Effect.gen(function*() {
      const file = yield* Effect.mapError(
        DataDir.read(directory),
        ({ fix, what }) => Failure.unusable(what, `${fix === undefined ? "" : `${fix}, or `}${byAddress}`)
      )
      if (Option.isNone(file)) return []
      const { pid } = file.value
      const held = Option.getOrElse(yield* DataDir.isHeld(directory), () => processExists(pid))
      const holder = Option.getOrElse(yield* DataDir.holderOf(directory), () => pid)
      return [{
        directory,
        file: file.value,
        runs: held && holder === pid,
        user: held && holder !== pid ? holder : undefined
      }]
    })).pipe(Effect.map((found) => found.flat()))

const died = ({ directory, file, user }: Found): string =>
  `the node in ${directory} is not running (process ${file.pid} died)` +
  (user === undefined ? "" : `, and another timemesh command uses the directory (process ${user})`)

const settingsOf = Effect.fnUntraced(function*(flags: ConfigSources.Flags) {
  const { given } = yield* Effect.mapError(ConfigSources.collect(flags), (error) => Failure.unusable(error))
  const chosen = given.get(network.name)
  const name = chosen?.values[0]
  const read = name === undefined ? undefined : Values.network(name)
  if (read !== undefined && Result.isFailure(read)) {
    return yield* Failure.unusable(`${chosen?.where}: "${name}" ${read.failure[0]}`, read.failure[1])
  }
  return { given, network: name }
})

/** The one node that the data directories name. */
const locate = Effect.fnUntraced(function*(directory: string | undefined, chosen: string | undefined) {
  const { home } = yield* ThisHost.read
  const names = networkNames.filter((name) => chosen === undefined || name === chosen)
  const directories = yield* Effect.mapError(
    Effect.fromResult(
      directory === undefined
        ? Result.all(names.map((name) => ThisHost.defaultDataDir(home, name)))
        : Result.map(ThisHost.expandHome(home, directory), (expanded) => [expanded])
    ),
    (error) => Failure.unusable(error)
  )
  const found = yield* findIn(directories)
  const running = found.filter(({ runs }) => runs)
  const [only] = running
  if (running.length > 1) {
    return yield* Failure.failed(
      `several nodes are running (${running.map(({ file }) => file.network).join(", ")})`,
      "choose one with --network NAME"
    )
  }
  if (only !== undefined) return only
  if (found.length === 0) {
    return yield* Failure.failed(
      `no node is running in ${directories.join(", ")}`,
      "start one with timemesh run, or name it with --data-dir DIR or --admin IP:PORT"
    )
  }
  const isUsed = found.some(({ user }) => user !== undefined)
  return yield* Failure.failed(
    found.map(died).join(", and "),
    `start it again with timemesh run${isUsed ? " when that command is done" : ""}`
  )
})

/** Converts a failed request to a failure of the command. */
const failureOf = (error: AdminClient.AdminClientError): Failure.Failure =>
  error.kind === "refused" || error.kind === "unauthorized"
    ? Failure.unusable(error.detail, error.fix)
    : Failure.failed(error.kind === "absent" ? error.detail : error.what, error.fix)

/** The token given by flags, environment or config file. */
const givenToken = Effect.fnUntraced(function*(given: ConfigSources.GivenSettings) {
  const { home } = yield* ThisHost.read
  const { file, token } = yield* Effect.mapError(
    Effect.fromResult(DaemonConfig.readToken(given, home)),
    (error) => Failure.unusable(error)
  )
  if (file === undefined) return token
  return yield* Effect.mapError(AdminToken.fromFile(file), (error) => Failure.unusable(error))
})

/** The token of a node found through its data directory, if this user may read it. */
const tokenOf = ({ directory, file: { adminTokenFile } }: Found) =>
  adminTokenFile === undefined ? AdminToken.find(directory) : Effect.option(AdminToken.fromFile(adminTokenFile))

/** The client of a node found through its data directory, once the node has proved its identity. */
const verified = Effect.fnUntraced(function*(found: Found, token: Redacted.Redacted | undefined) {
  const { directory, file } = found
  if (file.admin === null || file.admin === undefined) {
    return yield* Failure.failed(
      `the node in ${directory} (process ${file.pid}) has no admin API (--admin off)`,
      "restart it with --admin IP:PORT"
    )
  }
  const client = yield* AdminClient.make(
    yield* parseAdmin(file.admin, `${directory}/node.json`),
    token === undefined ? tokenOf(found) : Effect.succeedSome(token)
  )
  const status = yield* Effect.mapError(
    client.status,
    (error) =>
      error.kind === "unauthorized" ? failureOf(error) : new Failure.Failure({
        what: `the node in ${directory} runs (process ${file.pid}), but does not answer: ${error.what}`,
        fix: "read its log",
        exitCode: 1,
        isSilentNode: true
      })
  )
  if (status.pid !== file.pid || status.network !== file.network) {
    return yield* Failure.failed(
      `${died(found)}`,
      `at ${file.admin} another node answers (process ${status.pid}, ${status.network})`
    )
  }
  return client
})

/**
 * The token for the node at `admin`, if one of the data directories belongs to that node. Only the process that holds the directory's lock can have
 * written its address there, so no other node receives the token.
 */
const tokenAt = Effect.fnUntraced(function*(
  admin: PeerAddress.PeerAddress,
  directory: string | undefined,
  chosen: string | undefined
) {
  const found = yield* Effect.orElseSucceed(locate(directory, chosen), () => undefined)
  return found?.file.admin === PeerAddress.format(admin) ? yield* tokenOf(found) : Option.none()
})

/** Services needed to query a node. */
export type Needs = FileSystem.FileSystem | HttpClient.HttpClient

/** Queries the node that flags, environment or config file name. */
export const ask = <A>(
  flags: ConfigSources.Flags,
  question: (client: AdminClient.AdminClient) => Effect.Effect<A, AdminClient.AdminClientError>
): Effect.Effect<A, Failure.Failure, Needs> =>
  Effect.gen(function*() {
    const { given, network: chosen } = yield* settingsOf(flags)
    const address = given.get(admin.name)
    const text = address?.values[0]
    const directory = given.get(dataDir.name)?.values[0]
    const token = yield* givenToken(given)
    if (text === undefined) {
      const client = yield* verified(yield* locate(directory, chosen), token)
      return yield* Effect.mapError(question(client), failureOf)
    }
    const at = yield* parseAdmin(text, address?.where ?? "--admin")
    const client = yield* AdminClient.make(
      at,
      token === undefined ? tokenAt(at, directory, chosen) : Effect.succeedSome(token)
    )
    return yield* Effect.mapError(question(client), failureOf)
  })
