/** Gives a testnet node a chain before it starts: synthetic blocks, written directly to its database. */
import { Effect, Stream } from "effect"
import { devnet } from "../domain/chain/ChainParams.ts"
import * as Limits from "../domain/Limits.ts"
import { fileIn, storeOptions } from "../layers/chain/ChainDatabase.ts"
import * as ChainStoreSql from "../layers/chain/ChainStoreSql.ts"
import * as ChainMake from "../layers/chain/tools/ChainMake.ts"
import * as DataDir from "../layers/store/DataDir.ts"
import { ChainStore } from "../services/ChainStore.ts"
import type { StoredBlock } from "../services/ChainStore.ts"
import { TestnetError } from "./Preflight.ts"

/** The blocks' claimed producer: a documentation address, which no masternode has. */
const options = { leader: "192.0.2.1", address: "TIME0testnet" }

/** Makes `dataDir` and a devnet chain of `count` blocks in it. */
export const seed = (
  dataDir: string,
  count: number
): Effect.Effect<void, TestnetError> =>
  Effect.gen(function*() {
    yield* Effect.mapError(DataDir.create(dataDir), ({ message }) => new TestnetError({ detail: message }))
    yield* Effect.gen(function*() {
      const store = yield* ChainStore
      let after = 0
      let waiting: Array<StoredBlock> = []
      const flush = Effect.gen(function*() {
        after = (yield* store.append(after, waiting)).height
        waiting = []
      })
      yield* ChainMake.blocks(devnet, count, options).pipe(
        Stream.buffer({ capacity: 8 }),
        Stream.runForEach((made) =>
          Effect.gen(function*() {
            if (waiting.length + made.length > Limits.storeBatchBlocks) yield* flush
            waiting.push(...made)
          })
        )
      )
      yield* flush
    }).pipe(Effect.provide(ChainStoreSql.layerSqlite({ filename: fileIn(dataDir), ...storeOptions("devnet") })))
  }).pipe(
    Effect.mapError((error) =>
      new TestnetError({
        detail: error._tag === "NotDue"
          ? `--chain: ${error.message}`
          : `no chain can be made in ${dataDir} (${
            error._tag === "ChainStoreError" ? error.reason._tag : error.message
          })`
      })
    )
  )
