/** Running totals of a node's events, for `NodeStats`. */
import * as DialFault from "../../domain/DialFault.ts"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { Histogram } from "../../domain/metrics/Histogram.ts"
import type { NodeEvent, NodeStats, Traffic } from "../../domain/NodeEvent.ts"
import type { Direction } from "../../domain/peer/PeerRecord.ts"

const byDirection = (): Record<Direction, number> => ({ inbound: 0, outbound: 0 })

const bump = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1
}

/** Reasons are a closed set, so its records stay small. */
export class EventTotals {
  private readonly downsByReason: Record<string, number> = {}
  private readonly refusedByReason: Record<string, number> = {}
  private readonly dialFaults: Record<string, number> = {}
  private readonly ended = { bytes: { sent: 0, received: 0 }, messages: { sent: 0, received: 0 } }
  private readonly roundTrips = new Histogram(Limits.rttBucketsMs)
  private readonly totals = {
    ups: 0,
    downs: 0,
    refused: 0,
    dials: 0,
    dialsFailed: 0,
    flaps: 0,
    blocksAdded: 0,
    acceptsFailed: 0,
    unknownFrames: 0,
    offences: 0,
    turnedAway: 0,
    evictions: 0,
    maxLagMs: 0,
    lagMs: 0,
    pings: { sent: byDirection(), received: byDirection() },
    pongs: { sent: byDirection(), received: byDirection() }
  }

  count(event: NodeEvent): void {
    const { dialFaults, downsByReason, refusedByReason, roundTrips, totals } = this
    switch (event._tag) {
      case "Up":
        totals.ups += 1
        if (event.isFlap === true) totals.flaps += 1
        return
      case "Down":
        totals.downs += 1
        if (event.traffic !== undefined) this.addTraffic(event.traffic)
        return bump(downsByReason, DisconnectReason.label(event.reason))
      case "Refused":
        totals.refused += 1
        return bump(refusedByReason, DisconnectReason.label(event.reason))
      case "Dialling":
        totals.dials += 1
        return
      case "DialFailed":
        totals.dialsFailed += 1
        return bump(dialFaults, DialFault.of(event.detail, event.ip))
      case "TipChanged":
        totals.blocksAdded += event.added
        return
      case "PingSent":
        totals.pings.sent[event.direction] += 1
        return
      case "PingReceived":
        totals.pings.received[event.direction] += 1
        return
      case "PongSent":
        totals.pongs.sent[event.direction] += 1
        return
      case "PongReceived":
        totals.pongs.received[event.direction] += 1
        if (event.rttMs !== undefined) roundTrips.add(event.rttMs)
        return
      case "AcceptFailed":
        totals.acceptsFailed += 1
        return
      case "UnknownFrame":
        totals.unknownFrames += 1
        return
      case "Offence":
        totals.offences += 1
        return
      case "TurnedAway":
        totals.turnedAway += event.sockets
        return
      case "Evicted":
        totals.evictions += 1
        return
      case "LoopLag":
        totals.maxLagMs = Math.max(totals.maxLagMs, event.ms)
        totals.lagMs += event.ms
        return
    }
  }

  private addTraffic({ bytes, messages }: Traffic): void {
    const { ended } = this
    ended.bytes.sent += bytes.sent
    ended.bytes.received += bytes.received
    ended.messages.sent += messages.sent
    ended.messages.received += messages.received
  }

  snapshot(): NodeStats {
    const { dialFaults, downsByReason, ended, refusedByReason, roundTrips, totals } = this
    return {
      ...totals,
      downsByReason: { ...downsByReason },
      refusedByReason: { ...refusedByReason },
      dialFaults: { ...dialFaults },
      ended: { bytes: { ...ended.bytes }, messages: { ...ended.messages } },
      roundTrips: roundTrips.counts,
      pings: { sent: { ...totals.pings.sent }, received: { ...totals.pings.received } },
      pongs: { sent: { ...totals.pongs.sent }, received: { ...totals.pongs.received } }
    }
  }
}
