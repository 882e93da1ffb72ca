/** The shape of a workload: what each of the two processes does. The same for every implementation. */
import type { Implementation } from "../impl/Implementation.ts"
import type { Measured, Options, Peer } from "../lib/Peer.ts"

type Role = (implementation: Implementation, peer: Peer, options: Options) => Promise<Measured | undefined>

/** Without `client`, one process does it all. */
export interface Workload {
  readonly server: Role
  readonly client?: Role
}
