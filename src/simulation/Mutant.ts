/**
 * Deliberate defects that show that the simulator finds them: `timemesh simulate --mutant` and test/simulation. Each is one wrong rule in
 * place of the node's own (`services/NodeRules`), a wrong pace (`services/Cadence`), or the effect of a defect applied from outside.
 */
import { Layer, Schedule } from "effect"
import * as Limits from "../domain/Limits.ts"
import type { State, Tier } from "../domain/masternode/Masternode.ts"
import * as Registry from "../domain/masternode/MasternodeRegistry.ts"
import * as MasternodeReport from "../domain/masternode/MasternodeReport.ts"
import * as Handshake from "../domain/pair/Handshake.ts"
import * as Pair from "../domain/pair/Pair.ts"
import * as PairRules from "../domain/pair/PairRules.ts"
import * as TimePair from "../domain/pair/TimePair.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Pace } from "../services/Cadence.ts"
import { NodeRules, protocolRules } from "../services/NodeRules.ts"
import type { Mutant } from "./plan/Mutants.ts"

const rankAsText = (local: PeerIp, peer: PeerIp): "lower" | "higher" => local < peer ? "lower" : "higher"

/** The report with changed rows and new totals. */
const recounted = (
  report: MasternodeReport.MasternodeReport,
  rows: ReadonlyArray<MasternodeReport.MasternodeRow>
): MasternodeReport.MasternodeReport => {
  const count = (state: State) => {
    const of = (tier: Tier) => rows.filter((row) => row.state === state && row.tier === tier).length
    return { free: of("free"), bronze: of("bronze"), silver: of("silver"), gold: of("gold") }
  }
  const counts = { live: count("live"), known: count("known"), expired: count("expired") }
  return { ...report, masternodes: rows, counts }
}

/** Changes the state of rows. */
const withState =
  (state: (row: MasternodeReport.MasternodeRow) => State): NodeRules["reportMasternodes"] => (registry, now) => {
    const report = MasternodeReport.report(registry, now)
    return recounted(report, report.masternodes.flatMap((row) => [{ ...row, state: state(row) }]))
  }

const byAddress: NodeRules["reportMasternodes"] = (registry, now) => {
  const report = MasternodeReport.report(registry, now)
  return recounted(
    report,
    Registry.all(registry).flatMap((entry) => {
      const row = report.masternodes.find(({ key }) => key === Registry.keyOf(entry))
      return row === undefined
        ? []
        : [{ ...row, ip: Registry.ipOf(entry), state: MasternodeReport.stateOf(entry, now) }]
    })
  )
}

const wrong: Readonly<Partial<Record<Mutant, Partial<NodeRules>>>> = {
  "keep-oldest": { pairStep: Pair.make({ ...PairRules.production, keep: "oldest" }) },
  "older-session-kept": {
    timePairStep: TimePair.make({ ...TimePair.production, older: "keep", failedTakesAlong: false })
  },
  "timer-left": { cancelsAlarm: false },
  "ip-as-text": {
    rank: rankAsText,
    checkHello: (hello, context) => {
      const verdict = Handshake.check(hello, context)
      return verdict._tag === "Accepted" ? { ...verdict, role: rankAsText(verdict.self, context.remote) } : verdict
    }
  },
  "pong-dropped": { answersPing: (queuedBytes) => queuedBytes === 0 },
  "masternodes-by-address": { reportMasternodes: byAddress },
  "masternodes-stale": { reportMasternodes: withState(({ proof, state }) => proof === "proved" ? "live" : state) },
  "masternodes-by-one-netgroup": {
    reportMasternodes: withState(({ state, witnesses }) => witnesses > 0 ? "live" : state)
  },
  "id-reused": { endId: (n) => 1 + n % 32 },
  "genesis-unchecked": {
    checkHello: (hello, context) =>
      Handshake.check(hello, { ...context, local: { ...context.local, genesis: hello.genesis } })
  }
}

/** What a node with that defect uses instead of the protocol's rules. */
export const layer = (mutant: Mutant | undefined): Layer.Layer<never> =>
  mutant === undefined ? Layer.empty : Layer.succeed(NodeRules, { ...protocolRules, ...wrong[mutant] })

/** The pace of the node's heartbeat, with that defect or without. */
export const heartbeatPace = (mutant: Mutant | undefined): Pace => {
  const pace = Schedule.spaced(Limits.beatMs)
  return mutant === "pulse-by-wall-clock" ? Schedule.upTo(pace, { duration: "100 minutes" }) : pace
}
