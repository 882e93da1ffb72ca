/**
 * `Signatures` by node:crypto: on Node's threads, so that no message waits for a signature; or within the call, for simulations and tests,
 * which must not depend on thread timing.
 */
import { Effect, Layer, Option } from "effect"
import { createPublicKey, verify } from "node:crypto"
import type { Key } from "../../domain/masternode/Masternode.ts"
import { Signatures } from "../../services/Signatures.ts"

/** The DER prefix of an Ed25519 public key, before its 32 bytes (RFC 8410). */
const spkiHead = "302a300506032b6570032100"

/** Points of small order, in every encoding that libraries accept: y, with the sign of x as the top bit of the last byte. */
const smallOrder: ReadonlySet<string> = new Set(
  [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
  ].flatMap((y) => [y, y.slice(0, 62) + (Number.parseInt(y.slice(62), 16) | 0x80).toString(16)])
)

const keyObject = (key: Key) =>
  smallOrder.has(key)
    ? undefined
    : createPublicKey({ key: Buffer.from(spkiHead + key, "hex"), format: "der", type: "spki" })

/** Verifies on Node's threads. */
const onThreads = Signatures.of({
  verify: (key, message, signature, done) => {
    const object = keyObject(key)
    if (object === undefined) return done(false)
    verify(null, message, object, signature, (error, isRight) => done(error === null && isRight))
  }
})

const inTurn = Signatures.of({
  verify: (key, message, signature, done) => {
    const object = keyObject(key)
    done(object !== undefined && verify(null, message, object, signature))
  }
})

/** On Node's threads, unless the context already provides `Signatures`. */
export const layer: Layer.Layer<Signatures> = Layer.effect(
  Signatures,
  Effect.map(Effect.serviceOption(Signatures), Option.getOrElse(() => onThreads))
)

/** Verifies within the call. */
export const layerInTurn: Layer.Layer<Signatures> = Layer.succeed(Signatures, inTurn)
