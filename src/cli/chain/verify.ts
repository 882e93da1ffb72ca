/** `timemesh chain verify`: reads every block of a stored chain and checks all rules. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import * as ChainDatabase from "../../layers/chain/ChainDatabase.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import { fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as target from "./target.ts"

/** The command that repairs the chain and keeps every good block. */
const repairing = (good: number): string => `timemesh chain rewind ${good}`

export const command = Command.make(
  "verify",
  target.where,
  Effect.fnUntraced(function*({ json, ...where }) {
    const { filename: file, network, params } = yield* target.locate(where)
    const says = yield* ChainDatabase.networkIn(file)
    if (says !== undefined && says !== network) {
      return yield* Failure.unusable(`${file} holds the ${says} chain, not ${network}'s`, `say --network ${says}`)
    }
    const { checkFile } = yield* Effect.promise(() => import("../../layers/chain/tools/ChainCheck.ts"))
    const { bad, blocks, good } = yield* target.orFail(checkFile(params, file))
    const ok = bad === undefined
    const height = good?.height
    const repair = ok ? undefined : repairing(good?.height ?? 0)
    if (json) {
      yield* Json.print({
        ok,
        network,
        blocks,
        height,
        hash: good?.hash,
        bad: ok ? undefined : { height: bad.height, detail: bad.detail },
        repair,
        file
      })
    } else if (ok) {
      yield* say(fields([
        ["network", network],
        ["height", String(height)],
        ["tip", good?.hash ?? ""],
        ["verified", `${blocks} blocks, all good`]
      ]))
    }
    if (!ok) {
      return yield* Failure.failed(
        `${file} is damaged: ${bad.detail}`,
        `${height === undefined ? "no block" : `blocks 0 to ${height}`} can be kept, with: ${repair}`
      )
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Verify the bytes, hash, link and rules of every stored block. Exit code 1 if a block is bad"
  ),
  Command.withExamples([
    {
      command: "timemesh chain verify --data-dir /var/lib/timemesh",
      description: "All blocks; a bad one is named, with the command that repairs it"
    }
  ])
)
