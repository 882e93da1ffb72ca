import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { reorganisation } from "../../harness/branchKill.ts"
import { rounds } from "../../harness/chainStoreKill.ts"

/** Another seed each day; the failure's message names it. */
const seed = Effect.map(Clock.currentTimeMillis, (ms) => Math.floor(ms / 86_400_000))

describe("ChainStoreSql", () => {
  it.live(
    "killed at any moment, opens at a valid chain (20 rounds)",
    () =>
      Effect.flatMap(seed, (day) => rounds(20, day)).pipe(
        Effect.map(({ changes }) => assert.isAbove(changes, 5)),
        Effect.provide(NodeServices.layer)
      )
  )

  // The deep ones are staged in parts of more than one batch. `node test/harness/branchKill.ts` kills at every statement, and up to 12,000 deep.
  for (
    const [depth, step, moment] of [
      [100, 5, "before"],
      [300, 6, "while"],
      [4_200, 11, "while"],
      [4_200, 12, "before"]
    ] as const
  ) {
    it.live(
      `killed ${moment} a statement of a reorganisation of ${depth} blocks, has the whole old chain or the whole new one`,
      () =>
        reorganisation(depth, step, moment).pipe(
          Effect.map(({ adopted, old }) => assert.isAbove(adopted + old, 1)),
          Effect.provide(NodeServices.layer)
        )
    )
  }
})
