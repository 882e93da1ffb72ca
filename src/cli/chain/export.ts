/** `timemesh chain export`: writes blocks of a stored chain to a file. */
import { Console, Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import * as Limits from "../../domain/Limits.ts"
import * as ChainFile from "../../layers/chain/tools/ChainFile.ts"
import * as OutputFile from "../../layers/store/OutputFile.ts"
import { ChainStore } from "../../services/ChainStore.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import { bytes, fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as target from "./target.ts"

const records = (from: number, to: number) =>
  Stream.unwrap(Effect.map(ChainStore, (store) =>
    Stream.unfold(from, (height) =>
      Effect.map(
        store.blocks(height, Math.min(Limits.storeScanRows, to + 1 - height), Limits.storeScanBytes),
        (blocks) => blocks.length === 0 ? undefined : [ChainFile.encode(blocks), height + blocks.length] as const
      ))))

export const command = Command.make(
  "export",
  {
    ...target.where,
    out: Flag.String("out").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription(
        "File to write, replaced if it exists; a fifo or a device such as /dev/stdout is written in place"
      )
    ),
    from: Flag.Int("from").pipe(Flag.withDescription("First height (default 1)"), Flag.withDefault(1)),
    to: Flag.Int("to").pipe(Flag.withDescription("Last height (default: the tip)"), Flag.optional)
  },
  Effect.fnUntraced(function*({ from, json, out, to, ...where }) {
    const found = yield* target.locate(where)
    const written = yield* Effect.gen(function*() {
      const store = yield* ChainStore
      const tip = yield* store.tip
      const last = Option.getOrElse(to, () => tip.height)
      if (from < 0 || last > tip.height || from > last + 1) {
        return yield* Failure.unusable(
          `blocks ${from} to ${last} cannot be exported: the chain has 0 to ${tip.height}`
        )
      }
      const [hash = tip.hash] = yield* store.hashes(last, 1)
      return { size: yield* OutputFile.write(out, records(from, last), found.filename), last, hash }
    }).pipe(
      target.withStore(found),
      target.orFail,
      Effect.catchTag("FileError", (error) => Effect.fail(Failure.unusable(error)))
    )
    const blocks = written.last + 1 - from
    const isOutput = OutputFile.isStandardOutput(out)
    yield* json
      ? Json.print({
        network: found.network,
        from,
        to: written.last,
        blocks,
        hash: written.hash,
        size: written.size,
        file: out
      }, isOutput ? Console.error : Console.log)
      : (isOutput ? Console.error : say)(fields([
        ["network", found.network],
        ["blocks", blocks === 0 ? "none" : `${from} to ${written.last}`],
        ["tip", written.hash],
        ["file", `${out}, ${bytes(written.size)}`]
      ]))
  }, Effect.scoped)
).pipe(
  Command.withDescription("Export blocks of a stored chain to a file, each as length (u32, big-endian) and bincode"),
  Command.withExamples([
    { command: "timemesh chain export --out blocks", description: "The whole chain" },
    {
      command: "timemesh chain export --from 1000 --to 1999 --out /dev/stdout",
      description: "A part of it, into a pipe"
    }
  ])
)
