import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Net from "node:net"
import { TcpEnd } from "../../../src/layers/socket/TcpEnd.ts"

/** An end of a socket without a connection: bytes come from the test. */
const ended = () => {
  const conn = new Net.Socket()
  return { conn, end: new TcpEnd(conn), hears: (bytes: number) => void conn.emit("data", Buffer.alloc(bytes)) }
}

describe("TcpEnd", () => {
  it.effect("a reader that pauses while it takes what had arrived before it is given nothing more", () =>
    Effect.gen(function*() {
      const { conn, end, hears } = ended()
      // As in the lobby: it is paused once its first message is whole.
      end.onceSpoken(() => {}, () => true)
      hears(100)
      assert.isTrue(conn.isPaused())
      end.begin()
      let bytes = 0
      const reading = yield* Effect.forkChild(
        end.drainTo((batch) => {
          for (const chunk of batch) bytes += chunk.length
          end.hold(true)
        }),
        { startImmediately: true }
      )
      assert.deepStrictEqual([bytes, conn.isPaused()], [100, true])
      end.hold(false)
      assert.isFalse(conn.isPaused())
      yield* Fiber.interrupt(reading)
    }))

  it.effect("a reader that does not pause is given the rest", () =>
    Effect.gen(function*() {
      const { conn, end, hears } = ended()
      end.onceSpoken(() => {}, () => true)
      hears(100)
      end.begin()
      let bytes = 0
      const reading = yield* Effect.forkChild(
        end.drainTo((batch) => {
          for (const chunk of batch) bytes += chunk.length
        }),
        { startImmediately: true }
      )
      assert.isFalse(conn.isPaused())
      hears(50)
      assert.strictEqual(bytes, 150)
      yield* Fiber.interrupt(reading)
    }))
})
