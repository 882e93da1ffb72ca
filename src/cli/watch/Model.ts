/** State of `timemesh watch`: the node's latest answers and events. Pure. */
import * as Limits from "../../domain/Limits.ts"
import type { Status } from "../../layers/http/AdminApi.ts"
import type { Sent } from "../../layers/http/EventsApi.ts"
import type { Peers } from "../../layers/http/PeerApi.ts"
import * as SyncProgress from "../../layers/log/SyncProgress.ts"

/** The answers to one query of the node. */
export interface Answer {
  readonly status: Status
  readonly peers: Peers
}

export interface Line {
  /** Wall time, ms. */
  readonly at: number
  readonly text: string
}

export interface Model {
  /** The latest answer, however old. */
  readonly answer: Answer | undefined
  /** Monotonic time of that answer, ms. */
  readonly answeredAt: number
  /** Why the latest query has no answer. */
  readonly problem: string | undefined
  readonly pace: SyncProgress.Pace
  /** Oldest first. */
  readonly events: ReadonlyArray<Line>
  /** Id of the latest event, after which the stream is requested. */
  readonly lastEventId: string | undefined
}

export const start: Model = {
  answer: undefined,
  answeredAt: 0,
  problem: undefined,
  pace: SyncProgress.start,
  events: [],
  lastEventId: undefined
}

const added = ({ events }: Model, ...lines: ReadonlyArray<Line>): ReadonlyArray<Line> =>
  [...events, ...lines].slice(-Limits.watchEvents)

/** `now`: monotonic time, ms. */
export const answered = (model: Model, answer: Answer, now: number): Model => {
  const before = model.answer?.status
  const { chain, pid, startedAt, uptimeMs } = answer.status
  // In a container every process has pid 1.
  const isOther = before !== undefined && (before.pid !== pid || uptimeMs < before.uptimeMs)
  return {
    ...model,
    answer,
    answeredAt: now,
    problem: undefined,
    pace: chain === undefined
      ? SyncProgress.start
      : SyncProgress.sampled(isOther ? SyncProgress.start : model.pace, now, chain.height),
    events: isOther
      ? added(model, { at: startedAt, text: `the node was started anew, as process ${pid}` })
      : model.events
  }
}

export const failed = (model: Model, problem: string): Model => ({ ...model, problem })

/** Handles a message of the event stream. A new process starts its own sequence: it does not know the old one's ids. */
export const heard = (model: Model, sent: Sent): Model => {
  switch (sent.event) {
    case "start": {
      const { missed, resumed } = sent.data
      return model.lastEventId !== undefined && resumed && missed > 0
        ? {
          ...model,
          events: added(model, { at: model.events.at(-1)?.at ?? 0, text: `${missed} events were missed` })
        }
        : model
    }
    case "message":
      return { ...model, lastEventId: sent.id, events: added(model, { at: sent.data.at, text: sent.data.text }) }
    case "beat":
      return model
  }
}
