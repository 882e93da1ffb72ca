/** A TCP connection's end over a `net.Socket` in the test's hand: what is read ahead, how each way of ending is told, and what a close leaves. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import type { Socket } from "effect/socket"
import { EventEmitter } from "node:events"
import * as Net from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import { TcpEnd } from "../../../src/layers/socket/TcpEnd.ts"

class HandConn extends EventEmitter {
  paused = false
  writable = true
  writableNeedDrain = false
  writableLength = 0
  destroyed = false
  ended = 0
  timeoutMs: number | undefined
  onTimeout = (): void => {}
  readonly written: Array<unknown> = []
  readonly calls: Array<string> = []
  isPaused(): boolean {
    return this.paused
  }
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  cork(): void {
    this.calls.push("cork")
  }
  uncork(): void {
    this.calls.push("uncork")
  }
  write(chunk: unknown): boolean {
    this.written.push(chunk)
    return !this.writableNeedDrain
  }
  end(): void {
    this.ended += 1
  }
  destroy(): void {
    this.destroyed = true
  }
  destroySoon(): void {
    this.calls.push("destroySoon")
  }
  setTimeout(ms: number, f: () => void): void {
    this.timeoutMs = ms
    this.onTimeout = f
  }
}

const make = () => {
  const conn = new HandConn()
  const end = new TcpEnd(conn as unknown as Net.Socket)
  return { conn, end, receive: (...bytes: ReadonlyArray<number>) => conn.emit("data", Buffer.from(bytes)) }
}

const bytesOf = (chunk: Uint8Array): ReadonlyArray<number> => Array.from(chunk)

const ending = (exit: Exit.Exit<unknown, Socket.SocketError> | undefined) => {
  if (exit === undefined || Exit.isSuccess(exit)) return undefined
  for (const reason of exit.cause.reasons) {
    if (reason._tag === "Die") return "defect"
    if (reason._tag === "Fail") {
      const { reason: { _tag, ...rest } } = reason.error
      return "code" in rest ? `${_tag} ${String(rest.code)}` : _tag
    }
  }
  return Cause.pretty(exit.cause)
}

describe("reading", () => {
  it("begins once; what has arrived is pulled together, and a pull that waits gets the next", () => {
    const { end, receive } = make()
    assert.deepStrictEqual([end.begin(), end.begin()], [true, false])
    receive(1)
    receive(2, 3)
    assert.deepStrictEqual(Effect.runSync(end.pull).map(bytesOf), [[1], [2, 3]])
    const fiber = Effect.runFork(end.pull)
    assert.isUndefined(fiber.pollUnsafe())
    receive(4)
    const exit = fiber.pollUnsafe()
    assert.deepStrictEqual(exit !== undefined && Exit.isSuccess(exit) && exit.value.map(bytesOf), [[4]])
  })

  it("stops the peer when enough is read ahead, by bytes or by chunks, and lets it send again when that is pulled", () => {
    const { conn, end } = make()
    end.begin()
    conn.emit("data", Buffer.alloc(Limits.readAheadBytes - 1))
    assert.isFalse(conn.paused)
    conn.emit("data", Buffer.alloc(1))
    assert.isTrue(conn.paused)
    Effect.runSync(end.pull)
    assert.isFalse(conn.paused)
    conn.emit("data", Buffer.alloc(Limits.readAheadBytes - 1))
    assert.isFalse(conn.paused, "what was pulled counts no more")
    Effect.runSync(end.pull)
    for (let i = 0; i < Limits.readAheadChunks; i++) conn.emit("data", Buffer.alloc(1))
    assert.isTrue(conn.paused)
  })

  it("loses nothing by a pull that is interrupted", () => {
    const { end, receive } = make()
    end.begin()
    Effect.runFork(end.pull).interruptUnsafe()
    receive(7)
    assert.deepStrictEqual(Effect.runSync(end.pull).map(bytesOf), [[7]])
  })

  it("by a sink gives what is there first, then each batch as it comes; a sink that throws ends it", () => {
    const { conn, end, receive } = make()
    end.begin()
    receive(1)
    conn.pause()
    const got: Array<number> = []
    let isBroken = false
    const fiber = Effect.runFork(end.drainTo((batch) => {
      if (isBroken) throw new Error("no")
      for (const chunk of batch) got.push(...chunk)
    }))
    assert.deepStrictEqual([got, conn.paused], [[1], false])
    receive(2)
    end.hold(true)
    assert.isTrue(conn.paused)
    end.hold(false)
    assert.deepStrictEqual([got, conn.paused], [[1, 2], false])
    isBroken = true
    receive(3)
    assert.strictEqual(ending(fiber.pollUnsafe()), "defect")
  })

  it("ends with 1000 after the peer's FIN, behind all that came before it", () => {
    const { conn, end, receive } = make()
    end.begin()
    receive(1)
    conn.emit("end")
    conn.emit("close")
    assert.deepStrictEqual(Effect.runSync(end.pull).map(bytesOf), [[1]])
    assert.strictEqual(ending(Effect.runSyncExit(end.pull)), "SocketCloseError 1000")
    const late = make()
    late.end.begin()
    late.conn.emit("end")
    assert.strictEqual(ending(Effect.runFork(late.end.drainTo(() => {})).pollUnsafe()), "SocketCloseError 1000")
  })

  it("ends with a read error after a reset, and with 1006 after a close without a cause", () => {
    const { conn, end } = make()
    end.begin()
    const fiber = Effect.runFork(end.pull)
    conn.emit("error", Object.assign(new Error("x"), { code: "ECONNRESET" }))
    assert.strictEqual(ending(fiber.pollUnsafe()), "SocketReadError")
    conn.emit("close")
    assert.strictEqual(ending(Effect.runSyncExit(end.pull)), "SocketReadError", "the first cause stays")
    const silent = make()
    silent.end.begin()
    silent.conn.emit("close")
    assert.strictEqual(ending(Effect.runSyncExit(silent.end.pull)), "SocketCloseError 1006")
  })
})

describe("a first word", () => {
  it("is told once when it is enough, without being consumed, and pauses until a reader begins", () => {
    const { conn, end, receive } = make()
    const told: Array<boolean> = []
    end.onceSpoken(
      (hasSpoken) => void told.push(hasSpoken),
      (chunks) => chunks.reduce((sum, { length }) => sum + length, 0) >= 3
    )
    receive(1, 2)
    assert.deepStrictEqual([told, conn.paused], [[], false])
    receive(3)
    receive(4)
    assert.deepStrictEqual([told, conn.paused], [[true], true])
    end.begin()
    assert.deepStrictEqual(Effect.runSync(end.pull).flatMap(bytesOf), [1, 2, 3, 4])
  })

  it("is missing when the connection ends before, or has ended", () => {
    const { conn, end } = make()
    const told: Array<boolean> = []
    end.onceSpoken((hasSpoken) => void told.push(hasSpoken), () => false)
    conn.emit("end")
    conn.emit("close")
    assert.deepStrictEqual(told, [false])
    const gone = make()
    gone.conn.emit("close")
    gone.end.onceSpoken((hasSpoken) => void told.push(hasSpoken), () => true)
    assert.deepStrictEqual(told, [false, false])
  })

  it("of single bytes is kept in few chunks", () => {
    const { end, receive } = make()
    let most = 0
    end.onceSpoken(() => {}, (chunks) => {
      most = Math.max(most, chunks.length)
      return false
    })
    for (let i = 0; i < 5 * Limits.unspokenChunks; i++) receive(i & 255)
    assert.isAtMost(most, Limits.unspokenChunks)
  })
})

describe("writing", () => {
  it("hands chunks over at once, several as one, and waits only while the system takes no more", () => {
    const { conn, end } = make()
    end.begin()
    assert.strictEqual(end.write([Buffer.from("a")]), Effect.void)
    assert.deepStrictEqual([conn.calls, conn.written.length], [[], 1])
    Effect.runSync(end.write([Buffer.from("b"), Buffer.from("c")]))
    assert.deepStrictEqual([conn.calls, conn.written.length], [["cork", "uncork"], 3])
    conn.writableNeedDrain = true
    const [first, second] = [
      Effect.runFork(end.write([Buffer.from("d")])),
      Effect.runFork(end.write([Buffer.from("e")]))
    ]
    assert.deepStrictEqual([first.pollUnsafe(), second.pollUnsafe()], [undefined, undefined])
    second.interruptUnsafe()
    conn.emit("drain")
    assert.deepStrictEqual(first.pollUnsafe(), Exit.void)
    assert.strictEqual(conn.written.length, 5, "what was interrupted is still sent")
    conn.writableLength = 1
    assert.isFalse(end.flushed())
    conn.writableLength = 0
    assert.isTrue(end.flushed())
  })

  it("fails when the connection breaks, those that wait with its cause, and later ones too", () => {
    const { conn, end } = make()
    end.begin()
    conn.writableNeedDrain = true
    const waiting = Effect.runFork(end.write([Buffer.from("a")]))
    const cause = Object.assign(new Error("x"), { code: "EPIPE" })
    conn.emit("error", cause)
    assert.strictEqual(ending(waiting.pollUnsafe()), "SocketWriteError")
    conn.writable = false
    assert.strictEqual(ending(Effect.runSyncExit(end.write([Buffer.from("b")]))), "SocketWriteError")
    assert.strictEqual(end.cause(), cause)
  })

  it("ends with a FIN, once the connection can be written", () => {
    const { conn, end } = make()
    end.finish()
    conn.writable = false
    end.finish()
    assert.strictEqual(conn.ended, 1)
  })
})

describe("closing", () => {
  it("destroys at once where nothing waits to be sent, drops what was read, and fails a pull with 1006", () => {
    const { conn, end, receive } = make()
    end.begin()
    receive(1)
    end.close()
    assert.isTrue(conn.destroyed)
    assert.strictEqual(ending(Effect.runSyncExit(end.pull)), "SocketCloseError 1006")
    receive(2)
    assert.strictEqual(ending(Effect.runSyncExit(end.pull)), "SocketCloseError 1006")
    assert.deepStrictEqual([end.start(), end.begin()], [false, false])
    const waiting = make()
    waiting.end.begin()
    const fiber = Effect.runFork(waiting.end.pull)
    waiting.end.close()
    assert.strictEqual(ending(fiber.pollUnsafe()), "SocketCloseError 1006")
  })

  it("lets what is not sent yet leave first, for a bounded time without progress, longer over TLS", () => {
    for (const [encrypted, ms] of [[false, Limits.lingerMs], [true, Limits.lingerTlsMs]] as const) {
      const { conn, end } = make()
      if (encrypted) Object.assign(conn, { encrypted: true })
      conn.writableLength = 5
      end.close()
      end.close()
      assert.deepStrictEqual([conn.destroyed, conn.calls, conn.timeoutMs], [false, ["destroySoon"], ms])
      conn.onTimeout()
      assert.isTrue(conn.destroyed)
    }
  })

  it("does nothing more to a connection that is gone, and holds it no longer", () => {
    const { conn, end } = make()
    conn.destroyed = true
    conn.writableLength = 5
    end.close()
    assert.deepStrictEqual(conn.calls, [])
    const closed = make()
    closed.end.begin()
    closed.end.close()
    closed.conn.pause()
    closed.end.hold(false)
    assert.isTrue(closed.conn.paused, "it is not read again")
  })
})

/** An end of a socket without a connection: bytes come from the test. */
const ended = () => {
  const conn = new Net.Socket()
  return { conn, end: new TcpEnd(conn), hears: (bytes: number) => void conn.emit("data", Buffer.alloc(bytes)) }
}

describe("a reader that begins", () => {
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
