/** Facts of the node's process that the admin API shows: a reference that `run` fills. */
import { Context } from "effect"
import type { EffectiveSetting } from "../config/effectiveSettings.ts"

export interface NodeFacts {
  /** `undefined`: the node stores nothing on disk. */
  readonly dataDir: string | undefined
  readonly settings: ReadonlyArray<EffectiveSetting>
}

export const NodeFacts = Context.Reference<NodeFacts>("timemesh/layers/http/NodeFacts", {
  defaultValue: () => ({ dataDir: undefined, settings: [] })
})
