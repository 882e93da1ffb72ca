import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import { Socket } from "effect/socket"
import packageJson from "../../package.json" with { type: "json" }
import { version } from "../../src/cli/version.ts"
import * as Settings from "../../src/layers/config/Settings.ts"
import { NodeFile } from "../../src/layers/store/DataDir.ts"
import { call, e2e, start } from "./program.ts"

const decodeNodeFile = Schema.decodeUnknownEffect(Schema.fromJsonString(NodeFile))

/** A node on a free port of `ip`, its data in `dir`, ready. */
const startNode = Effect.fnUntraced(function*(dir: string, ip: string, ...more: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const node = yield* start([
    "run",
    "--network=devnet",
    `--listen=${ip}:0`,
    `--data-dir=${dir}`,
    "--log-format=pretty",
    ...more
  ])
  yield* node.line(/admin API on|ERROR/)
  const file = yield* Effect.flatMap(fs.readFileString(`${dir}/node.json`), decodeNodeFile)
  return { ...node, file, stop: Effect.andThen(node.signal("SIGTERM"), node.exitCode) }
})

const errorOf = (result: { readonly stderr: string }) => result.stderr.replace(/^\s*ERROR\s*/, "").trim()

describe("the program", () => {
  it("has the version of its package", () => assert.strictEqual(version, packageJson.version))

  e2e(
    "two nodes: commands, the reason after SIGTERM, and a restart without --peer",
    (directory, fs) =>
      Effect.gen(function*() {
        const [a, b] = [`${directory}/a`, `${directory}/b`]
        const one = yield* startNode(a, "127.77.0.1")
        yield* one.line(/No peers known: use --peer/)
        const two = yield* startNode(b, "127.77.0.2", "--peer", one.file.listen)
        yield* one.line(/PeerConnection established with 127\.77\.0\.2/)
        yield* two.line(/PeerConnection established with 127\.77\.0\.1/)

        const status = yield* call(["status", "--data-dir", a])
        assert.strictEqual(status.code, 0, status.stderr)
        assert.match(
          status.stdout,
          /^OK: 1 peer \((?:1 in, 0|0 in, 1) out\), (?:height 0 = best peer|syncing: height 0 of 0)\n\nstate +Connected to the one known peer\nnetwork +devnet\nlisten +127\.77\.0\.1:\d+\n/
        )
        const json = yield* call(["peers", "--admin", one.file.admin ?? "", "--json"])
        const row = JSON.parse(json.stdout).peers[0]
        assert.strictEqual(row.ip, "127.77.0.2")
        assert.strictEqual(row.connection.role, "lower")
        const peers = yield* call(["peers"], { TIMEMESH_DATA_DIR: b })
        assert.match(peers.stdout, /^PEER +PORT +DIR +.*\n127\.77\.0\.1 +\d+ +(?:in|out) +/)
        assert.match(row.connection.socket, /^127\.77\.0\.2:\d+$/)

        const known = yield* call(["why", "127.77.0.2", "--data-dir", a])
        assert.match(known.stdout, /^127\.77\.0\.2: connected\n.+\n$/)
        const unknown = yield* call(["why", "203.0.113.99", "--data-dir", a])
        assert.strictEqual(unknown.code, 0)
        assert.match(unknown.stdout, /^203\.0\.113\.99: unknown\n.+\n$/)

        assert.strictEqual(yield* one.stop, 0)
        yield* two.line(/PeerConnection disconnected \(shutdown\) 127\.77\.0\.1 after .* \(by remote/)
        assert.isFalse(yield* fs.exists(`${a}/node.json`))
        // The port of the first must be the one the second knows.
        const again = yield* start(["run", "--network", "devnet", "--listen", one.file.listen, "--data-dir", a])
        yield* again.line(/PeerConnection established with 127\.77\.0\.2/)
        assert.deepStrictEqual((yield* again.lines).filter((line) => line.includes("No peers known")), [])
        yield* again.signal("SIGINT")
        assert.strictEqual(yield* again.exitCode, 0)
        assert.strictEqual(yield* two.stop, 0)
      })
  )

  e2e("trace tells what happened with a peer, and replay takes it again", (directory, fs) =>
    Effect.gen(function*() {
      const dir = `${directory}/a`
      yield* startNode(dir, "127.77.9.1", "--peer", "127.77.9.2:24200")
      const story = yield* call(["trace", "127.77.9.2", "--data-dir", dir])
      assert.match(
        story.stdout,
        /^127\.77\.9\.2 on devnet, as timemesh[^]*dials, as #\d+: no end of the pair is left \[L6\]\n/
      )
      const trace = yield* call(["trace", "127.77.9.2", "--data-dir", dir, "--json"])
      const doctored = `${directory}/doctored.json`
      yield* fs.writeFileString(`${directory}/trace.json`, trace.stdout)
      yield* fs.writeFileString(doctored, trace.stdout.replaceAll("\"_tag\":\"Dial\"", "\"_tag\":\"SendHello\""))
      const same = yield* call(["replay", `${directory}/trace.json`])
      assert.strictEqual(same.code, 0, same.stderr)
      assert.match(same.stdout, /\nthis version decides the same in each of the \d+ steps\n$/)
      const differs = yield* call(["replay", doctored, "--json"])
      assert.strictEqual(differs.code, 1)
      assert.match(JSON.parse(differs.stdout).differences[0].now.decisions[0], /^dials, as #\d+: .* \[L6\]$/)
    }))

  e2e("a taken port, data directory or admin port ends with 2 and says so", (directory) =>
    Effect.gen(function*() {
      const dir = `${directory}/a`
      const node = yield* startNode(dir, "127.77.1.1")
      const { admin, listen, pid } = node.file
      const run = (...args: ReadonlyArray<string>) => call(["run", "--network", "devnet", ...args])
      const port = yield* run("--listen", listen, "--data-dir", `${directory}/b`)
      assert.strictEqual(port.code, 2)
      assert.strictEqual(
        errorOf(port),
        `the node cannot listen on ${listen}: address already in use; stop the other program, or choose another address ` +
          "with --listen IP:PORT"
      )
      const data = yield* run("--listen", "127.77.1.1:0", "--data-dir", dir)
      assert.strictEqual(data.code, 2)
      assert.strictEqual(
        errorOf(data),
        `data directory ${dir}: in use by another timemesh process (${pid}); stop it, or choose another with --data-dir DIR`
      )
      const api = yield* run("--listen", "127.77.1.1:0", "--data-dir", `${directory}/c`, "--admin", admin ?? "")
      assert.strictEqual(api.code, 2)
      assert.strictEqual(
        errorOf(api),
        `the admin API cannot listen on ${admin}: address already in use; stop the other program, or choose another ` +
          "address with --admin IP:PORT"
      )
      assert.strictEqual(yield* node.stop, 0)
    }))

  e2e(
    "bans: made, listed, still there after kill -9, lifted; errors name the ban that was meant",
    (directory) =>
      Effect.gen(function*() {
        const dir = ["--data-dir", `${directory}/a`]
        const first = yield* startNode(`${directory}/a`, "127.77.5.1")
        const made = yield* call(["ban", "::ffff:203.0.113.7/120", "--for", "7d", "--reason", "floods us", ...dir])
        assert.strictEqual(
          made.stdout,
          "banned 203.0.113.0/24 for 7 d 0 h; to lift it: timemesh unban 203.0.113.0/24\n",
          made.stderr
        )
        yield* first.signal("SIGKILL")
        const second = yield* startNode(`${directory}/a`, "127.77.5.1")
        const listed = yield* call(["bans", ...dir])
        assert.match(listed.stdout, /^BANNED +BY +SINCE +ENDS IN +REASON\n203\.0\.113\.0\/24 +operator +.*floods us\n$/)
        const wrong = yield* call(["unban", "203.0.113.9", ...dir])
        assert.strictEqual(wrong.code, 1)
        assert.include(wrong.stderr, "it is in 203.0.113.0/24, which is banned")
        assert.strictEqual(
          (yield* call(["unban", "203.0.113.0/24", ...dir])).stdout,
          "lifted the ban of 203.0.113.0/24\n"
        )
        assert.strictEqual(yield* second.stop, 0)
      })
  )

  e2e("kill -9 frees the data directory", (directory, fs) =>
    Effect.gen(function*() {
      const dir = `${directory}/a`
      const first = yield* startNode(dir, "127.77.2.1")
      yield* first.signal("SIGKILL")
      assert.isTrue(yield* fs.exists(`${dir}/node.json`))
      const status = yield* call(["status", "--data-dir", dir])
      assert.strictEqual(status.code, 1)
      assert.strictEqual(
        errorOf(status),
        `the node in ${dir} is not running (process ${first.pid} died); start it again with timemesh run`
      )
      const second = yield* startNode(dir, "127.77.2.1")
      assert.notStrictEqual(second.file.pid, first.file.pid)
      assert.strictEqual(yield* second.stop, 0)
    }))

  e2e(
    "garbage and an oversize frame: the node lives, the reason is logged and counted",
    (directory) =>
      Effect.gen(function*() {
        const dir = `${directory}/a`
        const node = yield* startNode(dir, "127.77.3.1")
        const port = Number(node.file.listen.split(":")[1])
        const send = (bytes: Uint8Array) =>
          Effect.scoped(Effect.gen(function*() {
            const socket = yield* NodeSocket.makeNet({ host: "127.77.3.1", port, localAddress: "127.77.3.9" })
            const pull = yield* Socket.readerBytes(socket)
            const writer = yield* socket.writer
            yield* writer.write(bytes)
            yield* Effect.ignore(Effect.forever(pull))
          }))
        yield* send(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        yield* send(Uint8Array.from([0, 0x7f, 0xff, 0xff, 1, 2, 3]))
        yield* node.line(/inbound attempt from 127\.77\.3\.9 ended \(bad-frame/)
        const { stdout } = yield* call(["status", "--data-dir", dir, "--json"])
        const { stats } = JSON.parse(stdout)
        assert.strictEqual(stats.refused, 2)
        assert.strictEqual(stats.refusedByReason["bad-frame"], 2)
        assert.deepStrictEqual((yield* node.lines).filter((line) => line.includes("PeerConnection")), [])
        assert.strictEqual(yield* node.stop, 0)
      })
  )

  e2e("bad input: texts and exit codes", (directory, fs) =>
    Effect.gen(function*() {
      yield* fs.writeFileString(`${directory}/bad.json`, "{\"max-peer\": 3}")
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, string]> = [
        [["run", "--peer", "1.2.3"], 78, "--peer: \"1.2.3\" is not a peer address; use IP, IP:PORT"],
        [
          ["run", "--listen", "127.77.4.1", "--peer", "127.77.4.1"],
          78,
          "a peer is its IP, so each node on this machine needs its own; use 127.0.0.2"
        ],
        [
          ["run", "--config", `${directory}/bad.json`],
          78,
          "\"max-peer\" is not a setting; did you mean \"max-peers\"?"
        ],
        [
          ["run", "--nope"],
          78,
          "Unrecognized flag: --nope in command timemesh run\n  timemesh run --help lists all flags"
        ],
        [["why", "1.2.3", "--data-dir", directory], 2, "\"1.2.3\" is not a peer's IP address"],
        [["ban", "10.0.0.0/4", "--data-dir", directory], 2, "a prefix length is at least 8"],
        [["ban", "10.0.0.1", "--for", "soon"], 2, "--for: \"soon\" is not a duration; use a number and a unit"],
        [["peers", "--data-dir", directory], 1, `no node is running in ${directory}`],
        [["status", "--admin", "nowhere"], 2, "\"nowhere\" is not an admin API address"],
        [["testnet", "--nodes", "1"], 2, "--nodes: \"1\" is out of range"],
        [["testnet", "--dir", `${directory}/node-x/..`], 2, "holds nodes of an earlier run"]
      ]
      yield* fs.makeDirectory(`${directory}/node-x`)
      const results = yield* Effect.forEach(
        cases,
        ([args, code, text]) => Effect.map(call(args), (result) => [args, code, text, result] as const),
        { concurrency: 2 }
      )
      for (const [args, code, text, result] of results) {
        assert.include(result.stderr, text, args.join(" "))
        assert.strictEqual(result.code, code, args.join(" "))
      }
    }))

  e2e("--help lists every setting", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* call(["run", "--help"])
      assert.strictEqual(code, 0)
      for (const { name } of [...Settings.all, Settings.configFile]) assert.include(stdout, `--${name} `)
    }))
})
