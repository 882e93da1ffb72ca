/** How the dashboard is served: its policy, its size, and nothing but its files. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as AdminAccess from "../../../src/layers/http/AdminAccess.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import * as Dashboard from "../../../src/layers/http/Dashboard.ts"
import { services } from "../../harness/adminNode.ts"

const get = Effect.fnUntraced(
  function*(path: string, headers: Readonly<Record<string, string>> = {}) {
    const app = yield* HttpRouter.toHttpEffect(
      AdminServer.routes(0).pipe(Layer.provide(services(() => Effect.void)))
    )
    const request = HttpServerRequest.fromWeb(
      new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1", ...headers } })
    )
    const response = HttpServerResponse.toWeb(
      yield* app.pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, request))
    )
    return { status: response.status, headers: response.headers, text: yield* Effect.promise(() => response.text()) }
  },
  Effect.scoped,
  Effect.provide(NodeHttpServer.layerHttpServices)
)

const web = fileURLToPath(new URL("../../../web/", import.meta.url))

describe("the dashboard's files", () => {
  it.effect("are all that the page loads, at most 200 KB together, under a policy without exceptions", () =>
    Effect.gen(function*() {
      const page = yield* get("/")
      assert.strictEqual(page.status, 200)
      assert.strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8")
      const policy = page.headers.get("content-security-policy") ?? ""
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
      assert.notMatch(policy, /unsafe|http|\*|data:/)
      assert.notMatch(page.text, /<style|style=|\son\w+=|<script(?![^>]*\ssrc=)|https?:/)
      let bytes = page.text.length
      for (const [name, asset] of Dashboard.assets()) {
        const file = yield* get(`/dashboard/${name}`)
        assert.deepStrictEqual([file.status, file.headers.get("x-content-type-options")], [200, "nosniff"], name)
        bytes += asset.body.length
      }
      assert.isAtMost(bytes, 200_000)
      for (const [, name] of page.text.matchAll(/(?:src|href)="dashboard\/([^"]+)"/g)) {
        assert.isTrue(Dashboard.assets().has(name ?? ""), name)
      }
    }))

  it("import only one another, and no part of the node", () => {
    const files = [...Dashboard.assets()].filter(([name]) => name.endsWith(".js") && name !== "uPlot.js")
    assert.isAbove(files.length, 10)
    for (const [name, { body }] of files) {
      for (const [, from = ""] of Buffer.from(body).toString().matchAll(/^(?:import|export) .*from "([^"]+)"/gm)) {
        const target = new URL(from, `file:///${name}`).pathname.slice(1)
        assert.isTrue(Dashboard.assets().has(target), `${name} imports ${from}`)
      }
      assert.notMatch(
        Buffer.from(body).toString(),
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage|sessionStorage|document\.cookie/
      )
    }
  })

  it.effect("a browser that has them gets no second copy", () =>
    Effect.gen(function*() {
      const first = yield* get("/dashboard/app.js")
      const again = yield* get("/dashboard/app.js", { "if-none-match": first.headers.get("etag") ?? "" })
      assert.deepStrictEqual([again.status, again.text], [304, ""])
    }))

  it.effect("no other file can be had", () =>
    Effect.gen(function*() {
      assert.isTrue(fs.existsSync(`${web}tsconfig.json`))
      for (
        const path of [
          "tsconfig.json",
          "types.ts",
          "../package.json",
          "%2e%2e/package.json",
          "..%2fpackage.json",
          "view/../../package.json",
          "",
          "view",
          "app.js/",
          "constructor"
        ]
      ) {
        assert.strictEqual((yield* get(`/dashboard/${path}`)).status, 404, path)
      }
    }))

  it.effect("the story of an address that nothing happened with is not there", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get("/story/10.0.0.1")).status, 404)
      assert.strictEqual((yield* get("/story/nobody")).status, 400)
    }))

  it.effect("with a token the page still comes, to ask for it; no answer about the node does", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get("/")).status, 200)
      assert.strictEqual((yield* get("/dashboard/app.js")).status, 200)
      for (const path of ["/status", "/peers", "/why/10.0.0.1", "/story/10.0.0.1", "/events", "/masternodes"]) {
        assert.strictEqual((yield* get(path)).status, 401, path)
      }
    }).pipe(Effect.provideService(AdminAccess.AdminAccess, { token: Redacted.make("secret"), isClosed: true })))
})
