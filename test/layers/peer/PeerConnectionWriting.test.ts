import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Socket } from "effect/socket"
import * as Limits from "../../../src/domain/Limits.ts"
import { socketFromEnd } from "../../../src/layers/socket/socketFromEnd.ts"
import { concat, data, make, ping, reject } from "../../harness/connectionHand.ts"

describe("writing", () => {
  it("joins what is queued in one turn into one write", () => {
    const { connection, open, turn, written } = make()
    open()
    connection.sendBulk(data(1, 4))
    connection.sendControl(ping(1n))
    assert.deepStrictEqual(written(), [])
    assert.strictEqual(connection.queuedBytes, ping(1n).length + data(1, 4).length)
    turn()
    assert.deepStrictEqual(written(), [concat([ping(1n), data(1, 4)])])
    assert.deepStrictEqual([connection.queuedBytes, connection.messagesSent], [0, 2])
    connection.sendBulk(data(1, 4), 3)
    assert.strictEqual(connection.messagesSent, 5)
  })

  it("asks for one turn however much is queued in it, and for none while a write waits or before it is open", () => {
    const { connection, drain, fill, open, turn, turns, written } = make()
    connection.sendBulk(data(1, 4))
    assert.strictEqual(turns(), 0, "it is not open yet")
    open()
    assert.strictEqual(written().length, 1)
    for (let i = 0; i < 5; i++) connection.sendBulk(data(1, 4))
    assert.strictEqual(turns(), 1)
    fill()
    turn()
    connection.sendBulk(data(1, 4))
    assert.deepStrictEqual([turns(), written().length], [0, 1], "what waits goes out when the socket takes it")
    drain()
    assert.strictEqual(written().length, 1)
  })

  it("waits for a socket that takes no more: counted since then, this node's own lag not included; then all goes out", () => {
    const { connection, drain, fill, hand, open, turn, written } = make()
    open()
    hand.to(1_000)
    fill()
    connection.sendBulk(data(1, 4))
    turn()
    connection.sendBulk(data(1, 5))
    turn()
    assert.deepStrictEqual(written(), [data(1, 4)])
    hand.to(6_000)
    assert.strictEqual(connection.writeWaitMs(hand.timers.now()), 5_000)
    hand.timers.lag.ran(6_000, 8_000)
    hand.to(8_000)
    assert.strictEqual(connection.writeWaitMs(hand.timers.now()), 5_000)
    const sent = connection.bytesSent
    fill(false)
    drain()
    assert.deepStrictEqual(written(), [data(1, 5)])
    assert.strictEqual(connection.writeWaitMs(hand.timers.now()), 0)
    assert.strictEqual(connection.bytesSent, sent + data(1, 4).length + data(1, 5).length)
    assert.strictEqual(connection.queuedBytes, 0)
  })

  it("that fails ends the connection with the cause", () => {
    const { calls, connection, drain, fill, open, turn } = make()
    open()
    fill()
    connection.sendBulk(data(1, 4))
    turn()
    drain(Exit.fail(new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: new Error("no") }) })))
    assert.deepStrictEqual(calls(), [["end", "owner", "reset", "remote", "write failed", true]])
  })

  it("tells when a control frame is out, not before", () => {
    const { connection, drain, fill, open, turn } = make()
    open()
    fill()
    let flushed = 0
    connection.sendControl(ping(1n), () => void (flushed += 1))
    turn()
    assert.strictEqual(flushed, 0)
    drain()
    assert.strictEqual(flushed, 1)
  })

  it("refuses what does not fit its outbox, and takes no more once closing has begun", () => {
    const { connection, fill, open, turn } = make()
    open()
    fill()
    assert.isFalse(connection.sendControl(new Uint8Array(Limits.outboxControlBytes + 1)))
    assert.isFalse(connection.sendBulk(new Uint8Array(Limits.outboxBytes + 1)))
    const big = new Uint8Array(Limits.outboxHighBytes)
    assert.isTrue(connection.sendBulk(big))
    assert.isFalse(connection.high)
    assert.isTrue(connection.sendBulk(new Uint8Array(1)))
    assert.isTrue(connection.high)
    turn()
    let resumed = 0
    connection.whenLow(() => void (resumed += 1))
    connection.close(undefined)
    assert.strictEqual(resumed, 1)
    const { messagesSent } = connection
    assert.isTrue(connection.sendControl(ping(1n)))
    assert.isTrue(connection.sendBulk(data(1, 1)))
    assert.strictEqual(connection.messagesSent, messagesSent)
  })

  it("reuses its buffers while it is busy, and keeps none at rest", () => {
    const { connection, open, turn } = make()
    open()
    assert.notStrictEqual(connection.allocate(10).buffer, connection.allocate(10).buffer)
    const buffer = connection.allocate(Limits.smallFrameBytes)
    connection.sendBulk(buffer)
    turn()
    assert.strictEqual(connection.allocate(Limits.smallFrameBytes).buffer, buffer.buffer)
    connection.sendBulk(buffer)
    turn()
    connection.rest()
    assert.notStrictEqual(connection.allocate(Limits.smallFrameBytes).buffer, buffer.buffer)
  })
})

describe("closing", () => {
  it("with a last word writes only that, half-closes, reads on, and ends with the peer", () => {
    const { calls, connection, fin, fill, drain, io, open, receive, state, turn, written } = make()
    open()
    connection.sendBulk(data(1, 4))
    assert.isTrue(connection.close(reject))
    assert.isFalse(connection.active)
    assert.strictEqual(io.lingering.size, 1)
    fill()
    turn()
    assert.deepStrictEqual(written(), [reject])
    assert.strictEqual(state().finished, 0, "not before it is written")
    drain()
    assert.strictEqual(state().finished, 1)
    receive(ping(1n))
    assert.deepStrictEqual(calls(), [])
    fin()
    assert.deepStrictEqual(calls(), [["end", "owner", "EOF", "remote", undefined, true]])
    assert.strictEqual(io.lingering.size, 0)
    assert.isAbove(state().closed, 0)
  })

  it("lingers for a bounded time", () => {
    const { calls, connection, hand, open, turn } = make()
    open()
    connection.close(reject)
    turn()
    hand.to(Limits.lingerMs - 1)
    assert.deepStrictEqual(calls(), [])
    hand.to(Limits.lingerMs)
    assert.deepStrictEqual(calls().map(([what]) => what), ["end"])
  })

  it("without a last word ends at once; a second call changes nothing", () => {
    const { calls, connection, io, open, state } = make()
    open()
    assert.isFalse(connection.close(undefined))
    assert.deepStrictEqual(calls(), [["end", "owner", "EOF", "local", undefined, true]])
    assert.isFalse(connection.close(reject))
    assert.deepStrictEqual([calls(), io.lingering.size, state().closed > 0], [[], 0, true])
  })

  it("reads on although it was paused: unread bytes would turn the close into a reset", () => {
    const { connection, holds, open } = make()
    open()
    connection.pauseReading()
    holds()
    connection.close(reject)
    assert.deepStrictEqual(holds(), [false])
    const other = make()
    other.open()
    other.connection.close(reject)
    assert.deepStrictEqual(other.holds(), [])
  })

  it("counts a newcomer among those that linger, one that was up not", () => {
    const seen: Array<boolean> = []
    for (const wasUp of [false, true]) {
      const { connection, io, open } = make()
      io.lingering.begin = (_, was) => void seen.push(was)
      open()
      if (wasUp) connection.allowLongFrames()
      connection.close(reject)
    }
    assert.deepStrictEqual(seen, [false, true])
  })

  it("releases all that its outbox held for the node", () => {
    const { connection, fill, open, turn, waiting } = make()
    open()
    fill()
    connection.sendBulk(data(1, 100))
    turn()
    connection.sendBulk(data(1, 100))
    assert.strictEqual(waiting.outgoing, 2 * data(1, 100).length)
    connection.close(undefined)
    assert.strictEqual(waiting.outgoing, 0)
  })

  it("by the peer before the socket opened says that it never did", () => {
    const { calls, connection } = make()
    const failing = socketFromEnd(
      () => ({
        pull: Effect.never,
        write: () => Effect.never,
        finish: () => {},
        close: () => {}
      }),
      () =>
        Effect.fail(
          new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Timeout", cause: undefined }) })
        )
    )
    Effect.runFork(connection.run(failing, Effect.succeedNone))
    assert.deepStrictEqual(calls(), [["end", "owner", "dial-failed", "remote", "no answer", false]])
  })
})
