/** Sending and receiving of an application at its bounds, over connections in the test's hand. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Scope, Stream } from "effect"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import * as ApplicationChannels from "../../../src/layers/peer/ApplicationChannels.ts"
import type { SendError } from "../../../src/services/ConnectionManager.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand
const [at, other] = ["10.0.0.1", "10.0.0.2"]
const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill)

const make = (options: hand.Options = {}) => {
  const node = hand.make(options)
  const api = ApplicationChannels.make(node.ctx)
  /** What became of it so far. */
  const run = <A, E>(effect: Effect.Effect<A, E>) => {
    const fiber = Effect.runFork(effect)
    return () => fiber.pollUnsafe()
  }
  const lows: Array<() => void> = []
  let withdrawn = 0
  return {
    ...node,
    api,
    run,
    /** A peer whose outbox is above its mark until `low`. */
    busy: (made: hand.Connected) => {
      made.connection.high = true
      made.connection.whenLow = (...[resume]: ReadonlyArray<unknown>) => {
        lows.push(resume as () => void)
        return () => void (withdrawn += 1)
      }
    },
    low: () => {
      for (const resume of lows.splice(0)) resume()
    },
    waiting: () => lows.length,
    withdrawn: () => withdrawn
  }
}

const reasonOf = (exit: Exit.Exit<unknown, SendError> | undefined) =>
  exit !== undefined && Exit.isFailure(exit)
    ? exit.cause.reasons.flatMap((one) => Cause.isFailReason(one) ? [one.error.reason] : [])[0]
    : undefined

/** Channel and length of each payload that was sent. */
const sent = ({ connection }: hand.Connected) =>
  connection.sent().map((message) =>
    message._tag === "Data" ? [message.channel, message.payload.length] : [message._tag]
  )

describe("a message", () => {
  it("goes to the peer's connection, on its channel; one of the greatest length too, one byte more does not", () => {
    const node = make()
    const made = node.up(at)
    const most = NativeWire.limits.payload
    for (const [channel, length] of [[0, 0], [65_535, 3], [7, most]] as const) {
      assert.deepStrictEqual(node.run(node.api.send(ip(at), channel, bytes(length)))(), Exit.void)
    }
    assert.deepStrictEqual(sent(made), [[0, 0], [65_535, 3], [7, most]])
    const tooLong = bytes(most + 1)
    for (const call of [node.api.send(ip(at), 1, tooLong), node.api.sendAll(ip(at), 1, [bytes(1), tooLong])]) {
      const reason = reasonOf(node.run(call)())
      assert.deepInclude(reason, { _tag: "TooLarge", bytes: most + 1, max: most })
    }
    const broadcast = node.run(node.api.broadcast(1, tooLong))()
    assert.isTrue(broadcast !== undefined && Exit.isFailure(broadcast))
    assert.deepStrictEqual(sent(made), [], "not even those before it")
  })

  it("to a peer that is not up, or speaks the TIME wire, fails with its address", () => {
    const node = make()
    node.socket(at)
    node.up(other, { wire: "time" })
    for (const to of [at, other, "10.0.0.3"]) {
      const reason = reasonOf(node.run(node.api.send(ip(to), 1, bytes(1)))())
      assert.deepInclude(reason, { _tag: "NotConnected", ip: ip(to) })
    }
  })

  it("waits while the outbox is above its mark, and is sent once, when it is low again", () => {
    const node = make()
    const made = node.up(at)
    node.busy(made)
    const exit = node.run(node.api.send(ip(at), 1, bytes(5)))
    assert.deepStrictEqual([exit(), sent(made), node.waiting()], [undefined, [], 1])
    made.connection.high = false
    node.low()
    assert.deepStrictEqual([exit(), sent(made)], [Exit.void, [[1, 5]]])
  })

  it("that waits for a peer that goes down fails with why it went", () => {
    const node = make()
    const made = node.up(at)
    for (const [reason, label] of [[DisconnectReason.local("silent"), "silent"], [undefined, "EOF"]] as const) {
      made.end.up = made.up
      node.busy(made)
      const exit = node.run(node.api.send(ip(at), 1, bytes(5)))
      made.end.up = undefined
      made.end.downReason = reason
      made.connection.high = false
      node.low()
      assert.deepInclude(reasonOf(exit()), { _tag: "ConnectionLost", ip: ip(at), reason: label })
    }
    assert.deepStrictEqual(sent(made), [])
  })

  it("whose sender is interrupted while it waits is not sent, and waits no more", () => {
    const node = make()
    const made = node.up(at)
    node.busy(made)
    const fiber = Effect.runFork(node.api.send(ip(at), 1, bytes(5)))
    Effect.runFork(Fiber.interrupt(fiber))
    assert.strictEqual(node.withdrawn(), 1)
    made.connection.high = false
    node.low()
    assert.deepStrictEqual(sent(made), [])
  })
})

describe("several messages", () => {
  it("go out in order, short and long ones; those after a full outbox wait", () => {
    const node = make()
    const made = node.up(at)
    const lengths = [1, 2, Limits.copyPayloadBytes - 1, Limits.copyPayloadBytes, 3, 0]
    assert.deepStrictEqual(node.run(node.api.sendAll(ip(at), 4, lengths.map((length) => bytes(length))))(), Exit.void)
    assert.deepStrictEqual(sent(made), lengths.map((length) => [4, length]))
    const long = [Limits.copyPayloadBytes, Limits.copyPayloadBytes + 1, Limits.copyPayloadBytes + 2]
    const sendBulk = made.connection.sendBulk.bind(made.connection)
    made.connection.sendBulk = (frame) => {
      node.busy(made)
      return sendBulk(frame)
    }
    const exit = node.run(node.api.sendAll(ip(at), 4, long.map((length) => bytes(length))))
    const order: Array<unknown> = []
    for (let i = 0; i < 3; i++) {
      order.push(...sent(made))
      made.connection.high = false
      node.low()
    }
    assert.deepStrictEqual([order, exit()], [long.map((length) => [4, length]), Exit.void])
  })

  it("that are none are sent at once", () => {
    const node = make()
    const made = node.up(at)
    assert.deepStrictEqual([node.run(node.api.sendAll(ip(at), 4, []))(), sent(made)], [Exit.void, []])
  })
})

describe("a broadcast", () => {
  it("goes to every peer that is up but those named, encoded once, and says how many took it", () => {
    const node = make()
    const [a, b, c] = [node.up("10.0.0.1"), node.up("10.0.0.2"), node.up("10.0.0.3")]
    node.socket("10.0.0.4")
    c.connection.accepts = false
    let encoded = 0
    const wire: typeof NativeWire = {
      ...NativeWire,
      encodeData: (channel, payload) => {
        encoded += 1
        return NativeWire.encodeData(channel, payload)
      }
    }
    for (const { connection } of [a, b, c]) Object.assign(connection, { wire })
    const exit = node.run(node.api.broadcast(9, bytes(4), [ip("10.0.0.2")]))()
    assert.deepStrictEqual([exit, sent(a), sent(b), encoded], [Exit.succeed(1), [[9, 4]], [], 1])
    assert.deepStrictEqual(node.posted().map(([of, { _tag }]) => [`${of}`, _tag]), [["10.0.0.3", "Closed"]])
  })
})

describe("trouble", () => {
  it("with messages that were dropped is reported, and ends nothing", () => {
    const node = make()
    const made = node.up(at)
    const from = { ip: ip(at), connection: made.end.id }
    node.emitted()
    ApplicationChannels.report(node.ctx, { _tag: "Dropped", from, channel: 3, messages: 5, why: "no receiver" })
    assert.deepStrictEqual([node.emitted(), node.posted()], [
      [{ _tag: "MessagesDropped", ip: ip(at), channel: 3, messages: 5, why: "no receiver" }],
      []
    ])
  })

  it("with a receiver that threw ends the connection that brought the message, unless it failed too often or another is up", () => {
    const node = make()
    const made = node.up(at)
    node.draw(0)
    node.emitted()
    const failed = (connection: number, failures: number, of = at) => {
      ApplicationChannels.report(node.ctx, {
        _tag: "Failed",
        from: { ip: ip(of), connection },
        channel: 3,
        cause: new Error("no"),
        failures
      })
      return node.posted()
    }
    const { id } = made.end
    assert.deepStrictEqual(failed(id, Limits.handlerFailures - 1), [[ip(at), {
      _tag: "Refused",
      end: id,
      reject: "application",
      detail: "the application failed on a message on channel 3",
      retryMs: Handshake.clampRetry(Handshake.retryAfterMs("application"), 0)
    }]])
    assert.deepStrictEqual(node.emitted(), [{
      _tag: "ReceiverFailed",
      ip: ip(at),
      channel: 3,
      failures: Limits.handlerFailures - 1,
      detail: "Error: no"
    }])
    assert.deepStrictEqual(failed(id, Limits.handlerFailures), [])
    assert.deepStrictEqual(failed(id + 1, 1), [], "another connection is up by now")
    assert.deepStrictEqual(failed(id, 1, "10.0.0.9"), [], "its row has left the table")
    made.end.up = undefined
    assert.deepStrictEqual(failed(id, 1), [], "it is down already")
    assert.strictEqual(node.of("ReceiverFailed").length, 4)
  })
})

describe("a channel", () => {
  it.effect("has one receiver, until its scope ends", () =>
    Effect.gen(function*() {
      const node = make()
      const scope = yield* Scope.make()
      const open = node.api.receive(5, () => {})
      yield* Scope.provide(open, scope)
      const error = yield* Effect.flip(Effect.scoped(open))
      assert.deepInclude(error, { _tag: "ChannelTaken", channel: 5 })
      yield* Scope.close(scope, Exit.void)
      yield* Effect.scoped(open)
    }))

  it.effect("as a stream gives each payload a memory of its own, and fails when its reader is too slow", () =>
    Effect.gen(function*() {
      const node = make()
      const from = { ip: ip(at), connection: 1 }
      const payload = bytes(3)
      const [received] = yield* Stream.runCollect(Stream.take(
        Stream.merge(
          node.api.messages(6),
          Stream.drain(Stream.fromEffect(Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => node.ctx.inbox.deliver(from, 6, [payload]))
          )))
        ),
        1
      ))
      payload.fill(9)
      assert.deepStrictEqual(received, { from, channel: 6, payload: bytes(3) })
      const pull = yield* Stream.toPull(node.api.messages(7))
      // The first pull opens the channel.
      const first = yield* Effect.forkChild(pull, { startImmediately: true })
      node.ctx.inbox.deliver(from, 7, [bytes(1)])
      yield* Fiber.join(first)
      node.ctx.inbox.deliver(from, 7, Array.from({ length: Limits.streamBuffer + 2 }, () => bytes(1)))
      let error: unknown
      let count = 0
      for (let i = 0; i <= Limits.streamBuffer && error === undefined; i++) {
        const exit = yield* Effect.exit(pull)
        if (Exit.isSuccess(exit)) count += exit.value.length
        else error = exit.cause.reasons.flatMap((one) => Cause.isFailReason(one) ? [one.error] : [])[0]
      }
      assert.deepInclude(error, { _tag: "Lagged", channel: 7, buffered: Limits.streamBuffer })
      assert.strictEqual(count, Limits.streamBuffer)
    }).pipe(Effect.scoped))
})
