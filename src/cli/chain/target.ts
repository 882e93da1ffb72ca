/** The chain that a command works on: that of a data directory, or a file. The command holds the lock that a running node would hold. */
import { Effect, Option, Result } from "effect"
import type { FileSystem, Scope } from "effect"
import { Flag } from "effect/cli"
import * as nodePath from "node:path"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import type { NetworkName } from "../../domain/Network.ts"
import * as ChainDatabase from "../../layers/chain/ChainDatabase.ts"
import * as ConfigSources from "../../layers/config/ConfigSources.ts"
import * as Settings from "../../layers/config/Settings.ts"
import * as ThisHost from "../../layers/config/ThisHost.ts"
import * as Values from "../../layers/config/Values.ts"
import * as DataDir from "../../layers/store/DataDir.ts"
import * as FileLock from "../../layers/store/FileLock.ts"
import * as PlainFile from "../../layers/store/PlainFiles.ts"
import type { ChainStore, ChainStoreError } from "../../services/ChainStore.ts"
import * as Failure from "../Failure.ts"
import * as flags from "../flags.ts"
import { ofStore } from "../storeFailure.ts"

/** Flags of every command that works on a stored chain. */
export const where = {
  "data-dir": flags.setting({
    ...Settings.general.dataDir,
    help: "Data directory that holds the chain (default ~/.timemesh/NETWORK)"
  }),
  network: flags.setting({
    ...Settings.general.network,
    help: "Network of the chain (default: as recorded in the database, else testnet)"
  }),
  file: Flag.String("file").pipe(
    Flag.withMetavar("DB"),
    Flag.withDescription("Database file, instead of the one in a data directory"),
    Flag.optional
  ),
  json: flags.json
}

export interface Where {
  readonly "data-dir": Option.Option<string>
  readonly network: Option.Option<string>
  readonly file: Option.Option<string>
}

export interface Target {
  readonly network: NetworkName
  readonly params: ChainParams
  /** The SQLite file. */
  readonly filename: string
}

/** The network with that name. `flag`: where it was given. */
export const networkNamed = (text: string, flag: string): Effect.Effect<NetworkName, Failure.Failure> => {
  const read = Values.network(text)
  return Result.isSuccess(read)
    ? Effect.succeed(read.success.name)
    : Effect.fail(Failure.unusable(`${flag}: "${text}" ${read.failure[0]}`, read.failure[1]))
}

const lockDirectory = (directory: string) =>
  Effect.mapError(
    DataDir.lock(directory),
    (error) => Failure.unusableWith(error, "a running node answers: timemesh status")
  )

/** A database outside of a data directory has its own lock file beside it. */
const lockFile = (filename: string) =>
  Effect.gen(function*() {
    const directory = nodePath.dirname(filename)
    const inDataDir = nodePath.basename(filename) === "chain.db" ||
      (yield* Effect.mapError(DataDir.exists(directory), (error) => Failure.unusable(error)))
    if (inDataDir) return yield* lockDirectory(directory)
    yield* Effect.mapError(FileLock.take(`${filename}.lock`), (error) => Failure.unusable(error))
  })

/** The canonical name of a file: two names of one database would mean two locks. */
const realFile = (name: string) =>
  Effect.gen(function*() {
    const filename = yield* PlainFile.realName(name)
    const stats = yield* PlainFile.plain(filename)
    if (Option.isSome(stats) && stats.value.nlink > 1) {
      return yield* new PlainFile.FileError({
        file: filename,
        detail: `has ${stats.value.nlink} hard links, and SQLite needs a database to have one name`,
        fix: "copy it"
      })
    }
    return { filename, there: Option.isSome(stats) }
  }).pipe(Effect.mapError((error) => Failure.unusable(error)))

/** The settings given by flags (by setting name), environment and config file, and the network they name, if any. */
export const chosen = (told: Readonly<Record<string, Option.Option<string>>>) =>
  Effect.gen(function*() {
    const { given } = yield* Effect.mapError(
      ConfigSources.collect(flags.toFlags(told)),
      (error) => Failure.unusable(error)
    )
    const named = given.get(Settings.general.network.name)
    const text = named?.values[0]
    return { given, network: text === undefined ? undefined : yield* networkNamed(text, named?.where ?? "--network") }
  })

/**
 * Finds the chain, and holds its lock until the scope closes. `make`: a missing chain is not an error.
 */
export const locate = (
  told: Where,
  make = false
): Effect.Effect<Target, Failure.Failure, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const { given, network } = yield* chosen({ "data-dir": told["data-dir"], network: told.network })
    const dataDir = Option.isSome(told.file) ? undefined : yield* dataDirOf(given, network ?? "testnet")
    const { filename, there } = yield* realFile(
      dataDir === undefined ? Option.getOrElse(told.file, () => "") : ChainDatabase.fileIn(dataDir)
    )
    if (!there && !make) {
      return yield* Failure.failed(
        `there is no chain at ${filename}`,
        "name another place with --data-dir DIR, --network NAME or --file DB"
      )
    }
    yield* dataDir === undefined ? lockFile(filename) : lockDirectory(dataDir)
    const found = network ?? (there ? yield* ChainDatabase.networkIn(filename) : undefined) ?? "testnet"
    return { network: found, params: chainParams[found], filename }
  })

/** The data directory in the settings, or that network's default. */
export const dataDirOf = (given: ConfigSources.GivenSettings, network: NetworkName) =>
  Effect.gen(function*() {
    const { home } = yield* ThisHost.read
    const directory = given.get(Settings.general.dataDir.name)?.values[0]
    return yield* Effect.fromResult(
      directory === undefined ? ThisHost.defaultDataDir(home, network) : ThisHost.expandHome(home, directory)
    )
  }).pipe(Effect.mapError((error) => Failure.unusable(error)))

/** Opens the chain's store for the effect. Store errors pass unchanged. */
export const withStore =
  ({ filename, network }: Target) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | ChainStoreError, Exclude<R, ChainStore>> =>
    Effect.flatMap(
      Effect.promise(() => import("../../layers/chain/ChainStoreSql.ts")),
      ({ layerSqlite }) => Effect.provide(effect, layerSqlite({ filename, ...ChainDatabase.storeOptions(network) }))
    )

/** Converts a store failure to a command failure. */
export const orFail = <A, E, R>(
  effect: Effect.Effect<A, E | ChainStoreError, R>
): Effect.Effect<A, Exclude<E, ChainStoreError> | Failure.Failure, R> =>
  Effect.mapError(effect, (error) => {
    const tagged: unknown = error
    return isStoreError(tagged) ? ofStore(tagged) : error as Exclude<E, ChainStoreError>
  })

const isStoreError = (error: unknown): error is ChainStoreError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "ChainStoreError"
