/** `timemesh chain rewind`: keeps a stored chain up to a height, and repairs a damaged one. */
import { Clock, Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { storeOptions } from "../../layers/chain/ChainDatabase.ts"
import { ChainStore } from "../../services/ChainStore.ts"
import type { Tip } from "../../services/ChainStore.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import { fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as target from "./target.ts"

interface Rewound {
  readonly tip: Tip
  /** Blocks dropped; `null` if the old chain could not be counted. */
  readonly removed: number | null
  /** New location of the damaged database. */
  readonly aside: string | null
}

const rewind = (height: number) =>
  Effect.gen(function*() {
    const store = yield* ChainStore
    const before = yield* store.tip
    if (height > before.height) {
      return yield* Failure.unusable(`there is no height ${height}: the chain has 0 to ${before.height}`)
    }
    const tip = yield* store.append(height, [])
    const rewound: Rewound = { tip, removed: before.height - tip.height, aside: null }
    return rewound
  })

/** Writes the good blocks into a new database. */
const repair = ({ filename, network, params }: target.Target, height: number) =>
  Effect.gen(function*() {
    const [HasherLive, ChainCheck, ChainRepair] = yield* Effect.promise(() =>
      Promise.all([
        import("../../layers/chain/HasherLive.ts"),
        import("../../layers/chain/tools/ChainCheck.ts"),
        import("../../layers/chain/tools/ChainRepair.ts")
      ])
    )
    const check = ChainCheck.makeChecker(params, yield* HasherLive.make)
    const now = yield* Clock.currentTimeMillis
    const { aside, tip } = yield* ChainRepair.repair({
      filename,
      ...storeOptions(network),
      height,
      restored: (block) => {
        const verdict = check(block, now)
        return verdict._tag === "Good" ? verdict.block : undefined
      }
    })
    const rewound: Rewound = { tip, removed: null, aside }
    return rewound
  })

export const command = Command.make(
  "rewind",
  {
    ...target.where,
    height: Argument.Int("height").pipe(Argument.withDescription("Height of the last block to keep"))
  },
  Effect.fnUntraced(function*({ height, json, ...where }) {
    if (height < 0) return yield* Failure.unusable(`"${height}" is not a height`, "use 0 or more")
    const found = yield* target.locate(where)
    const { aside, removed, tip } = yield* rewind(height).pipe(
      target.withStore(found),
      Effect.catchIf(
        (error) => error._tag === "ChainStoreError" && error.reason._tag === "Damaged",
        () => repair(found, height)
      ),
      target.orFail
    )
    const { network } = found
    yield* json
      ? Json.print({ network, height: tip.height, hash: tip.hash, removed, aside })
      : say(fields([
        ["network", network],
        ["height", String(tip.height)],
        ["tip", tip.hash],
        ...Option.toArray(Option.fromNullishOr(removed)).map((n) => ["removed", `${n} blocks`] as const),
        ...Option.toArray(Option.fromNullishOr(aside)).map((file) =>
          ["repaired", `the damaged one is ${file}`] as const
        ),
        ...(tip.height < height ? [["note", `block ${tip.height + 1} cannot be had`] as const] : [])
      ]))
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Drop all blocks above a height. A damaged database is moved aside and its intact blocks are copied into a new one"
  ),
  Command.withExamples([
    { command: "timemesh chain rewind 1999", description: "Keep blocks 0 to 1999" },
    {
      command: "timemesh chain rewind 1999 --data-dir /var/lib/timemesh",
      description: "As chain verify advises after damage"
    }
  ])
)
