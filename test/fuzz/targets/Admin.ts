/**
 * The admin API, both ends. Requests of any kind: an answer whose status says what was wrong, never a defect, and what reaches
 * the node are canonical addresses, of requests that no web page could have sent. Answers of any kind: refused, or shown.
 *
 * An input is text. A request as HTTP writes one: first line, headers, an empty line, the body. Or an answer: `ANSWER` and
 * what was asked for in the first line, then JSON.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Exit, Layer, Option, Schema, Scope } from "effect"
import { HttpBody, HttpClientRequest, HttpMethod, HttpRouter, HttpServerError, HttpServerRequest } from "effect/http"
import type { HttpServerResponse } from "effect/http"
import * as peers from "../../../src/cli/peerTable.ts"
import * as status from "../../../src/cli/status.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import { Status } from "../../../src/layers/http/AdminApi.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { Peers, Why } from "../../../src/layers/http/PeerApi.ts"
import * as AdminNode from "../../harness/adminNode.ts"
import { randomFrom } from "../../harness/random.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, show, type Target, utf8 } from "../Target.ts"

const toText = new TextDecoder()

/** What the request that runs has changed at the node. */
let calls: Array<string> = []

/** The router, as the server runs it, without a socket. */
const handler = await Effect.runPromise(
  HttpRouter.toHttpEffect(
    AdminServer.routes(0).pipe(
      Layer.provide(AdminNode.services((call) => Effect.sync(() => void calls.push(call))))
    )
  ).pipe(Scope.provide(Scope.makeUnsafe()), Effect.provide(NodeHttpServer.layerHttpServices))
)

interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const parse = (text: string): Request => {
  const blank = text.indexOf("\n\n")
  const [first = "", ...lines] = (blank < 0 ? text : text.slice(0, blank)).split("\n")
  const [method = "", path = ""] = first.split(" ")
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(":")
    return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const]
  })
  return { method, path, headers: Object.fromEntries(headers), body: blank < 0 ? "" : text.slice(blank + 2) }
}

/** The statuses that the API has a meaning for. */
const statuses = new Set([200, 400, 403, 404, 413, 415])

const isCanonical = (call: string): boolean => {
  const [what = "", ...told] = call.split(" ")
  if (what === "connect") {
    const [address = ""] = told
    const read = PeerAddress.fromString(address, 1)
    return read._tag === "Success" && PeerAddress.format(read.success) === address
  }
  if (what === "ban" || what === "unban") {
    const [subnet = ""] = told
    const read = Subnet.fromString(subnet)
    return read._tag === "Success" && read.success === subnet
  }
  return told.filter((ip) => ip !== "").every((ip) => {
    const read = PeerIp.fromString(ip)
    return read._tag === "Success" && read.success === ip
  })
}

const request = ({ body, headers, method, path }: Request): void => {
  // What a server takes off the wire: a method it knows, a target, headers without a line break.
  if (!HttpMethod.isHttpMethod(method) || !/^\/[\x21-\x7e]*$/.test(path)) return
  calls = []
  const asked = HttpServerRequest.fromClientRequest(
    HttpClientRequest.make(method)(path, { body: HttpBody.text(body) }).pipe(
      // A body brings headers of its own; those of the input count, and their absence.
      HttpClientRequest.removeHeader("content-type"),
      HttpClientRequest.removeHeader("content-length"),
      HttpClientRequest.setHeaders(headers)
    )
  )
  const exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown> = Effect.runSyncExit(
    handler.pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, asked), Effect.scoped)
  )
  // What the server makes of an unknown route and of a malformed payload.
  const { status } = Exit.isSuccess(exit)
    ? exit.value
    : Effect.runSync(HttpServerError.causeResponse(exit.cause))[0]
  ensure(statuses.has(status), () => `status ${status}: ${String(exit)}`)
  ensure(status === 200 || calls.length === 0, () => `status ${status}, and yet ${show(calls)}`)
  ensure(calls.every(isCanonical), () => `what reaches the node is ${show(calls)}`)
  if (calls.length === 0) return
  ensure(method === "POST", () => `${method} changes the node`)
  ensure(/^application\/json\s*(?:;|$)/i.test(headers["content-type"] ?? ""), "a form changes the node")
  ensure(headers["origin"] === undefined || headers["origin"] === `http://${headers["host"]}`, "another origin may")
  ensure(Number(asked.headers["content-length"]) <= Limits.adminBodyBytes, "a long body is read")
}

const answers = {
  peers: Schema.decodeUnknownOption(Schema.fromJsonString(Peers)),
  status: Schema.decodeUnknownOption(Schema.fromJsonString(Status)),
  why: Schema.decodeUnknownOption(Schema.fromJsonString(Why))
}

const answer = (what: string, text: string): void => {
  const shown = what.endsWith("peers")
    ? Option.map(answers.peers(text), peers.render)
    : what.endsWith("status")
    ? Option.map(answers.status(text), status.render)
    : Option.map(answers.why(text), (why) => why.text)
  ensure(Option.isNone(shown) || typeof shown.value === "string", "an answer that is no text")
}

// --- inputs -------------------------------------------------------------------------

const row = { ...AdminNode.row, port: 24_200 }
const goodAnswers: ReadonlyArray<readonly [what: string, value: unknown]> = [
  ["peers", { at: 10_000, open: 1, peers: [row, { ...row, connection: undefined, nextAttemptAt: 12_000 }] }],
  ["status", {
    network: "devnet",
    listen: "127.0.0.1:24200",
    software: "timemesh/0",
    pid: 1,
    startedAt: 1,
    uptimeMs: 3_000_000,
    known: 2,
    connected: 1,
    state: "Connected to 1 of 2 known peers",
    chain: {
      height: 1,
      hash: "00",
      headers: 1,
      synced: true,
      line: "in sync",
      reorgs: 0,
      waiting: { blocks: 0, bytes: 0 },
      peers: [{ ip: "10.0.0.2", height: 1, blocks: 0, use: "used" }]
    },
    stats: AdminNode.stats
  }],
  ["why", { ip: "10.0.0.2", state: "unknown", text: "nobody told of 10.0.0.2", record: row }]
]

const ips = ["10.0.0.2", "::ffff:10.0.0.2", "[2001:db8::7]:5", "10.0.0.2:99999", "1.2.3", "", "0.0.0.0", "x\u0000"]
const headerLines = [
  "Host: 127.0.0.1:24201",
  "Host: localhost",
  "Host: evil.example",
  "Host: [::1]:1",
  "Origin: http://127.0.0.1:24201",
  "Origin: null",
  "Sec-Fetch-Site: cross-site",
  "Sec-Fetch-Site: same-origin",
  "Content-Type: application/json",
  "Content-Type: application/json; charset=utf-8",
  "Content-Type: text/plain",
  "Content-Length: 20",
  "Content-Length: 99999999",
  "Content-Length: NaN"
]

const requestText = (random: Mutator.Random): string => {
  const ip = Mutator.pick(random, ips) ?? ""
  const [line, body] = Mutator.pick(random, [
    ["GET /status", ""],
    ["GET /peers", ""],
    [`GET /why/${encodeURIComponent(ip)}`, ""],
    ["POST /connect", JSON.stringify({ address: ip })],
    ["POST /disconnect", JSON.stringify({ ip })],
    ["POST /isolate", JSON.stringify({ ips: Array.from({ length: random(4) }, () => Mutator.pick(random, ips)) })],
    ["GET /bans", ""],
    ["POST /ban", JSON.stringify({ subnet: `${ip}/${random(140)}`, forMs: random(100_000), reason: ip })],
    ["POST /unban", JSON.stringify({ subnet: ip })],
    ["PUT /connect", "{}"],
    ["POST /nothing", "[]"]
  ]) ?? ["", ""]
  const good = [headerLines[0], headerLines[8], headerLines[11]]
  const lines = random(3) > 0 ? good : headerLines.filter(() => random(3) === 0)
  return `${line} HTTP/1.1\n${lines.join("\n")}\n\n${body}`
}

const answerText = (random: Mutator.Random): string => {
  const [what, value] = Mutator.pick(random, goodAnswers) ?? ["why", {}]
  return `ANSWER ${what}\n${JSON.stringify(random(3) === 0 ? value : Mutator.value(value, random))}`
}

const text = (random: Mutator.Random): Uint8Array => utf8(random(2) === 0 ? requestText(random) : answerText(random))

export const target: Target = {
  name: "admin",
  about: "admin API: any request gets an answer and changes nothing it must not, any answer is refused or shown",
  unit: "a request or an answer",
  suffix: "txt",
  mostBytes: 16 * 1024,
  tokens: [
    ...headerLines,
    ...ips.map((ip) => `"${ip}"`),
    "GET",
    "POST",
    "/why/%",
    "%00",
    "..",
    "{",
    "]",
    "null",
    "1e999"
  ]
    .map(utf8),
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 80 }, () => text(random))
  },
  mutate: (_, random) => random(2) === 0 ? text(random) : undefined,
  run: (input) => {
    const said = toText.decode(input)
    const end = said.indexOf("\n")
    if (said.startsWith("ANSWER ")) answer(end < 0 ? said : said.slice(0, end), end < 0 ? "" : said.slice(end + 1))
    else request(parse(said))
    return 1
  }
}
