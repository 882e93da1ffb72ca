/**
 * Requests as no well-meaning client writes them, byte by byte: each gets the answer that is written beside it or loses its connection, no command runs,
 * and the node answers the next one.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import * as Net from "node:net"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { services } from "../../harness/adminNode.ts"

const secret = "correct-horse-battery-staple"

/** Statuses of the answers to these bytes, in order, until the connection ends or so many have come; `closed`: it ended before. */
const answers = (address: PeerAddress.PeerAddress, bytes: string, most: number) =>
  Effect.callback<{ readonly statuses: ReadonlyArray<string>; readonly text: string }>((resume) => {
    const socket = Net.connect({ host: address.ip, port: address.port })
    let text = ""
    const end = () => {
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = ""]) => status)
      if (socket.closed || statuses.length >= most) {
        socket.destroy()
        resume(Effect.succeed({ statuses: statuses.length < most ? [...statuses, "closed"] : statuses, text }))
      }
    }
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk
      end()
    })
    socket.on("error", () => {}).on("close", end)
    socket.write(bytes, "latin1")
    return Effect.sync(() => socket.destroy())
  })

const request = (line: string, headers: ReadonlyArray<string> = [], body = "", host = "Host: 127.0.0.1"): string =>
  [`${line} HTTP/1.1`, ...(host === "" ? [] : [host]), ...headers, "", body].join("\r\n")

const get = (path: string, ...headers: ReadonlyArray<string>) => request(`GET ${path}`, headers)
const withHost = (host: string) => request("GET /status", [], "", host)
const body = "{\"subnet\":\"198.51.100.0/24\"}"
const post = (...headers: ReadonlyArray<string>) =>
  request("POST /ban", ["Content-Type: application/json", ...headers], body)
const length = `Content-Length: ${body.length}`
const right = `Authorization: Bearer ${secret}`

const cases: ReadonlyArray<readonly [what: string, bytes: string, ...statuses: ReadonlyArray<string>]> = [
  ["HEAD", request("HEAD /status"), "200"],
  ["HEAD of what is not there", request("HEAD /nothing"), "404"],
  ["OPTIONS of everything", request("OPTIONS *"), "404"],
  ["TRACE", request("TRACE /status"), "404"],
  ["a method in small letters", request("get /status"), "400"],
  ["CONNECT", request("CONNECT 127.0.0.1:22"), "closed"],
  ["an upgrade", get("/events", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AA=="), "200"],
  ["an encoded letter of a path", get("/%73tatus"), "200"],
  ["two slashes", get("//status"), "200"],
  ["a slash at the end", get("/status/"), "200"],
  ["a dot in the path", get("/./status"), "404"],
  ["the directory above", get("/../../etc/passwd"), "404"],
  ["the directory above, encoded", get("/%2e%2e/%2e%2e/etc/passwd"), "404"],
  ["a NUL in a path", get("/status%00"), "404"],
  ["parameters of a path", get("/status;jsessionid=1"), "200"],
  ["an address of another host", get("http://203.0.113.9/status"), "200"],
  ["a query that is ignored", get(`/status?${"a=1&".repeat(1_000)}`), "200"],
  ["a parameter twice", get("/book?count=1&count=2"), "400"],
  ["two hosts", get("/status", "Host: evil.example"), "403"],
  ["no host", request("GET /status", [], "", ""), "400"],
  ["an empty host", withHost("Host:"), "403"],
  ["IPv6 in brackets", withHost("Host: [::1]:24201"), "200"],
  ["IPv6 without brackets", withHost("Host: ::1"), "403"],
  ["half a bracket", withHost("Host: [::1"), "403"],
  ["a zone in brackets", withHost("Host: [fe80::1%25lo]"), "403"],
  ["a dot behind the name", withHost("Host: localhost."), "403"],
  ["a dot behind the address", withHost("Host: 127.0.0.1."), "403"],
  ["a host in capitals", withHost("Host: LOCALHOST:1"), "200"],
  ["a host with a user", withHost("Host: user@127.0.0.1"), "403"],
  ["an address as a number", withHost("Host: 2130706433"), "403"],
  ["two tokens, the first wrong", post("Authorization: Bearer x", right, length), "401"],
  ["the token as a password", post(`Authorization: Basic ${btoa(`x:${secret}`)}`, length), "401"],
  [
    "the token in the query",
    request(`POST /ban?token=${secret}`, ["Content-Type: application/json", length], body),
    "401"
  ],
  ["two lengths", post(right, length, "Content-Length: 1"), "400"],
  ["a length and chunks", post(right, length, "Transfer-Encoding: chunked"), "400"],
  ["chunks", post(right, "Transfer-Encoding: chunked"), "413"],
  ["a length below zero", post(right, "Content-Length: -1"), "400"],
  ["a length that is no number", post(right, "Content-Length: 0x10"), "400"],
  ["no length", post(right), "413"],
  ["100-continue without a token", post("Expect: 100-continue", length), "401"],
  ["another expectation", post("Expect: 200-maybe", right, length), "417"],
  ["a line that folds", get("/status", "X: 1\r\n 2"), "400"],
  ["a space before the colon", get("/status", "X : 1"), "400"],
  ["line feeds alone", "GET /status HTTP/1.1\nHost: 127.0.0.1\n\n", "400"],
  ["version 0.9", "GET /status\r\n\r\n", "403"],
  ["version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"],
  ["TLS", "\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03", "400"],
  ["zeros", "\0".repeat(64), "400"],
  ["an event id that is not a number", get("/events", "Last-Event-ID: x"), "200"],
  ["an event of another process", get("/events", "Last-Event-ID: zzz.1-99999999999999999999"), "200"],
  ["an event below zero", get("/events", "Last-Event-ID: a.1--5"), "200"],
  ["an event of 6,000 letters", get("/events", `Last-Event-ID: ${"9".repeat(6_000)}`), "200"],
  ["an event in two headers", get("/events", "Last-Event-ID: 1", "Last-Event-ID: 2"), "200"],
  ["an event with a control character", get("/events", "Last-Event-ID: \x01"), "400"]
]

/**
 * Those that may lose their connection before an answer is read: what comes behind another request before that has its answer (`Limits.adminPipelined`), and
 * headers of which the server reads a part.
 */
const perhapsClosed: typeof cases = [
  ["a query longer than all headers may be", get(`/status?${"x".repeat(70_000)}`), "431"],
  ["2,500 headers", get("/status", ...Array.from({ length: 2_500 }, (_, i) => `X-${i}: 1`)), "431"],
  ["two requests at once", get("/status") + get("/health/live"), "200", "200"],
  ["a command without a token behind a question", get("/status") + post(length), "200", "401"],
  ["what looks like a request behind a body", post(length) + get("/health/live"), "401", "200"]
]

describe("raw requests", () => {
  it.live("each gets its answer, no command runs, and the node answers on", () => {
    const calls: Array<string> = []
    return Effect.gen(function*() {
      const { address } = yield* AdminServer.AdminServer
      const found = yield* Effect.forEach(cases, ([what, bytes, ...expected]) =>
        Effect.map(
          answers(address, bytes, expected.length).pipe(Effect.timeout("60 seconds")),
          ({ statuses, text }) =>
            statuses.join(" ") === expected.join(" ")
              ? []
              : [`${what}: ${statuses.join(" ")}, not ${expected.join(" ")}\n${text.slice(0, 300)}`]
        ), { concurrency: 4 })
      assert.strictEqual(found.flat().join("\n"), "")
      for (const [what, bytes, ...expected] of perhapsClosed) {
        const { statuses } = yield* answers(address, bytes, expected.length)
        const answered = statuses.filter((status) => status !== "closed")
        assert.deepStrictEqual(answered, expected.slice(0, answered.length), what)
      }
      assert.deepStrictEqual(calls, [])
      const { text } = yield* answers(address, request("HEAD /status"), 1)
      assert.match(text, /\r\n\r\n$/, "a HEAD has no body")
      assert.deepStrictEqual((yield* answers(address, get("/status"), 1)).statuses, ["200"])
    }).pipe(Effect.provide(
      AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), 0), {
        token: Redacted.make(secret),
        isClosed: false
      }).pipe(Layer.provide(services((call) => Effect.sync(() => void calls.push(call)))))
    ))
  })
})
