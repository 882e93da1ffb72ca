import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import type { Scope } from "effect"
import type { Socket } from "effect/socket"
import * as Net from "node:net"
import { Worker } from "node:worker_threads"
import * as TcpSocket from "../../../src/layers/socket/TcpSocket.ts"
import { isSynchronousReader, PeerSocket } from "../../../src/services/PeerSocket.ts"
import { contract } from "../../harness/peerSocketContract.ts"
import { at, dial, line, outcome, pair, readAll, serve, text } from "../../harness/peerSocketHarness.ts"

const live = (name: string, effect: Effect.Effect<void, unknown, PeerSocket | Scope.Scope>) =>
  it.live(name, () => effect.pipe(Effect.provide(TcpSocket.layer)))

describe("TcpSocket", () => {
  for (const [name, effect] of Object.entries(contract)) live(name, effect)
})

/** A port whose queue is full: a thread listens with the least backlog, then never gets to accept. */
const deafPort = Effect.acquireRelease(
  Effect.callback<readonly [Worker, number]>((resume) => {
    const code = `const server = require("node:net").createServer().listen(
      { port: 0, host: "127.0.0.1", backlog: 1 },
      () => {
        require("node:worker_threads").parentPort.postMessage(server.address().port)
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
      })`
    const worker = new Worker(code, { eval: true })
    worker.once("message", (port: number) => resume(Effect.succeed([worker, port])))
  }),
  ([worker]) => Effect.promise(() => worker.terminate())
)

/** A plain client without any of our code. */
const rawClient = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const conn = Net.connect({ host: "127.0.0.1", port, allowHalfOpen: true })
      conn.on("error", () => {})
      conn.once("connect", () => resume(Effect.succeed(conn)))
    }),
    (conn) => Effect.sync(() => conn.destroy())
  )

/** A server's view of one connection, read by `drainTo`, and a plain client at the other end. */
const drained = Effect.fnUntraced(function*(sink: (batch: ReadonlyArray<Uint8Array>) => void) {
  const sockets = yield* PeerSocket
  const listener = yield* sockets.listen(at("127.0.0.1", 0))
  const ended = yield* Deferred.make<Exit.Exit<never, Socket.SocketError>>()
  yield* Effect.forkScoped(listener.run(({ socket }) =>
    Effect.scoped(Effect.gen(function*() {
      const reader = yield* socket.reader
      assert(isSynchronousReader(reader))
      yield* Deferred.succeed(ended, yield* Effect.exit(reader.drainTo(sink)))
    }))
  ))
  const conn = yield* rawClient(listener.address.port)
  return { conn, ended: Deferred.await(ended) }
})

describe("TcpSocket, beyond the contract", () => {
  live(
    "drainTo hands over all bytes in order, early ones too, and then fails as pull would",
    Effect.gen(function*() {
      const got: Array<Uint8Array> = []
      const { conn, ended } = yield* drained((batch) => got.push(...batch))
      const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 31) & 255))
      conn.write(sent.subarray(0, 10))
      conn.write(sent.subarray(10))
      conn.end()
      assert.strictEqual(outcome(yield* ended), "1000")
      assert.isTrue(Buffer.concat(got).equals(sent))
    })
  )

  live(
    "a sink that throws ends drainTo with that defect, and gets nothing more",
    Effect.gen(function*() {
      let calls = 0
      const { conn, ended } = yield* drained(() => {
        calls += 1
        throw new Error("a bug of the reader")
      })
      conn.write("one")
      const exit = yield* ended
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      conn.write("two")
      yield* Effect.promise(() => new Promise((resolve) => conn.once("close", resolve)))
      assert.strictEqual(calls, 1)
    })
  )

  live(
    "a dial without answer fails with kind Timeout",
    Effect.gen(function*() {
      const [, port] = yield* deafPort
      const attempt = Effect.gen(function*() {
        const { socket } = yield* dial(at("127.0.0.1", port), { timeoutMs: 300 })
        return outcome(yield* Effect.exit(socket.reader))
      })
      // Linux lets a few into the queue; the next ones hang
      const outcomes = yield* Effect.all(Array.from({ length: 6 }, () => attempt), { concurrency: 6 })
      assert.include(outcomes, "SocketOpenError Timeout")
    })
  )

  live(
    "connections reset before there is a handler do not harm the listener",
    Effect.gen(function*() {
      const sockets = yield* PeerSocket
      const listener = yield* sockets.listen(at("127.0.0.1", 0))
      for (let i = 0; i < 3; i++) (yield* rawClient(listener.address.port)).resetAndDestroy()
      const good = yield* line((yield* dial(listener.address)).socket)
      yield* Effect.forkScoped(
        listener.run(({ socket }) =>
          Effect.ignore(Effect.scoped(Effect.gen(function*() {
            const { pull, write } = yield* line(socket)
            yield* write(text(yield* pull))
            yield* pull
          })))
        )
      )
      yield* good.write("echo")
      assert.strictEqual(text(yield* good.pull), "echo")
    })
  )

  live(
    "a reset is a read error with its code, for the writer too",
    Effect.gen(function*() {
      const accepted = yield* Deferred.make<string>()
      const address = yield* serve(({ socket }) =>
        Effect.gen(function*() {
          const { pull, write } = yield* line(socket)
          yield* write("hello")
          const [, how] = yield* readAll(pull)
          yield* Deferred.succeed(accepted, `${how}, ${outcome(yield* Effect.exit(write("more")))}`)
        })
      )
      const client = yield* rawClient(address.port)
      yield* Effect.callback<void>((resume) => {
        client.once("data", () => resume(Effect.void))
      })
      client.resetAndDestroy()
      assert.strictEqual(
        yield* Deferred.await(accepted),
        "SocketReadError ECONNRESET, SocketWriteError ECONNRESET"
      )
    })
  )

  live(
    "bytes that came before a reset can still be read",
    Effect.gen(function*() {
      const { far, near } = yield* pair()
      yield* far.write("unread here")
      yield* near.write("read there")
      assert.strictEqual(text(yield* far.pull), "read there")
      const beat = yield* pair() // a round trip elsewhere: the bytes are here by then
      yield* beat.near.write("x")
      yield* beat.far.pull
      yield* near.write("reason")
      yield* near.close // with bytes unread: a reset may follow
      assert.strictEqual((yield* readAll(far.pull))[0], "reason")
    })
  )

  live(
    "an error after the close goes unnoticed",
    Effect.gen(function*() {
      const { far, near } = yield* pair()
      yield* near.close
      const exits = yield* Effect.forEach([1, 2, 3], () => Effect.exit(far.write(new Uint8Array(100_000))))
      assert.isTrue(exits.some(Exit.isFailure))
      yield* far.close
    })
  )

  live(
    "interrupting a dial closes its socket",
    Effect.gen(function*() {
      const [, port] = yield* deafPort
      const before = process.getActiveResourcesInfo().filter((name) => name.includes("TCP")).length
      const { socket } = yield* dial(at("127.0.0.1", port))
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.forkChild(Effect.scoped(socket.reader), {
          startImmediately: true
        }))
      yield* Fiber.interruptAll(fibers)
      yield* Effect.callback<void>((resume) => {
        setImmediate(() => setImmediate(() => resume(Effect.void)))
      })
      assert.strictEqual(process.getActiveResourcesInfo().filter((name) => name.includes("TCP")).length, before)
    })
  )
})
