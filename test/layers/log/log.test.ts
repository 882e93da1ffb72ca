import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, References, Schema } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { ConnectionRef, NodeEvent } from "../../../src/domain/NodeEvent.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Loggers from "../../../src/layers/log/Loggers.ts"
import type * as LogOutput from "../../../src/layers/log/LogOutput.ts"
import * as NodeLog from "../../../src/layers/log/NodeLog.ts"
import * as NodeEventsLive from "../../../src/layers/node/NodeEventsLive.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { steppedClock } from "../../harness/steppedClock.ts"

const two = PeerIp.fromStringUnsafe("127.0.0.2")
const three = PeerIp.fromStringUnsafe("127.0.0.3")
const to = (ip: PeerIp.PeerIp, connection: number): ConnectionRef => ({
  ip,
  connection,
  direction: "outbound",
  socket: `127.0.0.1:5000${connection}`
})

/** A node's life with two peers: one stays, one leaves once; and all the events that make no `PeerConnection` line. */
const life: ReadonlyArray<NodeEvent> = [
  { _tag: "Listening", at: 1, address: "127.0.0.1:24200" },
  { _tag: "NoPeersKnown", at: 1 },
  { _tag: "PeerLearned", at: 2, ip: two, port: 24_200, source: "gossip" },
  { _tag: "Dialling", at: 3, ip: two, port: 24_200 },
  { _tag: "DialFailed", at: 4, ip: two, detail: "ECONNREFUSED" },
  {
    _tag: "Refused",
    at: 5,
    ip: two,
    direction: "inbound",
    socket: "",
    reason: DisconnectReason.rejected("duplicate", "local")
  },
  { _tag: "Refused", at: 5, ip: two, direction: "inbound", socket: "", reason: DisconnectReason.remote("eof") },
  { _tag: "Up", at: 6, role: "lower", ...to(two, 1) },
  { _tag: "Up", at: 7, role: "lower", ...to(three, 2) },
  { _tag: "PingSent", at: 8, nonce: 255n, ...to(two, 1) },
  { _tag: "PongReceived", at: 9, nonce: 255n, rttMs: 0.4, ...to(two, 1) },
  { _tag: "PingReceived", at: 9, nonce: 2n ** 63n, ...to(two, 1) },
  { _tag: "PongSent", at: 9, nonce: 2n ** 63n, ...to(two, 1) },
  { _tag: "Down", at: 10, reason: DisconnectReason.remote("eof"), upMs: 12_345, ...to(three, 2) },
  { _tag: "Aliased", at: 11, ip: three, other: two, detail: "same process" },
  { _tag: "OwnAddress", at: 11, ip: three },
  { _tag: "LoopLag", at: 11, ms: 2_000 },
  { _tag: "UnknownFrame", at: 11, ip: two, kind: 77 },
  { _tag: "AcceptFailed", at: 11, detail: "accept EMFILE" },
  { _tag: "Stopping", at: 12 }
]

/** An output that takes everything, and what it took. */
const collected = () => {
  const lines: Array<string> = []
  const output: LogOutput.LogOutput = {
    line: (text) => void lines.push(text),
    hint: () => {},
    flush: () => {},
    dropped: () => 0,
    reason: () => ""
  }
  return { lines, output }
}

const log = (
  options: {
    readonly format: "pretty" | "json"
    readonly level?: "Info" | "Debug" | "None"
    readonly layer?: typeof NodeLog.layer
  },
  body: Effect.Effect<void, never, NodeEvents>
) =>
  Effect.gen(function*() {
    const level = options.level ?? "Debug"
    const { lines, output } = collected()
    yield* body.pipe(
      Effect.provide((options.layer ?? NodeLog.layer).pipe(
        Layer.provideMerge(NodeEventsLive.layer()),
        Layer.provide(Loggers.layer({ format: options.format, level, colours: false, output }))
      ))
    )
    return lines
  })

const emit = (events: ReadonlyArray<NodeEvent>) =>
  Effect.map(NodeEvents, (service) => {
    for (const event of events) service.emit(event)
  })

const grep = (lines: ReadonlyArray<string>, pattern: RegExp) => lines.filter((line) => pattern.test(line))

const garbage = (count: number): ReadonlyArray<NodeEvent> =>
  Array.from({ length: count }, (): NodeEvent => ({
    _tag: "Refused",
    at: 0,
    ip: two,
    direction: "inbound",
    socket: "",
    reason: DisconnectReason.local("bad-frame", "length 1195725856 before Up")
  }))

describe("NodeLog", () => {
  for (const format of ["pretty", "json"] as const) {
    it.effect(`the three greps of operators on ${format} logs`, () =>
      Effect.gen(function*() {
        const lines = yield* log({ format }, emit(life))
        // One line per event, and the warning level only where it belongs.
        assert.strictEqual(lines.length, life.length)
        assert.isTrue(lines.every((line) => !line.includes("\n")))
        // grep "PeerConnection" log | grep -v "disconnected"
        const established = grep(lines, /PeerConnection/).filter((line) => !line.includes("disconnected"))
        assert.strictEqual(established.length, 2)
        assert.include(established[0], "PeerConnection established with 127.0.0.2 (outbound, lower, 127.0.0.1:50001)")
        // grep "disconnected (EOF)" log | sort | uniq -c
        const eof = grep(lines, /disconnected \(EOF\)/)
        assert.strictEqual(eof.length, 1)
        assert.include(
          eof[0],
          "PeerConnection disconnected (EOF) 127.0.0.3 after 12.3 s (by remote, outbound, 127.0.0.1:50002)"
        )
        // grep "ping\|pong" log | grep 127.0.0.2
        const pings = grep(grep(lines, /ping|pong/), /127\.0\.0\.2/)
        assert.strictEqual(pings.length, 4)
        assert.include(pings[0], "ping sent to 127.0.0.2 nonce 00000000000000ff")
        assert.include(pings[1], "pong received from 127.0.0.2 nonce 00000000000000ff in 0.40 ms")
        assert.include(pings[2], "ping received from 127.0.0.2 nonce 8000000000000000")
        assert.include(pings[3], "pong sent to 127.0.0.2 nonce 8000000000000000")
        assert.strictEqual(grep(lines, /No peers known: use --peer/).length, 1)
      }))
  }

  it.effect("JSON lines are objects with the event in the annotations", () =>
    Effect.gen(function*() {
      const lines = yield* log({ format: "json" }, emit(life))
      const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Struct({
        timestamp: Schema.String,
        level: Schema.String,
        message: Schema.String,
        annotations: Schema.Struct({ event: Schema.String, nonce: Schema.optional(Schema.String) })
      })))
      const entries = yield* Effect.forEach(lines, (line) => decode(line))
      assert.deepStrictEqual(entries.map(({ annotations }) => annotations.event), life.map(({ _tag }) => _tag))
      assert.deepStrictEqual(
        entries.flatMap(({ annotations: { nonce } }) => nonce ?? []),
        ["00000000000000ff", "00000000000000ff", "8000000000000000", "8000000000000000"]
      )
    }))

  it.effect("pings and dials show at Debug only; None is silent", () =>
    Effect.gen(function*() {
      const info = yield* log({ format: "pretty", level: "Info" }, emit(life))
      assert.deepStrictEqual(grep(info, /ping|pong|dialling|duplicate/), [])
      assert.strictEqual(grep(info, /PeerConnection/).length, 3)
      assert.deepStrictEqual(yield* log({ format: "pretty", level: "None" }, emit(life)), [])
    }))

  it.effect("only refusals that this node's operator must act on are warnings, with what to do", () =>
    Effect.gen(function*() {
      const refused = DisconnectReason.rejectReasons.map((reject): NodeEvent => ({
        _tag: "Refused",
        at: 0,
        ip: two,
        direction: "outbound",
        socket: "",
        reason: DisconnectReason.rejected(reject, "remote", "because")
      }))
      const lines = yield* log({ format: "pretty" }, emit(refused))
      assert.strictEqual(lines.length, refused.length)
      assert.deepStrictEqual(
        grep(lines, / WARN /).map((line) => /ended \((.*)\)/.exec(line)?.[1]),
        ["rejected: in-use: because", "banned: because", "rejected: incompatible: because"]
      )
      assert.strictEqual(
        grep(lines, /another node behind this node's public address .*: run one node per public IP/).length,
        1
      )
      assert.deepStrictEqual(grep(lines, /PeerConnection/), [])
    }))

  it.effect("a flood of garbage is bounded, and the log counts the suppressed lines", () =>
    Effect.gen(function*() {
      const flood = Effect.gen(function*() {
        yield* emit(garbage(10_000))
        yield* emit([{ _tag: "Up", at: 6, role: "lower", ...to(two, 1) }])
        yield* TestClock.adjust(Limits.logWindowMs * 2)
        yield* emit(garbage(1))
      })
      const lines = yield* log({ format: "pretty", level: "Info" }, flood)
      assert.strictEqual(grep(lines, /bad-frame: length/).length, Limits.logLinesRemote + 1)
      assert.strictEqual(grep(lines, /PeerConnection established/).length, 1)
      assert.deepStrictEqual(grep(lines, /suppressed/).map((line) => line.replace(/^\S+ /, "")), [
        `INFO  suppressed ${10_000 - Limits.logLinesRemote} more "Refused bad-frame of strangers" lines`
      ])
    }))

  it.effect("strangers that come up and go 75 times a second write little, and the lines of known peers all appear", () =>
    Effect.gen(function*() {
      const minutes = 3
      const reason = DisconnectReason.remote("eof")
      const churn = Effect.gen(function*() {
        yield* emit([{ _tag: "PeerLearned", at: 1, ip: three, port: 24_200, source: "configured" }])
        for (let s = 0; s < minutes * 60; s++) {
          for (let i = 0; i < 75; i++) {
            const from = to(PeerIp.fromStringUnsafe(`10.${s % 250}.${s >> 8}.${i}`), i)
            yield* emit([{ _tag: "Up", at: 2, role: "lower", ...from }, {
              _tag: "Down",
              at: 3,
              reason,
              upMs: 5,
              ...from
            }])
          }
          if (s % 60 === 30) {
            yield* emit([{ _tag: "Up", at: 4, role: "lower", ...to(three, 1) }])
            yield* emit([{ _tag: "Down", at: 5, reason, upMs: 90_000, ...to(three, 1) }])
          }
          yield* TestClock.adjust(1_000)
        }
      })
      const lines = yield* log({ format: "pretty", level: "Info" }, churn)
      assert.strictEqual(grep(lines, /PeerConnection .*127\.0\.0\.3/).length, 2 * minutes)
      const { burst, perSecond } = Limits.logStrangers
      assert.isAtMost(grep(lines, /PeerConnection .* 10\./).length, burst + perSecond * 60 * minutes + 1)
      // What is left out is counted, all of it.
      const left = grep(lines, /suppressed/).reduce((sum, line) => sum + Number(/suppressed (\d+)/.exec(line)?.[1]), 0)
      assert.strictEqual(left + grep(lines, /PeerConnection .* 10\./).length, 2 * 75 * 60 * minutes)
      assert.isAtMost(lines.join("\n").length, 250_000)
    }))

  it.effect("a wall clock that is set back does not keep lines suppressed", () =>
    Effect.gen(function*() {
      const wall = { ms: 0 }
      const flood = Effect.gen(function*() {
        yield* emit(garbage(100))
        wall.ms = -31_536_000_000
        yield* TestClock.adjust(Limits.logWindowMs * 2)
        yield* emit(garbage(1))
      })
      const lines = yield* log({ format: "pretty", level: "Info" }, flood).pipe(
        Effect.provideServiceEffect(Clock.Clock, steppedClock(wall))
      )
      assert.strictEqual(grep(lines, /bad-frame: length/).length, Limits.logLinesRemote + 1)
    }))

  it.effect("the final lines report what was suppressed before the end", () =>
    Effect.gen(function*() {
      const lines = yield* log({ format: "pretty", level: "Info" }, emit(garbage(21)))
      assert.strictEqual(grep(lines, /suppressed 1 more/).length, 1)
    }))

  it.effect("what a peer writes cannot break a line or forge one", () =>
    Effect.gen(function*() {
      const forged = "x\n2025-12-01 INFO PeerConnection established with 6.6.6.6\u001b[31m disconnected (EOF)"
      const events: ReadonlyArray<NodeEvent> = [
        { _tag: "DialFailed", at: 1, ip: two, detail: forged },
        {
          _tag: "Refused",
          at: 1,
          ip: two,
          direction: "inbound",
          socket: "",
          reason: DisconnectReason.rejected("full", "remote", forged.repeat(100))
        }
      ]
      for (const format of ["pretty", "json"] as const) {
        const lines = yield* log({ format }, emit(events))
        assert.strictEqual(lines.length, 2)
        for (const line of lines) {
          assert.notMatch(line, /PeerConnection|disconnected|\p{Cc}/u)
          assert.isBelow(line.length, 800)
        }
      }
    }))

  it.effect("plain TCP beyond this machine is a warning", () =>
    Effect.gen(function*() {
      const on = (address: string) => log({ format: "pretty" }, emit([{ _tag: "Listening", at: 1, address }]))
      assert.strictEqual(grep(yield* on("[::]:24100"), / WARN .*plain TCP/).length, 1)
      assert.strictEqual(grep(yield* on("192.0.2.1:24100"), / WARN .*plain TCP/).length, 1)
      assert.strictEqual((yield* on("127.0.0.1:24100")).length, 1)
      assert.strictEqual((yield* on("[::1]:24100")).length, 1)
      const overTls = emit([{ _tag: "Listening", at: 1, address: "192.0.2.1:24100" }])
      assert.strictEqual((yield* log({ format: "pretty", layer: NodeLog.layerTls }, overTls)).length, 1, "over TLS")
    }))

  it.effect("other log lines: one line with annotations and cause", () =>
    Effect.gen(function*() {
      yield* Effect.logError("broken\nin two", new Error("why")).pipe(
        Effect.annotateLogs({ module: "x", count: 2n }),
        Effect.provide(Layer.merge(
          Logger.layer([
            Logger.withConsoleLog(Loggers.pretty({ colours: false })),
            Logger.withConsoleLog(Loggers.json)
          ]),
          Layer.succeed(References.MinimumLogLevel, "Info")
        ))
      )
      const [pretty = "", json = ""] = (yield* TestConsole.logLines).map(String)
      assert.match(pretty, /^1970-01-01T00:00:00\.000Z ERROR broken \| in two why module=x count=2/)
      assert.notInclude(pretty, "\n")
      assert.strictEqual(JSON.parse(json).annotations.count, "2")
    }).pipe(Effect.provide(TestConsole.layer)))
})
