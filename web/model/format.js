/** Numbers and times as people read them. */

// One for all: a number's own `toLocaleString` makes it anew each time.
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })

/** @type {(value: number) => string} */
export const count = (value) => whole.format(Math.round(value))

/**
 * A duration of one unit: `0.4 s`, `12 s`, `3 min`, `2.1 h`, `5 d`.
 * @type {(ms: number | undefined) => string}
 */
export const age = (ms) => {
  if (ms === undefined) return "–"
  if (ms < 9_950) return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`
  if (ms < 99_500) return `${Math.round(ms / 1_000)} s`
  if (ms < 5_970_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.floor(ms / 86_400_000)} d`
}

/** @type {(ms: number | undefined) => string} */
export const rtt = (ms) => ms === undefined ? "–" : ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`

/** @type {(value: number) => string} */
export const bytes = (value) => {
  const units = ["B", "KB", "MB", "GB", "TB"]
  let [left, unit] = [value, 0]
  while (left >= 1_000 && unit < units.length - 1) {
    left /= 1_000
    unit += 1
  }
  return `${unit === 0 || left >= 99.5 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`
}

/**
 * Wall time in UTC, as the log has it: `23:16:05`.
 * @type {(at: number) => string}
 */
export const clock = (at) => new Date(at).toISOString().slice(11, 19)

/** @type {(at: number) => string} */
export const date = (at) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`

/** @type {(many: number, one: string) => string} */
export const many = (many, one) => `${count(many)} ${one}${many === 1 ? "" : "s"}`

/**
 * Addresses as numbers sort: 10.0.0.9 before 10.0.0.10.
 * @type {(ip: string) => string}
 */
export const ipOrder = (ip) => ip.replaceAll(/\d+/g, (digits) => digits.padStart(5, "0"))

/**
 * @template {{ readonly ip: string }} A
 * @param {ReadonlyArray<A>} rows
 * @returns {ReadonlyArray<A>}
 */
export const byIp = (rows) =>
  rows.map((row) => ({ row, key: ipOrder(row.ip) })).toSorted((a, b) => a.key < b.key ? -1 : 1).map(({ row }) => row)
