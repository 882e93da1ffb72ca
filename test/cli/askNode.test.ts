/** Which node a data directory names, and that no other one's answer is taken for its. */
import { NodeHttpClient } from "@effect/platform-node"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import * as askNode from "../../src/cli/askNode.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as AdminServer from "../../src/layers/http/AdminServer.ts"
import * as DataDir from "../../src/layers/store/DataDir.ts"
import { services } from "../harness/adminNode.ts"

/** No process: Linux has none beyond 2^22. */
const gone = 2 ** 22 + 7

/** The admin API of this process, a node of devnet, and a data directory. */
const withNode = <A, E, R>(body: (directory: string, admin: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { address } = yield* AdminServer.AdminServer
    return yield* body(yield* fs.makeTempDirectoryScoped(), PeerAddress.format(address))
  }).pipe(
    Effect.scoped,
    Effect.provide(
      AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), 0)).pipe(
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
    Effect.match({ onSuccess: ({ pid }) => pid, onFailure: ({ text }) => text })
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
