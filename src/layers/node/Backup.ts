/**
 * A backup of all that a node keeps, made while it runs or not: a directory with the files under their own names, and `backup.json`, which
 * lists each with its size and SHA-256.
 *
 * Each database is copied as of one commit, without holding up the node that writes to it. Two databases of one backup may be a moment apart
 * and need not agree. A backup holds the node's private keys, so it is for its owner alone (mode 0700). It appears under its final name only
 * once it is complete.
 */
import { Data, DateTime, Effect, Option, Schema, type Scope } from "effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import * as fs from "node:fs/promises"
import * as nodePath from "node:path"
import { pipeline } from "node:stream/promises"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames } from "../../domain/Network.ts"
import * as Problem from "../../domain/Problem.ts"
import * as ChainDatabase from "../chain/ChainDatabase.ts"
import * as MasternodeKey from "../masternode/MasternodeKey.ts"
import * as SqliteCopy from "../sql/SqliteCopy.ts"
import * as DataDir from "../store/DataDir.ts"
import { makeDirectory } from "../store/makeDirectory.ts"
import { FileError, flush, plain, PlainFiles } from "../store/PlainFiles.ts"
import { systemFix, systemReason } from "../store/systemError.ts"

/** What a backup may hold, in the order in which it is restored: no other file of a data directory outlives the process. */
const databases = ["chain.db", "peers.db"] as const
const texts = ["pins.json", "certificate.pem", MasternodeKey.fileName] as const
const names = [...databases, ...texts]
const isDatabase = (name: string): boolean => databases.some((database) => database === name)

const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))

/** The content of `backup.json`. */
export const Manifest = Schema.Struct({
  version: Schema.Literal(1),
  software: Schema.String,
  /** Wall time, ms. */
  createdAt: Schema.Finite,
  network: Schema.Literals(networkNames),
  /** Tip of the chain; absent without a chain. */
  chain: Schema.optional(Schema.Struct({ height: Schema.Int, hash: Schema.String })),
  /** `size`: bytes. */
  files: Schema.Array(Schema.Struct({ name: Schema.Literals(names), size: Schema.Int, sha256: Sha256 }))
})
export type Manifest = typeof Manifest.Type

const ManifestJson = Schema.fromJsonString(Manifest)
const manifestName = "backup.json"

/**
 * Why a backup was not made, or not restored. `Missing`: there is no node to back up, or no backup there. `Exists`: the target already exists.
 * `Target`: it cannot be made there. `Damaged`: the files do not match the manifest. `Failed`: the system or SQLite refused.
 */
export class BackupError extends Data.TaggedError("BackupError")<{
  readonly reason: "Missing" | "NoCopy" | "Exists" | "Target" | "Damaged" | "Failed"
  readonly what: string
  readonly fix?: string | undefined
}> {
  override get message() {
    return Problem.text(this)
  }
}

const failed = ({ fix, what }: Problem.Problem) => new BackupError({ reason: "Failed", what, fix })

const attempt = <A>(
  what: string,
  run: () => Promise<A>,
  reason: BackupError["reason"] = "Failed"
): Effect.Effect<A, BackupError> =>
  Effect.tryPromise({
    try: run,
    catch: (error) =>
      new BackupError({
        reason,
        ...(error instanceof FileError
          ? { what: error.what, fix: error.fix }
          : { what: `${what}: ${systemReason(error)}`, fix: systemFix(error) })
      })
  })

const isThere = (file: string): Effect.Effect<boolean, BackupError> =>
  Effect.mapBoth(plain(file), { onFailure: failed, onSuccess: Option.isSome })

/** Copies a file, readable by its owner alone, and flushes it to disk. */
const copyText = (from: string, to: string) =>
  attempt(`${from} cannot be copied to ${to}`, async () => {
    await fs.copyFile(from, to, fs.constants.COPYFILE_EXCL)
    await fs.chmod(to, 0o600)
    await flush(to)
  })

const described = (directory: string, name: Manifest["files"][number]["name"]) =>
  attempt(`${directory}/${name} cannot be read`, async () => {
    const hash = createHash("sha256")
    await pipeline(createReadStream(`${directory}/${name}`), hash)
    return { name, size: (await fs.stat(`${directory}/${name}`)).size, sha256: hash.digest("hex") }
  })

/** A temporary directory beside the target, for its owner alone; removed with the scope unless it was renamed to the target. */
const aside = (place: string): Effect.Effect<string, BackupError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(`${place} cannot be made`, async () => {
      await makeDirectory(nodePath.dirname(place))
      return await fs.mkdtemp(`${place}.unfinished-`)
    }, "Target"),
    (directory) => Effect.promise(() => fs.rm(directory, { recursive: true, force: true }).catch(() => {}))
  )

const requireFree = Effect.fnUntraced(function*(out: string, directory: string) {
  const isFree = yield* Effect.mapBoth((yield* PlainFiles).exists(out), {
    onFailure: ({ what }) => new BackupError({ reason: "Target", what, fix: "name another place" }),
    onSuccess: (found) => !found
  })
  if (!isFree) {
    return yield* new BackupError({ reason: "Exists", what: `${out} already exists`, fix: "name another directory" })
  }
  // Whatever takes the one would take the other.
  if (nodePath.resolve(out).startsWith(`${nodePath.resolve(directory)}${nodePath.sep}`)) {
    return yield* new BackupError({
      reason: "Target",
      what: `${out} is within the data directory ${directory}`,
      fix: "name a place elsewhere, best on another disk"
    })
  }
})

/** The files of the directory that belong in a backup. */
const found = (directory: string) => Effect.filter(names, (name) => isThere(`${directory}/${name}`))

const copyAll = (from: string, to: string) =>
  Effect.gen(function*() {
    const there = yield* found(from)
    for (const name of there) {
      yield* isDatabase(name)
        ? Effect.mapError(SqliteCopy.copy(`${from}/${name}`, `${to}/${name}`), failed)
        : copyText(`${from}/${name}`, `${to}/${name}`)
    }
    return there
  })

/**
 * Copies the node's files from its data directory to `out`, which must not exist. `network` is used if there is no chain. `now`: wall
 * time, ms.
 */
export const make = (
  directory: string,
  out: string,
  { network, now, software }: { readonly network: NetworkName; readonly now: number; readonly software: string }
): Effect.Effect<Manifest, BackupError> =>
  Effect.scoped(Effect.gen(function*() {
    if (!(yield* Effect.mapError(DataDir.exists(directory), failed))) {
      return yield* new BackupError({ reason: "Missing", what: `there is no node at ${directory}` })
    }
    yield* requireFree(out, directory)
    const place = yield* aside(out)
    const there = yield* copyAll(directory, place)
    const chain = there.includes("chain.db") ? yield* ChainDatabase.headIn(`${place}/chain.db`) : undefined
    const files = yield* Effect.forEach(there, (name) => described(place, name))
    const manifest: Manifest = {
      version: 1,
      software,
      createdAt: now,
      network: chain?.network ?? network,
      files,
      ...(chain?.tip === undefined ? {} : { chain: chain.tip })
    }
    const written = yield* PlainFiles
    yield* Effect.mapError(
      written.replace(`${place}/${manifestName}`, `${JSON.stringify(manifest, undefined, 2)}\n`),
      failed
    )
    yield* attempt(`${out} cannot be written`, async () => {
      await flush(place)
      await fs.rename(place, out)
      await flush(nodePath.dirname(nodePath.resolve(out)))
    })
    return manifest
  }))

/** Reads `backup.json`, and verifies that the backup's files match it. */
export const read = (from: string): Effect.Effect<Manifest, BackupError> =>
  Effect.gen(function*() {
    const text = yield* Effect.mapError(
      (yield* PlainFiles).read(`${from}/${manifestName}`),
      ({ fix, what }) => new BackupError({ reason: "NoCopy", what, fix })
    )
    if (Option.isNone(text)) {
      return yield* new BackupError({
        reason: "NoCopy",
        what: `${from} is not a backup: it has no ${manifestName}`,
        fix: "name a directory that timemesh backup made"
      })
    }
    const damaged = (why: string) => new BackupError({ reason: "Damaged", what: `${from} is damaged: ${why}` })
    const manifest = yield* Effect.mapError(
      Schema.decodeEffect(ManifestJson)(text.value),
      () => damaged(`${manifestName} is not what this version of timemesh writes`)
    )
    for (const said of manifest.files) {
      if (!(yield* isThere(`${from}/${said.name}`))) return yield* damaged(`${said.name} is missing`)
      const is = yield* described(from, said.name)
      if (is.sha256 !== said.sha256) {
        return yield* damaged(`${said.name} has changed since (${is.size} bytes, ${said.size} when it was copied)`)
      }
    }
    return manifest
  })

const companions = ["", "-wal", "-shm", "-journal"]

/** The files in a data directory that a restored backup would replace or contradict. */
const inTheWay = (directory: string) =>
  Effect.filter(
    names.flatMap((name) => isDatabase(name) ? companions.map((c) => name + c) : [name]),
    (name) => isThere(`${directory}/${name}`)
  )

/** Moves the files in the way to a new directory inside the data directory; returns its name. */
const keepOld = (directory: string, old: ReadonlyArray<string>, now: number) =>
  attempt(`the files of ${directory} cannot be kept`, async () => {
    const kept = `${directory}/before-restore-${DateTime.formatIso(DateTime.makeUnsafe(now)).replaceAll(/[:.]/g, "-")}`
    await fs.mkdir(kept, { mode: 0o700 })
    // The chain last: a node that starts in the meantime still has its own.
    for (const name of old.toReversed()) await fs.rename(`${directory}/${name}`, `${kept}/${name}`)
    return kept
  })

/** The restored backup's manifest, and where the previous files are now. */
export interface Restored {
  readonly manifest: Manifest
  readonly kept: string | undefined
}

/**
 * Restores a backup into a data directory, which is created if needed. The caller holds the directory's lock. Changes nothing before the whole
 * backup is verified and on disk. `replace`: existing files are moved aside; without it they are an error. `now`: wall time, ms.
 */
export const restore = (
  from: string,
  directory: string,
  { now, replace }: { readonly now: number; readonly replace: boolean }
): Effect.Effect<Restored, BackupError> =>
  Effect.scoped(Effect.gen(function*() {
    const manifest = yield* read(from)
    const old = yield* inTheWay(directory)
    if (old.length > 0 && !replace) {
      return yield* new BackupError({
        reason: "Exists",
        what: `${directory} has ${old.join(", ")} already`,
        fix: "name another with --data-dir DIR, or add --replace, which keeps them aside"
      })
    }
    const place = yield* aside(`${directory}/restore`)
    for (const { name } of manifest.files) yield* copyText(`${from}/${name}`, `${place}/${name}`)
    const kept = old.length === 0 ? undefined : yield* keepOld(directory, old, now)
    yield* attempt(`${directory} cannot be written`, async () => {
      for (const { name } of manifest.files) await fs.rename(`${place}/${name}`, `${directory}/${name}`)
      await flush(directory)
    })
    return { manifest, kept }
  }))
