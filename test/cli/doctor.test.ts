/** `timemesh doctor`: nothing to say of a healthy node, and of each broken set-up what to do. */
import { NodeHttpClient } from "@effect/platform-node"
import type * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import * as fs from "node:fs"
import * as Net from "node:net"
import { render } from "../../src/cli/doctor.ts"
import * as examine from "../../src/cli/doctor/examine.ts"
import { type Finding, judge } from "../../src/cli/doctor/findings.ts"
import * as Limits from "../../src/domain/Limits.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type * as ConfigSources from "../../src/layers/config/ConfigSources.ts"
import * as AdminServer from "../../src/layers/http/AdminServer.ts"
import * as AdminToken from "../../src/layers/store/AdminToken.ts"
import * as DataDir from "../../src/layers/store/DataDir.ts"
import { Sync } from "../../src/services/Sync.ts"
import { services } from "../harness/adminNode.ts"
import { withDirectory } from "../harness/directory.ts"

/** A host on which all is well. */
const host: examine.Host = {
  nodeVersion: "24.21.0",
  descriptors: 65_536,
  disk: (directory) => Effect.succeed({ directory, freeBytes: 80e9, totalBytes: 100e9 }),
  bind: () => Effect.succeed(undefined),
  resolve: () => Effect.succeed(undefined),
  connect: () => Effect.succeed(undefined)
}

const ip = PeerIp.fromStringUnsafe("127.0.0.1")
const devnet = { network: ["devnet"], seed: ["none"] }

type Needs = HttpClient.HttpClient | NodeServices.NodeServices | Scope.Scope

/** The data directory is not there yet. */
const withFlags = <A, E>(body: (directory: string, flags: ConfigSources.Flags) => Effect.Effect<A, E, Needs>) =>
  withDirectory((parent) => {
    const directory = `${parent}/data`
    return Effect.provide(
      body(directory, { ...devnet, "data-dir": [directory], listen: ["127.0.0.1:24200"] }),
      NodeHttpClient.layerUndici
    )
  })

const look = (flags: ConfigSources.Flags, of: examine.Host = host) => Effect.map(examine.examine(flags, of), judge)
const troubles = (findings: ReadonlyArray<Finding>) => findings.filter(({ level }) => level !== "ok")

/** The one problem, as it is shown. */
const onlyTrouble = (flags: ConfigSources.Flags, of?: examine.Host) =>
  Effect.map(look(flags, of), (findings) => render(troubles(findings)).replace(/ {2,}/g, " "))

describe("doctor, before a node runs", () => {
  it.live("finds nothing where all is well, at the first start and later", () =>
    withFlags((directory, flags) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(troubles(yield* look(flags)), [])
        yield* Effect.scoped(DataDir.lock(directory))
        yield* AdminToken.load(directory)
        const findings = yield* look(flags)
        assert.deepStrictEqual(troubles(findings), [])
        const checks = new Set(findings.map(({ check }) => check))
        assert.deepStrictEqual([...checks], [
          "Node",
          "settings",
          "data directory",
          "disk",
          "database",
          "limits",
          "clock",
          "ports",
          "node"
        ])
      })
    ))

  const broken: ReadonlyArray<
    readonly [
      what: string,
      says: RegExp,
      setUp: (directory: string, flags: ConfigSources.Flags) => {
        readonly flags?: ConfigSources.Flags
        readonly host?: examine.Host
      }
    ]
  > = [
    [
      "an old Node",
      /^PROBLEM Node version 20\.1\.0 is too old\n -> install Node 24 or later$/,
      () => ({ host: { ...host, nodeVersion: "20.1.0" } })
    ],
    [
      "an unknown setting",
      /^PROBLEM settings --ping: "soon" is not a duration\n -> use a number and a unit/,
      (_, flags) => ({ flags: { ...flags, ping: ["soon"] } })
    ],
    [
      "a data directory that every user may write to",
      /^PROBLEM data directory .*data every user may write to it \(mode 777\).*\n -> run: chmod o-w .*data$/,
      (directory) => {
        fs.mkdirSync(directory)
        fs.chmodSync(directory, 0o777)
        return {}
      }
    ],
    [
      "a file in place of the data directory",
      /^PROBLEM data directory .*data is not a directory\n -> choose another with --data-dir DIR\nPROBLEM node .*node\.json cannot be read: not a directory\n -> ask/,
      (directory) => {
        fs.writeFileSync(directory, "")
        return {}
      }
    ],
    [
      "a data directory below a file",
      /^PROBLEM data directory .*data\/below cannot be created: not a directory\n -> choose another with --data-dir DIR\nPROBLEM node .*node\.json cannot be read: not a directory\n -> ask the node by its address: --admin IP:PORT$/,
      (directory, flags) => {
        fs.writeFileSync(directory, "")
        return { flags: { ...flags, "data-dir": [`${directory}/below`] } }
      }
    ],
    [
      "a token file that holds no token",
      /^PROBLEM node .*t is not one word of 16 to 256 characters of ASCII$/m,
      (directory, flags) => {
        fs.mkdirSync(directory)
        fs.writeFileSync(`${directory}/t`, "two words", { mode: 0o600 })
        return { flags: { ...flags, "admin-token-file": [`${directory}/t`] } }
      }
    ],
    [
      "a file of the data directory that is a link",
      /^PROBLEM data directory .*data peers\.db is a symbolic link, not a regular file\n -> move it away$/,
      (directory) => {
        fs.mkdirSync(directory)
        fs.symlinkSync("/etc/hostname", `${directory}/peers.db`)
        return {}
      }
    ],
    [
      "a token that others can read",
      /^PROBLEM token .*admin\.token can be read by other users \(mode 644\)\n -> restart the node: it makes a new one$/,
      (directory) => {
        fs.mkdirSync(directory)
        fs.writeFileSync(`${directory}/admin.token`, "x".repeat(43), { mode: 0o644 })
        return {}
      }
    ],
    [
      "a chain that is no database",
      /^PROBLEM database .*chain\.db cannot be read: .*\n -> run timemesh chain verify --data-dir .*data, which names/,
      (directory) => {
        fs.mkdirSync(directory)
        fs.writeFileSync(`${directory}/chain.db`, "not a database, but as long as one must be".repeat(50))
        return {}
      }
    ],
    [
      "a disk that is full",
      /^PROBLEM disk 95\.4 MiB free of 93\.1 GiB at \S+\n -> free some, or move the data directory/,
      () => ({
        host: { ...host, disk: (directory) => Effect.succeed({ directory, freeBytes: 1e8, totalBytes: 1e11 }) }
      })
    ],
    [
      "a disk that will be full",
      /^WARNING disk 2\.8 GiB free of 93\.1 GiB/,
      () => ({
        host: { ...host, disk: (directory) => Effect.succeed({ directory, freeBytes: 3e9, totalBytes: 1e11 }) }
      })
    ],
    [
      "few descriptors",
      /^PROBLEM limits 256 open files are allowed, and 125 peers take \d+\n -> raise the limit \(ulimit -n \d+, LimitNOFILE=/,
      () => ({ host: { ...host, descriptors: 256 } })
    ],
    [
      "a clock that was set back",
      /^PROBLEM clock it is \d+ s before the latest change in the data directory\n -> set this host's clock/,
      (directory) => {
        fs.mkdirSync(directory)
        fs.writeFileSync(`${directory}/peers.db`, "")
        const later = fs.statSync(directory).mtimeMs / 1_000 + 3_600
        fs.utimesSync(`${directory}/peers.db`, later, later)
        return {}
      }
    ],
    [
      "seeds of which none resolves",
      /^PROBLEM seeds seed\.example\.org does not resolve \(ENOTFOUND\)\n -> correct the name \(--seed\), .*name a peer with --peer$/,
      (_, flags) => ({
        flags: { ...flags, seed: ["seed.example.org"] },
        host: { ...host, resolve: () => Effect.succeed("ENOTFOUND") }
      })
    ],
    [
      "one seed of two that does not resolve",
      /^WARNING seeds b\.example\.org does not resolve \(ETIMEOUT\)\n/,
      (_, flags) => ({
        flags: { ...flags, seed: ["a.example.org", "b.example.org:24100"] },
        host: { ...host, resolve: (name) => Effect.succeed(name.startsWith("b") ? "ETIMEOUT" : undefined) }
      })
    ],
    [
      "a seed that does not resolve, beside a peer that is named",
      /^WARNING seeds seed\.example\.org does not resolve/,
      (_, flags) => ({
        flags: { ...flags, seed: ["seed.example.org"], peer: ["203.0.113.7"] },
        host: { ...host, resolve: () => Effect.succeed("ENOTFOUND") }
      })
    ],
    [
      "a node that died",
      /^$/,
      (directory) => {
        fs.mkdirSync(directory)
        fs.writeFileSync(
          `${directory}/node.json`,
          JSON.stringify({
            pid: 2 ** 22 + 7,
            network: "devnet",
            listen: "x",
            admin: "127.0.0.1:1",
            software: "x",
            startedAt: 1
          })
        )
        return {}
      }
    ]
  ]
  for (const [what, says, setUp] of broken) {
    it.live(`says what to do about ${what}`, () =>
      withFlags((directory, flags) =>
        Effect.gen(function*() {
          const made = setUp(directory, flags)
          assert.match(yield* onlyTrouble(made.flags ?? flags, made.host), says)
        })
      ))
  }

  it.live("says what to do about ports that are taken", () =>
    withFlags((_, flags) =>
      Effect.gen(function*() {
        const server = yield* Effect.acquireRelease(
          Effect.callback<Net.Server>((resume) => {
            const server = Net.createServer()
            server.listen({ host: "127.0.0.1", port: 0 }, () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
        )
        const { port } = server.address() as Net.AddressInfo
        assert.match(
          yield* onlyTrouble({ ...flags, listen: [`127.0.0.1:${port}`], admin: ["off"] }, {
            ...host,
            bind: examine.thisHost.bind
          }),
          /^PROBLEM ports peers: 127\.0\.0\.1:\d+ is in use by another program \(EADDRINUSE\)\n -> stop the other program, or choose another with --listen IP:PORT$/
        )
        assert.strictEqual(yield* examine.thisHost.bind("192.0.2.1", 24_200), "EADDRNOTAVAIL")
        assert.isUndefined(yield* examine.thisHost.connect("127.0.0.1", port))
      })
    ))
})

describe("doctor, of a node that runs", () => {
  /** The node of `adminNode`, behind a real API, and found in the directory. */
  const running = <A, E>(
    body: (flags: ConfigSources.Flags) => Effect.Effect<A, E, Needs>,
    more: Layer.Layer<never> = Layer.empty
  ) =>
    withFlags((directory, flags) =>
      Effect.gen(function*() {
        yield* DataDir.lock(directory)
        const { address } = yield* AdminServer.AdminServer
        yield* DataDir.announce(directory, {
          network: "devnet",
          listen: "127.0.0.1:24200",
          admin: PeerAddress.format(address),
          software: "timemesh/test",
          startedAt: 1
        })
        const { admin: _, ...others } = flags
        return yield* body(others)
      }).pipe(
        Effect.provide(
          AdminServer.layer(PeerAddress.make(ip, 0)).pipe(
            Layer.provide(Layer.provideMerge(more, services(() => Effect.void)))
          )
        )
      )
    )

  it.live("asks it: its address, its peers, its clock, whether its port answers", () =>
    running((flags) =>
      Effect.gen(function*() {
        const silent = { ...host, connect: () => Effect.succeed("ECONNREFUSED") }
        const found = troubles(yield* look(flags, silent)).map((
          { check, fix, level, says }
        ) => [level, check, says, fix])
        const others = found.filter(([, check]) => check !== "ports" && check !== "clock")
        assert.deepStrictEqual(others, [["warning", "own address", "peers cannot reach it", "forward the port"]])
        assert.match(
          String(found.find(([, check]) => check === "ports")?.[2]),
          /^peers: 127\.0\.0\.1:24200 does not answer \(ECONNREFUSED\)/
        )
      })
    ))

  it.live("says so when a peer's blocks are ahead of the clock", () =>
    running(
      (flags) =>
        Effect.gen(function*() {
          const clock = (yield* look(flags)).find(({ check }) => check === "clock")
          assert.deepStrictEqual(clock, {
            check: "clock",
            level: "problem",
            says: "a peer's next block is 90 s ahead of this host's clock",
            fix: "set this host's clock, and keep it right by NTP (timedatectl set-ntp true)"
          })
        }),
      Layer.mock(Sync, {
        report: Effect.succeed({
          tip: { height: 7, hash: "ab" },
          headers: 9,
          synced: true,
          mayProduce: false,
          target: 7,
          line: "height 7",
          reorgs: 0,
          requests: 0,
          waiting: { blocks: 0, bytes: 0 },
          peers: [{ ip: PeerIp.fromStringUnsafe("127.0.0.2"), height: 9, blocks: 7, use: "ahead", clockBehindS: 90 }]
        })
      }) as never
    ))
})

it("needs for the most peers a node may have no more descriptors than a service has", () => {
  assert.isBelow(Limits.maxPeers + Limits.descriptorsBesides, 1_024)
})
