/** `NodeEvents`: counts each event, then calls the synchronous listeners, then publishes to a sliding hub for streams. */
import { Clock, Effect, Layer, PubSub, Stream } from "effect"
import * as DialFault from "../../domain/DialFault.ts"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { Histogram } from "../../domain/metrics/Histogram.ts"
import type { NodeEvent, NodeStats, Traffic } from "../../domain/NodeEvent.ts"
import type { Direction } from "../../domain/peer/PeerRecord.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"

const byDirection = (): Record<Direction, number> => ({ inbound: 0, outbound: 0 })

/** Running totals. Reasons are a closed set, so these records stay small. */
const makeTotals = () => {
  const downsByReason: Record<string, number> = {}
  const refusedByReason: Record<string, number> = {}
  const dialFaults: Record<string, number> = {}
  const ended = { bytes: { sent: 0, received: 0 }, messages: { sent: 0, received: 0 } }
  const roundTrips = new Histogram(Limits.rttBucketsMs)
  const addTraffic = ({ bytes, messages }: Traffic): void => {
    ended.bytes.sent += bytes.sent
    ended.bytes.received += bytes.received
    ended.messages.sent += messages.sent
    ended.messages.received += messages.received
  }
  const totals = {
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
  const bump = (counts: Record<string, number>, key: string) => {
    counts[key] = (counts[key] ?? 0) + 1
  }
  const count = (event: NodeEvent): void => {
    switch (event._tag) {
      case "Up":
        totals.ups += 1
        if (event.isFlap === true) totals.flaps += 1
        return
      case "Down":
        totals.downs += 1
        if (event.traffic !== undefined) addTraffic(event.traffic)
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
  const snapshot = (): NodeStats => ({
    ...totals,
    downsByReason: { ...downsByReason },
    refusedByReason: { ...refusedByReason },
    dialFaults: { ...dialFaults },
    ended: { bytes: { ...ended.bytes }, messages: { ...ended.messages } },
    roundTrips: roundTrips.counts,
    pings: { sent: { ...totals.pings.sent }, received: { ...totals.pings.received } },
    pongs: { sent: { ...totals.pongs.sent }, received: { ...totals.pongs.received } }
  })
  return { count, snapshot }
}

const make = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const hub = yield* PubSub.sliding<NodeEvent>(Limits.eventBuffer)
  yield* Effect.addFinalizer(() => PubSub.shutdown(hub))
  const listeners = new Set<(event: NodeEvent) => void>()
  const totals = makeTotals()
  const runFork = Effect.runForkWith(yield* Effect.context<never>())

  const notify = (listener: (event: NodeEvent) => void, event: NodeEvent) => {
    try {
      listener(event)
    } catch (defect) {
      runFork(Effect.logError("a listener of node events failed", defect))
    }
  }
  return NodeEvents.of({
    stream: Stream.fromPubSub(hub),
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          listeners.add(listener)
        }),
        () =>
          Effect.sync(() => {
            listeners.delete(listener)
          })
      ),
    stats: Effect.sync(totals.snapshot),
    emit: (untimed) => {
      const event = untimed as NodeEvent & { at: number }
      event.at = clock.currentTimeMillisUnsafe()
      totals.count(event)
      for (const listener of listeners) notify(listener, event)
      PubSub.publishUnsafe(hub, event)
    }
  })
})

/** A function, so that two nodes never share a layer. */
export const layer = (): Layer.Layer<NodeEvents> => Layer.effect(NodeEvents, make)
