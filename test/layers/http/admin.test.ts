import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import * as Net from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Key } from "../../../src/domain/masternode/Masternode.ts"
import type { MasternodeRow } from "../../../src/domain/masternode/MasternodeReport.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as AdminClient from "../../../src/layers/http/AdminClient.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { Masternodes } from "../../../src/services/Masternodes.ts"
import { Sync } from "../../../src/services/Sync.ts"
import { row, services, stats } from "../../harness/adminNode.ts"
import { steppedClock } from "../../harness/steppedClock.ts"

const ip = PeerIp.fromStringUnsafe

const server = (calls: Ref.Ref<ReadonlyArray<string>>, address = "127.0.0.1:0") => {
  const note = (call: string) => Ref.update(calls, (list) => [...list, call])
  const [host, port] = address.split(":")
  return AdminServer.layer(PeerAddress.make(ip(host ?? ""), Number(port))).pipe(
    Layer.provide(services(note)),
    Layer.provideMerge(NodeHttpClient.layerUndici)
  )
}

const withServer = <A, E>(
  body: (
    address: PeerAddress.PeerAddress,
    calls: Ref.Ref<ReadonlyArray<string>>
  ) => Effect.Effect<A, E, HttpClient.HttpClient>
) =>
  Effect.gen(function*() {
    const calls = yield* Ref.make<ReadonlyArray<string>>([])
    yield* Effect.gen(function*() {
      const { address } = yield* AdminServer.AdminServer
      return yield* body(address, calls)
    }).pipe(Effect.provide(server(calls)))
  })

const status = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.map(HttpClient.execute(request), (response) => response.status)

describe("admin API", () => {
  it.live("client and server agree on every endpoint", () =>
    withServer((address, calls) =>
      Effect.gen(function*() {
        const client = yield* AdminClient.make(address)
        const status = yield* client.status
        assert.strictEqual(status.listen, "127.0.0.1:24200")
        assert.strictEqual(status.network, "devnet")
        assert.strictEqual(status.pid, process.pid)
        assert.strictEqual(status.state, "Connected to the one known peer")
        const { ended, roundTrips, ...reported } = stats
        assert.deepStrictEqual([status.own?.reachable, status.own?.notices[0]?.fix], ["no", "forward the port"])
        assert.deepStrictEqual(status.stats, { ...reported, maxLagMs: 2, lagMs: 3 })
        assert.isDefined(ended)
        assert.isDefined(roundTrips)
        const table = yield* client.peers
        assert.strictEqual(table.open, 1)
        assert.deepStrictEqual(
          JSON.parse(JSON.stringify(table.peers)),
          JSON.parse(JSON.stringify([{
            ...row,
            isStopped: undefined,
            situation: "connected",
            cause: "the connection is up"
          }]))
        )
        assert.strictEqual((yield* client.why("::ffff:127.0.0.9")).text, "no peer told of 127.0.0.9")
        yield* client.connect("127.0.0.3")
        assert.isTrue(yield* client.disconnect("127.0.0.3"))
        assert.isTrue(yield* client.trust("::ffff:127.0.0.2"))
        assert.isFalse(yield* client.trust("127.0.0.3"))
        assert.deepStrictEqual(yield* Ref.get(calls), [
          "connect 127.0.0.3:24200",
          "disconnect 127.0.0.3",
          "trust 127.0.0.2",
          "trust 127.0.0.3"
        ])
      })
    ))

  it.live("bans, lifts bans and lists them; what cannot be is refused with what to do", () =>
    withServer((address, calls) =>
      Effect.gen(function*() {
        const client = yield* AdminClient.make(address)
        const made = yield* client.ban("::ffff:10.0.0.7/120", { forMs: 5_000, reason: "x" })
        assert.deepStrictEqual([made.subnet, made.leftMs, made.by], ["10.0.0.0/24", 30_000, "operator"])
        yield* client.ban("10.0.0.7")
        assert.strictEqual(yield* client.unban("203.0.113.99/24"), "203.0.113.0/24")
        const { bans } = yield* client.bans
        assert.deepStrictEqual(bans.map(({ reason, subnet }) => [subnet, reason]), [["203.0.113.0/24", "rude"]])
        assert.deepStrictEqual(yield* Ref.get(calls), [
          `ban 10.0.0.0/24 {"forMs":5000,"reason":"x"}`,
          "ban 10.0.0.7 {}",
          "unban 203.0.113.0/24"
        ])
        const refused = yield* Effect.all([
          Effect.flip(client.ban("0.0.0.0/0")),
          Effect.flip(client.unban("203.0.113.9")),
          Effect.flip(client.unban("198.51.100.1"))
        ])
        assert.deepStrictEqual(refused.map(({ kind }) => kind), ["refused", "absent", "absent"])
        assert.include(refused[0].message, "at least 8")
        assert.include(refused[1].message, "it is in 203.0.113.0/24, which is banned: timemesh unban 203.0.113.0/24")
        assert.include(refused[2].message, "there is no ban of 198.51.100.1; see all bans: timemesh bans")
      })
    ))

  it.live("a node that keeps a registry shows its masternodes and counts them in status; another one says that it keeps none", () =>
    Effect.gen(function*() {
      const none = { free: 0, bronze: 0, silver: 0, gold: 0 }
      const counts = { live: { ...none, gold: 1 }, known: none, expired: none }
      const row: MasternodeRow = {
        ip: ip("203.0.113.7"),
        key: "ab".repeat(32) as Key,
        port: 24_100,
        tier: "gold",
        state: "live",
        proof: "proved",
        isConnected: true,
        isSelf: false,
        witnesses: 3,
        announcedAt: 1_000,
        collateral: { txid: "cd".repeat(32), vout: 1 },
        isContested: false
      }
      const keys = ["ab".repeat(32) as Key, "ef".repeat(32) as Key]
      yield* withServer((address) =>
        Effect.gen(function*() {
          const client = yield* AdminClient.make(address)
          const found = yield* client.masternodes
          assert.deepStrictEqual(JSON.parse(JSON.stringify(found.masternodes)), JSON.parse(JSON.stringify([row])))
          assert.deepStrictEqual(found.counts, counts)
          assert.deepStrictEqual(found.conflicts, [
            "2 keys claim 203.0.113.7: abababababababab, efefefefefefefef"
          ])
          assert.deepStrictEqual((yield* client.status).masternodes, counts)
        })
      ).pipe(Effect.provide(Layer.mock(Masternodes, {
        report: Effect.succeed({
          counts,
          masternodes: [row],
          conflicts: [{ _tag: "OneIp" as const, ip: row.ip, keys }]
        })
      })))
      yield* withServer((address) =>
        Effect.gen(function*() {
          const client = yield* AdminClient.make(address)
          assert.match((yield* Effect.flip(client.masternodes)).message, /keeps no registry of masternodes/)
          assert.isUndefined((yield* client.status).masternodes)
        })
      )
    }))

  it.live("a node with a chain reports it, and how it uses each peer", () =>
    withServer((address) =>
      Effect.gen(function*() {
        const client = yield* AdminClient.make(address)
        const other = { ip: ip("127.0.0.9"), height: 3, blocks: 0, use: "idle" }
        assert.deepStrictEqual((yield* client.status).chain, {
          height: 7,
          hash: "ab",
          headers: 9,
          synced: false,
          line: "height 7 of 9, 1 source",
          reorgs: 2,
          waiting: { blocks: 3, bytes: 1_452 },
          peers: [{ ip: "127.0.0.2", height: 9, blocks: 7, use: "sending 2 blocks" }, other]
        })
        const [peer] = (yield* client.peers).peers
        assert.deepStrictEqual(peer?.sync, { height: 9, blocks: 7, use: "sending 2 blocks" })
      })
    ).pipe(Effect.provide(Layer.mock(Sync, {
      report: Effect.succeed({
        tip: { height: 7, hash: "ab" },
        headers: 9,
        synced: false,
        mayProduce: false,
        target: 9,
        line: "height 7 of 9, 1 source",
        reorgs: 2,
        requests: 0,
        waiting: { blocks: 3, bytes: 1_452 },
        peers: [
          { ip: ip("127.0.0.2"), height: 9, blocks: 7, use: "sending 2 blocks" },
          { ip: ip("127.0.0.9"), height: 3, blocks: 0, use: "idle" }
        ]
      })
    }))))

  it.live("absent fields are absent, never null, and what is refused has a message", () =>
    withServer((address) =>
      Effect.gen(function*() {
        const url = `http://${PeerAddress.format(address)}`
        for (const path of ["/status", "/peers", "/why/127.0.0.2"]) {
          const { status, text } = yield* HttpClient.get(`${url}${path}`)
          assert.strictEqual(status, 200)
          assert.notInclude(yield* text, "null", path)
        }
        const post = (path: string, body: string) =>
          HttpClientRequest.post(`${url}${path}`).pipe(HttpClientRequest.bodyText(body, "application/json"))
        const refused = [
          HttpClientRequest.get(`${url}/why/1.2.3`),
          HttpClientRequest.get(`${url}/nowhere`),
          HttpClientRequest.delete(`${url}/peers`),
          HttpClientRequest.get(`${url}/peers`).pipe(HttpClientRequest.setHeader("origin", "http://evil.example")),
          post("/connect", "{bad"),
          post("/connect", "{}"),
          post("/connect", "{\"address\":\"0.0.0.0\"}"),
          post("/nowhere", "{}")
        ]
        for (const request of refused) {
          const response = yield* HttpClient.execute(request)
          assert.isAtLeast(response.status, 400)
          const body = yield* response.json
          assert.isAbove((body as { readonly message: string }).message.length, 10, request.url)
        }
        assert.strictEqual((yield* HttpClient.execute(HttpClientRequest.head(`${url}/peers`))).status, 200)
      })
    ))

  it.live("how long it has been up does not follow the wall clock", () =>
    Effect.gen(function*() {
      const wall = { ms: 0 }
      yield* withServer((address) =>
        Effect.gen(function*() {
          const client = yield* AdminClient.make(address)
          for (const step of [-3_565_000, 1_800_000_000_000]) {
            wall.ms = step
            const { startedAt, uptimeMs } = yield* client.status
            assert.isAtLeast(uptimeMs, 0)
            assert.isBelow(uptimeMs, 60_000)
            assert.approximately(startedAt, (yield* Clock.currentTimeMillis) - uptimeMs, 60_000)
          }
        })
      ).pipe(Effect.provideServiceEffect(Clock.Clock, steppedClock(wall)))
    }))

  it.live("isolates from exactly the addresses that are named", () =>
    withServer((address, calls) =>
      Effect.gen(function*() {
        const client = yield* AdminClient.make(address)
        yield* client.isolate(Array.from({ length: 100 }, (_, i) => `127.0.0.${i + 1}`))
        yield* client.isolate([])
        assert.strictEqual((yield* Effect.flip(client.isolate(["127.0.0.2", "x"]))).kind, "refused")
        const [first, ...others] = yield* Ref.get(calls)
        assert.match(first ?? "", /^isolate 127\.0\.0\.1 .* 127\.0\.0\.100$/)
        assert.deepStrictEqual(others, ["isolate "])
      })
    ))

  it.live("bad addresses are refused with the reason", () =>
    withServer((address, calls) =>
      Effect.gen(function*() {
        const client = yield* AdminClient.make(address)
        const errors = yield* Effect.all([
          Effect.flip(client.why("1.2.3")),
          Effect.flip(client.connect("1.2.3.4:99999")),
          Effect.flip(client.connect("0.0.0.0")),
          Effect.flip(client.disconnect("localhost"))
        ])
        for (const error of errors) assert.strictEqual(error.kind, "refused", error.message)
        assert.include(errors[2].message, "is not a unicast address")
        assert.include(errors[0].message, "\"1.2.3\" is not a peer's IP address")
        assert.deepStrictEqual(yield* Ref.get(calls), [])
      })
    ))

  it.live("what a browser can be made to send is refused", () =>
    withServer((address, calls) =>
      Effect.gen(function*() {
        const url = `http://${PeerAddress.format(address)}`
        const post = HttpClientRequest.post(`${url}/disconnect`).pipe(
          HttpClientRequest.bodyText("{\"ip\":\"127.0.0.2\"}", "application/json")
        )
        const get = HttpClientRequest.get(`${url}/status`)
        assert.strictEqual(yield* status(get), 200)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(get, "host", "localhost:1234")), 200)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(get, "host", "[::1]:1234")), 200)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(get, "host", "evil.example")), 403)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(get, "host", "127.0.0.1.evil.example:80")), 403)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(get, "origin", "http://evil.example")), 403)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(get, "sec-fetch-site", "cross-site")), 403)
        assert.strictEqual(yield* status(HttpClientRequest.setHeader(post, "content-type", "text/plain")), 415)
        const large = HttpClientRequest.bodyText(post, `{"ip":"${"1".repeat(5_000)}"}`, "application/json")
        assert.strictEqual(yield* status(large), 413)
        assert.deepStrictEqual(yield* Ref.get(calls), [])
        assert.strictEqual(yield* status(post), 200)
        assert.deepStrictEqual(yield* Ref.get(calls), ["disconnect 127.0.0.2"])
        assert.strictEqual(yield* status(HttpClientRequest.get(`${url}/nothing`)), 404)
      })
    ))

  it.live("a taken port is an error with the system's code", () =>
    withServer((address) =>
      Effect.gen(function*() {
        const calls = yield* Ref.make<ReadonlyArray<string>>([])
        const error = yield* Effect.flip(
          Effect.scoped(Layer.build(server(calls, PeerAddress.format(address))))
        )
        assert.strictEqual(error._tag, "AdminServerError")
        assert.strictEqual(error.code, "EADDRINUSE")
      })
    ))

  it.live("a client names the system's reason when nothing listens", () =>
    Effect.gen(function*() {
      const address = yield* Effect.scoped(
        Effect.flatMap(Ref.make<ReadonlyArray<string>>([]), (calls) => Layer.build(server(calls))).pipe(
          Effect.flatMap((context) =>
            Effect.map(AdminServer.AdminServer, ({ address }) => address).pipe(Effect.provide(context))
          )
        )
      )
      const client = yield* AdminClient.make(address)
      const error = yield* Effect.flip(client.status)
      assert.strictEqual(error.kind, "unreachable")
      assert.strictEqual(
        error.message,
        `admin API ${PeerAddress.format(address)}: connection refused; is the node running there?`
      )
    }).pipe(Effect.provide(NodeHttpClient.layerUndici)))

  it.live("a client that a program hangs up on, such as a node's port for peers, names the port to use", () =>
    Effect.gen(function*() {
      const peers = Net.createServer((socket) => socket.once("data", () => socket.destroy()))
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => peers.listen(0, "127.0.0.1", resolve))),
        () => Effect.promise(() => new Promise((resolve) => peers.close(resolve)))
      )
      const { port } = peers.address() as Net.AddressInfo
      const client = yield* AdminClient.make(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), port))
      const error = yield* Effect.flip(client.status)
      assert.strictEqual(error.kind, "unreachable")
      assert.include(error.message, "was closed without an answer; the admin API is at the port above that for peers")
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerNodeHttp)))

  it.live("connections beyond the bound that have not asked yet give way, and an operator is answered", () =>
    withServer((address) =>
      Effect.gen(function*() {
        const idle: Array<Net.Socket> = []
        const count = 3 * Limits.adminConnections
        yield* Effect.callback<void>((resume) => {
          let gone = 0
          let connected = 0
          // All are there, and those beyond the bound are gone.
          const look = () => {
            if (connected === count && gone === count - Limits.adminConnections) resume(Effect.void)
          }
          for (let i = 0; i < count; i++) {
            const socket = Net.connect({ host: address.ip, port: address.port })
            socket.on("error", () => {})
            // Half a request: one that said nothing has a place of another kind.
            socket.once("connect", () => {
              connected += 1
              socket.write("GET /status HTTP/1.1\r\n")
              look()
            })
            socket.once("close", () => {
              gone += 1
              look()
            })
            socket.resume()
            idle.push(socket)
          }
        })
        const client = yield* AdminClient.make(address)
        assert.strictEqual((yield* client.status).network, "devnet")
        for (const socket of idle) socket.destroy()
      })
    ))

  it.live("a connection that asks on and on without waiting for answers ends", () =>
    withServer((address) =>
      Effect.gen(function*() {
        const answers = yield* Effect.callback<number>((resume) => {
          const socket = Net.connect({ host: address.ip, port: address.port })
          let text = ""
          socket.on("error", () => {})
          socket.on("data", (chunk) => text += String(chunk))
          socket.once("close", () => resume(Effect.succeed(text.split("HTTP/1.1 200").length - 1)))
          socket.write(`GET /status HTTP/1.1\r\nHost: ${address.ip}\r\n\r\n`.repeat(500))
        })
        assert.isAtMost(answers, Limits.adminPipelined)
        const client = yield* AdminClient.make(address)
        assert.strictEqual((yield* client.status).network, "devnet")
      })
    ))
})
