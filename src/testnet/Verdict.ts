/** The verdict on a testnet run, in the form that `--json` prints. Pure. */
import * as Limits from "../domain/Limits.ts"
import * as PairAgreement from "../domain/pair/PairAgreement.ts"
import type { Peers } from "../layers/http/PeerApi.ts"
import * as ChainVerdict from "./ChainVerdict.ts"
import type { Account, Asked, Cut, Kill, NodeEvents } from "./Facts.ts"
import * as Mixed from "./Mixed.ts"
import type { History, UnexpectedDown } from "./Replay.ts"

/** Whole numbers. */
interface Percentiles {
  readonly p50: number | null
  readonly p99: number | null
}

interface ByDirection {
  readonly inbound: number
  readonly outbound: number
}

interface Traffic {
  readonly sent: ByDirection
  readonly received: ByDirection
}

export interface Verdict extends ChainVerdict.ChainVerdict {
  readonly nodes: number
  /** N(N−1)/2. */
  readonly pairs: number
  /** Pairs whose ends both list the same socket at the end, by the initiator's `IP:port`. */
  readonly connected: number
  /** Once-a-second samples in which an end had two connections up or listed a peer twice, and double Ups in the logs. */
  readonly duplicates: number
  /** Samples taken of single nodes. */
  readonly samples: number
  /** From the last node listening until every pair was connected; `null`: never. */
  readonly settledMs: number | null
  /** All dials until then, per pair. */
  readonly dialsPerPair: number
  /** Connections that went down without a kill of either end and before the final stop. */
  readonly unexpectedDowns: number
  readonly unexpectedDownsDetail: ReadonlyArray<UnexpectedDown>
  /** Sums over the processes alive at the end, by direction of the connection. */
  readonly pings: Traffic
  readonly pongs: Traffic
  /** Connections at the end with fewer pongs received than pings sent minus one. */
  readonly unansweredConnections: number
  /** Of all pongs in all logs; `null` if there are none. */
  readonly rttMs: Percentiles
  readonly rttMicros: Percentiles
  readonly kills: number
  /** Per kill, from the respawn until every pair was connected again; `null`: never. */
  readonly recoveriesMs: ReadonlyArray<number | null>
  /** With daemons of the TIME network; `null` without any. */
  readonly mixed: Mixed.MixedVerdict | null
  /** Processes that ended by themselves. */
  readonly crashes: number
  /** Directory of logs and data. */
  readonly directory: string
  /** Failed checks, in words. */
  readonly problems: ReadonlyArray<string>
  readonly ok: boolean
}

/** How often a report lists a peer twice or counts more connections than it lists. */
export const isDuplicate = (peers: Peers): boolean =>
  new Set(peers.peers.map((peer) => peer.ip)).size !== peers.peers.length ||
  peers.open > peers.peers.filter((peer) => peer.connection !== undefined).length

/** Pairs whose ends both list the same socket. */
export const connectedPairs = (accounts: ReadonlyArray<Account>): number => {
  const listed = accounts.map(({ ip, peers }) => ({
    ip,
    sockets: new Map(
      (peers?.peers ?? []).flatMap((peer) =>
        peer.connection === undefined ? [] : [[peer.ip, peer.connection.socket] as const]
      )
    )
  }))
  return PairAgreement.pairs(accounts.length) - PairAgreement.disagreements(listed).length
}

const sum = (accounts: ReadonlyArray<Account>, what: "pings" | "pongs"): Traffic => {
  const total = (way: "sent" | "received", direction: "inbound" | "outbound") =>
    accounts.reduce((count, { status }) => count + (status?.stats[what][way][direction] ?? 0), 0)
  return {
    sent: { inbound: total("sent", "inbound"), outbound: total("sent", "outbound") },
    received: { inbound: total("received", "inbound"), outbound: total("received", "outbound") }
  }
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

/** Nearest-rank percentile of an ascending list. */
const percentile = (ascending: ReadonlyArray<number>, part: number): number | null => {
  const value = ascending[Math.max(0, Math.ceil(ascending.length * part) - 1)]
  return value === undefined ? null : value
}

/** `per`: units per ms. */
const percentiles = (ascending: ReadonlyArray<number>, per: number): Percentiles => {
  const at = (part: number): number | null => {
    const value = percentile(ascending, part)
    return value === null ? null : Math.round(value * per)
  }
  return { p50: at(0.5), p99: at(0.99) }
}

export const judge = (given: {
  readonly accounts: ReadonlyArray<Account>
  readonly history: History
  readonly kills: ReadonlyArray<Kill>
  readonly samples: number
  readonly duplicateSamples: number
  readonly crashes: number
  readonly directory: string
  readonly nodes: ReadonlyArray<NodeEvents>
  readonly asked: Asked
  readonly cut: Cut | undefined
  readonly daemons?: ReadonlyArray<Mixed.DaemonAccount> | undefined
  readonly partitionSeconds: number | undefined
}): Verdict => {
  const { accounts, crashes, history, kills } = given
  const nodes = accounts.length
  const pairs = PairAgreement.pairs(nodes)
  const connected = connectedPairs(accounts)
  const duplicates = given.duplicateSamples + history.doubleUps
  const connections = accounts.flatMap(({ peers }) => peers?.peers ?? []).flatMap(({ connection }) =>
    connection === undefined ? [] : [connection]
  )
  const unanswered = connections.filter(({ pings, pongs }) => pongs.received < pings.sent - 1).length
  const recoveries = history.recoveriesMs.map((ms) => ms ?? null)
  const silent = accounts.filter(({ peers, status }) => peers === undefined || status === undefined)
  const { problems: chainProblems, ...chain } = ChainVerdict.judge({ ...given, reconnectedMs: history.reconnectedMs })
  const { problems: mixedProblems, ...mixed } = Mixed.judge(accounts, given.daemons ?? [])
  const problems = [
    ...(given.samples < nodes ? [`only ${given.samples} samples of ${nodes} nodes were taken`] : []),
    ...silent.map(({ ip }) => `${ip} did not answer at the end`),
    ...(connected < pairs ? [`${pairs - connected} of ${pairs} pairs are not connected`] : []),
    ...(duplicates > 0 ? [`${duplicates} duplicate connections seen`] : []),
    ...(history.settledMs === undefined ? ["the pairs were never all connected"] : []),
    ...(history.unexpectedDowns.length > 0
      ? [`${history.unexpectedDowns.length} connections went down unexpectedly`]
      : []),
    ...(unanswered > 0 ? [`pings stayed unanswered on ${unanswered} connections`] : []),
    ...(recoveries.some((ms) => ms === null || ms > Limits.testnetRecoveryMs)
      ? [`a killed node was not whole again within ${Limits.testnetRecoveryMs / 1_000} s`]
      : []),
    ...(crashes > 0 ? [`${crashes} nodes ended by themselves`] : []),
    ...chainProblems,
    ...(given.daemons === undefined ? [] : mixedProblems)
  ]
  return {
    nodes,
    pairs,
    connected,
    duplicates,
    samples: given.samples,
    settledMs: history.settledMs ?? null,
    dialsPerPair: rounded(history.dialsUntilSettled / pairs),
    unexpectedDowns: history.unexpectedDowns.length,
    unexpectedDownsDetail: history.unexpectedDowns.slice(0, Limits.testnetDownsShown),
    pings: sum(accounts, "pings"),
    pongs: sum(accounts, "pongs"),
    unansweredConnections: unanswered,
    rttMs: percentiles(history.rttMs, 1),
    rttMicros: percentiles(history.rttMs, 1_000),
    kills: kills.length,
    recoveriesMs: recoveries,
    ...chain,
    mixed: given.daemons === undefined ? null : mixed,
    crashes,
    directory: given.directory,
    problems,
    ok: problems.length === 0
  }
}

/** The verdict on an interrupted run: without full observation it cannot be OK. */
export const interrupted = (verdict: Verdict, afterSeconds: number, seconds: number): Verdict => ({
  ...verdict,
  problems: [`interrupted after ${Math.round(afterSeconds)} of ${seconds} s`, ...verdict.problems],
  ok: false
})
