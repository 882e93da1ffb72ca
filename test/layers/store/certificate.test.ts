import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createHash, X509Certificate } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as CertificateFile from "../../../src/layers/store/CertificateFile.ts"
import * as PinsFile from "../../../src/layers/store/PinsFile.ts"
import { NodeCertificate } from "../../../src/services/NodeCertificate.ts"
import { PeerPins } from "../../../src/services/PeerPins.ts"
import type { Secured } from "../../../src/services/PeerSocket.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "timemesh-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
)

const certificateOf = (dir: string) =>
  Effect.scoped(Effect.provide(NodeCertificate.use(Effect.succeed), CertificateFile.layer(dir)))

describe("CertificateFile", () => {
  it.live("is made once, ECDSA P-256 with the network's name, and only its owner may read it", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      const first = yield* certificateOf(dir)
      const certificate = new X509Certificate(first.certificate)
      assert.strictEqual(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1")
      assert.strictEqual(certificate.subjectAltName, "DNS:timecoin.local")
      assert.isTrue(certificate.verify(certificate.publicKey))
      assert.strictEqual(fs.statSync(`${dir}/certificate.pem`).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* certificateOf(dir), first)
    }))

  for (
    const [what, damage] of [
      ["cut short", (text: string) => text.slice(0, text.length / 2)],
      ["empty", () => ""],
      ["nonsense in the frame of a certificate", (text: string) => text.replace(/[A-Za-z0-9+/]{40}/, "!".repeat(40))]
    ] as const
  ) {
    it.live(`${what}: it is kept beside, byte for byte, and a new one is made`, () =>
      Effect.gen(function*() {
        const dir = yield* directory
        const first = yield* certificateOf(dir)
        const damaged = damage(fs.readFileSync(`${dir}/certificate.pem`, "utf8"))
        fs.writeFileSync(`${dir}/certificate.pem`, damaged)
        const second = yield* certificateOf(dir)
        assert.notStrictEqual(second.privateKey, first.privateKey)
        assert.strictEqual(fs.readFileSync(`${dir}/certificate.pem.bad`, "utf8"), damaged)
        assert.deepStrictEqual(yield* certificateOf(dir), second)
      }))
  }

  it.live("the key of another certificate is damage too", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      const first = yield* certificateOf(dir)
      fs.rmSync(`${dir}/certificate.pem`)
      const other = yield* certificateOf(dir)
      fs.writeFileSync(`${dir}/certificate.pem`, first.certificate + other.privateKey)
      const third = yield* certificateOf(dir)
      assert.notInclude([first.privateKey, other.privateKey], third.privateKey)
      assert.isTrue(fs.existsSync(`${dir}/certificate.pem.bad`))
    }))

  it.live("one that others may read is closed to them", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      const first = yield* certificateOf(dir)
      fs.chmodSync(`${dir}/certificate.pem`, 0o644)
      assert.deepStrictEqual(yield* certificateOf(dir), first)
      assert.strictEqual(fs.statSync(`${dir}/certificate.pem`).mode & 0o777, 0o600)
    }))

  it.live("a link in its place is an error that names it", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      fs.symlinkSync("/nowhere", `${dir}/certificate.pem`)
      const error = yield* Effect.flip(certificateOf(dir))
      assert.include(error.message, "certificate.pem is a symbolic link")
    }))
})

const showing = (name: string, of: "timemesh" | "time" = "timemesh"): Secured => ({
  _tag: "Tls",
  version: "TLSv1.3",
  protocol: of === "timemesh" ? "timemesh/1" : undefined,
  key: createHash("sha256").update(name).digest("hex")
})

const judged = (dir: string, peer: string, secured: Secured) =>
  Effect.scoped(
    Effect.provide(PeerPins.use(({ judge }) => Effect.sync(() => judge(ip(peer), secured))), PinsFile.layer(dir))
  )

describe("PinsFile", () => {
  it.live("who was met is known after a restart; a node of the TIME network is not pinned", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      assert.isUndefined(yield* judged(dir, "10.0.0.2", showing("a")))
      assert.isUndefined(yield* judged(dir, "10.0.0.3", showing("b", "time")))
      assert.isUndefined(yield* judged(dir, "10.0.0.2", showing("a")))
      assert.match((yield* judged(dir, "10.0.0.2", showing("b"))) ?? "", /another key/)
      assert.match((yield* judged(dir, "10.0.0.2", { _tag: "Plain" })) ?? "", /without the key/)
      // One that selects nothing: a downgrade, if it was one of ours.
      assert.match((yield* judged(dir, "10.0.0.2", showing("a", "time"))) ?? "", /without the key/)
      assert.isUndefined(yield* judged(dir, "10.0.0.3", showing("c", "time")))
      assert.strictEqual(JSON.parse(fs.readFileSync(`${dir}/pins.json`, "utf8")).pins.length, 1)
    }))

  it.live("a key that is forgotten is forgotten on the disk too, and the next one is pinned", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      assert.isUndefined(yield* judged(dir, "10.0.0.2", showing("a")))
      const forget = (peer: string) =>
        Effect.scoped(
          Effect.provide(PeerPins.use(({ forget }) => Effect.sync(() => forget(ip(peer)))), PinsFile.layer(dir))
        )
      assert.isFalse(yield* forget("10.0.0.3"))
      assert.isTrue(yield* forget("10.0.0.2"))
      assert.isUndefined(yield* judged(dir, "10.0.0.2", showing("b")))
      assert.match((yield* judged(dir, "10.0.0.2", showing("a"))) ?? "", /another key/)
    }))

  it.live("damaged, it is kept beside; one that cannot be read is an error, not a fresh start", () =>
    Effect.gen(function*() {
      const dir = yield* directory
      fs.writeFileSync(`${dir}/pins.json`, "{\"version\": 1, \"pins\": [{}]}")
      assert.isUndefined(yield* judged(dir, "10.0.0.2", showing("a")))
      assert.isTrue(fs.existsSync(`${dir}/pins.json.bad`))
      fs.rmSync(`${dir}/pins.json`)
      fs.mkdirSync(`${dir}/pins.json`)
      const error = yield* Effect.flip(judged(dir, "10.0.0.2", showing("a")))
      assert.include(error.message, "pins.json is a directory")
    }).pipe(Effect.scoped))
})
