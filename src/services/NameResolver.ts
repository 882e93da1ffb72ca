/**
 * Resolves the names of seeds. A reference: without a provided resolver, a node resolves no names, so tests and embedders touch no network
 * by accident.
 */
import { Context, Data, Effect } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"

/** The name has no addresses, or the look-up failed. `code`: the system's, such as `ENOTFOUND`. */
export class NameError extends Data.TaggedError("NameError")<{ readonly name: string; readonly code: string }> {
  override get message() {
    return `${this.name} does not resolve (${this.code})`
  }
}

export interface NameResolver {
  /** All addresses of the name, IPv4 and IPv6, at least one. Interruption abandons the look-up. */
  readonly resolve: (name: string) => Effect.Effect<ReadonlyArray<PeerIp>, NameError>
}

export const NameResolver: Context.Reference<NameResolver> = Context.Reference("timemesh/services/NameResolver", {
  defaultValue: (): NameResolver => ({
    resolve: (name) => Effect.fail(new NameError({ name, code: "no resolver" }))
  })
})
