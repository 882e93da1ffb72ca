/** What is known about a TLS connection, and readable reasons for its failures. */
import { Option, Result } from "effect"
import { createHash, type X509Certificate } from "node:crypto"
import type * as NodeTls from "node:tls"
import * as Limits from "../../domain/Limits.ts"
import * as TransportText from "../../domain/TransportText.ts"
import type { Secured } from "../../services/PeerSocket.ts"
import { systemError } from "./socketErrors.ts"

/** ALPN name of the native wire. */
export const protocol = "timemesh/1"

/** What is wrong with a handshake in which the peer sends more than this. */
export const flightFault = (limit: number): string => `TLS handshake exceeds limit ${limit} bytes`

type Certificate = Pick<X509Certificate, "issuerCertificate" | "publicKey" | "raw">

/** What a TLS connection tells about its peer. */
export interface Shown extends Pick<NodeTls.TLSSocket, "alpnProtocol" | "getProtocol"> {
  readonly getPeerX509Certificate: () => Certificate | undefined
}

/** What is wrong with the certificates that a peer presented, if any. By then OpenSSL has verified them: see `HandshakeStream`. */
const certificateFault = ({ issuerCertificate: issuer, raw }: Certificate): string | undefined => {
  if (raw.length > Limits.tlsCertificateBytes) {
    return `certificate of ${raw.length} bytes exceeds limit ${Limits.tlsCertificateBytes}`
  }
  // For a single certificate, Node gives the certificate itself as its issuer, or none.
  return issuer === undefined || issuer.raw.equals(raw) ? undefined : "shows a chain of certificates"
}

const keyOf = ({ publicKey }: Certificate): string =>
  createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("hex")

/** How a connection is secured once its handshake is done, and why it must be closed, if so. */
export const inspect = (conn: Shown): { readonly secured: Secured; readonly fault: string | undefined } => {
  const certificate = conn.getPeerX509Certificate()
  const key = certificate && Result.try(() => keyOf(certificate))
  const { alpnProtocol } = conn
  const secured: Secured = {
    _tag: "Tls",
    version: conn.getProtocol() ?? "?",
    protocol: typeof alpnProtocol === "string" && alpnProtocol !== "" ? alpnProtocol : undefined,
    key: key && Option.getOrUndefined(Result.getSuccess(key))
  }
  const isUnreadable = key !== undefined && Result.isFailure(key)
  return {
    secured,
    fault: isUnreadable ? "shows a key that cannot be read" : certificate && certificateFault(certificate)
  }
}

const codeOf = (error: Error): string => "code" in error && typeof error.code === "string" ? error.code : ""

/** TLS's own errors without the library's name, such as `bad record mac`. `undefined`: not a TLS error. */
const reasonOf = (error: Error): string | undefined => {
  const code = codeOf(error)
  return code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || code === "EPROTO"
    ? code.replace(/^ERR_(?:SSL|TLS)_/, "").replace("SSL/TLS_", "").toLowerCase().replaceAll("_", " ")
    : undefined
}

/** The error of a handshake that this node began; system codes are kept. */
export const dialError = (error: Error): Error => {
  const reason = reasonOf(error)
  if (reason === undefined) return error
  const what = /wrong.version.number|packet.length.too.long|http.request/i.test(`${codeOf(error)} ${error.message}`)
    ? TransportText.noTlsThere
    : TransportText.tlsFailed(reason)
  return systemError(what, "a node of timemesh with --transport plain does not")
}

/** The error of a handshake that the peer began. */
export const acceptError = (error: Error): string => TransportText.tlsFailed(reasonOf(error) ?? error.message)

/** The error of a connection that failed after its handshake; system codes are kept. */
export const recordError = (error: Error): Error => {
  const reason = reasonOf(error)
  return reason === undefined ? error : systemError(`TLS failed (${reason})`, "the stream of records is broken")
}
