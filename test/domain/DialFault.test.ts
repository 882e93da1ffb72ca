import { assert, describe, it } from "@effect/vitest"
import * as DialFault from "../../src/domain/DialFault.ts"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"

/** What the codes mean, while a peer is up and while none is: whose fault it is, and what the reason says. */
const table: ReadonlyArray<readonly [codes: string, ownConnected: boolean, ownAlone: boolean, by: "local" | "remote"]> =
  [
    ["ECONNREFUSED ETIMEDOUT ECONNRESET EPIPE no-answer toString", false, false, "remote"],
    ["EHOSTUNREACH EHOSTDOWN", false, true, "remote"],
    ["ENETUNREACH ENETDOWN EADDRNOTAVAIL EAFNOSUPPORT", true, true, "local"],
    ["EMFILE ENFILE ENOBUFS ENOMEM", true, true, "local"]
  ]

describe("DialFault", () => {
  for (const [codes, ownConnected, ownAlone, by] of table) {
    it(codes, () => {
      for (const code of codes.split(" ")) {
        const fault = DialFault.of(code)
        assert.strictEqual(DialFault.isOwn(fault, false), ownConnected, `${code}, peers up`)
        assert.strictEqual(DialFault.isOwn(fault, true), ownAlone, `${code}, no peer up`)
        assert.deepStrictEqual(DisconnectReason.dialFailed(code), { kind: "dial-failed", by, detail: code })
      }
    })
  }
})
