/** A connection over a socket in the test's hand: its frames, its turns, and what it wrote. */
import { assert } from "@effect/vitest"
import { Effect, Exit, type Fiber, Option } from "effect"
import { Socket } from "effect/socket"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import type { Message } from "../../src/domain/wire/Message.ts"
import { NativeWire } from "../../src/domain/wire/native/NativeWire.ts"
import type { ConnectionIo, FrameEvents, SocketEvents } from "../../src/layers/peer/ConnectionEvents.ts"
import { Lingering } from "../../src/layers/peer/Lingering.ts"
import { PeerConnection } from "../../src/layers/peer/PeerConnection.ts"
import { ReadTurns } from "../../src/layers/peer/ReadTurns.ts"
import { WaitingBytes } from "../../src/layers/peer/WaitingBytes.ts"
import { type ConnectionEnd, socketFromEnd } from "../../src/layers/socket/socketFromEnd.ts"
import * as HandTimers from "./handTimers.ts"
import { ip } from "./peerContext.ts"

export const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat([...chunks]))

export const frame = (message: Message): Uint8Array => concat(NativeWire.encode(message))

export const ping = (nonce: bigint) => frame({ _tag: "Ping", nonce })

export const data = (channel: number, length: number) => concat(NativeWire.encodeData(channel, new Uint8Array(length)))

export const reject = frame({ _tag: "Reject", reason: "full", text: "", retryAfterMs: 1 })

export const address = PeerAddress.make(ip("10.0.0.1"), 5_000)

export const make = () => {
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
