/** Seeds as text: names and addresses. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import * as Seed from "../../../src/domain/peer/Seed.ts"

describe("a seed", () => {
  const good: ReadonlyArray<readonly [text: string, shown: string]> = [
    ["seed.example.org", "seed.example.org:24100"],
    ["Seed.Example.ORG.", "seed.example.org:24100"],
    ["seed-1.example.org:24000", "seed-1.example.org:24000"],
    ["_peers._tcp.example.org", "_peers._tcp.example.org:24100"],
    ["localhost", "localhost:24100"],
    ["203.0.113.7", "203.0.113.7:24100"],
    ["203.0.113.7:1", "203.0.113.7:1"],
    ["::ffff:203.0.113.7", "203.0.113.7:24100"],
    ["[2001:DB8::7]:9000", "[2001:db8::7]:9000"]
  ]
  for (const [text, shown] of good) {
    it(`${text} is ${shown}`, () => {
      assert.strictEqual(Seed.format(Result.getOrThrow(Seed.fromString(text, 24_100))), shown)
    })
  }

  const bad = [
    "",
    ".",
    "a..b",
    "-a.example",
    "a-.example",
    "seed.example.org:0",
    "seed.example.org:65536",
    "seed.example.org:x",
    "seed.example.org:",
    "https://seed.example.org",
    "seed example",
    "300.1.1.1",
    "1.2.3",
    `${"a".repeat(64)}.example`,
    `${"abcdefgh.".repeat(29)}example`
  ]
  for (const text of bad) {
    it(`"${text.slice(0, 40)}" is none`, () => {
      assert.isTrue(Result.isFailure(Seed.fromString(text, 24_100)), text)
    })
  }

  it("is a name or an address, never both", () => {
    assert.deepStrictEqual(Result.getOrThrow(Seed.fromString("203.0.113.7", 5)), {
      _tag: "Address",
      address: { ip: ip("203.0.113.7"), port: 5 }
    })
    assert.strictEqual(Result.getOrThrow(Seed.fromString("a.example", 5))._tag, "Name")
  })

  it("has a port from 1 to 65535, and a name of the longest length that DNS has", () => {
    const shown = (text: string) => Result.getOrElse(Result.map(Seed.fromString(text, 1), Seed.format), (why) => why)
    assert.strictEqual(shown("a.example"), "a.example:1")
    assert.strictEqual(shown("a.example:65535"), "a.example:65535")
    for (const port of ["0", "65536"]) assert.strictEqual(shown(`a.example:${port}`), "has an invalid port")
    for (const text of ["a b", "a..b", "a:b:c", "[1.2.3"]) {
      assert.strictEqual(shown(text), "is neither a host name nor an IP address")
    }
    const most = `${"a".repeat(61)}.`.repeat(5).slice(0, Limits.hostNameCharacters)
    const longest = most.endsWith(".") ? `${most.slice(0, -1)}a` : most
    assert.strictEqual(shown(longest), `${longest}:1`)
    assert.strictEqual(shown(`${longest}a`), "is neither a host name nor an IP address")
    assert.strictEqual(shown("a.1"), "a.1:1")
    assert.strictEqual(shown("1.a"), "1.a:1")
  })
})
