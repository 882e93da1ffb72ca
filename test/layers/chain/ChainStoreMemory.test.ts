import { describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as ChainStoreMemory from "../../../src/layers/chain/ChainStoreMemory.ts"
import { ChainStore } from "../../../src/services/ChainStore.ts"
import { genesis } from "../../harness/chainBlocks.ts"
import { cases, longCases } from "../../harness/chainStoreContract.ts"
import { long } from "../../harness/long.ts"

const open = Effect.map(Layer.build(ChainStoreMemory.layer({ genesis })), Context.get(ChainStore))

describe("ChainStoreMemory", () => {
  for (const [name, body] of Object.entries(cases)) {
    it.effect(name, () => Effect.scoped(body({ open, keeps: false })), longCases.has(name) ? long : {})
  }
})
