/** Makes a certificate. The library is loaded only for this: a node needs it once in its life. */
import { DateTime } from "effect"
import { X509Certificate } from "node:crypto"

/** The server name that TIME-network nodes ask for, and put into their certificates. */
export const serverName = "timecoin.local"

/** The names in a certificate prove nothing and its dates are not checked: it lasts as long as the key. */
const notBefore = DateTime.toDateUtc(DateTime.makeUnsafe("2025-01-01T00:00:00Z"))
const notAfter = DateTime.toDateUtc(DateTime.makeUnsafe("2099-12-31T00:00:00Z"))

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

export interface Pem {
  readonly certificate: string
  readonly privateKey: string
}

const pem = (label: string, bytes: ArrayBuffer): string => {
  const lines = Buffer.from(bytes).toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd()
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** A new key, and a certificate signed by it. */
export const makeCertificate = async (): Promise<Pem> => {
  // The library's dependency injection needs it, and does not load it.
  await import("reflect-metadata")
  const x509 = await import("@peculiar/x509")
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${serverName}`,
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: serverName }])]
  })
  return {
    certificate: new X509Certificate(Buffer.from(made.rawData)).toString(),
    privateKey: pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", keys.privateKey))
  }
}
