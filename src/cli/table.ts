/** Text for a person: aligned columns, durations, sizes. Pure. */

/** Left-aligned columns, two spaces apart; the first row is the heading. No trailing spaces. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n")
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
