/** Many nodes in one process on real loopback sockets, until every pair is connected. */
import type { Workload } from "./Workload.ts"

export const mesh: Workload = {
  server: async (implementation, _peer, options) => {
    const { settleMs, pairs, dials, duplicates } = await implementation.mesh(options.nodes)
    return { settleMs, dialsPerPair: dials / pairs, duplicates }
  }
}
