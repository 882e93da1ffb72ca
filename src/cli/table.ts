/** Text for a person: aligned columns, durations, sizes. Pure. */

/** Left-aligned columns, two spaces apart; the first row is the heading. No trailing spaces. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n")
}

/** As `table`, its last column cut so that no line is wider than `width`, where that leaves some of it. */
export const tableWithin = (rows: ReadonlyArray<ReadonlyArray<string>>, width: number | undefined): string => {
  if (width === undefined) return table(rows)
  const last = (rows[0]?.length ?? 1) - 1
  const before = (rows[0] ?? []).slice(0, last)
    .reduce((sum, _, column) => sum + 2 + Math.max(...rows.map((row) => (row[column] ?? "").length)), 0)
  const room = Math.max(rows[0]?.[last]?.length ?? 0, width - before)
  const cut = (text: string) => text.length <= room ? text : `${text.slice(0, room - 1)}…`
  return table(rows.map((row) => row.map((cell, column) => column === last ? cut(cell) : cell)))
}

/** `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds % 86_400 / 3_600)} h`
}

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
