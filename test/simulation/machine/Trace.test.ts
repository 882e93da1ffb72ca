/** The fingerprint of a run: equal for equal input, and another one for whatever differs. */
import { assert, describe, it } from "@effect/vitest"
import type { NodeEvent } from "../../../src/domain/NodeEvent.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { plain, Trace } from "../../../src/simulation/machine/Trace.ts"
import { randomFrom } from "../../harness/random.ts"

const hash = (f: (trace: Trace) => void): string => {
  const trace = new Trace()
  f(trace)
  return trace.hash
}

const ip = PeerIp.fromStringUnsafe("10.0.0.1")
const dialling = (port: number): NodeEvent => ({ _tag: "Dialling", at: 0, ip, port })
const sent = (tag: "PingSent" | "PongSent", connection: number): NodeEvent => ({
  _tag: tag,
  at: 0,
  ip,
  connection,
  direction: "inbound",
  socket: "10.0.0.1:50000",
  nonce: 1n
})

describe("Trace", () => {
  it("is 16 hex digits, the same for the same input", () => {
    const f = (trace: Trace) => {
      trace.number(7)
      trace.text("seven")
      trace.event(1.5, 9, 3, dialling(80))
      trace.event(2, 10, 3, sent("PingSent", 4))
    }
    assert.match(hash(f), /^[0-9a-f]{16}$/)
    assert.strictEqual(hash(f), hash(f))
    assert.match(hash(() => {}), /^[0-9a-f]{16}$/)
  })

  it("differs where anything differs: order, moment, step, node, kind, connection, particulars, length", () => {
    const variants: Readonly<Record<string, (trace: Trace) => void>> = {
      nothing: () => {},
      "a zero": (trace) => trace.number(0),
      "two zeros": (trace) => (trace.number(0), trace.number(0)),
      "1 2": (trace) => (trace.number(1), trace.number(2)),
      "2 1": (trace) => (trace.number(2), trace.number(1)),
      ab: (trace) => trace.text("ab"),
      ba: (trace) => trace.text("ba"),
      "a, b": (trace) => (trace.text("a"), trace.text("b")),
      dialling: (trace) => trace.event(1, 1, 1, dialling(1)),
      "two microseconds later": (trace) => trace.event(1.002, 1, 1, dialling(1)),
      "a step later": (trace) => trace.event(1, 2, 1, dialling(1)),
      "another port": (trace) => trace.event(1, 1, 1, dialling(2)),
      ping: (trace) => trace.event(1, 1, 1, sent("PingSent", 1)),
      pong: (trace) => trace.event(1, 1, 1, sent("PongSent", 1)),
      "a ping of another node": (trace) => trace.event(1, 1, 2, sent("PingSent", 1)),
      "a ping of another connection": (trace) => trace.event(1, 1, 1, sent("PingSent", 2))
    }
    const hashes = new Map<string, string>()
    for (const [name, f] of Object.entries(variants)) {
      const same = hashes.get(hash(f))
      assert.isUndefined(same, `${name} is ${same}`)
      hashes.set(hash(f), name)
    }
  })

  it("100,000 sequences that differ in one place, or in the order of two, all differ", () => {
    const n = randomFrom(1)
    const base = Array.from({ length: 50 }, () => n(1_000))
    const of = (numbers: ReadonlyArray<number>) => hash((trace) => numbers.forEach((number) => trace.number(number)))
    const seen = new Set([of(base)])
    let made = 1
    for (let i = 0; i < 50; i++) {
      for (let change = 1; change <= 1_950; change++) {
        seen.add(of(base.with(i, (base[i] ?? 0) + change)))
        made += 1
      }
    }
    for (let i = 1; i < 50; i++) {
      if (base[i] === base[i - 1]) continue
      seen.add(of(base.with(i, base[i - 1] ?? 0).with(i - 1, base[i] ?? 0)))
      made += 1
    }
    assert.strictEqual(seen.size, made)
  })

  it("takes whole numbers by their lowest 32 bits", () => {
    const of = (n: number) => hash((trace) => trace.number(n))
    assert.strictEqual(of(5.9), of(5))
    assert.strictEqual(of(2 ** 32 + 5), of(5))
    assert.notStrictEqual(of(-5), of(5))
  })

  it("big numbers in events are told as text", () => {
    assert.strictEqual(JSON.stringify({ a: 2n ** 64n, b: 1 }, plain), `{"a":"18446744073709551616","b":1}`)
  })
})
