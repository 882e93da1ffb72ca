/** Facts of this process's host that defaults and checks depend on, and the default data directory. */
import { Effect, Result } from "effect"
import { homedir, userInfo } from "node:os"
import * as nodePath from "node:path"
import type { NetworkName } from "../../domain/Network.ts"
import type * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as HostAddresses from "../socket/HostAddresses.ts"
import { ConfigError } from "./ConfigError.ts"

/** Host facts that defaults and checks depend on. */
export interface Host {
  /** Absolute; `undefined` if HOME is not set and the user has no passwd entry. */
  readonly home: string | undefined
  /** Addresses of the local interfaces. */
  readonly addresses: ReadonlyArray<PeerIp.PeerIp>
}

/** HOME, or the passwd entry if HOME is empty or relative. Both calls throw for a uid without an entry. */
const homeDirectory = (): string | undefined => {
  for (const find of [homedir, () => userInfo().homedir]) {
    try {
      const home = find()
      if (nodePath.isAbsolute(home)) return home
    } catch {
      // This call does not know the home directory.
    }
  }
  return undefined
}

/** The host this process runs on. */
export const read: Effect.Effect<Host> = Effect.sync(() => ({
  home: homeDirectory(),
  addresses: HostAddresses.read() ?? []
}))

type Outcome<A> = Result.Result<A, ConfigError>

const homeOr = (home: string | undefined, input?: string): Outcome<string> =>
  home === undefined
    ? Result.fail(
      new ConfigError({
        where: "--data-dir",
        input,
        problem: input === undefined
          ? "there is no default, because this user has no home directory (HOME is not set, and there is no passwd entry)"
          : "cannot be expanded, because this user has no home directory (HOME is not set, and there is no passwd entry)",
        fix: "name an absolute directory"
      })
    )
    : Result.succeed(home)

/** `~/.timemesh/NETWORK`. */
export const defaultDataDir = (home: string | undefined, network: NetworkName): Outcome<string> =>
  Result.map(homeOr(home), (path) => `${path}/.timemesh/${network}`)

/** Expands a leading `~/`, for sources that no shell expands. */
export const expandHome = (home: string | undefined, directory: string): Outcome<string> =>
  directory === "~" || directory.startsWith("~/")
    ? Result.map(homeOr(home, directory), (path) => `${path}${directory.slice(1)}`)
    : Result.succeed(directory)
