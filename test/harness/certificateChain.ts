/** Certificates that no peer shows: chains, and ones of any size. */
import { DateTime } from "effect"
import type { webcrypto } from "node:crypto"

const dates = {
  notBefore: DateTime.toDateUtc(DateTime.makeUnsafe("2025-01-01T00:00:00Z")),
  notAfter: DateTime.toDateUtc(DateTime.makeUnsafe("2099-12-31T00:00:00Z"))
}
const ecdsa = (namedCurve: string) => ({ name: "ECDSA", namedCurve, hash: "SHA-256" })
const rsa = (modulusLength: number) => ({
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength
})

/**
 * PEM, the peer's own certificate (P-256, or RSA of `rsaBits`) first, each signed by the next, those above it of P-521.
 *
 * @param names how many further names the own certificate has
 */
export const certificateChain = async (length: number, names = 0, rsaBits?: number) => {
  await import("reflect-metadata")
  const x509 = await import("@peculiar/x509")
  let issuer: { readonly name: string; readonly key: webcrypto.CryptoKey } | undefined
  const made: Array<string> = []
  let own: webcrypto.CryptoKey | undefined
  for (let at = length - 1; at >= 0; at--) {
    const algorithm = at > 0 ? ecdsa("P-521") : rsaBits === undefined ? ecdsa("P-256") : rsa(rsaBits)
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
    const name = `CN=level ${at}`
    const extensions = at > 0
      ? [new x509.BasicConstraintsExtension(true, undefined, true)]
      : [
        new x509.SubjectAlternativeNameExtension(
          Array.from(
            { length: names },
            (_, i) => ({ type: "dns" as const, value: `name-${i}.of-a-hostile-peer.example` })
          )
        )
      ]
    const certificate = await x509.X509CertificateGenerator.create({
      ...dates,
      subject: name,
      issuer: issuer?.name ?? name,
      publicKey: keys.publicKey,
      signingKey: issuer?.key ?? keys.privateKey,
      signingAlgorithm: issuer === undefined ? algorithm : ecdsa("P-521"),
      extensions
    })
    made.unshift(certificate.toString("pem"))
    issuer = { name, key: keys.privateKey }
    own = keys.privateKey
  }
  if (own === undefined) throw new Error("a chain has a certificate at least")
  const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", own)).toString("base64")
  return { certificates: made.join("\n"), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` }
}
