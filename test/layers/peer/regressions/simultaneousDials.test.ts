/** Two peers that dial one another at the same instant: whatever the delays of the network are, one connection. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import { assertConnected, downs, onMesh } from "../../../harness/mesh.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"

describe("simultaneous dials", () => {
  it.effect(
    "simultaneous dial at the same instant, 250 seeds: exactly one connection, never a Down",
    () =>
      Effect.gen(function*() {
        for (let seed = 0; seed < 250; seed++) {
          const context = `seed ${seed}`
          yield* Effect.gen(function*() {
            yield* onMesh(20, ({ network, start }) =>
              Effect.gen(function*() {
                yield* network.setDefaults({ jitter: 100 })
                // Neither waits for the other: both ranks unknown, both dial at the very same time.
                const tuning = { fallbackFirstMs: 500, fallbackFirstJitterMs: 0 }
                const a = yield* start(L, { listen: "any", peers: [H], tuning })
                const b = yield* start(H, { listen: "any", peers: [L], tuning })
                yield* TestClock.adjust("10 seconds")
                yield* assertConnected(a, L, b, H)
                assert.deepStrictEqual([downs(a), downs(b)], [[], []], context)
              }))
          }).pipe(
            Random.withSeed(`simultaneous-${seed}`),
            Effect.tapCause(() => Effect.sync(() => assert.fail(`failed with ${context}`)))
          )
        }
      })
  )
})
