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
