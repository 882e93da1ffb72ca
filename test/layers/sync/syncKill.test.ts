import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { rounds } from "../../harness/syncKill.ts"

/** Another seed each day; the failure's message names it. */
const seed = Effect.map(Clock.currentTimeMillis, (ms) => Math.floor(ms / 86_400_000))

describe("sync", () => {
  it.live(
    "killed at any moment, leaves a valid prefix and completes the next time (10 rounds)",
    () =>
      Effect.flatMap(seed, (day) => rounds(10, day)).pipe(
        Effect.map(({ moved }) => assert.isAbove(moved, 3)),
        Effect.provide(NodeServices.layer)
      )
  )
})
