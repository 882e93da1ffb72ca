/** Which node a data directory names, and that no other one's answer is taken for its. */
import { NodeHttpClient } from "@effect/platform-node"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted } from "effect"
import * as askNode from "../../src/cli/askNode.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type * as ConfigSources from "../../src/layers/config/ConfigSources.ts"
import type * as AdminAccess from "../../src/layers/http/AdminAccess.ts"
import * as AdminServer from "../../src/layers/http/AdminServer.ts"
import * as DataDir from "../../src/layers/store/DataDir.ts"
import { services } from "../harness/adminNode.ts"

/** No process: Linux has none beyond 2^22. */
const gone = 2 ** 22 + 7

/** The admin API of this process, a node of devnet, and a data directory. */
const withNode = <A, E, R>(
  body: (directory: string, admin: string) => Effect.Effect<A, E, R>,
  access: AdminAccess.Access = { token: undefined, isClosed: false }
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { address } = yield* AdminServer.AdminServer
    return yield* body(yield* fs.makeTempDirectoryScoped(), PeerAddress.format(address))
  }).pipe(
    Effect.scoped,
    Effect.provide(
      AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), 0), access).pipe(
        Layer.provide(services(() => Effect.void)),
        Layer.provideMerge([NodeHttpClient.layerUndici, NodeServices.layer])
      )
    )
  )

const nodeFile = (directory: string, of: { pid: number; network?: string; admin: string }) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) =>
    fs.writeFileString(
      `${directory}/node.json`,
      JSON.stringify({ network: "devnet", listen: "127.0.0.1:24200", software: "timemesh/test", startedAt: 1, ...of })
    ))

/** What `status --data-dir` reads: the process that answers, or the error. */
const ask = (directory: string) =>
  askNode.ask({ "data-dir": [directory] }, (client) => client.status).pipe(
    Effect.match({ onSuccess: ({ pid }) => pid, onFailure: ({ message }) => message })
  )

describe("a data directory names a node", () => {
  it.live("that holds its lock and answers as the process of node.json", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        yield* DataDir.lock(directory)
        yield* nodeFile(directory, { pid: process.pid, admin })
        assert.strictEqual(yield* ask(directory), process.pid)
      })
    ))

  it.live("that died, whatever answers at its address now", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        yield* nodeFile(directory, { pid: gone, admin })
        assert.strictEqual(
          yield* ask(directory),
          `the node in ${directory} is not running (process ${gone} died); start it again with timemesh run`
        )
      })
    ))

  it.live("that died, while another command has the lock", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        yield* DataDir.lock(directory)
        yield* nodeFile(directory, { pid: gone, admin })
        assert.strictEqual(
          yield* ask(directory),
          `the node in ${directory} is not running (process ${gone} died), and another timemesh command uses the directory ` +
            `(process ${process.pid}); start it again with timemesh run when that command is done`
        )
      })
    ))

  it.live("whose address another network's node has now", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        yield* DataDir.lock(directory)
        yield* nodeFile(directory, { pid: process.pid, network: "testnet", admin })
        assert.strictEqual(
          yield* ask(directory),
          `the node in ${directory} is not running (process ${process.pid} died); at ${admin} another node answers ` +
            `(process ${process.pid}, devnet)`
        )
      })
    ))

  it.live("whose process number and address another node has now", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        // The process of that number is no node: without a lock file this user cannot tell who holds it.
        yield* nodeFile(directory, { pid: process.ppid, admin })
        assert.strictEqual(
          yield* ask(directory),
          `the node in ${directory} is not running (process ${process.ppid} died); at ${admin} another node answers ` +
            `(process ${process.pid}, devnet)`
        )
      })
    ))
})

describe("the token of a node", () => {
  const secret = "correct-horse-battery-staple"
  const access = { token: Redacted.make(secret), isClosed: true }
  const wait = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())
  const disconnect = (flags: ConfigSources.Flags) =>
    askNode.ask(flags, (client) => client.disconnect("10.0.0.9")).pipe(
      Effect.match({ onSuccess: String, onFailure: ({ exitCode, message }) => `${exitCode}: ${message}` })
    )
  const put = (file: string, text: string, mode = 0o600) =>
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.writeFileString(file, text, { mode }))

  it.live("is found in its data directory, by that directory or by its address", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        yield* DataDir.lock(directory)
        yield* nodeFile(directory, { pid: process.pid, admin })
        yield* put(`${directory}/admin.token`, `${secret}\n`)
        assert.strictEqual(yield* disconnect({ "data-dir": [directory] }), "true")
        assert.strictEqual(yield* disconnect({ "data-dir": [directory], admin: [admin] }), "true")
        assert.strictEqual(yield* ask(directory), process.pid)
        // Of another address, it is not the node's to have.
        yield* nodeFile(directory, { pid: process.pid, admin: "127.0.0.1:1" })
        assert.match(
          yield* disconnect({ "data-dir": [directory], admin: [admin] }),
          /^2: this needs the node's token; /
        )
      }), access))

  it.live("is that which is given, if one is; a wrong one and none are told from each other", () =>
    withNode((directory, admin) =>
      Effect.gen(function*() {
        const other = yield* wait
        yield* put(`${other}/token`, secret)
        yield* put(`${other}/open`, secret, 0o644)
        yield* put(`${other}/wrong`, `${secret}x`)
        yield* nodeFile(directory, { pid: process.pid, admin })
        const at = { "data-dir": [directory], admin: [admin] }
        assert.strictEqual(yield* disconnect({ ...at, "admin-token-file": [`${other}/token`] }), "true")
        assert.strictEqual(yield* disconnect({ ...at, "admin-token": [secret] }), "true")
        // As for another user, who cannot read the directory.
        assert.match(yield* disconnect(at), /^2: this needs the node's token; run the command as the user of the node/)
        assert.match(
          yield* disconnect({ ...at, "admin-token-file": [`${other}/wrong`] }),
          /^2: the token is not that of this node; /
        )
        assert.match(
          yield* disconnect({ ...at, "admin-token-file": [`${other}/open`] }),
          /^2: .*open can be read by every user \(mode 644\); make a new token in it, after: chmod 600 /
        )
        const bad = yield* disconnect({ ...at, "admin-token": ["short"] })
        assert.strictEqual(
          bad,
          "2: --admin-token: is not one word of 16 to 256 characters of ASCII; make one: openssl rand -hex 32"
        )
        assert.match(
          yield* disconnect({ ...at, "admin-token": [secret], "admin-token-file": [`${other}/token`] }),
          /^2: --admin-token: is given, and --admin-token-file as well; give one of them$/
        )
      }), access))
})
