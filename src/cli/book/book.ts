/** The peer book that a command works on: that of a data directory. A command that changes it holds the lock that a running node would hold. */
import { Clock, Effect, type FileSystem, Layer, type Option, type Scope } from "effect"
import { type Network, networks } from "../../domain/Network.ts"
import { PeerBook } from "../../domain/peer/PeerBook.ts"
import * as SipHash from "../../domain/peer/SipHash.ts"
import * as Settings from "../../layers/config/Settings.ts"
import * as DataDir from "../../layers/store/DataDir.ts"
import { PeerStore, type StoredPeers } from "../../services/PeerStore.ts"
import { RandomBytes } from "../../services/RandomBytes.ts"
import { chosen, dataDirOf } from "../chain/target.ts"
import * as Failure from "../Failure.ts"
import * as flags from "../flags.ts"

/** Flags of the commands that work on a stored book. */
export const where = {
  "data-dir": flags.setting({
    ...Settings.general.dataDir,
    help: "Data directory whose peer book is meant (default ~/.timemesh/NETWORK)"
  }),
  network: flags.setting({ ...Settings.general.network, help: "The book's network (default testnet)" }),
  json: flags.json
}

export interface Where {
  readonly "data-dir": Option.Option<string>
  readonly network: Option.Option<string>
}

/** A book and its location. */
export interface Target {
  readonly network: Network
  readonly directory: string
}

export const locate = (told: Where): Effect.Effect<Target, Failure.Failure, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const { given, network: name = "testnet" } = yield* chosen({ "data-dir": told["data-dir"], network: told.network })
    return { network: networks[name], directory: yield* dataDirOf(given, name) }
  })

/** Holds the directory's lock: a running node would not read the changes, and would overwrite them. */
export const lock = ({ directory }: Target): Effect.Effect<void, Failure.Failure, Scope.Scope> =>
  Effect.mapError(
    DataDir.lock(directory),
    (error) => Failure.unusableWith(error, "to tell a running node of a peer: timemesh connect IP:PORT")
  )

export const withStore =
  ({ directory, network }: Target) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, PeerStore>> =>
    Effect.flatMap(
      Effect.promise(() => import("../../layers/store/PeerStoreSqlite.ts")),
      ({ layer }) => Effect.provide(effect, Layer.fresh(layer(directory, network)))
    )

/** The stored book, or an empty one with a key of its own. */
export const open = Effect.gen(function*() {
  const stored: StoredPeers = yield* Effect.flatMap(PeerStore, ({ load }) => load)
  const key = stored.key ?? (yield* RandomBytes)(16)
  const book = new PeerBook(SipHash.keyOf(key) ?? [0, 0, 0, 0])
  book.restore(stored.book, yield* Clock.currentTimeMillis)
  return { stored, key, book }
}).pipe(Effect.mapError((error) => Failure.unusable(error)))
