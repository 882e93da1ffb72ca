/** An invalid setting: where it was given, the value, what is wrong, and the fix. */
import { Data } from "effect"
import * as Problem from "../../domain/Problem.ts"

export class ConfigError extends Data.TaggedError("ConfigError")<{
  /** As the operator wrote it: `--listen`, `TIMEMESH_LISTEN`, `listen in /etc/timemesh.json`. */
  readonly where: string
  /** The value as given; absent when the problem is not one value. */
  readonly input?: string | undefined
  /** What is wrong, as the predicate of the input: `is not an address`. */
  readonly problem: string
  /** The fix, in the imperative. */
  readonly fix: string
}> {
  get what() {
    const input = this.input === undefined ? "" : `"${this.input}" `
    return `${this.where}: ${input}${this.problem}`
  }
  override get message() {
    return Problem.text(this)
  }
}
