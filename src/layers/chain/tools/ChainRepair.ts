/**
 * Repairs a damaged SQLite chain: keeps the old file aside, and copies what can be read from genesis without a gap
 * into a new one. An intact database needs no repair: `append(height, [])` rewinds it.
 */
import { Effect, Exit, FileSystem, Stream } from "effect"
import type { Option } from "effect"
import * as Limits from "../../../domain/Limits.ts"
import { ChainStore } from "../../../services/ChainStore.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../../services/ChainStore.ts"
import * as ChainStoreSql from "../ChainStoreSql.ts"
import { unavailable } from "../StoreErrors.ts"
import * as ChainScan from "./ChainScan.ts"
import type { ScannedBlock } from "./ChainScan.ts"

export interface RepairOptions {
  readonly filename: string
  readonly network: string
  readonly genesis: StoredBlock
  /** Maximum height to keep. */
  readonly height: number
  /** The block in the form to store; `undefined`: it is invalid, and neither it nor any later block is copied. */
  readonly restored: (block: ScannedBlock) => StoredBlock | undefined
}

export interface Repaired {
  readonly tip: Tip
  /** Name of the old file. */
  readonly aside: string
  /** What stopped the copy below `height`; `None` if `restored` did, or the chain was no longer. */
  readonly problem: Option.Option<ChainStoreError>
}

const setAside = (filename: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    for (let i = 1; i <= Limits.damagedFiles; i++) {
      const aside = i === 1 ? `${filename}.damaged` : `${filename}.damaged-${i}`
      if (yield* fs.exists(aside)) continue
      // Move the log first and the database last: only a stop in between leaves the database without the log's content.
      for (const suffix of ["-wal", "-shm"]) {
        if (yield* fs.exists(`${filename}${suffix}`)) yield* fs.rename(`${filename}${suffix}`, `${aside}${suffix}`)
      }
      if (yield* fs.exists(filename)) yield* fs.rename(filename, aside)
      return aside
    }
    return yield* unavailable(
      filename,
      undefined,
      { what: `${Limits.damagedFiles} damaged files (${filename}.damaged …) exist already`, fix: "remove some" }
    )
  }).pipe(Effect.catchTag("PlatformError", (error) => Effect.fail(unavailable(filename, error))))

const copy = (aside: string, { genesis, height, restored }: RepairOptions) =>
  Effect.gen(function*() {
    const { append, tip } = yield* ChainStore
    const good = ChainScan.blocksOfFile(aside).pipe(
      Stream.map((block) => block.height <= height ? restored(block) : undefined),
      Stream.takeWhile((block) => block !== undefined)
    )
    const copied = yield* good.pipe(
      Stream.grouped(Limits.storeBatchBlocks),
      Stream.runForEach((blocks) => {
        const [first] = blocks
        if (first.height > 0) return append(first.height - 1, blocks)
        return first.hash === genesis.hash
          ? append(0, blocks.slice(1))
          : Effect.fail(unavailable(aside, undefined, { what: "its genesis block is another one" }))
      }),
      Effect.exit
    )
    return { tip: yield* tip, aside, problem: Exit.findErrorOption(copied) }
  })

/** Writes the good blocks, up to `height`, into a new file under the old name. */
export const repair = (options: RepairOptions): Effect.Effect<
  Repaired,
  ChainStoreError,
  FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const aside = yield* setAside(options.filename)
    return yield* copy(aside, options).pipe(Effect.provide(ChainStoreSql.layerSqlite(options)))
  })
