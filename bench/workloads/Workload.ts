/** The work that is measured, the same for every implementation. */
import type { Implementation } from "../impl/Implementation.ts"
import type { Measured, Options, Peer } from "../lib/Peer.ts"
import { flat } from "./flat.ts"
import { heap } from "./heap.ts"
import { mesh } from "./mesh.ts"
import { bulk, messages } from "./oneWay.ts"
import { rtt } from "./rtt.ts"
import { sync } from "./sync.ts"

type Role = (implementation: Implementation, peer: Peer, options: Options) => Promise<Measured | undefined>

/** Without `client`, one process does it all. */
export interface Workload {
  readonly server: Role
  readonly client?: Role
}

export const workloads: Readonly<Record<string, Workload>> = { messages, bulk, rtt, mesh, heap, flat, sync }
