/**
 * Feeds `GET /events`: the latest events in a ring, and a bounded queue for each reader.
 *
 * **Slow readers**: a reader whose queue is full is disconnected, socket included. It can reconnect with its `Last-Event-ID` and gets what the ring still has.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { type Cause, Clock, Context, Effect, Layer, Queue, Schedule, Stream } from "effect"
import type { HttpServerRequest } from "effect/http"
import { ServerResponse } from "node:http"
import * as Limits from "../../domain/Limits.ts"
import { isHeartbeat, type NodeEvent } from "../../domain/NodeEvent.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import * as EventText from "../log/EventText.ts"
import { EventRing, type Numbered } from "./EventRing.ts"
import type { Happened, Sent } from "./EventsApi.ts"
import { present } from "./present.ts"

/** Where a reader begins. */
export interface From {
  readonly lastEventId: string | undefined
  /** Without a `lastEventId`: how many of the latest events to send. */
  readonly last: number
}

export class EventFeed extends Context.Service<EventFeed, {
  /** Whether there is room for another reader. */
  readonly hasRoom: () => boolean
  /** A reader's events, until it is disconnected or the node stops. `cut`: called when it has fallen too far behind. */
  readonly read: (from: From, cut: () => void) => Stream.Stream<Sent>
  /** Ends all streams. */
  readonly end: Effect.Effect<void>
}>()("timemesh/layers/http/EventFeed") {}

/** The event in the API's shape. */
export const happened = (event: NodeEvent): Happened => {
  const { level, text } = EventText.describe(event)
  const { at: _at, event: _event, ip, ...fields } = EventText.data(event)
  return present({
    at: event.at,
    event: event._tag,
    level,
    text,
    ip: typeof ip === "string" ? ip : undefined,
    fields: fields as Happened["fields"]
  })
}

/** Closes a reader's connection: a stream that merely ends waits until the reader has taken what was sent. */
export const cutOff = (request: HttpServerRequest.HttpServerRequest) => (): void => {
  const response: unknown = NodeHttpServerRequest.toServerResponse(request)
  if (response instanceof ServerResponse) response.destroy()
}

const make = Effect.gen(function*() {
  const events = yield* NodeEvents
  // Unique to this process, so that another one does not mistake an id for its own.
  const run = `${(yield* Clock.currentTimeMillis).toString(36)}.${process.pid}`
  const ring = new EventRing<Happened>(Limits.eventsKept)
  const readers = new Map<Queue.Queue<Sent, Cause.Done>, () => void>()
  const idOf = (number: number) => `${run}-${number}`
  const sent = ({ number, value }: Numbered<Happened>): Sent => ({ id: idOf(number), event: "message", data: value })

  yield* events.listen((event) => {
    if (isHeartbeat(event)) return
    const message = sent(ring.add(happened(event)))
    for (const [queue, cut] of readers) {
      if (Queue.offerUnsafe(queue, message)) continue
      readers.delete(queue)
      Queue.endUnsafe(queue)
      cut()
    }
  })

  /** The event number after which the reader begins; `undefined`: its id is from another process. */
  const positionOf = ({ last, lastEventId }: From): number | undefined => {
    if (lastEventId === undefined) return Math.max(0, ring.latest - last)
    const number = lastEventId.startsWith(`${run}-`) ? Number(lastEventId.slice(run.length + 1)) : Number.NaN
    return Number.isInteger(number) && number >= 0 && number <= ring.latest ? number : undefined
  }

  const open = (from: From, cut: () => void) =>
    Effect.gen(function*() {
      const queue = yield* Queue.dropping<Sent, Cause.Done>(Limits.eventReaderLag)
      if (readers.size >= Limits.eventReaders) return [queue, []] as const
      yield* Effect.acquireRelease(
        Effect.sync(() => readers.set(queue, cut)),
        () => Effect.sync(() => readers.delete(queue))
      )
      const known = positionOf(from)
      const at = known ?? Math.max(0, ring.latest - from.last)
      const { entries, missed } = ring.after(at)
      const start: Sent = {
        id: idOf(at + missed),
        event: "start",
        data: { resumed: from.lastEventId !== undefined && known !== undefined, missed }
      }
      return [queue, [start, ...entries.map(sent)]] as const
    })

  const beats = Stream.fromSchedule(Schedule.spaced(Limits.eventBeatMs)).pipe(
    Stream.mapEffect(() => Effect.map(Clock.currentTimeMillis, (at): Sent => ({ event: "beat", data: { at } })))
  )

  return EventFeed.of({
    hasRoom: () => readers.size < Limits.eventReaders,
    read: (from, cut) =>
      Stream.unwrap(
        Effect.map(open(from, cut), ([queue, first]) =>
          Stream.concat(
            Stream.fromIterable(first),
            Stream.merge(Stream.fromQueue(queue), beats, { haltStrategy: "left" })
          ))
      ),
    end: Effect.sync(() => {
      for (const queue of readers.keys()) Queue.endUnsafe(queue)
      readers.clear()
    })
  })
})

/** Keeps events from the layer's start on. */
export const layer: Layer.Layer<EventFeed, never, NodeEvents> = Layer.effect(EventFeed, make)
