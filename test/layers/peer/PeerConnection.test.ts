/** One socket's bytes: frames handed over, pauses, writes that wait, long frames within the budget, and every way to close. */
import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { TimeFraming } from "../../../src/domain/wire/time/TimeFraming.ts"
import { concat, data, make, ping, reject } from "../../harness/connectionHand.ts"
import { ip } from "../../harness/peerContext.ts"

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
