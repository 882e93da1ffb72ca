/** A chain's SQLite file, for tests: opened, damaged, scanned. */
import { Context, Effect, type FileSystem, Layer, Result, Stream } from "effect"
import { DatabaseSync } from "node:sqlite"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import * as ChainScan from "../../src/layers/chain/tools/ChainScan.ts"
import { ChainStore } from "../../src/services/ChainStore.ts"
import type { ChainStoreError, StoredBlock } from "../../src/services/ChainStore.ts"
import { after, genesis, network } from "./chainBlocks.ts"
import { withDirectory } from "./directory.ts"

export const storeAt = (
  filename: string,
  options: { maxPages?: number; busyMs?: number; network?: string; genesis?: StoredBlock } = {}
) =>
  Effect.map(
    Layer.build(ChainStoreSql.layerSqlite({ filename, network, genesis, ...options })),
    Context.get(ChainStore)
  )

/** Opens, uses, closes. */
export const withStore = <A, E, R>(
  filename: string,
  body: (store: ChainStore["Service"]) => Effect.Effect<A, E, R>,
  options?: Parameters<typeof storeAt>[1]
) => Effect.scoped(Effect.flatMap(storeAt(filename, options), body))

export const reasonOf = <A, R>(effect: Effect.Effect<A, ChainStoreError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

export const withFile = <A, E>(
  body: (filename: string, fs: FileSystem.FileSystem) => Effect.Effect<A, E, FileSystem.FileSystem>
) => withDirectory((directory, fs) => body(`${directory}/chain.db`, fs))

export const change = (filename: string, sql: string) =>
  Effect.sync(() => {
    const database = new DatabaseSync(filename)
    database.exec(sql)
    database.close()
  })

export const scan = (filename: string) =>
  Effect.gen(function*() {
    const good: Array<ChainScan.ScannedBlock> = []
    const result = yield* ChainScan.blocksOfFile(filename).pipe(
      Stream.runForEach((b) => Effect.sync(() => good.push(b))),
      Effect.result
    )
    return { good, problem: Result.isFailure(result) ? result.failure.reason : undefined }
  })

export const main = after(genesis, 3_000, 0, 484)

/** Bytes of a closed database of that chain, made once. */
let sound: Uint8Array | undefined
export const makeSound = (filename: string, fs: FileSystem.FileSystem) =>
  Effect.gen(function*() {
    if (sound !== undefined) return yield* fs.writeFile(filename, sound)
    yield* withStore(filename, (store) => store.append(0, main))
    sound = yield* fs.readFile(filename)
  })
