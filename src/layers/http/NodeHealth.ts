/** The node's verdict, derived from its reports: the same one for `status`, `/health/ready` and supervisors. */
import { Effect, Option } from "effect"
import * as NodeVerdict from "../../domain/NodeVerdict.ts"
import type * as Explanation from "../../domain/peer/Explanation.ts"
import type { OwnReport } from "../../domain/peer/OwnAddressText.ts"
import * as PeerSummary from "../../domain/peer/PeerSummary.ts"
import { PeerState } from "../../services/PeerState.ts"
import type { SyncReport } from "../../services/Sync.ts"
import type { Verdict } from "./HealthApi.ts"
import { syncReport } from "./optionalReports.ts"

/** The verdict in the API's shape. */
export const toApi = ({ isOk, isReady, problems, text }: NodeVerdict.NodeVerdict): Verdict => ({
  ok: isOk,
  ready: isReady,
  text,
  problems
})

/** The part shared by every answer about the node. */
export interface Health {
  readonly rows: ReadonlyArray<Explanation.Row>
  readonly peers: PeerSummary.PeerSummary
  readonly sync: SyncReport | undefined
  readonly own: OwnReport
  readonly verdict: NodeVerdict.NodeVerdict
}

/** Reads all reports in one turn of the event loop, so that they are consistent. */
export const make: Effect.Effect<Effect.Effect<Health>, never, PeerState> = Effect.gen(function*() {
  const state = yield* PeerState
  const report = yield* syncReport
  return Effect.gen(function*() {
    const sync = Option.getOrUndefined(yield* report)
    const clocks = new Map(sync?.peers.map(({ clockBehindS, ip }) => [ip, clockBehindS]))
    const rows = yield* state.explained((ip) => clocks.get(ip))
    const peers = PeerSummary.of(rows)
    const up = rows.flatMap(({ record }) => record?.connection ?? [])
    const inbound = up.filter(({ direction }) => direction === "inbound").length
    const own = yield* state.own
    const verdict = NodeVerdict.of({
      peers,
      inbound,
      outbound: up.length - inbound,
      chain: sync === undefined
        ? undefined
        : { height: sync.tip.height, target: sync.target, synced: sync.synced, halted: sync.halted },
      book: yield* state.unsaved,
      notices: own.notices
    })
    return { rows, peers, sync, own, verdict }
  })
})
