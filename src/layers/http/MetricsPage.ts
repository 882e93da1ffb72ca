/**
 * `GET /metrics` for Prometheus: the node's own reports, read at each request, in effect's text format. There is no second count that could
 * differ from what `status` shows.
 */
import { Context, Effect, Metric as EffectMetric, Option } from "effect"
import { PrometheusMetrics } from "effect/observability"
import * as Metric from "../../domain/metrics/Metric.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerState } from "../../services/PeerState.ts"
import { DroppedLines } from "../log/LogOutput.ts"
import { StoreTimes } from "../store/StoreTimes.ts"
import { monotonicMs } from "../time/monotonicMs.ts"
import * as NodeHealth from "./NodeHealth.ts"
import { masternodeReport } from "./optionalReports.ts"
import * as ProcessMemory from "./processMemory.ts"
import * as ProcessTime from "./processTime.ts"

const types = { counter: "Counter", gauge: "Gauge", histogram: "Histogram" } as const

/** A sample in the form of effect's registry. */
const stateOf = ({ histogram, name, value }: Metric.Sample): unknown => {
  switch (Metric.definitions[name].kind) {
    case "counter":
      return { count: value, incremental: true }
    case "gauge":
      return { value }
    case "histogram":
      return { buckets: [], count: 0, min: 0, max: 0, ...histogram, sum: value }
  }
}

const readOnly = () => {}

type Entry = EffectMetric.Metric.Metadata<unknown, unknown>

const entryOf = (sample: Metric.Sample): Entry => {
  const { help, kind } = Metric.definitions[sample.name]
  return {
    id: sample.name,
    type: types[kind],
    description: help,
    attributes: sample.labels,
    hooks: { get: () => stateOf(sample), update: readOnly, modify: readOnly }
  }
}

/** A registry that stores nothing: its entries are what `read` returns at the moment an exporter reads them. */
class LiveRegistry extends Map<string, Entry> {
  private readonly read: () => ReadonlyArray<Metric.Sample>

  constructor(read: () => ReadonlyArray<Metric.Sample>) {
    super()
    this.read = read
  }

  override values(): MapIterator<Entry> {
    return this.read().map(entryOf).values()
  }
}

/** The samples from `read`, as a registry of effect's metrics for its exporters. */
export const registry = (read: () => ReadonlyArray<Metric.Sample>): Context.Context<never> =>
  Context.make(EffectMetric.MetricRegistry, new LiveRegistry(read) as never) as Context.Context<never>

/** Formats samples as Prometheus' text. */
export const format = (samples: ReadonlyArray<Metric.Sample>): string =>
  PrometheusMetrics.formatUnsafe(registry(() => samples))

/** What `samplesOf` needs, read at each request. `startedAt`: the node's start, monotonic ms. */
export const facts = (startedAt: number) =>
  Effect.gen(function*() {
    const [state, manager, events, config] = [
      yield* PeerState,
      yield* ConnectionManager,
      yield* NodeEvents,
      yield* NodeConfig
    ]
    const droppedLines = yield* DroppedLines
    const health = yield* NodeHealth.make
    const masternodes = yield* masternodeReport
    const stores = yield* Effect.serviceOption(StoreTimes)
    const processMs = yield* ProcessTime.make
    return Effect.gen(function*() {
      const { rows, sync, verdict } = yield* health
      const { counts } = Option.getOrUndefined(yield* masternodes) ?? {}
      const { heapBytes, residentBytes } = ProcessMemory.read()
      return {
        software: config.software,
        network: config.network.name,
        uptimeMs: (yield* monotonicMs) - startedAt,
        maxPeers: config.tuning.maxPeers,
        stats: yield* events.stats,
        verdict,
        rows,
        sync,
        masternodes: counts,
        bans: (yield* manager.bans).length,
        sizes: yield* state.sizes,
        messages: yield* state.messages,
        queues: yield* state.queues,
        stores: Option.match(stores, { onNone: () => [], onSome: ({ report }) => report() }),
        logLinesDropped: droppedLines() ?? 0,
        process: { residentBytes, heapBytes, cpuMs: processMs() }
      }
    })
  })
