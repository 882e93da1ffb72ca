/** Blocks of addresses: their one text, what they contain, and how a text that names none is refused. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"

const ip = PeerIp.fromStringUnsafe
const block = Subnet.fromStringUnsafe
const failure = (text: string): string =>
  Result.match(Subnet.fromString(text), { onFailure: ({ message }) => message, onSuccess: (subnet) => `is ${subnet}` })

describe("a block of addresses", () => {
  it("has one text: IPv4 in any spelling, no host bits, one address without a slash", () => {
    const texts = [
      ["203.0.113.7", "203.0.113.7"],
      [" 203.0.113.7/32 ", "203.0.113.7"],
      ["::ffff:203.0.113.7", "203.0.113.7"],
      ["203.0.113.7/24", "203.0.113.0/24"],
      ["203.0.113.255/31", "203.0.113.254/31"],
      ["203.0.113.255/25", "203.0.113.128/25"],
      ["203.15.113.7/13", "203.8.0.0/13"],
      ["::ffff:203.0.113.7/120", "203.0.113.0/24"],
      ["2001:db8::7/128", "2001:db8::7"],
      ["2001:0DB8:ffff::7/32", "2001:db8::/32"],
      ["2001:db8:ffff::/35", "2001:db8:e000::/35"]
    ] as const
    for (const [text, canonical] of texts) assert.strictEqual<string>(block(text), canonical, text)
  })

  it("of an address and a length is the block that the address is in", () => {
    assert.strictEqual<string>(Subnet.of(ip("10.1.2.3"), 16), "10.1.0.0/16")
    assert.strictEqual<string>(Subnet.of(ip("10.1.2.3"), 32), "10.1.2.3")
    assert.strictEqual<string>(Subnet.of(ip("2001:db8::1"), 32), "2001:db8::/32")
    assert.strictEqual<string>(Subnet.of(ip("2001:db8::1"), 128), "2001:db8::1")
    assert.strictEqual<string>(Subnet.ofOne(ip("10.1.2.3")), "10.1.2.3")
  })

  it("is refused with an error of its own", () =>
    assert.strictEqual(
      Result.match(Subnet.fromString("x"), { onFailure: ({ _tag }) => _tag, onSuccess: () => "" }),
      "SubnetError"
    ))

  it("is refused with what is wrong: no address, no number, too many bits, too few", () => {
    const example = "write it as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32"
    for (
      const text of [
        "",
        "x",
        "/24",
        "203.0.113.0/",
        "203.0.113.0/x",
        "203.0.113.0/24/8",
        "203.0.113.0/1234",
        "1.2.3.4/-8",
        "1.2.3.4/8x",
        "1.2.3.4/x8"
      ]
    ) {
      assert.strictEqual(failure(text), `"${text}" is not an address or a block of addresses: ${example}`)
    }
    const after = (text: string, reason: string) => assert.match(failure(text), new RegExp(`addresses: ${reason}`))
    after("203.0.113.0/33", "a prefix length is at most 32$")
    after("::ffff:203.0.113.0/129", "a prefix length is at most 128$")
    after("2001:db8::/129", "a prefix length is at most 128$")
    const [v4, v6] = [Limits.subnetIpv4Least, Limits.subnetIpv6Least]
    const tooWide = ", since a wider block is most of the network$"
    after(`203.0.113.0/${v4 - 1}`, `a prefix length is at least ${v4}${tooWide}`)
    after(`::ffff:203.0.113.0/${v4 + 95}`, `a prefix length is at least ${v4 + 96}${tooWide}`)
    after(`2001:db8::/${v6 - 1}`, `a prefix length is at least ${v6}${tooWide}`)
    for (const text of [`203.0.113.0/${v4}`, `::ffff:203.0.113.0/${v4 + 96}`, `2001:db8::/${v6}`]) {
      assert.match(failure(text), /^is /)
    }
  })

  it("says its lowest address, its length and whether it is one address", () => {
    assert.deepStrictEqual(Subnet.parts(block("10.1.2.3/16")), { ip: ip("10.1.0.0"), length: 16, isOne: false })
    assert.deepStrictEqual(Subnet.parts(block("10.1.2.3")), { ip: ip("10.1.2.3"), length: 32, isOne: true })
    assert.deepStrictEqual(Subnet.parts(block("2001:db8::1")), { ip: ip("2001:db8::1"), length: 128, isOne: true })
  })

  it("contains the addresses of its family with its bits, and no others", () => {
    const cases = [
      ["10.1.0.0/16", "10.1.255.255", true],
      ["10.1.0.0/16", "10.2.0.0", false],
      ["128.0.0.0/9", "128.127.0.1", true],
      ["128.0.0.0/9", "128.128.0.1", false],
      ["10.1.2.3", "10.1.2.3", true],
      ["10.1.2.3", "10.1.2.4", false],
      ["2001:db8:e000::/35", "2001:db8:ffff::1", true],
      ["2001:db8:e000::/35", "2001:db8:c000::1", false],
      ["2001:db8::/32", "2001:db8:ffff::1", true],
      ["2001:db8::/32", "2001:db9::1", false],
      ["2001:db8::/32", "32.1.13.184", false],
      ["32.1.0.0/16", "2001:db8::", false]
    ] as const
    for (const [of, address, isIn] of cases) {
      assert.strictEqual(Subnet.contains(block(of), ip(address)), isIn, `${address} in ${of}`)
    }
  })

  it("of one length is another where the prefixes differ, at every bit", () => {
    for (const [address, bits] of [["203.0.113.7", 32], ["2001:db8::7", 128]] as const) {
      const digits = Subnet.digitsOf(ip(address))
      const bytes = PeerIp.toBytes(ip(address))
      for (let bit = 1; bit <= bits; bit++) {
        const flipped = Uint8Array.from(bytes)
        const at = 16 - bits / 8 + ((bit - 1) >> 3)
        flipped[at] = (flipped[at] ?? 0) ^ (0x80 >> ((bit - 1) & 7))
        const other = Subnet.digitsOf(PeerIp.fromBytesAt(flipped, 0))
        assert.notStrictEqual(Subnet.prefixOf(digits, bit), Subnet.prefixOf(other, bit), `${address}/${bit}`)
        if (bit > 1) assert.strictEqual(Subnet.prefixOf(digits, bit - 1), Subnet.prefixOf(other, bit - 1))
      }
    }
  })

  it("sorts by its lowest address, then the wider first", () => {
    const sorted = ["10.0.0.0/8", "10.0.0.0/16", "10.0.0.0", "10.1.0.0/16", "2001:db8::/32", "2001:db8::/100"]
    const keys = sorted.map((text) => Subnet.sortKey(block(text)))
    assert.deepStrictEqual(keys.toSorted(), keys)
    assert.strictEqual(new Set(keys).size, keys.length)
  })

  it("has prefixes of whole digits without a rest", () => {
    assert.strictEqual(Subnet.prefixOf(Subnet.digitsOf(ip("2001:db8::")), 32), "20010db8")
    assert.strictEqual(Subnet.prefixOf(Subnet.digitsOf(ip("2001:db8::")), 35), "20010db8-0")
  })
})
