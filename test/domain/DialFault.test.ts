import { assert, describe, it } from "@effect/vitest"
import * as DialFault from "../../src/domain/DialFault.ts"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"

/** What the codes mean, while a peer is up and while none is: whose fault it is, and what the reason says. */
const table: ReadonlyArray<readonly [codes: string, ownConnected: boolean, ownAlone: boolean]> = [
  ["ECONNREFUSED ETIMEDOUT ECONNRESET ECONNABORTED EPIPE no-answer toString failed", false, false],
  // A router far away or the local network: the peers that are up decide.
  ["EHOSTUNREACH EHOSTDOWN EACCES", false, true],
  ["ENETUNREACH ENETDOWN ENETRESET ENODEV EADDRNOTAVAIL EAFNOSUPPORT", true, true],
  ["EPERM", true, true],
  ["EMFILE ENFILE ENOBUFS ENOMEM EADDRINUSE EAGAIN", true, true],
  // No host far away can cause these, nor any code not named here.
  ["EINVAL EBADF EIO EPROTONOSUPPORT ESOCKTNOSUPPORT EDQUOT ERR_SOCKET_BAD_PORT", true, true]
]

describe("DialFault", () => {
  it("EACCES over IPv4 is this host's own, for no ICMP message becomes one", () => {
    assert.isTrue(DialFault.isOwn(DialFault.of("EACCES", PeerIp.fromStringUnsafe("203.0.113.7")), false))
  })

  for (const [codes, ownConnected, ownAlone] of table) {
    const ip = PeerIp.fromStringUnsafe("2001:db8::7")
    it(codes, () => {
      for (const code of codes.split(" ")) {
        const fault = DialFault.of(code, ip)
        assert.strictEqual(DialFault.isOwn(fault, false), ownConnected, `${code}, peers up`)
        assert.strictEqual(DialFault.isOwn(fault, true), ownAlone, `${code}, no peer up`)
        for (const isAlone of [false, true]) {
          const by = DialFault.isOwn(fault, isAlone) ? "local" : "remote"
          assert.deepStrictEqual(DisconnectReason.dialFailed(code, isAlone, ip), {
            kind: "dial-failed",
            by,
            detail: code
          })
        }
      }
    })
  }
})
