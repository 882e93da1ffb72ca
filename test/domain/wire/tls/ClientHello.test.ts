import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../../src/domain/Limits.ts"
import { ClientHello } from "../../../../src/domain/wire/tls/ClientHello.ts"

/** A handshake record with this in it. */
const record = (body: ReadonlyArray<number>) => [22, 3, 1, body.length >> 8, body.length & 255, ...body]
const message = (length: number) => [1, 0, length >> 8, length & 255, ...Array.from({ length }, () => 7)]

const scan = (bytes: ReadonlyArray<number>, size = bytes.length) => {
  const hello = new ClientHello()
  let progress = "more"
  let at = 0
  for (; at < bytes.length && progress === "more"; at += size) {
    progress = hello.push(Uint8Array.from(bytes.slice(at, at + size)))
  }
  return [progress, hello.detail, at] as const
}

describe("ClientHello", () => {
  it("is whole with its last byte, in pieces of any size, in one record or in several", () => {
    const body = message(300)
    const several = [...record(body.slice(0, 2)), ...record(body.slice(2, 100)), ...record(body.slice(100))]
    for (const bytes of [record(body), several]) {
      for (const size of [1, 2, 3, 7, 64, 1_000]) {
        assert.strictEqual(scan(bytes, size)[0], "whole", `pieces of ${size}`)
        assert.strictEqual(scan(bytes.slice(0, -1), size)[0], "more", `pieces of ${size}, one byte short`)
      }
    }
  })

  it("does not look at what follows", () => {
    assert.strictEqual(scan([...record(message(40)), 255, 255, 255])[0], "whole")
  })

  it("has a length limit, which counts before the message has come", () => {
    assert.strictEqual(scan(record(message(Limits.tlsHelloBytes)))[0], "whole")
    assert.deepStrictEqual(scan(record(message(Limits.tlsHelloBytes + 1)), 9), [
      "malformed",
      `ClientHello of ${Limits.tlsHelloBytes + 1} bytes exceeds limit ${Limits.tlsHelloBytes}`,
      9
    ])
  })

  it("counts the bytes that it has read, and stops at the last one of the message", () => {
    const hello = new ClientHello()
    const bytes = record(message(9))
    assert.strictEqual(hello.push(Uint8Array.from(bytes.slice(0, 6))), "more")
    assert.deepStrictEqual([hello.bytes, hello.detail], [6, undefined])
    assert.strictEqual(hello.push(new Uint8Array(0)), "more")
    assert.strictEqual(hello.push(Uint8Array.from([...bytes.slice(6), 1, 2, 3])), "whole")
    assert.deepStrictEqual([hello.bytes, hello.detail], [bytes.length, undefined])
    assert.strictEqual(hello.push(Uint8Array.of(1)), "whole")
    assert.strictEqual(hello.bytes, bytes.length)
    const bad = new ClientHello()
    assert.strictEqual(bad.push(Uint8Array.of(23, 22)), "malformed")
    assert.strictEqual(bad.push(Uint8Array.from(bytes)), "malformed", "for good")
    assert.deepStrictEqual([bad.bytes, bad.detail], [1, "TLS record of type 23 before the ClientHello"])
  })

  it("may be empty, and lie in a record as long as any", () => {
    assert.deepStrictEqual(scan(record(message(0))), ["whole", undefined, 9])
    assert.strictEqual(scan([22, 3, 1, 64, 0, 1, 0, 0, 9])[0], "more")
    // A length of three bytes.
    assert.strictEqual(scan([22, 3, 1, 0, 9, 1, 1, 0, 0])[1], "ClientHello of 65536 bytes exceeds limit 8192")
  })

  it("may not come in records of next to nothing", () => {
    const bytes = message(Limits.tlsHelloBytes).flatMap((byte) => record([byte]))
    const [progress, detail, at] = scan(bytes, 1)
    assert.deepStrictEqual([progress, at], ["malformed", 2 * Limits.tlsHelloBytes])
    assert.match(detail ?? "", /^no whole ClientHello in \d+ bytes$/)
  })

  it.each<readonly [string, ReadonlyArray<number>, string]>([
    ["data first", [23, 3, 3, 0, 1, 0], "TLS record of type 23 before the ClientHello"],
    ["SSL 2", [22, 2, 0, 0, 1, 1], "TLS record of version 2"],
    ["an empty record", [22, 3, 1, 0, 0], "TLS record length 0 is not 1 to 16384"],
    ["a record over the limit", [22, 3, 1, 64, 1], "TLS record length 16385 is not 1 to 16384"],
    ["another message", [22, 3, 1, 0, 4, 2], "TLS message of type 2 in place of a ClientHello"],
    ["another record in the middle", [22, 3, 1, 0, 4, 1, 0, 0, 9, 20], "TLS record of type 20 before the ClientHello"]
  ])("names what is none: %s", (_, bytes, detail) => {
    for (const size of [1, bytes.length]) {
      const [progress, said] = scan(bytes, size)
      assert.deepStrictEqual([progress, said], ["malformed", detail])
    }
  })
})
