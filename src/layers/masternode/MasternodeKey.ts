/**
 * A masternode's key, in a file: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it. The file must be readable by its owner
 * alone: anyone who can read it can impersonate the masternode.
 *
 * **Errors**: `FileError` names the file, with the reason and the fix.
 */
import { Effect, Option } from "effect"
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import type { Key, Outpoint, Tier } from "../../domain/masternode/Masternode.ts"
import type { OwnMasternode } from "../../services/Masternodes.ts"
import { FileError, plain } from "../store/PlainFiles.ts"

// Lets an application that re-exports `load` name its error.
export type { FileError } from "../store/PlainFiles.ts"
import * as PlainFiles from "../store/PlainFiles.ts"
import { systemCode, systemFix, systemReason } from "../store/systemError.ts"

/** The file's name in a data directory. */
export const fileName = "masternode.key"

/** The public key of a private key. */
export const publicKey = (key: KeyObject): Key =>
  createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32).toString("hex") as Key

/** What a node announces as a masternode. A free masternode has no collateral, all others have. `rewards`: default the key's own address. */
export const identity = (key: KeyObject, tier: Tier, collateral?: Outpoint, rewards?: string): OwnMasternode => ({
  key: publicKey(key),
  tier,
  ...(collateral === undefined ? {} : { collateral }),
  ...(rewards === undefined ? {} : { rewards }),
  sign: (message) => new Uint8Array(sign(null, message, key))
})

/** Makes a key and writes it to a new file. Returns the public key. */
export const create = (file: string): Effect.Effect<Key, FileError> =>
  Effect.tryPromise({
    try: async () => {
      const { privateKey } = generateKeyPairSync("ed25519")
      const opened = await fs.open(file, "wx", constants.S_IRUSR | constants.S_IWUSR)
      try {
        await opened.writeFile(privateKey.export({ format: "pem", type: "pkcs8" }))
        await opened.sync()
      } finally {
        await opened.close()
      }
      return publicKey(privateKey)
    },
    catch: (error) =>
      new FileError({
        file,
        ...(systemCode(error) === "EEXIST"
          ? {
            detail: "exists: a masternode that loses its key becomes another one",
            fix: "move the file away if you mean to"
          }
          : { detail: `cannot be written: ${systemReason(error)}`, fix: systemFix(error) })
      })
  })

const parse = (file: string, pem: string): Effect.Effect<KeyObject, FileError> =>
  Effect.try({
    try: () => {
      const key = createPrivateKey(pem)
      if (key.asymmetricKeyType !== "ed25519") throw new Error(key.asymmetricKeyType)
      return key
    },
    catch: () =>
      new FileError({
        file,
        detail: "is not an Ed25519 private key in PEM",
        fix: "make one with timemesh masternodes key"
      })
  })

/** Reads the key. Refuses a file that other users may read or write. */
export const load = (file: string): Effect.Effect<KeyObject, FileError> =>
  Effect.gen(function*() {
    const stats = yield* plain(file)
    if (Option.isNone(stats)) {
      return yield* new FileError({ file, detail: "does not exist", fix: "make it with timemesh masternodes key" })
    }
    const others = stats.value.mode & (constants.S_IRWXG | constants.S_IRWXO)
    if (others !== 0) {
      const mode = (stats.value.mode & 0o777).toString(8)
      return yield* new FileError({
        file,
        detail: `can be read or written by other users (mode ${mode})`,
        fix: `run: chmod 600 ${file}`
      })
    }
    const text = yield* (yield* PlainFiles.PlainFiles).read(file)
    return yield* parse(file, Option.getOrElse(text, () => ""))
  })
