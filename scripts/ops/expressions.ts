/** Prometheus expressions whose metrics and labels exist: a name that is gone is a type error. */
import type { definitions, Name } from "../../src/domain/metrics/Metric.ts"

type LabelOf<N extends Name> = (typeof definitions)[N]["labels"][number]

/** One metric, narrowed by labels: `timemesh_peers{direction="inbound"}`. */
export const metric = <N extends Name>(name: N, labels?: Readonly<Partial<Record<LabelOf<N>, string>>>): string => {
  const given = Object.entries(labels ?? {}).map(([label, value]) => `${label}="${String(value)}"`)
  return given.length === 0 ? name : `${name}{${given.join(",")}}`
}

/** By how much it grew within the time, such as `1h`. */
export const increase = <N extends Name>(name: N, within: string): string => `increase(${metric(name)}[${within}])`

/** Per second, over the time. */
export const rate = <N extends Name>(name: N, over: string): string => `rate(${metric(name)}[${over}])`

/** Per node, by one of its labels. */
export const sumBy = <N extends Name>(label: LabelOf<N>, expression: (name: N) => string, name: N): string =>
  `sum by (instance, ${label}) (${expression(name)})`
