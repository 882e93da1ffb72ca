/** Text for a person: aligned columns, durations, sizes. Pure. */
import { cut, cutMiddle, harmless, padded, widthOf } from "./terminalText.ts"

/** The gap between two columns. */
const gap = "  "

const widthsOf = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<number> =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))))

/** Left-aligned columns, two spaces apart; the first row is the heading. No trailing spaces. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = widthsOf(rows)
  return rows.map((row) => row.map((cell, column) => padded(cell, widths[column] ?? 0)).join(gap).trimEnd()).join("\n")
}

/** A column of a table. */
export interface Column<A> {
  readonly heading: string
  /** Columns with lower values are dropped first when there is little room; one without a value never is. */
  readonly worth?: number
  /** Which part is left out where the cells of a column that is never dropped do not fit. Both ends tell addresses and keys apart. */
  readonly cut?: "end" | "middle"
  readonly cell: (of: A) => string
}

/** Minimum width of the last column; other columns are dropped to keep it. */
const leastOfLast = 20

/** Minimum width of a column that is shortened: of an address, its network and its host. */
const leastOfCut = 12

const sum = (widths: ReadonlyArray<number>): number => widths.reduce((a, b) => a + b, 0)

/** Indexes of the columns to show, and the width of each. The last may be narrower than its cells, and so may those that are never dropped. */
const layOut = (
  columns: ReadonlyArray<Pick<Column<never>, "worth">>,
  whole: ReadonlyArray<number>,
  width: number
): ReadonlyArray<readonly [column: number, width: number]> => {
  let chosen = columns.map((_, column) => column)
  const wholeOf = (column: number) => whole[column] ?? 0
  const gaps = () => gap.length * (chosen.length - 1)
  const leastOf = (column: number) =>
    column === chosen.at(-1) ? Math.min(wholeOf(column), leastOfLast) : wholeOf(column)
  const needed = () => gaps() + sum(chosen.map(leastOf))
  const droppable = chosen.flatMap((column) => {
    const worth = columns[column]?.worth
    return worth === undefined ? [] : [{ column, worth }]
  }).toSorted((a, b) => a.worth - b.worth)
  for (const { column } of droppable) {
    if (needed() <= width) break
    chosen = chosen.filter((other) => other !== column)
  }
  const widths = chosen.map(leastOf)
  // What is still missing is taken from the widest, and what is left is the last one's.
  for (let missing = needed() - width; missing > 0; missing--) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= leastOfCut) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  const last = widths.length - 1
  widths[last] = Math.max(
    widths[last] ?? 0,
    Math.min(wholeOf(chosen[last] ?? 0), width - gaps() - sum(widths.slice(0, last)))
  )
  return chosen.map((column, i) => [column, widths[i] ?? 0])
}

/**
 * Heading and rows with as many columns as fit, the most important ones, in printable text. Cells of the last column, and of those that are
 * never dropped, are shortened to fit: no line is wider than `width`. `undefined`, as for a pipe: everything, whole.
 */
export const fitted = <A>(
  columns: ReadonlyArray<Column<A>>,
  of: ReadonlyArray<A>,
  width: number | undefined
): ReadonlyArray<string> => {
  const cells = columns.map(({ cell, heading }) => [heading, ...of.map((row) => harmless(cell(row)))])
  const whole = cells.map((column) => Math.max(...column.map(widthOf)))
  const chosen = layOut(columns, whole, width ?? Number.POSITIVE_INFINITY)
  const rows = [undefined, ...of].map((_, row) =>
    chosen.map(([column, columnWidth]) => {
      const text = cells[column]?.[row] ?? ""
      return columns[column]?.cut === "middle" ? cutMiddle(text, columnWidth) : cut(text, columnWidth)
    })
  )
  return table(rows).split("\n").map((line) => width === undefined ? line : cut(line, width))
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
