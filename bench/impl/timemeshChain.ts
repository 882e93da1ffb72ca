/** timemesh nodes with a chain: composed as an embedder does, on TCP, with nothing switched off. */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as Block from "../../src/domain/chain/Block.ts"
import * as ChainParams from "../../src/domain/chain/ChainParams.ts"
import type { Hasher } from "../../src/domain/chain/Hasher.ts"
import * as HeaderRules from "../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../src/domain/chain/Synthetic.ts"
import * as Validation from "../../src/domain/chain/Validation.ts"
import type { NodeEvent } from "../../src/domain/NodeEvent.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ChainStoreMemory from "../../src/layers/chain/ChainStoreMemory.ts"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import * as HasherLive from "../../src/layers/chain/HasherLive.ts"
import { genesisOf, toStored } from "../../src/layers/chain/StoredBlocks.ts"
import * as AdminServer from "../../src/layers/http/AdminServer.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import { ChainStore, type ChainStoreError, type StoredBlock } from "../../src/services/ChainStore.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"
import * as TestNode from "../../src/testing/TestNode.ts"

const params = ChainParams.devnet

const genesis = genesisOf(params)

export const makeHasher = (): Promise<Hasher> => Effect.runPromise(HasherLive.make)

/** Blocks 1…`count` of the synthetic devnet chain; 484 bytes each. */
export const syntheticChain = (hasher: Hasher, count: number): Array<StoredBlock> => {
  const blocks: Array<StoredBlock> = []
  let parent = Synthetic.genesisParent(params)
  const options = { leader: "10.11.0.2", address: "TIME0testaddr" }
  for (let height = 1; height <= count; height++) {
    const made = Synthetic.onTop(params, hasher, parent, ChainParams.dueAt(params, height), options)
    parent = HeaderRules.parentOf(made.block.header, made.hash)
    blocks.push(toStored(made))
  }
  return blocks
}

/** One store in memory, which any number of nodes may serve from. */
export const memoryStore = (blocks: ReadonlyArray<StoredBlock>): Promise<ChainStore["Service"]> =>
  Effect.runPromise(
    Effect.gen(function*() {
      const store = yield* ChainStore
      yield* store.append(0, blocks)
      return store
    }).pipe(Effect.provide(ChainStoreMemory.layer({ genesis })))
  )

export const sharedLayer = (store: ChainStore["Service"]) => Layer.succeed(ChainStore, store)
export const fileLayer = (filename: string) => ChainStoreSql.layerSqlite({ filename, network: "devnet", genesis })

export interface RunningNode {
  readonly address: string
  readonly connect: (address: string) => Promise<void>
  /** Serves its admin API on a free port; gives the address. */
  readonly admin: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Starts a node with a chain on a free port. It hears of peers only by `connect`, and from them. */
export const startChain = async (
  ip: string,
  store: Layer.Layer<ChainStore, ChainStoreError>,
  onEvent: (event: NodeEvent) => void = () => {}
): Promise<RunningNode> => {
  const scope = Scope.makeUnsafe()
  const own = PeerIp.fromStringUnsafe(ip)
  const options = {
    ip: own,
    listen: { ip: own, port: 0 },
    software: "timemesh-bench",
    // A node keeps places for peers that it dials itself: room for a full table of others beside them.
    tuning: { maxPeers: 200 },
    record: false,
    onEvent
  }
  const node = await Effect.runPromise(
    Effect.flatMap(PeerSocket, (sockets) => TestNode.startWithChain(sockets, store, options)).pipe(
      Effect.provide(TcpSocket.layer),
      Scope.provide(scope)
    )
  )
  return {
    address: PeerAddress.format(node.address),
    connect: async (text) => {
      const address = PeerAddress.fromString(text, 0)
      if (address._tag === "Success") await Effect.runPromise(node.manager.connect(address.success))
    },
    admin: async () => {
      const layer = AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), 0)).pipe(
        Layer.provide(Layer.succeedContext(node.services))
      )
      const services = await Effect.runPromise(Layer.buildWithScope(layer, scope))
      return PeerAddress.format(Context.get(services, AdminServer.AdminServer).address)
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** Decodes, hashes and checks each block on top of the one before, as sync does; false when one breaks a rule. */
export const checkAll = (hasher: Hasher, blocks: ReadonlyArray<Uint8Array>, now: number): boolean => {
  let parent = Synthetic.genesisParent(params)
  for (const bytes of blocks) {
    const block = Block.decode(bytes)
    if (Block.isMalformed(block)) return false
    const verdict = Validation.block(params, hasher, parent, block, now)
    if (verdict._tag !== "Valid") return false
    parent = HeaderRules.parentOf(block.header, verdict.hash)
  }
  return true
}
