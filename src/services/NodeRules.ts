/**
 * The rules of a node that a program may replace: a reference that defaults to the protocol's own. The simulation substitutes wrong rules
 * to show that it detects them (`simulation/Mutant`). A node with other rules does not belong to the network.
 */
import { Context } from "effect"
import * as MasternodeReport from "../domain/masternode/MasternodeReport.ts"
import * as Handshake from "../domain/pair/Handshake.ts"
import * as Pair from "../domain/pair/Pair.ts"
import * as TimePair from "../domain/pair/TimePair.ts"
import * as TieBreak from "../domain/peer/TieBreak.ts"

export interface NodeRules {
  /** One step of a pair's machine. */
  readonly pairStep: Pair.Step
  /** The same for a pair with a daemon of the TIME network. */
  readonly timePairStep: TimePair.Step
  /** The checks of a peer's Hello. */
  readonly checkHello: typeof Handshake.check
  /** Which of two addresses is the lower peer. */
  readonly rank: typeof TieBreak.rank
  /** Whether a ping is answered while this many bytes wait for the peer. */
  readonly answersPing: (queuedBytes: number) => boolean
  /** Whether inbound connections are rate-limited (`InboundRates`). */
  readonly limitsInbound: boolean
  /** Derives the report from a registry of masternodes. */
  readonly reportMasternodes: typeof MasternodeReport.report
  /** The id of the n-th end of this process. */
  readonly endId: (n: number) => number
  /** Whether a node that stops cancels its alarm. */
  readonly cancelsAlarm: boolean
}

/** The rules of docs/PROTOCOL.md. */
export const protocolRules: NodeRules = {
  pairStep: Pair.step,
  timePairStep: TimePair.step,
  checkHello: Handshake.check,
  rank: TieBreak.rank,
  answersPing: () => true,
  limitsInbound: true,
  reportMasternodes: MasternodeReport.report,
  endId: (n) => n,
  cancelsAlarm: true
}

export const NodeRules: Context.Reference<NodeRules> = Context.Reference("timemesh/services/NodeRules", {
  defaultValue: () => protocolRules
})
