/** `timemesh chain info`: describes a stored chain. */
import { ByteSize, Effect, FileSystem } from "effect"
import { Command } from "effect/cli"
import { ChainStore } from "../../services/ChainStore.ts"
import * as Json from "../json.ts"
import { bytes, fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as target from "./target.ts"

/** bytes of the database and its log; a missing file counts as 0. */
const sizeOf = (filename: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const sizes = yield* Effect.forEach([filename, `${filename}-wal`], (file) =>
      Effect.orElseSucceed(Effect.map(fs.stat(file), ({ size }) => Number(ByteSize.toBigInt(size))), () => 0))
    return sizes.reduce((a, b) =>
      a + b, 0)
  })

export const command = Command.make(
  "info",
  target.where,
  Effect.fnUntraced(function*({ json, ...where }) {
    const found = yield* target.locate(where)
    const { height, hash } = yield* Effect.flatMap(ChainStore, (store) => store.tip).pipe(
      target.withStore(found),
      target.orFail
    )
    const size = yield* sizeOf(found.filename)
    const { filename: file, network } = found
    yield* json
      ? Json.print({ network, height, hash, size, file })
      : say(fields([
        ["network", network],
        ["height", String(height)],
        ["tip", hash],
        ["size", bytes(size)],
        ["file", file]
      ]))
  }, Effect.scoped)
).pipe(
  Command.withDescription("Show network, height, tip and size of a stored chain"),
  Command.withExamples([
    { command: "timemesh chain info --data-dir /var/lib/timemesh", description: "Of a stopped node" },
    { command: "timemesh chain info --file chain.db --json", description: "Of a database elsewhere" }
  ])
)
