/** Every metric of `GET /metrics` as a table of docs/OPERATIONS.md. */
import * as Metric from "../../src/domain/metrics/Metric.ts"
import { between } from "./between.ts"

const unitOf = (name: string): string => name.includes("_seconds") ? "s" : name.includes("_bytes") ? "bytes" : ""

const row = (name: Metric.Name): ReadonlyArray<string> => {
  const { help, kind, labels } = Metric.definitions[name]
  return [`\`${name}\``, kind, unitOf(name), labels.map((label) => `\`${label}\``).join(", "), help]
}

/** Aligned, as the formatter has it. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const [head = []] = rows
  const widths = head.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)))
  const lines = rows.map((cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`)
  return [lines[0], `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1)].join("\n")
}

/** The document with every metric between its marks, as it is in the code. */
export const withMetrics = (document: string): string =>
  between(document, "metrics", table([["metric", "kind", "unit", "labels", "what"], ...Metric.names.map(row)]))
