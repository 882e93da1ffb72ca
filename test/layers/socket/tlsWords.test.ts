import { assert, describe, it } from "@effect/vitest"
import { X509Certificate } from "node:crypto"
import { makeCertificate } from "../../../src/layers/socket/makeCertificate.ts"
import { inspect, type Shown } from "../../../src/layers/socket/tlsWords.ts"

const connOf = (certificate: ReturnType<Shown["getPeerX509Certificate"]>): Shown => ({
  alpnProtocol: "timemesh/1",
  getProtocol: () => "TLSv1.3",
  getPeerX509Certificate: () => certificate
})

describe("inspect", () => {
  it("names the key of one certificate, and no key where none is shown", async () => {
    const own = new X509Certificate((await makeCertificate()).certificate)
    const { fault, secured } = inspect(connOf(own))
    assert.isUndefined(fault)
    assert.match(secured._tag === "Tls" ? String(secured.key) : "", /^[0-9a-f]{64}$/)
    assert.deepStrictEqual(inspect(connOf(undefined)), {
      fault: undefined,
      secured: { _tag: "Tls", version: "TLSv1.3", protocol: "timemesh/1", key: undefined }
    })
  })

  it("finds fault with a key that Node cannot read, and does not throw", () => {
    const unreadable = {
      raw: Buffer.alloc(300),
      issuerCertificate: undefined,
      get publicKey(): never {
        throw new Error("unsupported algorithm")
      }
    }
    assert.strictEqual(inspect(connOf(unreadable)).fault, "shows a key that cannot be read")
  })
})
