/** How one node is set up: complete and valid. Built from flags, environment and file, or by an embedder. */
import { Context, Schema } from "effect"
import type { NodeSetup } from "../domain/NodeSetup.ts"
import * as Problem from "../domain/Problem.ts"
import { defaults } from "../domain/Tuning.ts"

export type { NodeSetup } from "../domain/NodeSetup.ts"
export type { Tuning } from "../domain/Tuning.ts"

/** The defaults of `domain/Limits.ts`. */
export const defaultTuning = defaults

/**
 * The set-up breaks a rule of `domain/NodeSetup`, so no node is built from it. `field` is the path to the value, such as `peers[2]` or
 * `tuning.deadMs`.
 */
export class NodeSetupError extends Schema.TaggedError<NodeSetupError>()("NodeSetupError", {
  field: Schema.String,
  input: Schema.optional(Schema.String),
  problem: Schema.String,
  fix: Schema.String
}) {
  get what() {
    const input = this.input === undefined ? "" : `"${this.input}" `
    return `node set-up, ${this.field}: ${input}${this.problem}`
  }
  override get message() {
    return Problem.text(this)
  }
}

/** The set-up of this node. */
export class NodeConfig extends Context.Service<NodeConfig, NodeSetup>()("timemesh/services/NodeConfig") {}
