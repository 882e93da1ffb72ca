/** One socket's bytes: frames handed over, pauses, writes that wait, long frames within the budget, and every way to close. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Fiber, Option } from "effect"
import { Socket } from "effect/socket"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import type { Message } from "../../../src/domain/wire/Message.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import { TimeFraming } from "../../../src/domain/wire/time/TimeFraming.ts"
import type { ConnectionIo, FrameEvents, SocketEvents } from "../../../src/layers/peer/ConnectionEvents.ts"
import { Lingering } from "../../../src/layers/peer/Lingering.ts"
import { PeerConnection } from "../../../src/layers/peer/PeerConnection.ts"
import { ReadTurns } from "../../../src/layers/peer/ReadTurns.ts"
import { WaitingBytes } from "../../../src/layers/peer/WaitingBytes.ts"
import { type ConnectionEnd, socketFromEnd } from "../../../src/layers/socket/socketFromEnd.ts"
import * as HandTimers from "../../harness/handTimers.ts"
import { ip } from "../../harness/peerContext.ts"

const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat([...chunks]))
const frame = (message: Message): Uint8Array => concat(NativeWire.encode(message))
const ping = (nonce: bigint) => frame({ _tag: "Ping", nonce })
const data = (channel: number, length: number) => concat(NativeWire.encodeData(channel, new Uint8Array(length)))
const reject = frame({ _tag: "Reject", reason: "full", text: "", retryAfterMs: 1 })
const address = PeerAddress.make(ip("10.0.0.1"), 5_000)

const make = () => {
  const hand = HandTimers.make()
  const turns: Array<() => void> = []
  const fork = (effect: Effect.Effect<void>): Fiber.Fiber<void> => Effect.runFork(effect)
  const waiting = new WaitingBytes()
  const io: ConnectionIo = {
    timers: hand.timers,
    afterTurn: (f) => void turns.push(f),
    fork,
    waiting,
    lingering: new Lingering(hand.timers),
    turns: new ReadTurns(hand.timers.now, fork)
  }
  const calls: Array<ReadonlyArray<unknown>> = []
  let onMessage = (_nonce: bigint): void => {}
  let onBytes = (): void => {}
  let onOpen = (): void => {}
  const frames: FrameEvents<string> = {
    onBytes: (owner) => {
      calls.push(["bytes", owner])
      onBytes()
    },
    onData: (_, reader, limit) => {
      const payloads: Array<Uint8Array> = []
      const { channel } = reader
      const count = reader.payloads(limit, payloads)
      calls.push(["data", channel, ...payloads.map(({ length }) => length)])
      return count
    },
    onMessage: (_, reader) => {
      const message = reader.message()
      calls.push([message._tag, "nonce" in message ? message.nonce : undefined])
      if ("nonce" in message) onMessage(message.nonce)
    },
    onMalformed: (_, fault) => void calls.push(["malformed", fault]),
    onGivenUp: (_, detail) => void calls.push(["given up", detail]),
    onBatch: (_, { arriving }, count) => void calls.push(["batch", count, arriving])
  }
  const events: SocketEvents<string> = {
    onOpen: (owner) => {
      calls.push(["open", owner])
      onOpen()
    },
    onEnd: (owner, reason, opened) =>
      void calls.push(["end", owner, DisconnectReason.label(reason), reason.by, reason.detail, opened])
  }
  const connection = new PeerConnection(io, NativeWire, "owner", frames, events)
  let sink: ((batch: ReadonlyArray<Uint8Array>) => void) | undefined
  let ended: ((exit: Exit.Exit<never, Socket.SocketError>) => void) | undefined
  const holds: Array<boolean> = []
  const written: Array<ReadonlyArray<Uint8Array>> = []
  let drained: ((exit: Exit.Exit<void, Socket.SocketError>) => void) | undefined
  let isFull = false
  let finished = 0
  let closed = 0
  const end: ConnectionEnd = {
    pull: Effect.never,
    drainTo: (to) => {
      sink = to
      return Effect.callback<never, Socket.SocketError>((resume) => {
        ended = resume
      })
    },
    hold: (held) => void holds.push(held),
    write: (chunks) => {
      written.push(chunks.map((chunk) => typeof chunk === "string" ? assert.fail("text") : chunk.slice()))
      return isFull
        ? Effect.callback<void, Socket.SocketError>((resume) => {
          drained = resume
        })
        : Exit.void
    },
    flushed: () => true,
    finish: () => void (finished += 1),
    close: () => void (closed += 1)
  }
  const socket = socketFromEnd(() => end, () => Effect.void)
  const turn = () => {
    for (let f = turns.shift(); f !== undefined; f = turns.shift()) f()
  }
  return {
    hand,
    io,
    waiting,
    connection,
    frames,
    turn,
    /** How many turns it waits for. */
    turns: () => turns.length,
    /** Opens the socket; what that alone causes is forgotten. */
    open: () => {
      Effect.runFork(connection.run(socket, Effect.succeedSome(address)))
      turn()
      calls.length = 0
    },
    run: (initiator: Option.Option<PeerAddress.PeerAddress> = Option.some(address)) =>
      Effect.runFork(connection.run(socket, Effect.succeed(initiator), Effect.succeedSome({ _tag: "Plain" } as const))),
    calls: () => calls.splice(0),
    tags: () => calls.splice(0).map(([tag]) => tag),
    holds: () => holds.splice(0),
    /** Bytes arrive. */
    receive: (...chunks: ReadonlyArray<Uint8Array>) =>
      (sink ?? assert.fail("not open"))(chunks.map((chunk) => chunk.slice())),
    written: () => written.splice(0).map((chunks) => concat(chunks)),
    /** Later writes wait until `drain`. */
    fill: (full = true) => {
      isFull = full
    },
    drain: (exit: Exit.Exit<void, Socket.SocketError> = Exit.void) => drained?.(exit),
    hear: (f: (nonce: bigint) => void) => {
      onMessage = f
    },
    atBytes: (f: () => void) => {
      onBytes = f
    },
    atOpen: (f: () => void) => {
      onOpen = f
    },
    fin: () => ended?.(Exit.fail(new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) }))),
    state: () => ({ finished, closed })
  }
}

describe("a socket that opens", () => {
  it("is reported once, with the initiator's end as its name, and sends what was queued before", () => {
    const { calls, connection, run, turn, written } = make()
    connection.sendControl(ping(1n))
    turn()
    assert.deepStrictEqual(written(), [])
    run()
    assert.deepStrictEqual(calls(), [["open", "owner"]])
    assert.deepStrictEqual([connection.socketName, connection.ephemeralPort, connection.local], [
      "10.0.0.1:5000",
      5_000,
      ip("10.0.0.1")
    ])
    assert.deepStrictEqual(connection.secured, { _tag: "Plain" })
    turn()
    assert.deepStrictEqual(written(), [ping(1n)])
    assert.deepStrictEqual([connection.bytesSent, connection.messagesSent], [ping(1n).length, 1])
  })

  it("keeps the local address and the security that an accepted one has already; an unknown initiator changes nothing", () => {
    const { connection, run } = make()
    connection.local = ip("10.0.0.9")
    connection.secured = { _tag: "Tls", version: "x", protocol: undefined, key: undefined }
    run()
    assert.deepStrictEqual([connection.local, connection.secured._tag], [ip("10.0.0.9"), "Tls"])
    const other = make()
    other.run(Option.none())
    assert.deepStrictEqual([other.connection.socketName, other.connection.ephemeralPort, other.connection.local], [
      "",
      0,
      undefined
    ])
  })

  it("that was closed before its program began, ends at once and never opens", () => {
    const { calls, connection, run, state } = make()
    assert.isFalse(connection.close(reject))
    assert.deepStrictEqual(calls(), [["end", "owner", "EOF", "local", undefined, false]])
    run()
    assert.deepStrictEqual([calls(), state()], [[], { finished: 0, closed: 0 }])
  })
})

describe("reading", () => {
  it("hands over each whole frame of a batch, and says what is still arriving", () => {
    const { calls, connection, open, receive } = make()
    open()
    const [a, b] = [ping(1n), ping(2n)]
    receive(concat([a, b.subarray(0, 4)]))
    assert.deepStrictEqual(calls(), [["bytes", "owner"], ["Ping", 1n], ["batch", 1, true]])
    receive(b.subarray(4))
    assert.deepStrictEqual(calls(), [["bytes", "owner"], ["Ping", 2n], ["batch", 1, false]])
    assert.deepStrictEqual([connection.bytesReceived, connection.messagesReceived], [a.length + b.length, 2])
    receive(data(3, 10), data(3, 20))
    assert.deepStrictEqual(calls(), [["bytes", "owner"], ["data", 3, 10], ["data", 3, 20], ["batch", 2, false]])
    assert.strictEqual(connection.messagesReceived, 4)
  })

  it("stops at what is no frame", () => {
    const { calls, open, receive } = make()
    open()
    receive(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0]), ping(1n))
    const [bytes, malformed, batch] = calls()
    assert.deepStrictEqual([bytes?.[0], malformed?.[0], batch?.[0]], ["bytes", "malformed", "batch"])
  })

  it("allows short frames only until the connection is up", () => {
    const { connection, open, receive, tags } = make()
    open()
    const long = data(1, Limits.frameBeforeUpBytes)
    receive(long)
    assert.include(tags(), "malformed")
    const other = make()
    other.open()
    other.connection.allowLongFrames()
    other.receive(long)
    assert.deepStrictEqual(other.tags(), ["bytes", "data", "batch"])
    assert.isTrue(connection.active)
  })

  it("hands nothing over once closing has begun, also in the middle of a batch, and before its frames", () => {
    const { connection, hear, open, receive, tags } = make()
    open()
    hear((nonce) => {
      if (nonce === 2n) connection.close(reject)
    })
    receive(ping(1n), ping(2n), ping(3n))
    assert.deepStrictEqual(tags(), ["bytes", "Ping", "Ping"])
    const before = connection.bytesReceived
    receive(ping(4n))
    assert.deepStrictEqual([tags(), connection.bytesReceived], [[], before])
    const other = make()
    other.open()
    other.atBytes(() => other.connection.close(undefined))
    other.receive(ping(1n))
    assert.deepStrictEqual(other.tags().slice(0, 1), ["bytes"])
    assert.strictEqual(other.connection.messagesReceived, 0)
  })

  it("reads another wire with other functions if it is chosen as the socket opens", () => {
    const { atOpen, connection, frames, receive, run, tags } = make()
    const seen: Array<string> = []
    atOpen(() =>
      connection.speak(TimeFraming, {
        ...frames,
        onData: () => 1,
        onMessage: () => void seen.push("message"),
        onMalformed: () => void seen.push("malformed"),
        onBatch: () => void seen.push("batch")
      } as never)
    )
    run()
    tags()
    // A native ping is no frame of that wire that its limits allow.
    receive(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]))
    assert.deepStrictEqual(seen, ["malformed", "batch"])
  })
})

describe("a pause", () => {
  it("holds the socket, once however often it is asked for, and lets it go with the last of them", () => {
    const { connection, holds, open } = make()
    open()
    connection.pauseReading()
    connection.pauseReading()
    assert.deepStrictEqual([holds(), connection.isPaused], [[true], true])
    connection.resumeReading()
    assert.deepStrictEqual([holds(), connection.isPaused], [[], true])
    connection.resumeReading()
    assert.deepStrictEqual([holds(), connection.isPaused], [[false], false])
  })

  it("that began before the socket opened holds it from its first batch on", () => {
    const { connection, holds, run } = make()
    connection.pauseReading()
    run()
    assert.deepStrictEqual(holds(), [true])
    const other = make()
    other.run()
    assert.deepStrictEqual(other.holds(), [])
  })

  it("in the middle of a batch keeps the frames behind it, which come first when it ends, in a turn of their own", () => {
    const { calls, connection, hear, holds, open, receive, tags, turn } = make()
    open()
    hear((nonce) => {
      if (nonce === 2n || nonce === 3n) connection.pauseReading()
    })
    receive(ping(1n), ping(2n), ping(3n), ping(4n))
    assert.deepStrictEqual(
      calls(),
      [["bytes", "owner"], ["Ping", 1n], ["Ping", 2n], ["batch", 2, false]].map((call, i) =>
        i === 3 ? ["batch", 2, true] : call
      )
    )
    assert.deepStrictEqual(holds(), [true])
    receive(ping(5n))
    assert.deepStrictEqual(calls(), [["bytes", "owner"], ["batch", 0, true]])
    connection.resumeReading()
    assert.deepStrictEqual([calls(), holds()], [[], []])
    turn()
    assert.deepStrictEqual(calls().map((call) => call.slice(0, 2)), [["Ping", 3n], ["batch", 1]])
    assert.deepStrictEqual(holds(), [true], "and pauses again")
    connection.resumeReading()
    turn()
    assert.deepStrictEqual(calls().map((call) => call.slice(0, 2)), [["Ping", 4n], ["Ping", 5n], ["batch", 2]])
    assert.deepStrictEqual(holds(), [false])
    assert.deepStrictEqual(tags(), [])
  })

  it("that begins again before the frames that wait had their turn keeps them", () => {
    const { connection, hear, holds, open, receive, tags, turn } = make()
    open()
    hear((nonce) => {
      if (nonce === 1n) connection.pauseReading()
    })
    receive(ping(1n), ping(2n))
    tags()
    holds()
    connection.resumeReading()
    connection.pauseReading()
    turn()
    assert.deepStrictEqual([tags(), holds()], [[], [true]])
    connection.resumeReading()
    connection.resumeReading()
    turn()
    assert.deepStrictEqual(tags(), ["Ping", "batch"])
  })

  it("with a frame that is not whole yet resumes without a batch of nothing", () => {
    const { connection, hear, holds, open, receive, tags, turn } = make()
    open()
    hear((nonce) => {
      if (nonce === 1n) connection.pauseReading()
    })
    receive(ping(1n), ping(2n).subarray(0, 5))
    tags()
    holds()
    connection.resumeReading()
    turn()
    assert.deepStrictEqual([tags(), holds()], [[], [false]])
    receive(ping(2n).subarray(5))
    assert.deepStrictEqual(tags(), ["bytes", "Ping", "batch"])
  })
})

describe("a long frame", () => {
  const long = 2 * Limits.arrivingFreeBytes
  const opened = () => {
    const made = make()
    made.open()
    made.connection.allowLongFrames()
    return made
  }

  it("takes its whole length from the budget once its free part has arrived, and gives it back when it is whole", () => {
    const { open, receive, waiting, connection } = make()
    open()
    connection.allowLongFrames()
    const whole = data(1, long)
    receive(whole.subarray(0, Limits.arrivingFreeBytes))
    assert.strictEqual(waiting.arriving, 0)
    receive(whole.subarray(Limits.arrivingFreeBytes, Limits.arrivingFreeBytes + 1))
    assert.strictEqual(waiting.arriving, whole.length)
    receive(whole.subarray(Limits.arrivingFreeBytes + 1, long))
    assert.strictEqual(waiting.arriving, whole.length, "once")
    receive(whole.subarray(long))
    assert.strictEqual(waiting.arriving, 0)
  })

  it("that ends in a batch in which the next one begins, is given back, and the next one counts for itself", () => {
    const { receive, waiting } = opened()
    const [a, b] = [data(1, long), data(1, 2 * long)]
    receive(a.subarray(0, long))
    receive(concat([a.subarray(long), b.subarray(0, long)]))
    assert.strictEqual(waiting.arriving, b.length)
    receive(b.subarray(long))
    assert.strictEqual(waiting.arriving, 0)
  })

  it("of a connection that ends, is given back", () => {
    const { connection, receive, waiting } = opened()
    receive(data(1, long).subarray(0, long))
    assert.isAbove(waiting.arriving, 0)
    connection.destroy()
    assert.strictEqual(waiting.arriving, 0)
  })

  it("keeps its turn in the budget when another connection without one ends", () => {
    const { connection, receive, waiting } = opened()
    const other = { pauseReading: () => {}, resumeReading: () => {}, giveUp: () => {} }
    const rest = Limits.arrivingBytes - 1
    waiting.want(other, rest, 0)
    receive(data(1, 10))
    const release = waiting.release.bind(waiting)
    const released: Array<unknown> = []
    waiting.release = (arrival, now) => {
      released.push(arrival)
      release(arrival, now)
    }
    connection.destroy()
    assert.deepStrictEqual([released, waiting.arriving], [[], rest])
  })

  it("is given up with its time, and why", () => {
    const { calls, connection } = opened()
    connection.giveUp(8_000.4)
    assert.deepStrictEqual(calls(), [["given up", "frame not complete after 8000 ms, and others wait for its memory"]])
  })

  it("that waits behind a pause takes nothing from the budget until it is read", () => {
    const { connection, hear, receive, turn, waiting } = opened()
    hear(() => connection.pauseReading())
    receive(concat([ping(1n), data(1, long).subarray(0, long)]))
    assert.strictEqual(waiting.arriving, 0)
    connection.resumeReading()
    turn()
  })
})

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
