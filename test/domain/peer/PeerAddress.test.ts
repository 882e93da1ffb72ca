import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as arb from "../../harness/arbitraries.ts"

const read = (text: string) => Result.map(PeerAddress.fromString(text, 24_100), PeerAddress.format)

describe("PeerAddress.fromString", () => {
  for (
    const [text, expected] of [
      ["203.0.113.7", "203.0.113.7:24100"],
      ["203.0.113.7:1", "203.0.113.7:1"],
      ["203.0.113.7:65535", "203.0.113.7:65535"],
      ["[2001:db8::7]:1234", "[2001:db8::7]:1234"],
      ["[2001:DB8::7]", "[2001:db8::7]:24100"],
      ["2001:db8::7", "[2001:db8::7]:24100"],
      ["::1", "[::1]:24100"],
      ["::ffff:203.0.113.7", "203.0.113.7:24100"],
      ["[::ffff:203.0.113.7]:5", "203.0.113.7:5"],
      // Bare IPv6 has no port: the last group belongs to the address.
      ["2001:db8::7:2410", "[2001:db8::7:2410]:24100"]
    ] as const
  ) {
    it(`${text} is ${expected}`, () => assert.deepStrictEqual(read(text), Result.succeed(expected)))
  }

  for (
    const text of [
      "",
      ":24100",
      "1.2.3",
      "1.2.3:24100",
      "1.2.3.4:",
      "1.2.3.4:0",
      "1.2.3.4:65536",
      "1.2.3.4:123456",
      "1.2.3.4:-1",
      "1.2.3.4:1x",
      "1.2.3.4:5:6",
      "[1.2.3.4]:5",
      "[1.2.3.4]",
      "[]:5",
      "[::1",
      "::1]",
      "[::1]5",
      "[::1]:",
      "[::1]:0",
      "[[::1]]:5",
      "[fe80::1%eth0]:5",
      "2001:db8::7:24100",
      "example.org:24100",
      "https://1.2.3.4"
    ]
  ) {
    it(`refuses ${JSON.stringify(text)}, naming it`, () => {
      const result = PeerAddress.fromString(text, 24_100)
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) {
        assert.include(result.failure.message, `"${text}"`)
        assert.isAbove(result.failure.reason.length, 5)
      }
    })
  }

  it("says what is wrong: with the form where there is no address, else with the address itself, as a PeerAddressError", () => {
    const errorOf = (text: string) => Result.merge(Result.mapError(PeerAddress.fromString(text, 1), (error) => error))
    for (const text of ["", ":24100", "[1.2.3.4]:5", "1.2.3.4:"]) {
      const error = errorOf(text)
      assert(error instanceof PeerAddress.PeerAddressError)
      assert.strictEqual(error._tag, "PeerAddressError")
      assert.include(error.reason, "write IP, IP:PORT or [IPv6]:PORT")
    }
    for (const [text, ip] of [["1.2.3:7", "1.2.3"], ["fe80::1%eth0", "fe80::1%eth0"]] as const) {
      const [error, ofIp] = [errorOf(text), PeerIp.fromString(ip)]
      assert(error instanceof PeerAddress.PeerAddressError && Result.isFailure(ofIp))
      assert.strictEqual(error.reason, ofIp.failure.reason)
    }
  })

  it("looks at no text that is longer than an address", () => {
    const reasonOf = (length: number) =>
      Result.match(PeerAddress.fromString("1".repeat(length), 1), {
        onFailure: ({ reason }) => reason,
        onSuccess: () => ""
      })
    assert.strictEqual(reasonOf(Limits.addressCharacters), "write it as 203.0.113.7 or 2001:db8::7")
    assert.match(reasonOf(Limits.addressCharacters + 1), /^write IP, IP:PORT or \[IPv6\]:PORT/)
  })

  it.prop("reads back what format writes", [arb.peerIp, arb.port], ([ip, port]) => {
    const address = PeerAddress.make(ip, port)
    assert.deepStrictEqual(PeerAddress.fromString(PeerAddress.format(address), 1), Result.succeed(address))
    assert.deepStrictEqual(PeerAddress.fromString(ip, port), Result.succeed(address))
    assert.deepStrictEqual(PeerAddress.fromInet(PeerAddress.toInet(address)), address)
  }, { arbitrary: { runs: 300 } })

  it.prop("never throws", [Schema.String], ([text]) => {
    PeerAddress.fromString(text, 24_100)
  }, { arbitrary: { runs: 500 } })
})
