/** A node with a chain and a dashboard on loopback, in this process, and peers that come and go. */
import { Effect, Exit, Layer, Scope } from "effect"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ChainStoreMemory from "../../src/layers/chain/ChainStoreMemory.ts"
import * as AdminServer from "../../src/layers/http/AdminServer.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import { ChainStore, type StoredBlock } from "../../src/services/ChainStore.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"
import { TestNode } from "../../src/testing/index.ts"
import { devnet, genesis } from "../harness/syntheticChain.ts"

/** Addresses of this file alone, so that other tests' nodes are not met. */
export const ip = (n: number) => PeerIp.fromStringUnsafe(`127.14.0.${n}`)

const storeOf = (blocks: ReadonlyArray<StoredBlock>) =>
  Layer.effect(
    ChainStore,
    Effect.gen(function*() {
      const store = yield* ChainStore
      if (blocks.length > 0) yield* Effect.orDie(store.append(0, blocks))
      return store
    })
  ).pipe(Layer.provide(ChainStoreMemory.layer({ genesis: genesis(devnet) })))

export const start = Effect.fnUntraced(function*(
  n: number,
  blocks: ReadonlyArray<StoredBlock>,
  options: Partial<TestNode.Options> = {}
) {
  const sockets = yield* PeerSocket
  return yield* TestNode.startWithChain(sockets, storeOf(blocks), { ip: ip(n), masternodes: true, ...options })
}, Effect.provide(TcpSocket.layer))

/** Serves the node's API on a port until `stop`. */
export const serve = Effect.fnUntraced(function*(node: TestNode.TestNode, port: number) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const server = yield* Layer.buildWithScope(
    AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), port)).pipe(
      Layer.provide(Layer.succeedContext(node.services))
    ),
    scope
  )
  const { address } = Effect.runSync(AdminServer.AdminServer.pipe(Effect.provide(server)))
  return { url: `http://127.0.0.1:${address.port}/`, port: address.port, stop: Scope.close(scope, Exit.void) }
})
