/** The few statistics the table needs. */

/** The value below which the share `q` (0…1) of the values lies. NaN of none. */
export const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN
}

/** The middle value; of an even count the mean of the two in the middle. NaN of none. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[at] ?? NaN : ((sorted[at - 1] ?? NaN) + (sorted[at] ?? NaN)) / 2
}

export interface Interval {
  readonly median: number
  readonly low: number
  readonly high: number
}

/**
 * The median, and the values between which that of the whole population lies in 95 of 100 cases, by rank: whatever the distribution. With fewer than six values
 * the lowest and the highest, which say less.
 */
export const interval = (values: ReadonlyArray<number>): Interval => {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  const from = Math.max(0, Math.floor(n / 2 - 0.98 * Math.sqrt(n)))
  return { median: median(sorted), low: sorted[from] ?? NaN, high: sorted[n - 1 - from] ?? NaN }
}
