/** Who may ask what of the admin API: with and without the node's token, on loopback and beyond. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as AdminAccess from "../../../src/layers/http/AdminAccess.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { services } from "../../harness/adminNode.ts"

const secret = "correct-horse-battery-staple"
const token = Redacted.make(secret)
const reads = ["/status", "/peers", "/bans", "/why/10.0.0.2", "/metrics", "/health/ready", "/events"]
const commands = [
  ["/connect", { address: "10.0.0.9" }],
  ["/disconnect", { ip: "10.0.0.9" }],
  ["/ban", { subnet: "10.0.0.9" }],
  ["/unban", { subnet: "10.0.0.9" }],
  ["/trust", { ip: "10.0.0.9" }],
  ["/isolate", { ips: [] }]
] as const

/** What the API answers, by the access it is given, and what the node was told to do. */
const serve = (access: AdminAccess.Access) =>
  Effect.gen(function*() {
    const calls: Array<string> = []
    const app = yield* HttpRouter.toHttpEffect(
      AdminServer.routes(0).pipe(
        Layer.provide(services((call) => Effect.sync(() => void calls.push(call)))),
        Layer.provide(Layer.succeed(AdminAccess.AdminAccess, access))
      )
    )
    const ask = (path: string, authorization?: string, body?: object) =>
      Effect.gen(function*() {
        const text = body === undefined ? "" : JSON.stringify(body)
        const request = HttpServerRequest.fromWeb(
          new Request(`http://127.0.0.1${path}`, {
            headers: {
              "host": "127.0.0.1",
              ...(authorization === undefined ? {} : { authorization }),
              ...(body === undefined ? {} : {
                "content-type": "application/json",
                "content-length": String(text.length)
              })
            },
            ...(body === undefined ? {} : { method: "POST", body: text })
          })
        )
        const response = HttpServerResponse.toWeb(
          yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
        )
        const told = response.status < 400
          ? ""
          : ((yield* Effect.promise(() => response.json())) as { readonly message: string }).message
        if (response.status < 400) yield* Effect.promise(async () => response.body?.cancel())
        return { status: response.status, told, asks: response.headers.get("www-authenticate") }
      })
    return { ask, calls }
  })

const unwelcome: ReadonlyArray<readonly [what: string, authorization: string | undefined, told: RegExp]> = [
  ["none", undefined, /needs the node's token; run the command as the user of the node .* --admin-token-file FILE/],
  ["an empty one", "Bearer ", /must have the form: Bearer TOKEN/],
  ["another", `Bearer ${secret}x`, /not that of this node/],
  ["a part of it", `Bearer ${secret.slice(0, -1)}`, /not that of this node/],
  ["one of other case", `Bearer ${secret.toUpperCase()}`, /not that of this node/],
  ["one as long as headers may be", `Bearer ${"x".repeat(Limits.adminHeaderBytes - 500)}`, /not that of this node/],
  ["another scheme", `Basic ${btoa(`admin:${secret}`)}`, /must have the form: Bearer TOKEN/],
  ["no scheme", secret, /must have the form: Bearer TOKEN/]
]

const http = Effect.provide(NodeHttpServer.layerHttpServices)

describe("the admin API of a node with a token", () => {
  it.effect("carries out commands for those that have it, and for no others; questions are open", () =>
    Effect.gen(function*() {
      const { ask, calls } = yield* serve({ token, isClosed: false })
      for (const [path, body] of commands) {
        for (const [what, authorization, told] of unwelcome) {
          const answer = yield* ask(path, authorization, body)
          assert.deepStrictEqual([answer.status, answer.asks], [401, "Bearer"], `${path} with ${what}`)
          assert.match(answer.told, told, `${path} with ${what}`)
          assert.notInclude(answer.told, secret.slice(0, 8))
        }
      }
      assert.deepStrictEqual(calls, [])
      for (const path of reads) assert.strictEqual((yield* ask(path)).status, 200, path)
      for (const [path, body] of commands) {
        const { status } = yield* ask(path, `Bearer ${secret}`, body)
        assert.strictEqual(status, path === "/unban" ? 404 : 200, path)
      }
      assert.strictEqual(calls.length, commands.length - 1)
    }).pipe(Effect.scoped, http))

  it.effect("that is closed answers no question without it, but whether it lives", () =>
    Effect.gen(function*() {
      const { ask } = yield* serve({ token, isClosed: true })
      for (const path of reads) {
        for (const [what, authorization] of unwelcome) {
          assert.strictEqual((yield* ask(path, authorization)).status, 401, `${path} with ${what}`)
        }
        assert.strictEqual((yield* ask(path, `Bearer ${secret}`)).status, 200, path)
        assert.strictEqual((yield* ask(path, `bearer ${secret}`)).status, 200, path)
      }
      assert.strictEqual((yield* ask("/health/live")).status, 200)
    }).pipe(Effect.scoped, http))

  it.effect("has it in no log, whatever is asked", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const log = Logger.layer([
        Logger.make(({ cause, message }) => void lines.push(`${String(message)} ${String(cause)}`))
      ])
      yield* Effect.gen(function*() {
        const { ask } = yield* serve({ token, isClosed: true })
        yield* Effect.logInfo("on")
        for (const value of [`Bearer ${secret}`, `Basic ${secret}`, `Bearer ${secret}x`]) {
          yield* ask("/status", value)
          yield* ask("/nowhere", value)
          yield* ask("/connect", value, { address: secret })
        }
        yield* Effect.logInfo("the access is", { token, isClosed: true })
      }).pipe(Effect.scoped, http, Effect.provide(log))
      assert.isAbove(lines.length, 1)
      assert.notInclude(lines.join("\n"), secret)
    }))
})

describe("the admin API of a node without a token", () => {
  it.effect("is open on loopback, for programs that embed it, and closed beyond", () =>
    Effect.gen(function*() {
      const open = yield* serve({ token: undefined, isClosed: false })
      assert.strictEqual((yield* open.ask("/connect", undefined, { address: "10.0.0.9" })).status, 200)
      const closed = yield* serve({ token: undefined, isClosed: true })
      for (const authorization of [undefined, "Bearer ", "Bearer undefined", `Bearer ${secret}`]) {
        const answer = yield* closed.ask("/connect", authorization, { address: "10.0.0.9" })
        assert.deepStrictEqual([answer.status, answer.told], [
          401,
          "the node has no token, so it answers on loopback only"
        ])
        assert.strictEqual((yield* closed.ask("/status", authorization)).status, 401)
      }
      assert.deepStrictEqual(closed.calls, [])
    }).pipe(Effect.scoped, http))

  it.live("bound to every address, questions need the token whatever the configuration says", () =>
    Effect.gen(function*() {
      const { address } = yield* AdminServer.AdminServer
      const ask = (headers: Record<string, string>) =>
        Effect.promise(() => fetch(`http://127.0.0.1:${address.port}/status`, { headers }).then(({ status }) => status))
      assert.strictEqual(yield* ask({}), 401)
      assert.strictEqual(yield* ask({ authorization: `Bearer ${secret}` }), 200)
    }).pipe(Effect.provide(
      AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("0.0.0.0"), 0), { token, isClosed: false }).pipe(
        Layer.provide(services(() => Effect.void))
      )
    )))
})

describe("isSame", () => {
  it("holds for that token alone, whatever the length", () => {
    assert.isTrue(AdminAccess.isSame(token, Redacted.make(secret)))
    for (
      const text of [
        "",
        " ",
        secret.slice(1),
        `${secret} `,
        `${secret}\0`,
        "x".repeat(secret.length),
        "é".repeat(9_000)
      ]
    ) {
      assert.isFalse(AdminAccess.isSame(token, Redacted.make(text)), text.slice(0, 40))
    }
    assert.isFalse(AdminAccess.isSame(Redacted.make(""), token))
  })
})
