/**
 * `NodeCertificate` in `certificate.pem` of the data directory, created at the first start: the certificate, then its private key. Only its owner
 * can read it (mode 0600). A damaged file is kept under another name, and a new key is made: peers that know this node then refuse it until they
 * forget the old one.
 */
import { Effect, Layer, Option } from "effect"
import { createPrivateKey, X509Certificate } from "node:crypto"
import * as fs from "node:fs/promises"
import { NodeCertificate } from "../../services/NodeCertificate.ts"
import { makeCertificate, type Pem } from "../socket/makeCertificate.ts"
import * as DataDir from "./DataDir.ts"
import type { FileError } from "./PlainFiles.ts"
import * as PlainFile from "./PlainFiles.ts"
import { PlainFiles } from "./PlainFiles.ts"
import { setAside } from "./setAside.ts"

const block = (text: string, label: string): string | undefined =>
  new RegExp(`-----BEGIN ${label}-----[\\s\\S]*?-----END ${label}-----\\n?`).exec(text)?.[0]

/** The content of the file, or what is wrong with it in words. */
const parse = (text: string): Pem | string => {
  const certificate = block(text, "CERTIFICATE")
  const privateKey = block(text, "PRIVATE KEY")
  if (certificate === undefined || privateKey === undefined) return "a certificate or its key is missing"
  try {
    const key = createPrivateKey(privateKey)
    if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") return "its key is not of ECDSA P-256"
    return new X509Certificate(certificate).checkPrivateKey(key)
      ? { certificate, privateKey }
      : "its key is not that of its certificate"
  } catch {
    return "it cannot be read as PEM"
  }
}

const othersMayRead = 0o077

/** Other users may know a key that they could read. Closes the file to them from now on. */
const closed = (path: string) =>
  Effect.gen(function*() {
    const stats = yield* PlainFile.plain(path)
    if (Option.isNone(stats) || (stats.value.mode & othersMayRead) === 0) return
    yield* Effect.promise(() => fs.chmod(path, 0o600).catch(() => {}))
    yield* Effect.logWarning(
      `${path} could be read by other users; its mode is 600 now. If it may have been copied, remove it: a new key is made`
    )
  })

const load = (directory: string): Effect.Effect<Pem, FileError> =>
  Effect.gen(function*() {
    const files = yield* PlainFiles
    const path = `${directory}/certificate.pem`
    const text = yield* files.read(path)
    const found = Option.isSome(text) ? parse(text.value) : undefined
    if (typeof found === "object") {
      yield* closed(path)
      return found
    }
    if (found !== undefined) {
      const aside = yield* setAside(files, path)
      yield* Effect.logWarning(
        `${path} is damaged (${found}); kept as ${aside}. This node has a new key: peers that know the old one refuse it ` +
          "until their operators run: timemesh peers trust"
      )
    }
    const made = yield* Effect.promise(makeCertificate)
    yield* files.replace(path, made.certificate + made.privateKey)
    return made
  })

/** `directory` must exist. Fails if the file can be neither read nor created. */
export const layer = (directory: string): Layer.Layer<NodeCertificate, DataDir.DataDirError> =>
  Layer.effect(
    NodeCertificate,
    load(directory).pipe(
      Effect.mapError((error) => DataDir.inside(directory, error))
    )
  )
