import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Seed from "../../../src/domain/peer/Seed.ts"
import * as DaemonConfig from "../../../src/layers/config/DaemonConfig.ts"
import * as Settings from "../../../src/layers/config/Settings.ts"
import { configOf, host, json, textOf, type Told } from "../../harness/daemonConfig.ts"

describe("seeds", () => {
  it.effect("are names and addresses, of flags, environment and file", () =>
    Effect.gen(function*() {
      const shown = (told: Told) => Effect.map(configOf(told), ({ node }) => (node.seeds ?? []).map(Seed.format))
      assert.deepStrictEqual(yield* shown({}), [])
      assert.deepStrictEqual(yield* shown({ flags: { seed: ["seed.example.org", "203.0.113.7:9000"] } }), [
        "seed.example.org:24100",
        "203.0.113.7:9000"
      ])
      assert.deepStrictEqual(yield* shown({ env: { TIMEMESH_SEED: "a.example, [2001:db8::7]:9000" } }), [
        "a.example:24100",
        "[2001:db8::7]:9000"
      ])
      assert.deepStrictEqual(yield* shown({ file: ["c.json", "{\"seed\": [\"a.example\", \"b.example:1\"]}"] }), [
        "a.example:24100",
        "b.example:1"
      ])
      assert.deepStrictEqual(yield* shown({ flags: { seed: ["none"], network: ["devnet"] } }), [])
      assert.match(
        yield* textOf({ flags: { seed: ["https://seed.example"] } }),
        /neither a host name nor an IP address/
      )
      const many = Array.from({ length: Limits.seeds + 1 }, (_, i) => `s${i}.example`)
      assert.match(yield* textOf({ flags: { seed: many } }), /65 seeds.*exceeds the limit of 64/)
    }))
})

describe("a masternode's rewards", () => {
  const address = "TIME0QChNmKtoXcSRHthZQUfQvwJfYdCJqFEhP"
  it.effect("go to a TIME address of the network, spelt right", () =>
    Effect.gen(function*() {
      const flags = { masternode: ["free"] }
      const to = (rewards: string) => ({ flags: { ...flags, "masternode-rewards": [rewards] } })
      assert.isUndefined((yield* configOf({ flags })).masternode?.rewards)
      assert.strictEqual((yield* configOf(to(address))).masternode?.rewards, address)
      assert.match(yield* textOf(to(address.replace("QCh", "QCi"))), /is not a TIME address/)
      assert.match(
        yield* textOf(to(address.replace("TIME0", "TIME1"))),
        /is an address of mainnet/
      )
    }))
})

describe("transport", () => {
  it.effect("is TLS on the networks of others, plain on devnet, and always as asked for", () =>
    Effect.gen(function*() {
      const chosen = (flags: Readonly<Record<string, ReadonlyArray<string>>>) =>
        Effect.map(configOf({ flags }), ({ transport }) => transport)
      assert.strictEqual(yield* chosen({}), "tls")
      assert.strictEqual(yield* chosen({ network: ["mainnet"] }), "tls")
      assert.strictEqual(yield* chosen({ network: ["devnet"] }), "plain")
      assert.strictEqual(yield* chosen({ network: ["devnet"], transport: ["tls"] }), "tls")
      assert.strictEqual(yield* chosen({ network: ["mainnet"], transport: ["plain"] }), "plain")
    }))
})

describe("config", () => {
  it.effect("defaults", () =>
    Effect.gen(function*() {
      const config = yield* configOf({})
      assert.strictEqual(config.node.network.name, "testnet")
      assert.deepStrictEqual(config.node.listen, { ip: "any", port: 24_100 })
      assert.strictEqual(config.dataDir, "/home/op/.timemesh/testnet")
      assert.strictEqual(config.admin === undefined ? "" : PeerAddress.format(config.admin), "127.0.0.1:24101")
      assert.strictEqual(config.logLevel, "Info")
      assert.isUndefined(config.logFormat)
      assert.isUndefined(config.node.advertise)
      assert.deepStrictEqual(config.node.peers, [])
      assert.deepStrictEqual(config.node.tuning, {
        dialMs: Limits.dialMs,
        graceMs: Limits.graceMs,
        fallbackMs: Limits.fallbackMs,
        fallbackJitterMs: Limits.fallbackJitterMs,
        fallbackFirstMs: Limits.fallbackFirstMs,
        fallbackFirstJitterMs: Limits.fallbackFirstJitterMs,
        pingMs: Limits.pingMs,
        deadMs: Limits.deadMs,
        backoffBaseMs: Limits.backoffBaseMs,
        backoffMaxMs: Limits.backoffMaxMs,
        maxPeers: Limits.maxPeers,
        maxDials: Limits.maxDials
      })
    }))

  it.effect("a collector is an HTTP address, and its headers are in no error", () =>
    Effect.gen(function*() {
      assert.isUndefined((yield* configOf({})).otlp)
      const urls = [
        ["http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"],
        ["http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/metrics"],
        ["https://otlp.example/otlp", "https://otlp.example/otlp/v1/metrics"],
        ["http://[::1]:4318/v1/metrics", "http://[::1]:4318/v1/metrics"]
      ] as const
      for (const [given, url] of urls) {
        const { otlp } = yield* configOf({
          flags: { otlp: [given] },
          env: { TIMEMESH_OTLP_HEADERS: "x-key=s3cret=, x-team = a b" }
        })
        assert.strictEqual(otlp?.url, url)
        assert.notInclude(JSON.stringify(otlp), "s3cret")
        assert.deepStrictEqual(otlp && Redacted.value(otlp.headers), { "x-key": "s3cret=", "x-team": "a b" })
      }
      const fix = "use http://HOST:4318 or https://HOST/PATH"
      for (
        const [flags, message] of [
          [{ otlp: ["127.0.0.1:4318"] }, `--otlp: "127.0.0.1:4318" is not an HTTP address; ${fix}`],
          [{ otlp: ["grpc://h:4317"] }, `--otlp: "grpc://h:4317" is not an HTTP address; ${fix}`],
          [
            { otlp: ["http://h"], "otlp-headers": ["s3cret"] },
            "--otlp-headers: is not a list of headers; use NAME=VALUE,NAME=VALUE"
          ],
          [
            { otlp: ["http://h"], "otlp-headers": ["a=b\r\nc: s3cret"] },
            "--otlp-headers: is not a list of headers; use NAME=VALUE,NAME=VALUE"
          ],
          [
            { "otlp-headers": ["key=s3cret"] },
            "--otlp-headers: is given without a collector; give --otlp URL as well, or leave it out"
          ]
        ] as const
      ) assert.strictEqual((yield* Effect.flip(configOf({ flags }))).message, message)
      for (const otlp of ["http://u:s3cret@h", "http://s3cret@h", "https://h/otlp?key=s3cret", "https://h/#s3cret"]) {
        assert.strictEqual(
          (yield* Effect.flip(configOf({ flags: { otlp: [otlp] } }))).message,
          "--otlp: has a user, a password or a query; give a key with --otlp-headers"
        )
      }
    }))

  it.effect("a chain's database is named without its password, in errors too", () =>
    Effect.gen(function*() {
      const { chainDatabase } = yield* configOf({
        env: { TIMEMESH_CHAIN_DATABASE: "postgresql://node:s3cret@db.example:6432/chain?sslmode=require" }
      })
      assert.strictEqual(chainDatabase?.name, "postgresql://db.example:6432/chain")
      assert.notInclude(JSON.stringify(chainDatabase), "s3cret")
      assert.isUndefined((yield* configOf({})).chainDatabase)
      for (
        const wrong of ["mysql://u:s3cret@h/d", "postgresql://u:s3cret@h", "postgresql://u:s3cret@h/a/b", "s3cret"]
      ) {
        const { message } = yield* Effect.flip(configOf({ flags: { "chain-database": [wrong] } }))
        assert.strictEqual(
          message,
          "--chain-database: is not the URL of a PostgreSQL database; use postgresql://USER@HOST:PORT/DATABASE"
        )
      }
    }))

  it.effect("the public address may have a port of its own", () =>
    Effect.gen(function*() {
      for (
        const [text, advertise, advertisePort] of [
          ["203.0.113.7", "203.0.113.7", undefined],
          ["203.0.113.7:24300", "203.0.113.7", 24_300],
          ["2001:db8::7", "2001:db8::7", undefined],
          ["[2001:db8::7]", "2001:db8::7", undefined],
          ["[2001:db8::7]:1", "2001:db8::7", 1]
        ] as const
      ) {
        const { node } = yield* configOf({ flags: { advertise: [text] } })
        assert.deepStrictEqual([node.advertise, node.advertisePort], [
          PeerIp.fromStringUnsafe(advertise),
          advertisePort
        ], text)
      }
    }))

  it.effect("the admin API follows a loopback listen IP, and only that", () =>
    Effect.gen(function*() {
      const on = (listen: string) =>
        Effect.map(configOf({ flags: { listen: [listen] } }), ({ admin }) => admin && PeerAddress.format(admin))
      assert.strictEqual(yield* on("127.0.0.5:4000"), "127.0.0.5:4001")
      assert.strictEqual(yield* on("192.0.2.1:4000"), "127.0.0.1:4001")
      assert.strictEqual(yield* on("[::1]:4000"), "[::1]:4001")
      assert.strictEqual(yield* on("127.0.0.5:0"), "127.0.0.5:0")
      assert.strictEqual(yield* on("127.0.0.5:65535"), "127.0.0.5:65534")
      assert.isUndefined((yield* configOf({ flags: { admin: ["off"] } })).admin)
    }))

  it.effect("flag over environment over file, setting by setting", () =>
    Effect.gen(function*() {
      const file = json({ listen: "10.0.0.1", "max-peers": 3, dial: "3s", peer: ["10.0.0.3", "10.0.0.4:1"] })
      const env = { TIMEMESH_MAX_PEERS: "4", TIMEMESH_DIAL: "4s", TIMEMESH_PEER: "10.0.0.5, [2001:db8::7]:99" }
      const peers = (config: DaemonConfig.DaemonConfig) => config.node.peers.map(PeerAddress.format)

      const all = yield* configOf({ file, env, flags: { dial: ["5s"], peer: ["10.0.0.6"] } })
      assert.strictEqual(all.node.listen.ip, "10.0.0.1")
      assert.strictEqual(all.node.tuning.maxPeers, 4)
      assert.strictEqual(all.node.tuning.dialMs, 5_000)
      assert.deepStrictEqual(peers(all), ["10.0.0.6:24100"])

      assert.deepStrictEqual(peers(yield* configOf({ file, env })), ["10.0.0.5:24100", "[2001:db8::7]:99"])
      assert.deepStrictEqual(peers(yield* configOf({ file })), ["10.0.0.3:24100", "10.0.0.4:1"])
    }))

  it.effect("every setting of Tuning is a flag, a variable and a key", () =>
    Effect.gen(function*() {
      for (const [field, setting] of Object.entries(Settings.tuning)) {
        const value = setting.kind === "count" ? 7 : setting.name === "dead" ? 50_000 : 4_321
        const text = setting.kind === "count" ? "7" : `${value}ms`
        for (
          const told of [
            { flags: { [setting.name]: [text] } },
            { env: { [Settings.environmentName(setting.name)]: text } },
            { file: json({ [setting.name]: text }) }
          ]
        ) {
          const { tuning } = (yield* configOf({ ...told })).node
          assert.strictEqual(tuning[field as keyof typeof tuning], value, `${field} by ${Object.keys(told)[0]}`)
        }
      }
    }))

  it("without a home directory a data directory must be named, and nothing else is missing", () => {
    const homeless = { ...host, home: undefined }
    const decode = (directory: string | undefined) =>
      DaemonConfig.decode(
        new Map(directory === undefined ? [] : [["data-dir", { where: "--data-dir", values: [directory] }]]),
        homeless,
        "timemesh/test"
      )
    const text = (directory: string | undefined) => {
      const config = decode(directory)
      return Result.isFailure(config) ? config.failure.message : config.success.dataDir
    }
    assert.strictEqual(
      text(undefined),
      "--data-dir: there is no default, because this user has no home directory (HOME is not set, and there is no " +
        "passwd entry); name an absolute directory"
    )
    assert.include(text("~/x"), "\"~/x\" cannot be expanded, because this user has no home directory")
    assert.strictEqual(text("/srv/timemesh"), "/srv/timemesh")
  })

  it.effect("more configured peers than the limit are an error that names it, wherever they are named; repeats do not count", () =>
    Effect.gen(function*() {
      const peers = Array.from({ length: Limits.configuredPeers + 1 }, (_, i) => `10.7.${i >> 8}.${i & 255}`)
      const most = peers.slice(1)
      const wrong =
        `"2049 addresses" exceeds the limit of 2048 configured peers; name fewer; the node learns the others from its peers`
      for (
        const [where, given] of [
          ["--peer", (peer: ReadonlyArray<string>): Told => ({ flags: { peer } })],
          ["TIMEMESH_PEER", (peer: ReadonlyArray<string>): Told => ({ env: { TIMEMESH_PEER: peer.join(",") } })],
          ["peer in /etc/timemesh.json", (peer: ReadonlyArray<string>): Told => ({ file: json({ peer }) })]
        ] as const
      ) {
        assert.strictEqual(yield* textOf(given(peers)), `${where}: ${wrong}`)
        const { node } = yield* configOf(given([...most, ...most.slice(0, 9)]))
        assert.strictEqual(node.peers.length, Limits.configuredPeers)
      }
    }))

  it("other addresses of this machine are peers of a node that listens on one", () => {
    const given = new Map([
      ["listen", { where: "--listen", values: ["127.0.0.1:24100"] }],
      ["peer", { where: "--peer", values: ["127.0.0.2", "192.0.2.10"] }]
    ])
    const config = DaemonConfig.decode(given, host, "timemesh/test")
    assert.isTrue(Result.isSuccess(config))
  })
})
