/** What thousands of requests at once cost the turn in which they come. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Agent, request as ask, type Server } from "node:http"
import * as Net from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import * as AdminConnections from "../../../src/layers/http/AdminConnections.ts"

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
/** Requests that one piece may hold, one that began in the piece before included. */
const perPiece = Math.floor(Limits.adminPieceBytes / request.length) + 1

/** Requests that the parser handed over, by turn of the event loop. */
const parsedBy = (server: Server) => {
  const turns: Array<number> = [0]
  const emit = server.emit.bind(server)
  server.emit = (event: string, ...args: Array<unknown>) => {
    if (event === "request") turns.push((turns.pop() ?? 0) + 1)
    return emit(event, ...args)
  }
  const next = () => {
    if (turns.at(-1) !== 0) turns.push(0)
    if (server.listening) setImmediate(next)
  }
  next()
  return turns
}

const listening = Effect.acquireRelease(
  Effect.callback<{ readonly server: Server; readonly port: number }>((resume) => {
    const server = AdminConnections.make()
    server.listen(0, "127.0.0.1", () => {
      const at = server.address()
      resume(Effect.succeed({ server, port: at === null || typeof at === "string" ? 0 : at.port }))
    })
  }),
  ({ server }) =>
    Effect.sync(() => {
      server.close()
      server.closeAllConnections()
    })
)

/** Says `text`, and reads all that comes until the other end closes. */
const talk = (port: number, text: string) =>
  Effect.callback<string>((resume) => {
    const socket = Net.connect({ host: "127.0.0.1", port })
    let read = ""
    socket.on("error", () => {})
    socket.on("data", (chunk) => read += String(chunk))
    socket.once("close", () => resume(Effect.succeed(read)))
    socket.write(text)
  })

/** However slow this machine is, no socket ends for its time. */
const untimed = Effect.acquireRelease(
  Effect.sync(() => {
    const { setTimeout } = Net.Socket.prototype
    Net.Socket.prototype.setTimeout = function(this: Net.Socket) {
      return this
    }
    return setTimeout
  }),
  (setTimeout) => Effect.sync(() => Net.Socket.prototype.setTimeout = setTimeout)
)

describe("connections of the admin API", () => {
  it.live("20 connections that bring 2,000 requests each: a few of each are parsed, and one connection's in a turn", () =>
    Effect.gen(function*() {
      const { port, server } = yield* listening
      const turns = parsedBy(server)
      // Never answered, so that every request stays under way.
      let heard = 0
      server.on("request", () => heard += 1)
      yield* Effect.all(Array.from({ length: 20 }, () => talk(port, request.repeat(2_000))), {
        concurrency: "unbounded"
      })
      assert.strictEqual(heard, 20 * Limits.adminPipelined)
      const parsed = turns.reduce((sum, n) => sum + n, 0)
      assert.isAtMost(parsed, 20 * perPiece)
      // Both end within one turn's length of each other: two pieces may be counted as of one turn.
      assert.isAtMost(Math.max(...turns), 2 * perPiece)
    }))

  it.live("silent connections: those beyond the bound give way, the oldest first, and none that spoke", () =>
    Effect.gen(function*() {
      const { port, server } = yield* listening
      server.on("request", (_, response) => response.end("there"))
      yield* untimed
      const early = yield* Effect.callback<Net.Socket>((resume) => {
        const socket = Net.connect({ host: "127.0.0.1", port })
        socket.once("data", () => resume(Effect.succeed(socket)))
        socket.write(request)
      })
      const count = Limits.adminSilent + 76
      const closed: Array<number> = []
      const silent: Array<Net.Socket> = []
      const connect = Effect.callback<void>((resume) => {
        const i = silent.length
        const socket = Net.connect({ host: "127.0.0.1", port }, () => resume(Effect.void))
        silent.push(socket.on("error", () => {}).resume().once("close", () => closed.push(i)))
      })
      const many = (n: number) =>
        Effect.forEach(Array.from({ length: n }), () => connect, { concurrency: 50, discard: true })
      yield* many(Limits.adminSilent)
      yield* many(count - Limits.adminSilent)
      yield* Effect.callback<void>((resume) => {
        const look = () => closed.length >= count - Limits.adminSilent && resume(Effect.void)
        for (const socket of silent) socket.once("close", look)
        look()
      })
      assert.deepStrictEqual(closed.toSorted((a, b) => a - b), Array.from({ length: 76 }, (_, i) => i))
      const again = yield* Effect.callback<string>((resume) => {
        early.once("data", (chunk) => resume(Effect.succeed(String(chunk))))
        early.write(request)
      })
      assert.include(again, "there")
      for (const socket of [...silent, early]) socket.destroy()
    }))

  it.live("a body that comes in many pieces, an answer of a megabyte, and a connection that is used again", () =>
    Effect.gen(function*() {
      const { port, server } = yield* listening
      const bodies: Array<number> = []
      server.on("request", (request, response) => {
        let length = 0
        request.on("data", (chunk: Buffer) => length += chunk.length)
        request.on("end", () => {
          bodies.push(length)
          response.end("x".repeat(1_000_000))
        })
      })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const post = (body: string) =>
        Effect.callback<number>((resume) => {
          let read = 0
          const asked = ask({ host: "127.0.0.1", port, method: "POST", agent }, (response) => {
            response.on("data", (chunk: Buffer) => read += chunk.length)
            response.on("end", () => resume(Effect.succeed(read)))
          })
          asked.end(body)
        })
      const connections = new Set<number | undefined>()
      server.on("request", ({ socket }) => connections.add(socket.remotePort))
      for (const length of [4_000, 3_000, 0]) assert.strictEqual(yield* post("b".repeat(length)), 1_000_000)
      agent.destroy()
      assert.deepStrictEqual(bodies, [4_000, 3_000, 0])
      assert.strictEqual(connections.size, 1)
    }))
})
