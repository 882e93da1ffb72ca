/** `timemesh chain import`: takes the blocks of a file into a stored chain. */
import { Clock, Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as ChainImport from "../../layers/chain/tools/ChainImport.ts"
import * as Failure from "../Failure.ts"
import { fields } from "../table.ts"
import * as target from "./target.ts"

const nothing = { added: 0, skipped: 0, height: null, hash: null, seconds: 0 }

const errorOf = ({ detail, height, network, offset }: ChainImport.ImportError) => ({
  height,
  offset,
  detail,
  network: network ?? null
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
    const source = yield* Effect.mapError(
      ChainImport.open(found.params, from),
      (error) => Failure.unusable(error.message)
    )
    const { foreign } = source
    if (foreign !== undefined) {
      if (json) yield* Console.log(JSON.stringify({ ...nothing, network: found.network, error: errorOf(foreign) }))
      return yield* Failure.failed(foreign.message)
    }
    const startedAt = yield* Clock.currentTimeMillis
    const { added, error, skipped, tip } = yield* ChainImport.importFrom(found.params, source).pipe(
      target.withStore(found),
      target.orFail,
      Effect.catchTag("FileError", (error) => Effect.fail(Failure.unusable(error.message)))
    )
    const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1_000
    const { network } = found
    yield* Console.log(
      json
        ? JSON.stringify({
          network,
          added,
          skipped,
          height: tip.height,
          hash: tip.hash,
          seconds,
          error: error === undefined ? null : errorOf(error)
        })
        : fields([
          ["network", network],
          ["added", `${added} blocks in ${seconds.toFixed(1)} s${skipped === 0 ? "" : `, ${skipped} were there`}`],
          ["height", String(tip.height)],
          ["tip", tip.hash]
        ])
    )
    if (error !== undefined) {
      return yield* Failure.failed(`${error.message}; the blocks before it were stored, up to height ${tip.height}`)
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Verify the blocks of a file and store them. If a block is bad or the file is cut short, the blocks before it are kept and the exit code is 1"
  )
)
