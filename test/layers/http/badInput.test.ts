/**
 * Bad input to every endpoint that the API's description names: answered with what is wrong, carried out by no command, and the node is unharmed.
 * A new endpoint is in here by being in the description.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { OpenApi } from "effect/http-api"
import * as Net from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { AdminApi } from "../../../src/layers/http/AdminApi.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { services } from "../../harness/adminNode.ts"

const secret = "correct-horse-battery-staple"
const bearer = { authorization: `Bearer ${secret}` }
const json = { "content-type": "application/json" }

interface Operation {
  readonly path: string
  readonly method: string
  readonly query: ReadonlyArray<string>
  readonly fields: ReadonlyArray<string>
  readonly statuses: ReadonlyArray<string>
}

interface Described {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string }>
  readonly requestBody?: {
    readonly content: { readonly [type: string]: { readonly schema: { readonly properties: object } } }
  }
  readonly responses: object
}

const operations: ReadonlyArray<Operation> = Object.entries(OpenApi.fromApi(AdminApi).paths).flatMap((
  [path, methods]
) =>
  Object.entries(methods as unknown as Readonly<Record<string, Described>>).map(([method, described]) => ({
    path,
    method: method.toUpperCase(),
    query: (described.parameters ?? []).filter((parameter) => parameter.in === "query").map(({ name }) => name),
    fields: Object.keys(described.requestBody?.content["application/json"]?.schema.properties ?? {}),
    statuses: Object.keys(described.responses)
  }))
)
const posts = operations.filter(({ method }) => method === "POST")
const gets = operations.filter(({ method }) => method === "GET")

interface Bad {
  readonly what: string
  readonly path: string
  readonly init: RequestInit
  readonly status: ReadonlyArray<number>
}

const post = (body: string, headers: Readonly<Record<string, string>> = { ...bearer, ...json }): RequestInit => ({
  method: "POST",
  headers,
  body
})

/** Values of every type, and texts that are no address. */
const values = [
  null,
  true,
  -1,
  1.5,
  1e300,
  "",
  "x",
  "1.2.3.4:99999",
  "::1%lo",
  [],
  [[]],
  [1],
  {},
  { ip: {} },
  "\u0000",
  "\ud800"
]
const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`

const ofPosts: ReadonlyArray<Bad> = posts.flatMap(({ fields, path }) => {
  const bad = (what: string, init: RequestInit, ...status: ReadonlyArray<number>): Bad => ({ what, path, init, status })
  return [
    bad("no token", post("{}", json), 401),
    bad("another token", post("{}", { ...json, authorization: `Bearer ${secret}x` }), 401),
    bad(
      "a token as long as a header may be",
      post("{}", { ...json, authorization: `Bearer ${"x".repeat(6_000)}` }),
      401
    ),
    bad("another type", post("{}", { ...bearer, "content-type": "text/plain" }), 415),
    bad("no type", { method: "POST", headers: bearer }, 415),
    bad("a body that is too long", post(`{"x":"${"y".repeat(Limits.adminBodyBytes)}"}`), 413),
    ...["", "{", "nul", "\u0000", "{\"a\":", nested(1_000), "[]", "null", "7", "\"x\""].map((body) =>
      bad(`the body ${body.slice(0, 9)}`, post(body), 400)
    ),
    bad("an empty object", post("{}"), 400),
    ...values.flatMap((value) =>
      // An empty list ends an isolation: that is no bad input.
      fields.slice(0, 1).map((field) =>
        bad(`${field} = ${JSON.stringify(value)}`, post(JSON.stringify({ [field]: value })), 400)
      )
    ).filter(({ what }) => what !== "ips = []")
  ]
})

const ofGets: ReadonlyArray<Bad> = gets.flatMap(({ path, query }) => [
  ...(path.includes("{")
    ? ["x", "1.2.3", "%00", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%F0%9F%92%A9", "1".repeat(3_000), "%ff", "%zz"].map((
      text
    ) => ({
      what: `the address ${text.slice(0, 12)}`,
      path: path.replace(/\{\w+\}/, text),
      init: {},
      status: [400, 404]
    }))
    : []),
  ...query.flatMap((name) =>
    ["x", "-1", "1.5", "1e99", "NaN", "%00", "9".repeat(400)].map((text) => ({
      what: `${name} = ${text.slice(0, 9)}`,
      path: `${path}?${name}=${text}`,
      init: {},
      status: [400]
    }))
  )
])

const ofAll: ReadonlyArray<Bad> = operations.flatMap(({ method, path }) => {
  const at = path.replace(/\{\w+\}/, "10.0.0.2")
  const methods = ["PUT", "DELETE", "PATCH", method === "GET" ? "POST" : "GET"].map((other): Bad => ({
    what: `the method ${other}`,
    path: at,
    init: other === "POST" ? post("{}") : { method: other, headers: bearer },
    status: [404, 405]
  }))
  return methods.concat([
    {
      what: "another origin",
      path: at,
      init: {
        method,
        headers: { ...bearer, ...json, origin: "http://evil.example" },
        ...(method === "POST" ? { body: "{}" } : {})
      },
      status: [403]
    }
  ])
})

const malformed: ReadonlyArray<readonly [path: string, init: RequestInit, reason: string]> = [
  ["/connect", post("{"), "the request's body is malformed: Expected a valid JSON body"],
  ["/connect", post("{}"), "the request's body is malformed: Missing key at [\"address\"]"],
  ["/disconnect", post(`{"ip":7}`), "the request's body is malformed: Expected string at [\"ip\"]"],
  ["/book?skip=x", {}, "the request's query is malformed: Expected a finite number at [\"skip\"]"]
]

describe("bad input to every endpoint", () => {
  it("is tried on every endpoint there is", () => {
    assert.isAbove(posts.length, 5)
    assert.isAbove(gets.length, 14)
    for (const { fields, path } of posts) assert.isAbove(fields.length, 0, path)
  })

  it.live("is answered with what is wrong, and does nothing", () => {
    const calls: Array<string> = []
    return Effect.gen(function*() {
      const { address } = yield* AdminServer.AdminServer
      const url = `http://${PeerAddress.format(address)}`
      // Meanwhile others say nothing, half a request, and half a body.
      const slow = [
        "",
        "GET /status HTTP/1.1\r\nHost: 127",
        `POST /ban HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{`
      ]
        .flatMap((text) =>
          Array.from({ length: 8 }, () => {
            const socket = Net.connect({ host: address.ip, port: address.port })
            socket.on("error", () => {})
            socket.write(text)
            return socket
          })
        )
      const found = yield* Effect.forEach(
        [...ofPosts, ...ofGets, ...ofAll],
        ({ init, path, status, what }) =>
          Effect.promise(async () => {
            const response = await fetch(`${url}${path}`, init)
            const text = await response.text()
            const told: unknown = response.status < 400 ? { message: "as it should" } : JSON.parse(text)
            const message = (told as { readonly message?: unknown }).message
            const isTold = typeof message === "string" && message.length > 10 && !message.includes(secret)
            return status.includes(response.status) && isTold
              ? []
              : [`${path.slice(0, 60)}, ${what}: ${response.status} ${text.slice(0, 100)}`]
          }),
        { concurrency: 4 }
      )
      assert.strictEqual(found.flat().join("\n"), "")
      assert.deepStrictEqual(calls, [])
      // The part of the request, what it should be, and the field.
      const reasons = yield* Effect.forEach(
        malformed,
        ([path, init]) =>
          Effect.promise(async () => JSON.parse(await (await fetch(`${url}${path}`, init)).text()).message as unknown)
      )
      assert.deepStrictEqual(reasons, malformed.map(([, , reason]) => reason))
      for (const { path, statuses } of gets.filter(({ path }) => path !== "/events")) {
        const { status } = yield* Effect.promise(() => fetch(`${url}${path.replace(/\{\w+\}/, "10.0.0.2")}`))
        assert.include(statuses, String(status), path)
        assert.include([200, 404], status, path)
      }
      for (const socket of slow) socket.destroy()
    }).pipe(Effect.provide(
      AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), 0), {
        token: Redacted.make(secret),
        isClosed: false
      }).pipe(Layer.provide(services((call) => Effect.sync(() => void calls.push(call)))))
    ))
  })
})
