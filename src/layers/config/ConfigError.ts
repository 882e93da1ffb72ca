/** A setting that cannot be used: says where it was given, what was given, what is wrong and what to write instead. */
import { Data } from "effect"

export class ConfigError extends Data.TaggedError("ConfigError")<{
  /** As the operator wrote it: `--listen`, `TIMEMESH_LISTEN`, `listen in /etc/timemesh.json`. */
  readonly where: string
  /** The text given; absent when the problem is not one value. */
  readonly input?: string | undefined
  /** What is wrong, to be read after the input: `is not an address`. */
  readonly problem: string
  /** What to do, as an imperative. */
  readonly fix: string
}> {
  override get message() {
    const input = this.input === undefined ? "" : `"${this.input}" `
    return `${this.where}: ${input}${this.problem}; ${this.fix}`
  }
}
