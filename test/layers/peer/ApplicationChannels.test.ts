/** What an application may rely on: channel numbers, messages before it receives, and what becomes of a message it fails on. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import { assertConnected, ip, onMesh, type Running } from "../../harness/mesh.ts"

const text = (s: string) => new TextEncoder().encode(s)
const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const [a, b] = ["10.0.0.1", "10.0.0.2"]

/** Two nodes that are connected. */
const pair = (
  use: (one: Running, other: Running) => Effect.Effect<void, unknown, Scope.Scope>
) =>
  onMesh(20, ({ start }) =>
    Effect.gen(function*() {
      const one = yield* start(a, { peers: [b] })
      const other = yield* start(b)
      yield* TestClock.adjust("5 seconds")
      yield* Effect.scoped(use(one, other))
    }))

const reasons = (node: Running) => node.of("Down").map(({ reason }) => `${DisconnectReason.label(reason)} ${reason.by}`)

describe("channel numbers", () => {
  it.effect("are whole and have 16 bits, or the call fails with the number", () =>
    pair((one, other) =>
      Effect.gen(function*() {
        const heard: Array<string> = []
        for (const channel of [0, 1, 4_464, 65_535]) {
          yield* other.manager.receive(channel, (_, payloads) => {
            for (const payload of payloads) heard.push(`${channel} ${read(payload)}`)
          })
          yield* one.manager.send(ip(b), channel, text("right"))
        }
        const wrong: ReadonlyArray<unknown> = [
          -1,
          65_536,
          70_000,
          1.5,
          -0.5,
          Number.NaN,
          Infinity,
          -Infinity,
          "1",
          1n,
          null
        ]
        for (const number of wrong) {
          const channel = number as number
          const calls = [
            Effect.mapError(one.manager.send(ip(b), channel, text("x")), ({ reason }) => reason),
            Effect.mapError(one.manager.sendAll(ip(b), channel, [text("x")]), ({ reason }) => reason),
            Effect.mapError(one.manager.send(ip("10.0.0.77"), channel, text("x")), ({ reason }) => reason),
            one.manager.broadcast(channel, text("x")),
            one.manager.receive(channel, () => {}),
            Stream.runDrain(one.manager.messages(channel))
          ]
          for (const call of calls) {
            const error = yield* Effect.flip(
              call as Effect.Effect<unknown, { readonly _tag: string; readonly message: string }, Scope.Scope>
            )
            assert.strictEqual(error._tag, "InvalidChannel")
            assert.include(error.message, `channel ${String(number)} is not`)
          }
        }
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(heard, ["0 right", "1 right", "4464 right", "65535 right"])
      })
    ))
})

describe("messages before the application receives", () => {
  it.effect("wait for it, in order, for a handler and for a stream", () =>
    pair((one, other) =>
      Effect.gen(function*() {
        for (const channel of [7, 8]) {
          yield* one.manager.sendAll(ip(b), channel, ["1", "2"].map(text))
          yield* one.manager.send(ip(b), channel, text("3"))
        }
        yield* TestClock.adjust("1 minute")
        const heard: Array<string> = []
        yield* other.manager.receive(7, (from, payloads) => {
          for (const payload of payloads) heard.push(`${from.ip} ${read(payload)}`)
        })
        assert.deepStrictEqual(heard, [`${a} 1`, `${a} 2`, `${a} 3`])
        yield* one.manager.send(ip(b), 7, text("4"))
        yield* one.manager.send(ip(b), 8, text("4"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(heard.at(-1), `${a} 4`)
        const stream = yield* other.manager.messages(8).pipe(Stream.take(4), Stream.runCollect)
        assert.deepStrictEqual(stream.map(({ payload }) => read(payload)), ["1", "2", "3", "4"])
        assert.deepStrictEqual(other.of("MessagesDropped"), [])
      })
    ))

  it.effect("wait for the next receiver when one has gone", () =>
    pair((one, other) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* other.manager.receive(7, () => assert.fail("it has gone")).pipe(Scope.provide(scope))
        yield* Scope.close(scope, Exit.void)
        yield* one.manager.send(ip(b), 7, text("1"))
        yield* TestClock.adjust("1 second")
        const heard: Array<string> = []
        yield* other.manager.receive(7, (_, payloads) => heard.push(...payloads.map(read)))
        assert.deepStrictEqual(heard, ["1"])
      })
    ))

  it.effect("are bounded, and what is dropped is said", () =>
    pair((one, other) =>
      Effect.gen(function*() {
        const megabyte = new Uint8Array(Limits.heldBytesPerPeer)
        // One is held however long it is; what would be behind it is not.
        const sending = yield* Effect.forkChild(
          one.manager.sendAll(ip(b), 7, [megabyte, text("dropped"), text("dropped")])
        )
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(sending)
        const dropped = other.of("MessagesDropped")
        assert.strictEqual(dropped.reduce((sum, { messages }) => sum + messages, 0), 2)
        assert.isTrue(dropped.every(({ channel, ip, why }) => ip === a && channel === 7 && why === "no receiver"))
        let heard = 0
        yield* other.manager.receive(7, (_, payloads) => heard += payloads.length)
        assert.strictEqual(heard, 1)
        // There is room again.
        yield* one.manager.send(ip(b), 9, text("held"))
        yield* TestClock.adjust("1 second")
        yield* other.manager.receive(9, (_, payloads) => heard += payloads.length)
        assert.strictEqual(heard, 2)
      })
    ))
})

describe("a receiver that throws", () => {
  /** Resends the same message whenever the peer comes up, and an innocent one on another channel each minute. */
  const poison = (one: Running) =>
    Effect.gen(function*() {
      let ups = -1
      for (let minute = 0; minute < 60; minute++) {
        const now = one.of("Up").length
        if (now !== ups) yield* Effect.ignore(one.manager.send(ip(b), 7, text("poison")))
        ups = now
        yield* Effect.ignore(one.manager.send(ip(b), 8, text(`${minute}`)))
        yield* TestClock.adjust("1 minute")
      }
    })

  it.effect("is an error with its cause, a reason at both ends, and no flapping for ever", () => {
    const errors: Array<string> = []
    const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
      if (logLevel === "Error") errors.push(`${String(message)} ${Cause.pretty(cause)}`)
    })
    return pair((one, other) =>
      Effect.gen(function*() {
        const innocent: Array<string> = []
        yield* other.manager.receive(7, () => {
          throw new Error("a bug of the application")
        })
        yield* other.manager.receive(8, (_, payloads) => innocent.push(...payloads.map(read)))
        yield* poison(one)
        assert.deepStrictEqual(reasons(other), Array(Limits.handlerFailures - 1).fill("application local"))
        assert.deepStrictEqual(reasons(one), Array(Limits.handlerFailures - 1).fill("application remote"))
        assert.include(one.of("Down")[0]?.reason.detail, "channel 7")
        assert.notInclude(one.of("Down")[0]?.reason.detail, "bug", "the cause is for our log alone")
        assert.strictEqual(errors.length, Limits.handlerFailures)
        assert.include(errors[0], `the application failed on a message of ${a} on channel 7`)
        assert.include(errors[0], "Error: a bug of the application")
        assert.include(errors[0], "ApplicationChannels.test.ts", "with its stack")
        yield* assertConnected(one, a, other, b)
        assert.isAtLeast(innocent.length, 50)
        // From here on its messages on that channel are dropped, and it is said.
        yield* one.manager.sendAll(ip(b), 7, [text("more"), text("more")])
        yield* TestClock.adjust("1 second")
        const dropped = other.of("MessagesDropped").at(-1)
        assert.deepInclude(dropped, { ip: ip(a), channel: 7, messages: 2, why: "receiver failed" })
      })
    ).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("gets messages again when it has succeeded, or is another", () =>
    pair((one, other) =>
      Effect.gen(function*() {
        const send = (what: string) =>
          Effect.andThen(Effect.ignore(one.manager.send(ip(b), 7, text(what))), TestClock.adjust("5 minutes"))
        const heard: Array<string> = []
        const scope = yield* Scope.make()
        yield* other.manager.receive(7, (_, [payload = text("")]) => {
          if (read(payload) === "bad") throw new Error("bad")
          heard.push(read(payload))
        }).pipe(Scope.provide(scope))
        // Never as often in a row as would be too often.
        for (const what of ["bad", "good", "bad", "good", "bad", "good"]) yield* send(what)
        assert.deepStrictEqual(heard, ["good", "good", "good"])
        for (const what of ["bad", "bad", "bad", "good"]) yield* send(what)
        assert.strictEqual(heard.length, 3)
        yield* Scope.close(scope, Exit.void)
        yield* other.manager.receive(7, (_, payloads) => heard.push(...payloads.map(read)))
        yield* send("good")
        assert.strictEqual(heard.length, 4)
      })
    ))

  it.effect("of held messages does not fail the application's call", () =>
    pair((one, other) =>
      Effect.gen(function*() {
        yield* one.manager.send(ip(b), 7, text("early"))
        yield* TestClock.adjust("1 second")
        yield* other.manager.receive(7, () => {
          throw new Error("early")
        })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(reasons(other), ["application local"])
      })
    ))
})

describe("connecting to", () => {
  it.effect("an address that is no other node's is an error with the reason, and changes nothing", () =>
    pair((one) =>
      Effect.gen(function*() {
        const before = (yield* one.state.peers).length
        const bad: ReadonlyArray<readonly [address: string, port: number, problem: string]> = [
          ["10.0.0.9", 0, "has an invalid port"],
          ["10.0.0.9", 65_536, "has an invalid port"],
          ["10.0.0.9", Number.NaN, "has an invalid port"],
          ["10.0.0.9", 1.5, "has an invalid port"],
          ["224.0.0.1", 1, "is not a unicast address"],
          ["0.0.0.0", 1, "is not a unicast address"],
          ["::ffff:10.0.0.9", 1, "is not in its canonical form"],
          ["ten", 1, "is not an IP address"],
          [a, 1, "is this node itself (listen)"]
        ]
        for (const [address, port, problem] of bad) {
          const error = yield* Effect.flip(one.manager.connect({ ip: address as PeerIp, port }))
          assert.strictEqual(error._tag, "InvalidPeer")
          assert.include(error.message, problem)
        }
        assert.strictEqual((yield* one.state.peers).length, before)
      })
    ))
})
