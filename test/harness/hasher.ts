/** The production hash functions, for tests that are not Effects. */
import { Effect } from "effect"
import type { Hasher } from "../../src/domain/chain/Hasher.ts"
import { make } from "../../src/layers/chain/HasherLive.ts"

export const hasher: Hasher = await Effect.runPromise(make)
