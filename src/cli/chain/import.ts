/** `timemesh chain import`: adds the blocks of a file to a stored chain. */
import { Duration, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import type * as ChainImport from "../../layers/chain/tools/ChainImport.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import { fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as target from "./target.ts"

const nothing = { added: 0, skipped: 0, seconds: 0, elapsedMs: 0 }

const errorOf = ({ detail, height, message, network, offset }: ChainImport.ImportError) => ({
  message,
  height,
  offset,
  detail,
  network
})

export const command = Command.make(
  "import",
  {
    ...target.where,
    from: Argument.String("file").pipe(
      Argument.withDescription("File in the format of chain export, or a pipe such as /dev/stdin")
    )
  },
  Effect.fnUntraced(function*({ from, json, ...where }) {
    const found = yield* target.locate(where, true)
    const { importFrom, open } = yield* Effect.promise(() => import("../../layers/chain/tools/ChainImport.ts"))
    const source = yield* Effect.mapError(
      open(found.params, from),
      (error) => Failure.unusable(error)
    )
    const { foreign } = source
    if (foreign !== undefined) {
      if (json) yield* Json.print({ ...nothing, network: found.network, error: errorOf(foreign) })
      return yield* Failure.failed(foreign)
    }
    const [elapsed, { added, error, skipped, tip }] = yield* importFrom(found.params, source).pipe(
      target.withStore(found),
      Effect.timed,
      target.orFail,
      Effect.catchTag("FileError", (error) => Effect.fail(Failure.unusable(error)))
    )
    const elapsedMs = Math.round(Duration.toMillis(elapsed))
    const { network } = found
    yield* json
      ? Json.print({
        network,
        added,
        skipped,
        height: tip.height,
        hash: tip.hash,
        seconds: elapsedMs / 1_000,
        elapsedMs,
        error: error === undefined ? undefined : errorOf(error)
      })
      : say(fields([
        ["network", network],
        [
          "added",
          `${added} blocks in ${(elapsedMs / 1_000).toFixed(1)} s${skipped === 0 ? "" : `, ${skipped} were there`}`
        ],
        ["height", String(tip.height)],
        ["tip", tip.hash]
      ]))
    if (error !== undefined) {
      return yield* Failure.failed(error.message, `the blocks before it were stored, up to height ${tip.height}`)
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Verify the blocks of a file and store them. If a block is bad or the file is cut short, the blocks before it are kept and the exit code is 1"
  ),
  Command.withExamples([
    {
      command: "timemesh chain import blocks --network testnet --data-dir /var/lib/timemesh",
      description: "From a file that chain export made"
    }
  ])
)
