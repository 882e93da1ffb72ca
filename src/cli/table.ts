/** Text for a person: aligned columns, durations, sizes. Pure. */
import { cut, padded, widthOf } from "./terminalText.ts"

/** The gap between two columns. */
const gap = "  "

const widthsOf = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<number> =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))))

/** Left-aligned columns, two spaces apart; the first row is the heading. No trailing spaces. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = widthsOf(rows)
  return rows.map((row) => row.map((cell, column) => padded(cell, widths[column] ?? 0)).join(gap).trimEnd()).join("\n")
}

/** As `table`, with its last column cut so that no line is wider than `width`, if that leaves some of it. */
export const tableWithin = (rows: ReadonlyArray<ReadonlyArray<string>>, width: number | undefined): string => {
  if (width === undefined) return table(rows)
  const last = (rows[0]?.length ?? 1) - 1
  const before = widthsOf(rows).slice(0, last).reduce((sum, column) => sum + gap.length + column, 0)
  const room = Math.max(widthOf(rows[0]?.[last] ?? ""), width - before)
  return table(rows.map((row) => row.map((cell, column) => column === last ? cut(cell, room) : cell)))
}

/** A column of a table. */
export interface Column<A> {
  readonly heading: string
  /** Columns with lower values are dropped first when there is little room. */
  readonly worth: number
  readonly cell: (of: A) => string
}

/** Minimum width of the last column; other columns are dropped to keep it. */
const leastOfLast = 20

/** Heading and rows with as many columns as fit, the most important ones. The last column is cut to fit, and no line is wider than `width`. */
export const fitted = <A>(
  columns: ReadonlyArray<Column<A>>,
  of: ReadonlyArray<A>,
  width: number | undefined
): ReadonlyArray<string> => {
  const cells = columns.map(({ cell, heading }) => [heading, ...of.map(cell)])
  const widths = cells.map((column) => Math.max(...column.map(widthOf)))
  const byWorth = columns.map((_, i) => i).toSorted((a, b) => (columns[a]?.worth ?? 0) - (columns[b]?.worth ?? 0))
  let chosen = columns.map((_, i) => i)
  const needed = () =>
    chosen.reduce((sum, column, i) => {
      const whole = widths[column] ?? 0
      return sum + (i === 0 ? 0 : gap.length) + (i === chosen.length - 1 ? Math.min(whole, leastOfLast) : whole)
    }, 0)
  for (const least of byWorth) {
    if (width === undefined || chosen.length === 1 || needed() <= width) break
    chosen = chosen.filter((column) => column !== least)
  }
  const rows = [undefined, ...of].map((_, row) => chosen.map((column) => cells[column]?.[row] ?? ""))
  return tableWithin(rows, width).split("\n").map((line) => width === undefined ? line : cut(line, width))
}

export { duration } from "../domain/Durations.ts"

/** `512 B`, `1.5 KiB`, `3.2 MiB`. */
export const bytes = (count: number): string => {
  if (count < 1_024) return `${count} B`
  const units = ["KiB", "MiB", "GiB", "TiB"]
  let value = count / 1_024
  let unit = 0
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024
    unit += 1
  }
  return `${value.toFixed(1)} ${units[unit]}`
}

/** Names and values in two columns. */
export const fields = (pairs: ReadonlyArray<readonly [name: string, value: string]>): string => table(pairs)
