/** Finds the running node a command addresses: `--admin`, otherwise the `node.json` of a data directory. */
import { Effect, Option, Result } from "effect"
import type { FileSystem } from "effect"
import type { HttpClient } from "effect/http"
import { networkNames } from "../domain/Network.ts"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import * as ConfigSources from "../layers/config/ConfigSources.ts"
import * as DaemonConfig from "../layers/config/DaemonConfig.ts"
import * as Settings from "../layers/config/Settings.ts"
import * as Values from "../layers/config/Values.ts"
import * as AdminClient from "../layers/http/AdminClient.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import * as Failure from "./Failure.ts"

const { admin, dataDir, network } = Settings.general

const parseAdmin = (text: string, where: string): Effect.Effect<PeerAddress.PeerAddress, Failure.Failure> => {
  const address = PeerAddress.fromString(text, 0)
  return Result.isSuccess(address)
    ? Effect.succeed(address.success)
    : Effect.fail(
      Failure.unusable(`${where}: "${text}" is not an admin API address; use IP:PORT, for example 127.0.0.1:24101`)
    )
}

/** The `node.json` of each directory that has one. */
const running = (directories: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(
      directories,
      (directory) => Effect.map(DataDir.read(directory), Option.map((file) => ({ directory, file })))
    ),
    (files) => files.flatMap(Option.toArray)
  )

const locate = Effect.fnUntraced(function*(flags: ConfigSources.Flags) {
  const { given } = yield* Effect.mapError(
    ConfigSources.collect(flags),
    (error) => Failure.unusable(error.message)
  )
  const address = given.get(admin.name)
  if (address?.values[0] !== undefined) return yield* parseAdmin(address.values[0], address.where)
  const { home } = yield* DaemonConfig.thisHost
  const directory = given.get(dataDir.name)?.values[0]
  const chosen = given.get(network.name)
  const chosenName = chosen?.values[0]
  if (chosenName !== undefined && Result.isFailure(Values.network(chosenName))) {
    return yield* Failure.unusable(
      `${chosen?.where}: "${chosenName}" is not a network; use testnet, mainnet or devnet`
    )
  }
  const networks = networkNames.filter((name) => chosenName === undefined || name === chosenName)
  const directories = directory === undefined
    ? networks.map((name) => DaemonConfig.defaultDataDir(home, name))
    : [DaemonConfig.expandHome(home, directory)]
  const found = yield* running(directories)
  const [only] = found
  if (only === undefined) {
    return yield* Failure.failed(
      `no node is running in ${
        directories.join(", ")
      }; start one with timemesh run, or name it with --data-dir DIR or ` +
        "--admin IP:PORT"
    )
  }
  if (found.length > 1) {
    return yield* Failure.failed(
      `several nodes are running (${found.map(({ file }) => file.network).join(", ")}); choose one with --network NAME`
    )
  }
  if (only.file.admin === null) {
    return yield* Failure.failed(
      `the node in ${only.directory} has no admin API (--admin off); restart it with --admin IP:PORT`
    )
  }
  return yield* parseAdmin(only.file.admin, `${only.directory}/node.json`)
})

/** A client of the node that flags, environment or config file name. */
export const client = (
  flags: ConfigSources.Flags
): Effect.Effect<AdminClient.AdminClient, Failure.Failure, FileSystem.FileSystem | HttpClient.HttpClient> =>
  Effect.flatMap(locate(flags), AdminClient.make)

/** A failed request as a failure of the command. */
export const orFail = <A, R>(
  answer: Effect.Effect<A, AdminClient.AdminClientError, R>
): Effect.Effect<A, Failure.Failure, R> =>
  Effect.mapError(
    answer,
    (error) => error.kind === "refused" ? Failure.unusable(error.detail) : Failure.failed(error.message)
  )
