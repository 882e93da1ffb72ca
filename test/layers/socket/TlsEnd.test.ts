import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TlsEnd from "../../../src/layers/socket/TlsEnd.ts"

/** A connection whose bytes are numbers only. */
const counted = () => {
  const conn = new NodeTls.TLSSocket(new Net.Socket())
  const [data, given] = [{ bytesRead: 0 }, { bytesRead: 0 }]
  Object.defineProperty(conn, "bytesRead", { get: () => data.bytesRead })
  return {
    end: new TlsEnd.TlsEnd(conn, undefined, given),
    conn,
    hears: (bytes: number, overhead: number) => {
      data.bytesRead += bytes
      given.bytesRead += bytes + overhead
    }
  }
}

const watching = (count: number) =>
  Effect.map(TlsEnd.watch, (watch) =>
    Array.from({ length: count }, () => {
      const one = counted()
      watch(one.end)
      return one
    }))

const look = TestClock.adjust(Limits.tlsLookMs)

describe("TlsEnd", () => {
  it.effect("records without data: one connection may have some, and all together not many times that", () =>
    Effect.scoped(Effect.gen(function*() {
      const all = yield* watching(100)
      const honest = all.slice(90)
      yield* look
      for (let second = 0; second < 5; second++) {
        for (const [i, one] of all.entries()) {
          if (i < 90) one.hears(10, Limits.tlsOverheadBytes - 1_000 - i)
          else one.hears(100_000, 40_000)
        }
        yield* look
      }
      const left = all.slice(0, 90).filter(({ conn }) => !conn.destroyed)
      assert.isAtLeast(left.length, 1)
      assert.isAtMost(left.length * (Limits.tlsOverheadBytes - 1_000 - 89), Limits.tlsOverheadTotalBytes)
      assert.isTrue(left.every((one) => all.indexOf(one) > 80), "those with least are left")
      assert.isTrue(honest.every(({ conn }) => !conn.destroyed), "data is no overhead")
    })))

  it.effect("a thousand quiet connections are none of it", () =>
    Effect.scoped(Effect.gen(function*() {
      const all = yield* watching(1_000)
      for (let second = 0; second < 3; second++) {
        // A ping, a pong.
        for (const one of all) one.hears(26, 44)
        yield* look
      }
      assert.isTrue(all.every(({ conn }) => !conn.destroyed))
    })))
})
