import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
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
})
