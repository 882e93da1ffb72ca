/** `PeerState` from the peer table: snapshots, changes, traces, and the answer to "why". */
import { Effect, Iterable, Layer, Option } from "effect"
import type { Queues } from "../../domain/metrics/Counts.ts"
import { addressProblem, type NodeSetup } from "../../domain/NodeSetup.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type * as PairTrace from "../../domain/pair/PairTrace.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import * as Explanation from "../../domain/peer/Explanation.ts"
import * as OwnAddress from "../../domain/peer/OwnAddress.ts"
import * as OwnAddressText from "../../domain/peer/OwnAddressText.ts"
import type { OwnReport } from "../../domain/peer/OwnAddressText.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../domain/peer/PeerRecord.ts"
import * as Reach from "../../domain/peer/Reach.ts"
import type * as Situation from "../../domain/peer/Situation.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import { PeerState } from "../../services/PeerState.ts"
import * as OwnAddressWatch from "./OwnAddressWatch.ts"
import type { Peer } from "./Peer.ts"
import { PeerTable } from "./PeerTable.ts"

/** Before the node listens. */
const noQueues: Queues = { unidentified: 0, dialling: 0, dials: 0, application: 0 }

/** What the reports are made from. */
interface View {
  readonly table: PeerTable["Service"]
  readonly setup: NodeSetup
  readonly sockets: PeerSocket["Service"]
}

const sorted = ({ table }: View, which: (peer: Peer) => boolean): ReadonlyArray<Peer> =>
  [...table.peers()].filter(which).toSorted((a, b) => a.sortKey < b.sortKey ? -1 : 1)

const records = (view: View, which: (peer: Peer) => boolean) =>
  Effect.sync(() => sorted(view, which).map(view.table.record))

const recordOf = ({ table }: View, ip: PeerIp): PeerRecord | undefined => {
  const peer = table.get(ip)
  return peer === undefined ? undefined : table.record(peer)
}

/** How many connections are up, and which of our addresses peers see. Nothing proves such an address, so most netgroups must agree. */
const whole = ({ table }: View): { readonly ups: number; readonly seen: ReadonlyArray<PeerIp> } => {
  const all = [...OwnAddressWatch.observations(table.peers())]
  return { ups: all.length, seen: OwnAddress.count(all).filter(OwnAddress.isMajority).map(({ ip }) => ip) }
}

/** Whether a peer refuses this node because it is connected to another process at this address. */
const isTaken = ({ table }: View): boolean => {
  for (const { book, up } of table.peers()) {
    const reason = up === undefined ? BookEntry.last(book)?.reason : undefined
    if (reason?.reject === "in-use" && reason.by === "remote") return true
  }
  return false
}

const own = (view: View): OwnReport => {
  const { table } = view
  const now = table.now()
  const seen = table.own.view(OwnAddressWatch.observations(table.peers()), isTaken(view), now)
  return OwnAddressText.report(seen, {
    port: table.manager?.reachedAt ?? 0,
    failure: Reach.commonFailure(table.own.reach, now)
  })
}

/** What an operator should know about an own address that peers use. */
const gravest = (view: View, ip: PeerIp): { readonly cause: string; readonly fix?: string } | undefined => {
  const report = own(view)
  return report.ip === ip ? report.notices.findLast(({ fix }) => fix !== undefined) : undefined
}

const banOf = ({ table }: View, ip: PeerIp): Situation.BannedFact | undefined => {
  const at = table.now()
  const found = table.protection.bans.find(ip, at)
  return found && { by: found.by, forMs: found.until - at, reason: found.reason, subnet: found.subnet }
}

const factsOf = (
  view: View,
  ip: PeerIp,
  { seen, ups }: ReturnType<typeof whole>,
  clockBehindS: number | undefined
): Situation.Facts => {
  const { setup, sockets, table } = view
  const { maxPeers } = setup.tuning
  const how = table.own.how(ip) ??
    (table.get(ip)?.book.isSelf === true ? "dialled" : seen.includes(ip) ? "seen" : undefined)
  return {
    impossible: addressProblem(ip),
    own: how,
    ownNotice: how === undefined ? undefined : gravest(view, ip),
    movedTo: table.moved.get(ip),
    isIsolated: table.isolated.has(ip),
    banned: banOf(view, ip),
    pin: sockets.keyReport?.(ip),
    isInBook: table.manager?.book.get(ip) !== undefined,
    full: ups >= maxPeers ? maxPeers : undefined,
    familyMissing: table.own.lacksFamily(ip),
    isAlone: ups === 0,
    clockBehindS
  }
}

/** By the node's own clock, like the times in its row, not the caller's. */
const explain = (view: View, ip: PeerIp, clockBehindS: number | undefined): Explanation.Explanation => {
  const { setup, table } = view
  const at = table.now()
  const lines = table.protection.ledger.get(ip)?.lines ?? []
  const offences = lines.map(({ at: since, detail, kind, times }) => ({ kind, detail, times, agoMs: at - since }))
  const facts = factsOf(view, ip, whole(view), clockBehindS)
  return Explanation.explain(ip, recordOf(view, ip), facts, setup.network.port, table.nowMs(), offences)
}

const trace = ({ setup, table }: View, ip: PeerIp): PairTrace.PairTrace | undefined => {
  const kept = table.flights.of(ip)
  if (kept === undefined) return undefined
  const at = table.nowMs()
  const offset = at - table.now()
  return {
    ip,
    network: setup.network.name,
    software: setup.software,
    rule: Handshake.ruleVersion,
    at,
    earlier: kept.earlier,
    steps: kept.steps.map(({ actions, after, before, decisions, draw, event, ...step }) => {
      return { at: step.at + offset, before, event, draw, actions, after, decisions }
    })
  }
}

const make = Effect.gen(function*() {
  const table = yield* PeerTable
  const setup = yield* NodeConfig
  const view: View = { table, setup, sockets: yield* PeerSocket }
  return PeerState.of({
    peers: records(view, () => true),
    peer: (ip) => Effect.sync(() => Option.fromUndefinedOr(recordOf(view, ip))),
    connected: records(view, (peer) => peer.up !== undefined),
    changes: table.changes,
    own: Effect.sync(() => own(view)),
    book: (skip, count) =>
      Effect.sync(() => [...Iterable.take(Iterable.drop(table.manager?.book.entries() ?? [], skip), count)]),
    sizes: Effect.sync(() => ({
      book: { new: table.manager?.book.sizeOf("new") ?? 0, tried: table.manager?.book.sizeOf("tried") ?? 0 },
      tracedPairs: table.flights.pairs,
      traceBytes: table.flights.bytes
    })),
    unsaved: Effect.sync(() => table.unsaved),
    messages: Effect.sync(() => table.messages.counts),
    queues: Effect.sync(() => table.manager?.queues() ?? noQueues),
    trace: (ip) => Effect.sync(() => Option.fromUndefinedOr(trace(view, ip))),
    why: (ip, clockBehindS) => Effect.sync(() => explain(view, ip, clockBehindS)),
    explained: (clockBehindS = () => undefined) =>
      Effect.sync(() => {
        const [node, wallMs] = [whole(view), table.nowMs()]
        return sorted(view, () => true).map((peer) => {
          const facts = factsOf(view, peer.ip, node, clockBehindS(peer.ip))
          return Explanation.rowOf(peer.ip, table.record(peer), facts, setup.network.port, wallMs)
        })
      })
  })
})

/** A function, so that two nodes never share a layer. */
export const layer = (): Layer.Layer<PeerState, never, PeerTable | NodeConfig | PeerSocket> =>
  Layer.effect(PeerState, make)
