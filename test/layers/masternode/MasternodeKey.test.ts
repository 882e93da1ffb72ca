/** The key file of a masternode: made once, its owner's alone, and read back as the same masternode. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto"
import * as MasternodeKey from "../../../src/layers/masternode/MasternodeKey.ts"
import { withDirectory } from "../../harness/directory.ts"

describe("the key file", () => {
  it.live("gives the same masternode each time, is its owner's alone, and is never overwritten", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        const file = `${directory}/${MasternodeKey.fileName}`
        const key = yield* MasternodeKey.create(file)
        assert.match(key, /^[0-9a-f]{64}$/)
        assert.strictEqual(Number((yield* fs.stat(file)).mode) & 0o777, 0o600)
        const loaded = yield* MasternodeKey.load(file)
        const { key: again, sign, tier } = MasternodeKey.identity(loaded, "free")
        assert.deepStrictEqual([again, tier], [key, "free"])
        const message = new TextEncoder().encode("message")
        assert.isTrue(verify(null, message, createPublicKey(loaded), sign(message)))
        const before = yield* fs.readFileString(file)
        assert.match(
          (yield* Effect.flip(MasternodeKey.create(file))).message,
          /exists: a masternode that loses its key/
        )
        assert.strictEqual(yield* fs.readFileString(file), before)
      })
    ))

  it.live("that others may read, that is missing, or that is no such key is an error that names the fix", () =>
    withDirectory((directory, fs) =>
      Effect.gen(function*() {
        const file = `${directory}/k`
        const fault = Effect.map(Effect.flip(MasternodeKey.load(file)), ({ message }) => message)
        assert.match(yield* fault, /does not exist; make it with timemesh masternodes key/)
        yield* MasternodeKey.create(file)
        for (const mode of [0o640, 0o604, 0o660]) {
          yield* fs.chmod(file, mode)
          assert.match(yield* fault, new RegExp(`mode ${mode.toString(8)}\\); run: chmod 600`))
        }
        const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({
          format: "pem",
          type: "pkcs8"
        })
        for (const text of ["", "no key", String(rsa)]) {
          yield* fs.remove(file)
          yield* fs.writeFileString(file, text, { mode: 0o600 })
          assert.match(yield* fault, /is not an Ed25519 private key in PEM/)
        }
      })
    ))
})
