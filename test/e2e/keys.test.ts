/** What an operator sees when another host answers at a known peer's address: another key, or no TLS. */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type NetConnectOpts } from "node:net"
import { call, e2e, start } from "./program.ts"

const [own, peer, port] = ["127.78.0.3", "127.78.0.2", 24_233]

/** Ours at `own`; the others at `peer`, each set up anew, so with a key of its own. */
const node = (ip: string, dataDir: string, ...more: ReadonlyArray<string>) =>
  start([
    "run",
    "--network=devnet",
    "--transport=tls",
    `--listen=${ip}:${port}`,
    `--data-dir=${dataDir}`,
    "--seed=none",
    "--log-format=pretty",
    ...more
  ])

/** A connection to ours from the peer's address, without TLS. The result: what ours answers, hex. */
const plain = Effect.callback<string>((resume) => {
  const to: NetConnectOpts = { host: own, port, localAddress: peer }
  const conn = connect(to)
  const read: Array<Buffer> = []
  conn.on("error", () => {})
  conn.on("data", (chunk) => read.push(chunk))
  conn.on("close", () => resume(Effect.succeed(Buffer.concat(read).toString("hex"))))
  conn.write(Uint8Array.of(0, 0, 0, 3, 1, 2, 3))
  return Effect.sync(() => conn.destroy())
})

describe("a peer whose key is known", () => {
  e2e("another key at its address is refused in words with a cure, which works; and so is a connection without TLS", (
    directory
  ) =>
    Effect.gen(function*() {
      const data = `${directory}/own`
      const ask = (...args: ReadonlyArray<string>) => call([...args, "--data-dir", data])
      const ours = yield* node(own, data)
      yield* ours.line(/admin API on/)
      const first = yield* node(peer, `${directory}/first`, `--peer=${own}:${port}`)
      yield* ours.line(/established with 127\.78\.0\.2/)
      yield* first.signal("SIGKILL")
      yield* ours.line(/disconnected .* 127\.78\.0\.2/)

      const second = yield* node(peer, `${directory}/second`, `--peer=${own}:${port}`)
      const warning = yield* ours.line(/WARN .*another key/)
      assert.match(
        warning,
        /127\.78\.0\.2 shows another key than the one it has been known by since \d{4}-\d\d-\d\d: another host answers there, or the node was set up anew\. If it was: timemesh peers trust 127\.78\.0\.2$/
      )
      const [why, peers, status] = yield* Effect.all([ask("why", peer), ask("peers"), ask("status")], {
        concurrency: "unbounded"
      })
      assert.include(
        why.stdout,
        "127.78.0.2: other-key\nNot connected: it shows another key than the one that this node knows it by, and is refused. " +
          "To do: if the node there was set up anew: timemesh peers trust 127.78.0.2; if not, another host answers there."
      )
      assert.match(peers.stdout, /^127\.78\.0\.2 .* down: other-key, .*peers trust 127\.78\.0\.2$/m)
      assert.match(status.stdout, /^PROBLEM: .*127\.78\.0\.2: it shows another key.*timemesh peers trust 127\.78\.0\.2/)
      assert.lengthOf((yield* ours.lines).filter((line) => /established/.test(line)), 1, "none since")
      const warnings = (yield* ours.lines).filter((line) => /WARN .*another key/.test(line))
      assert.lengthOf(warnings, 1, "said once, however often it tries")

      const trust = yield* ask("peers", "trust", peer)
      assert.strictEqual(trust.stdout, "the key of 127.78.0.2 is forgotten; the one that it shows next is trusted\n")
      yield* second.line(/established with 127\.78\.0\.3/)

      yield* second.signal("SIGKILL")
      assert.strictEqual(yield* plain, "15030300020232", "the alert that TLS sends")
      yield* ours.line(/127\.78\.0\.2 ended \(protocol: speaks no TLS, and this node takes no plain connection\)/)
    }))
})
