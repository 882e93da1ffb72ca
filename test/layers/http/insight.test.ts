/** What the admin API says beyond peers: own address, settings, resources, refusals, clock, book. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Result } from "effect"
import { HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { networks } from "../../../src/domain/Network.ts"
import * as ConfigSources from "../../../src/layers/config/ConfigSources.ts"
import * as DaemonConfig from "../../../src/layers/config/DaemonConfig.ts"
import { effectiveSettings } from "../../../src/layers/config/effectiveSettings.ts"
import * as Settings from "../../../src/layers/config/Settings.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { NodeFacts } from "../../../src/layers/http/NodeFacts.ts"
import { RefusalGroups } from "../../../src/layers/http/RefusalGroups.ts"
import { ip, onMesh, type Running } from "../../harness/mesh.ts"
import { webAnswer } from "../../harness/webAnswer.ts"

/** The API of a node, for as long as the scope. */
const serve = (node: Running, facts: NodeFacts = { dataDir: undefined, settings: [] }) =>
  Effect.gen(function*() {
    const app = yield* HttpRouter.toHttpEffect(
      AdminServer.routes(0).pipe(
        Layer.provide([Layer.succeedContext(node.services), Layer.succeed(NodeFacts, facts)])
      )
    )
    return (path: string) =>
      Effect.gen(function*() {
        const response = yield* webAnswer(app, path)
        const text = yield* Effect.promise(() => response.text())
        assert.notInclude(text, "null", path)
        return JSON.parse(text) as Readonly<Record<string, unknown>>
      })
  })

const [L, H] = ["10.0.0.1", "10.0.0.2"] as const
const http = Effect.provide(NodeHttpServer.layerHttpServices)

describe("the admin API, of a node that is connected", () => {
  it.effect("has its own address, its book, whom it refused and what it uses", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        yield* start(H)
        const node = yield* start(L, { peers: [H] })
        const ask = yield* serve(node, { dataDir: "/", settings: [] })
        yield* TestClock.adjust("10 seconds")
        const own = yield* ask("/own")
        assert.deepInclude(own, { at: 10_000, listen: `${L}:24200`, port: 24_200, ip: L })
        const status = yield* ask("/status")
        const { at: _at, listen: _listen, ...same } = own
        assert.deepStrictEqual(status["own"], same)

        const book = yield* ask("/book")
        assert.deepInclude(book, { tried: 1, new: 0 })
        const [row] = book["addresses"] as ReadonlyArray<Readonly<Record<string, unknown>>>
        assert.deepInclude(row, { ip: H, port: 24_200, table: "tried", wire: "native", failures: 0 })

        yield* start("10.0.0.3", { peers: [L], network: { ...networks.devnet, genesis: "f".repeat(64) } })
        yield* TestClock.adjust("10 seconds")
        const refusals = yield* ask("/refusals")
        const groups = refusals["byNetgroup"] as ReadonlyArray<{ netgroup: string; refused: number; example: string }>
        assert.isAbove(refusals["refused"] as number, 0)
        assert.strictEqual(groups.reduce((sum, { refused }) => sum + refused, 0), refusals["refused"])
        assert.strictEqual(groups[0]?.example, "10.0.0.3")
        const stats = (yield* ask("/status"))["stats"] as Readonly<Record<string, unknown>>
        assert.deepStrictEqual(refusals["byReason"], stats["refusedByReason"])

        const resources = yield* ask("/resources")
        const memory = resources["memory"] as Readonly<Record<string, number>>
        assert.isAbove(memory["residentBytes"] ?? 0, memory["heapBytes"] ?? Infinity)
        const disk = resources["disk"] as { directory: string; freeBytes: number; totalBytes: number }
        assert.strictEqual(disk.directory, "/")
        assert.isAtMost(disk.freeBytes, disk.totalBytes)
        if (process.platform === "linux") {
          const { limit, open } = resources["descriptors"] as { open: number; limit: number }
          assert.isAbove(open, 3)
          assert.isBelow(open, limit)
        }
        assert.deepStrictEqual(yield* ask("/clock"), { at: 20_000, behindS: 0, peers: [], of: 0 })
        assert.deepStrictEqual(yield* ask("/settings"), { settings: [] })
      }).pipe(http)))

  it.effect("gives its book in pages, each address once", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const ask = yield* serve(node)
        for (let i = 2; i <= 6; i++) yield* start(`10.0.${i}.1`, { peers: [L] })
        yield* TestClock.adjust("10 seconds")
        const found: Array<string> = []
        let skip: unknown = 0
        for (let page = 0; page < 9 && skip !== undefined; page++) {
          const { addresses, next } = yield* ask(`/book?skip=${String(skip)}&count=2`)
          found.push(...(addresses as ReadonlyArray<{ ip: string }>).map((address) => address.ip))
          skip = next
        }
        assert.deepStrictEqual(found.toSorted(), ["10.0.2.1", "10.0.3.1", "10.0.4.1", "10.0.5.1", "10.0.6.1"])
      }).pipe(http)))
})

describe("RefusalGroups", () => {
  it("keeps those refused last, with all of their refusals", () => {
    const groups = new RefusalGroups(3)
    for (let i = 1; i <= 5; i++) {
      for (let k = 0; k < i; k++) groups.add(ip(`203.${i}.0.${k + 1}`), { kind: "eof", by: "remote" }, i)
    }
    groups.add(ip("203.3.0.9"), { kind: "silent", by: "local" }, 9)
    groups.add(ip("203.6.0.1"), { kind: "eof", by: "remote" }, 10)
    const kept = groups.report
    assert.deepStrictEqual(kept.map(({ netgroup, refused }) => [netgroup, refused]), [["203.5/16", 5], [
      "203.3/16",
      4
    ], ["203.6/16", 1]])
    assert.deepInclude(kept[1], { byReason: { EOF: 3, silent: 1 }, at: 9, example: "203.3.0.9" })
  })
})

describe("effective settings", () => {
  it.live("are all of them, each with its value and where it is from; secrets are hidden", () =>
    Effect.gen(function*() {
      const { given } = yield* ConfigSources.collect({
        listen: ["127.0.0.1:24200"],
        peer: ["127.0.0.2", "127.0.0.3"],
        "admin-token": ["correct-horse-battery-staple"],
        "chain-database": ["postgresql://node:s3cret@db.example/chain"],
        otlp: ["http://127.0.0.1:4318"],
        "otlp-headers": ["x-key=s3cret"]
      })
      const config = Result.getOrThrow(DaemonConfig.decode(given, { home: "/home/me", addresses: [] }, "x"))
      const settings = effectiveSettings(config, given)
      assert.deepStrictEqual(
        settings.map(({ name }) => name),
        [...Settings.all, Settings.configFile].map(({ name }) => name)
      )
      const of = (name: string) => {
        const { environment: _, name: __, ...rest } = settings.find((setting) => setting.name === name) ??
          assert.fail(name)
        return rest
      }
      assert.deepStrictEqual(of("listen"), { values: ["127.0.0.1:24200"], source: "flag", where: "--listen" })
      assert.deepStrictEqual(of("peer").values, ["127.0.0.2", "127.0.0.3"])
      assert.deepStrictEqual(of("ping"), { values: ["7s"], source: "environment", where: "TIMEMESH_PING" })
      assert.deepStrictEqual(of("dead"), { values: ["45s"], source: "default" })
      assert.deepStrictEqual(of("network"), { values: ["devnet"], source: "environment", where: "TIMEMESH_NETWORK" })
      assert.deepStrictEqual(of("admin"), { values: ["127.0.0.1:24201"], source: "default" })
      assert.deepStrictEqual(of("data-dir"), { values: ["/home/me/.timemesh/devnet"], source: "default" })
      assert.deepStrictEqual(of("admin-token"), { values: ["(hidden)"], source: "flag", where: "--admin-token" })
      assert.deepStrictEqual(of("chain-database").values, ["(hidden)"])
      assert.deepStrictEqual(of("otlp").values, ["http://127.0.0.1:4318"])
      assert.deepStrictEqual(of("otlp-headers").values, ["(hidden)"])
      assert.deepStrictEqual(of("advertise"), { values: [], source: "default" })
      // Everything that has a default says it.
      const silent = settings.filter(({ values }) => values.length === 0).map(({ name }) => name)
      assert.deepStrictEqual(silent, [
        "advertise",
        "seed",
        "admin-token-file",
        "masternode",
        "masternode-key",
        "masternode-collateral",
        "masternode-rewards",
        "log-format",
        "config"
      ])
    }).pipe(Effect.provide([
      NodeServices.layer,
      ConfigProvider.layer(ConfigProvider.fromEnvRecord({ TIMEMESH_PING: "7s", TIMEMESH_NETWORK: "devnet" }))
    ])))
})
