/**
 * A node that syncs from one peer into a SQLite file until it has the height asked for, or is killed. Prints
 * `HEIGHT HASH` of what it found, then of every tip once it is stored; written at once, so that what was printed was reached.
 *
 * Arguments: file, own IP, the peer's address, height.
 */
import { Context, Deferred, Effect, Layer, Result } from "effect"
import { writeSync } from "node:fs"
import { networks } from "../../src/domain/Network.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import * as ChainNode from "../../src/layers/node/ChainNode.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import * as PeerStoreMemory from "../../src/layers/store/PeerStoreMemory.ts"
import { defaultTuning } from "../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"
import { Sync } from "../../src/services/Sync.ts"
import { devnet, genesis } from "./syntheticChain.ts"

const [filename = "", ip = "", peer = "", height = ""] = process.argv.slice(2)

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const whole = yield* Deferred.make<void>()
  const say = (tip: { readonly height: number; readonly hash: string }) => {
    writeSync(1, `${tip.height} ${tip.hash}\n`)
    if (tip.height === Number(height)) Deferred.doneUnsafe(whole, Effect.void)
  }
  const setup = {
    network: networks.devnet,
    listen: { ip: PeerIp.fromStringUnsafe(ip), port: 0 },
    advertise: undefined,
    peers: [Result.getOrThrow(PeerAddress.fromString(peer, 0))],
    software: "test",
    tuning: defaultTuning
  }
  const telling = Layer.effectDiscard(
    Effect.flatMap(NodeEvents, (events) =>
      events.listen((event) => {
        if (event._tag === "TipChanged") say(event)
        if (event._tag === "SyncBlamed" || event._tag === "StoreFailed") writeSync(2, `${JSON.stringify(event)}\n`)
      }))
  )
  const context = yield* Layer.build(
    ChainNode.layer(setup, telling).pipe(
      Layer.provide([
        TcpSocket.layer,
        PeerStoreMemory.layer(),
        ChainStoreSql.layerSqlite({ filename, network: "devnet", genesis: genesis(devnet) })
      ])
    )
  )
  say((yield* Context.get(context, Sync).report).tip)
  yield* Deferred.await(whole)
})))
