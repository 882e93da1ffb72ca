/** What thousands of requests at once cost the turn in which they come. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Server } from "node:http"
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
      const early = yield* Effect.callback<Net.Socket>((resume) => {
        const socket = Net.connect({ host: "127.0.0.1", port })
        socket.once("data", () => resume(Effect.succeed(socket)))
        socket.write(request)
      })
      const count = Limits.adminSilent + 76
      const closed: Array<number> = []
      const silent = yield* Effect.callback<ReadonlyArray<Net.Socket>>((resume) => {
        const sockets = Array.from({ length: count }, (_, i) => {
          const socket = Net.connect({ host: "127.0.0.1", port })
          socket.on("error", () => {})
          socket.once("close", () => {
            closed.push(i)
            if (closed.length === count - Limits.adminSilent) resume(Effect.succeed(sockets))
          })
          return socket.resume()
        })
      })
      assert.strictEqual(silent.filter((socket) => !socket.destroyed).length, Limits.adminSilent)
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
      const post = (length: number, more = "") =>
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${more}\r\n${"b".repeat(length)}`
      const answers = yield* talk(port, post(4_000) + post(3_000) + post(0, "Connection: close\r\n"))
      assert.deepStrictEqual(bodies, [4_000, 3_000, 0])
      assert.strictEqual(answers.split("HTTP/1.1 200").length - 1, 3)
      assert.strictEqual(answers.split("x").length - 1, 3_000_000)
    }))
})
