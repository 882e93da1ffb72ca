import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { NetAddress } from "effect/net"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as arb from "../../harness/arbitraries.ts"

const ip = PeerIp.fromStringUnsafe
const value = (ip: PeerIp.PeerIp): bigint => BigInt(`0x${Buffer.from(PeerIp.toBytes(ip)).toString("hex")}`)

describe("PeerIp.fromString", () => {
  for (
    const [text, canonical] of [
      ["203.0.113.7", "203.0.113.7"],
      ["::ffff:203.0.113.7", "203.0.113.7"],
      ["::FFFF:203.0.113.7", "203.0.113.7"],
      ["::ffff:cb00:7107", "203.0.113.7"],
      ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
      ["0000:0000:0000:0000:0000:FFFF:CB00:7107", "203.0.113.7"],
      ["2001:DB8::7", "2001:db8::7"],
      ["2001:0db8:0000:0000:0000:0000:0000:0007", "2001:db8::7"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["::1", "::1"],
      ["0:0:0:0:0:0:0:1", "::1"],
      ["::", "::"],
      // Not mapped: the deprecated IPv4-compatible form and the translated form are addresses of their own.
      ["::1.2.3.4", "::102:304"],
      ["::ffff:0:1.2.3.4", "::ffff:0:102:304"]
    ] as const
  ) {
    it(`${text} is ${canonical}`, () => assert.strictEqual<string>(ip(text), canonical))
  }

  for (
    const text of [
      "",
      "7",
      "20a.1.2.3",
      "10a.1.2.3",
      "a.101.102.103",
      " 1.2.3.4",
      "1.2.3.4 ",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.04",
      "0x1.2.3.4",
      "16909060",
      "1.2.3.4:5",
      "[::1]",
      "fe80::1%eth0",
      "::ffff:1.2.3.4%1",
      "1.2.3.4%0",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "::ffff:1.2.3.400",
      "example.org",
      "localhost",
      "１.2.3.4"
    ]
  ) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const result = PeerIp.fromString(text)
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) assert.include(result.failure.message, JSON.stringify(text))
    })
  }

  it("fails with a PeerIpError", () => {
    const result = PeerIp.fromString("1.2.3")
    assert.strictEqual(Result.isFailure(result) ? result.failure._tag : "", "PeerIpError")
  })

  it("says how an address is written", () => {
    const result = PeerIp.fromString("1.2.3")
    assert.strictEqual(
      Result.isFailure(result) ? result.failure.reason : "",
      "write it as 203.0.113.7 or 2001:db8::7"
    )
  })

  it("says why a zone id is refused", () => {
    const result = PeerIp.fromString("fe80::1%eth0")
    assert.include(Result.isFailure(result) ? result.failure.reason : "", "zone")
  })

  it.prop("is the identity on canonical text", [arb.peerIp], ([a]) => {
    assert.strictEqual(ip(a), a)
  })

  it.prop("gives one text to every spelling of an address", [arb.ipBytes], ([bytes]) => {
    const canonical = PeerIp.fromIpAddress(NetAddress.ipv6FromBytesUnsafe(bytes))
    const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0))
    const full = groups.map((g) => g.toString(16).padStart(4, "0")).join(":")
    assert.strictEqual(ip(full), canonical)
    assert.strictEqual(ip(full.toUpperCase()), canonical)
    assert.strictEqual(ip(groups.map((g) => g.toString(16)).join(":")), canonical)
    const tail = `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`
    assert.strictEqual(ip(`${groups.slice(0, 6).map((g) => g.toString(16)).join(":")}:${tail}`), canonical)
    assert.strictEqual<string>(ip(`::ffff:${tail}`), tail, "an IPv4 address mapped into IPv6 is that address")
  }, { arbitrary: { runs: 500 } })

  it.prop("never throws", [Schema.String], ([text]) => {
    PeerIp.fromString(text)
  }, { arbitrary: { runs: 500 } })
})

describe("PeerIp bytes", () => {
  it("orders IPv4 as mapped", () => {
    assert.deepStrictEqual([...PeerIp.toBytes(ip("1.2.3.4"))], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4])
  })

  it.prop("round trip", [arb.ipBytes], ([bytes]) => {
    const read = PeerIp.fromBytes(bytes)
    assert.isTrue(Option.isSome(read))
    if (Option.isSome(read)) assert.deepStrictEqual(PeerIp.toBytes(read.value), bytes)
  })

  it.prop("reads a view inside a larger buffer", [arb.ipBytes], ([bytes]) => {
    const around = new Uint8Array(40).fill(0xee)
    around.set(bytes, 7)
    assert.deepStrictEqual(PeerIp.fromBytes(around.subarray(7, 23)), PeerIp.fromBytes(bytes))
  })

  it("is nothing of another length", () => {
    for (const length of [0, 4, 15, 17]) assert.isTrue(Option.isNone(PeerIp.fromBytes(new Uint8Array(length))))
  })
})

describe("PeerIp.fromBytesAt", () => {
  it.prop("reads what `toBytes` wrote, wherever it lies", [arb.peerIp], ([a]) => {
    const bytes = new Uint8Array(21).fill(255)
    bytes.set(PeerIp.toBytes(a), 3)
    assert.strictEqual(PeerIp.fromBytesAt(bytes, 3), a)
    assert.deepStrictEqual(PeerIp.fromBytes(bytes.subarray(3, 19)), Option.some(a))
  })

  for (
    const text of [
      "::ffff:0.0.0.0",
      "::fffe:1.2.3.4",
      "::1:ffff:1.2.3.4",
      "100::ffff:1.2.3.4",
      "::ff00:1.2.3.4",
      "::ff:1.2.3.4",
      "1111:1111:1111:1111:1111:ffff:1.2.3.4",
      "1:2:3:4:5:ffff:1.2.3.4"
    ]
  ) {
    it(`gives ${text} the text that parsing gives`, () => {
      const bytes = Uint8Array.from(NetAddress.ipv6ToOctets(Result.getOrThrow(NetAddress.ipv6FromString(text))))
      assert.strictEqual(PeerIp.fromBytesAt(bytes, 0), ip(text))
      for (const before of [0, 255]) {
        const within = new Uint8Array(32).fill(before)
        within.set(bytes, 16)
        assert.strictEqual(PeerIp.fromBytesAt(within, 16), ip(text), `behind bytes of ${before}`)
      }
    })
  }
})

describe("PeerIp.compare", () => {
  for (
    const [lower, higher] of [
      ["50.28.104.50", "69.167.168.176"],
      ["10.0.0.9", "10.0.0.10"],
      ["2.0.0.1", "100.0.0.1"],
      ["9.255.255.255", "10.0.0.0"],
      ["127.255.255.255", "128.0.0.0"],
      ["1.2.3.4", "255.255.255.255"],
      ["::1", "0.0.0.0"],
      ["255.255.255.255", "::1:0:0:0"],
      ["255.255.255.255", "2001:db8::1"],
      ["2001:db8::9", "2001:db8::10"],
      ["2001:db8::a", "2001:db8::10"],
      ["2001:db8::", "2001:db8:0:1::"],
      ["fe80::1", "ff02::1"]
    ] as const
  ) {
    it(`${lower} < ${higher}`, () => {
      assert.isBelow(PeerIp.compare(ip(lower), ip(higher)), 0)
      assert.isAbove(PeerIp.compare(ip(higher), ip(lower)), 0)
    })
  }

  it.prop("is the order of the 128-bit numbers", [arb.peerIp, arb.peerIp], ([a, b]) => {
    const [x, y] = [value(a), value(b)]
    assert.strictEqual(Math.sign(PeerIp.compare(a, b)), x < y ? -1 : x > y ? 1 : 0)
    assert.strictEqual(PeerIp.compare(a, b) === 0, a === b)
  }, { arbitrary: { runs: 500 } })

  it.prop("is the order of the numbers between neighbours", [arb.ipBytes], ([bytes]) => {
    const a = PeerIp.fromIpAddress(NetAddress.ipv6FromBytesUnsafe(bytes))
    const next = Uint8Array.from(bytes)
    for (let i = 15; i >= 0; i--) {
      next[i] = ((next[i] ?? 0) + 1) & 255
      if (next[i] !== 0) break
    }
    const b = PeerIp.fromIpAddress(NetAddress.ipv6FromBytesUnsafe(next))
    assert.strictEqual(Math.sign(PeerIp.compare(a, b)), value(a) < value(b) ? -1 : 1)
  })

  it.prop("is antisymmetric and transitive", [arb.peerIp, arb.peerIp, arb.peerIp], ([a, b, c]) => {
    assert.strictEqual(Math.sign(PeerIp.compare(a, b)), -Math.sign(PeerIp.compare(b, a)) + 0)
    const [x, y, z] = [a, b, c].toSorted(PeerIp.compare)
    assert.isTrue(x !== undefined && y !== undefined && z !== undefined)
    if (x !== undefined && z !== undefined) assert.isAtMost(PeerIp.compare(x, z), 0)
  }, { arbitrary: { runs: 300 } })
})

describe("PeerIp schemas", () => {
  const decode = Schema.decodeUnknownResult(PeerIp.FromString)
  const is = Schema.is(PeerIp.PeerIp)

  it("decodes any spelling to the canonical one", () => {
    assert.deepStrictEqual(decode("::FFFF:1.2.3.4"), Result.succeed(ip("1.2.3.4")))
    for (const bad of ["1.2.3", "fe80::1%eth0", 7, null]) assert.isTrue(Result.isFailure(decode(bad)))
  })

  it("say what they expect", () => {
    const result = decode("1.2.3")
    assert(Result.isFailure(result))
    assert.include(result.failure.message, "a canonical IP address such as 203.0.113.7")
  })

  it.prop("encode to the text itself", [arb.peerIp], ([a]) => {
    assert.strictEqual(Schema.encodeSync(PeerIp.FromString)(a), a)
  })

  it.prop("hold for canonical text only", [arb.peerIp], ([a]) => {
    assert.isTrue(is(a))
    assert.isFalse(is(` ${a}`))
    if (a.includes(":") && /[a-f]/.test(a)) assert.isFalse(is(a.toUpperCase()))
    if (!a.includes(":")) assert.isFalse(is(`::ffff:${a}`))
  })
})

describe("PeerIp.classOf and netgroup", () => {
  for (
    const [text, cls] of [
      ["127.0.0.1", "loopback"],
      ["127.255.0.9", "loopback"],
      ["::1", "loopback"],
      ["10.1.2.3", "private"],
      ["172.16.0.1", "private"],
      ["172.32.0.1", "routable"],
      ["192.168.1.1", "private"],
      ["169.254.1.1", "special"],
      ["169.253.1.1", "routable"],
      ["8.254.1.1", "routable"],
      ["172.15.255.1", "routable"],
      ["192.167.1.1", "routable"],
      ["8.168.1.1", "routable"],
      ["192.0.3.1", "routable"],
      ["100.64.0.1", "private"],
      ["100.127.255.255", "private"],
      ["100.128.0.0", "routable"],
      ["100.63.255.255", "routable"],
      ["8.100.0.1", "routable"],
      ["fd00::1", "private"],
      ["fe80::1", "special"],
      ["febf::1", "special"],
      ["fec0::1", "routable"],
      ["50.28.104.50", "routable"],
      ["2606:4700::1", "routable"],
      ["0.0.0.0", "special"],
      ["0.1.2.3", "special"],
      ["::", "special"],
      ["224.0.0.1", "special"],
      ["240.0.0.1", "special"],
      ["255.255.255.255", "special"],
      ["ff02::1", "special"]
    ] as const
  ) {
    it(`${text} is ${cls}`, () => assert.strictEqual(PeerIp.classOf(ip(text)), cls))
  }

  it("groups by /16 and /32", () => {
    assert.strictEqual(PeerIp.netgroup(ip("203.0.113.7")), "203.0/16")
    assert.strictEqual(PeerIp.netgroup(ip("2001:db8:1::7")), "2001:db8/32")
    assert.strictEqual(PeerIp.netgroup(ip("::ffff:203.0.1.1")), PeerIp.netgroup(ip("203.0.2.2")))
  })

  it.prop("are total", [arb.peerIp], ([a]) => {
    assert.include(["loopback", "private", "routable", "special"], PeerIp.classOf(a))
    assert.match(PeerIp.netgroup(a), /^(\d+\.\d+\/16|[0-9a-f]+:[0-9a-f]+\/32)$/)
  })

  it("say which addresses are of use to whom: routable ones to all, others among their like, private ones on one host too", () => {
    const classes = ["routable", "private", "loopback", "special"] as const
    const table = classes.map((told) => classes.filter((peer) => PeerIp.isOfUse(told, peer)))
    assert.deepStrictEqual(table, [
      ["routable", "private", "loopback", "special"],
      ["private", "loopback"],
      ["loopback"],
      ["special"]
    ])
  })

  it("say which operator may hold an address: its netgroup's, or in private networks its own", () => {
    assert.strictEqual(PeerIp.operatorOf(ip("203.0.113.7")), "203.0/16")
    assert.strictEqual(PeerIp.operatorOf(ip("10.0.0.1")), "10.0.0.1")
  })

  it("say which addresses are of one link alone", () => {
    const texts = ["169.254.1.1", "fe80::1", "169.253.1.1", "fec0::1", "10.0.0.1"]
    assert.deepStrictEqual(texts.filter((text) => PeerIp.isLinkLocal(ip(text))), ["169.254.1.1", "fe80::1"])
    assert.deepStrictEqual(["8.169.254.1", "2001:db8::fe80:1"].filter((text) => PeerIp.isLinkLocal(ip(text))), [])
    assert.deepStrictEqual(["::1", "10.0.0.1"].map((text) => PeerIp.isIpv6(ip(text))), [true, false])
  })
})
