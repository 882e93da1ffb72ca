/** Handlers for queries about the node and its peers. */
import { Clock, Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as MasternodeReport from "../../domain/masternode/MasternodeReport.ts"
import * as PairStory from "../../domain/pair/PairStory.ts"
import * as PairTraceFile from "../../domain/pair/PairTraceFile.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerSummary from "../../domain/peer/PeerSummary.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { NodeConfig, type NodeSetup } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerState } from "../../services/PeerState.ts"
import type { SyncReport } from "../../services/Sync.ts"
import { DroppedLines } from "../log/LogOutput.ts"
import { monotonicMs } from "../time/monotonicMs.ts"
import * as Api from "./AdminApi.ts"
import * as BanRequests from "./BanRequests.ts"
import { jsonAnswer } from "./jsonAnswer.ts"
import * as NodeHealth from "./NodeHealth.ts"
import { masternodeReport } from "./optionalReports.ts"
import * as PeerAnswers from "./PeerAnswers.ts"
import { NoTrace, Peers } from "./PeerApi.ts"

/** `IP`, or `IP:PORT` if the public port differs from the listen port. */
const advertised = ({ advertise, advertisePort }: NodeSetup): string | undefined =>
  advertise === undefined || advertisePort === undefined
    ? advertise
    : PeerAddress.format(PeerAddress.make(advertise, advertisePort))

const chainOf = ({ headers, line, peers, reorgs, synced, tip, waiting }: SyncReport): Api.Chain => ({
  height: tip.height,
  hash: tip.hash,
  headers,
  synced,
  line,
  reorgs,
  waiting,
  peers: peers.map((peer) => ({ ip: peer.ip, ...PeerAnswers.syncOf(peer) }))
})

const statusAnswer = jsonAnswer(Api.Status)
const peersAnswer = jsonAnswer(Peers)
const masternodesAnswer = jsonAnswer(Api.Masternodes)

/** `startedAt`: monotonic ms of the start. */
export const layer = (startedAt: number) =>
  HttpApiBuilder.group(
    Api.AdminApi,
    "node",
    Effect.fnUntraced(function*(handlers) {
      const state = yield* PeerState
      const manager = yield* ConnectionManager
      const events = yield* NodeEvents
      const config = yield* NodeConfig
      const droppedLines = yield* DroppedLines
      const health = yield* NodeHealth.make
      const { syncPeers, why } = yield* PeerAnswers.make
      const masternodes = yield* masternodeReport
      const traceOf = Effect.fnUntraced(function*(text: string) {
        const ip = yield* PeerAnswers.readIp(text)
        const trace = yield* state.trace(ip)
        if (Option.isSome(trace)) return trace.value
        return yield* new NoTrace({ message: `nothing has happened between this node and ${ip}; ask why instead` })
      })
      return handlers.handleAll({
        status: () =>
          Effect.gen(function*() {
            const { own, peers, rows, sync, verdict } = yield* health
            const { apart, connected, known, missing, sentence, troubled } = peers
            const now = yield* Clock.currentTimeMillis
            const uptimeMs = Math.round((yield* monotonicMs) - startedAt)
            const stats = yield* events.stats
            return statusAnswer({
              network: config.network.name,
              listen: PeerAddress.format(manager.address),
              advertise: advertised(config),
              own,
              software: config.software,
              pid: process.pid,
              startedAt: now - uptimeMs,
              uptimeMs,
              known,
              connected,
              ...(missing.length === 0 ? {} : { missing }),
              ...(Object.keys(troubled).length === 0 ? {} : { troubled }),
              ...(Object.keys(apart).length === 0 ? {} : { apart }),
              ...(connected === 0 ? {} : { links: PeerSummary.links(rows) }),
              verdict: NodeHealth.toApi(verdict),
              state: sentence,
              chain: sync === undefined ? undefined : chainOf(sync),
              masternodes: Option.getOrUndefined(yield* masternodes)?.counts,
              logLinesDropped: droppedLines(),
              stats: { ...stats, maxLagMs: Math.round(stats.maxLagMs), lagMs: Math.round(stats.lagMs) }
            })
          }),
        peers: () =>
          Effect.gen(function*() {
            const at = yield* Clock.currentTimeMillis
            const stats = yield* events.stats
            const syncing = yield* syncPeers
            const rows = yield* state.explained((ip) => syncing.get(ip)?.clockBehindS)
            const peers = rows.flatMap(({ cause, fix, ip, record, situation }) => {
              if (record === undefined) return []
              const sync = syncing.get(ip)
              return [{
                ...PeerAnswers.rowOf(record),
                situation,
                cause,
                fix,
                sync: sync === undefined ? undefined : PeerAnswers.syncOf(sync)
              }]
            })
            return peersAnswer({ at, open: stats.ups - stats.downs, peers })
          }),
        masternodes: () =>
          Effect.gen(function*() {
            const found = yield* masternodes
            if (Option.isNone(found)) {
              return yield* new Api.NoMasternodes({ message: "this node keeps no registry of masternodes" })
            }
            const { conflicts, counts, masternodes: rows } = found.value
            const at = yield* Clock.currentTimeMillis
            return masternodesAnswer({
              at,
              counts,
              masternodes: rows,
              conflicts: conflicts.map(MasternodeReport.describeConflict)
            })
          }),
        why: ({ params }) => Effect.flatMap(PeerAnswers.readIp(params.ip), why),
        trace: ({ params }) => Effect.map(traceOf(params.ip), PairTraceFile.of),
        story: ({ params }) =>
          Effect.map(traceOf(params.ip), (trace) => ({ ip: trace.ip, lines: PairStory.lines(trace) })),
        bans: () =>
          Effect.gen(function*() {
            return { at: yield* Clock.currentTimeMillis, bans: (yield* manager.bans).map(BanRequests.asAnswered) }
          })
      })
    })
  )
