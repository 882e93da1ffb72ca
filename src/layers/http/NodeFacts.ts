/** What the admin API shows of the process that runs the node: a reference that `run` fills. */
import { Context } from "effect"
import type { EffectiveSetting } from "../config/effectiveSettings.ts"

export interface NodeFacts {
  /** `undefined`: the node keeps nothing on disk. */
  readonly dataDir: string | undefined
  readonly settings: ReadonlyArray<EffectiveSetting>
}

export const NodeFacts = Context.Reference<NodeFacts>("timemesh/layers/http/NodeFacts", {
  defaultValue: () => ({ dataDir: undefined, settings: [] })
})
