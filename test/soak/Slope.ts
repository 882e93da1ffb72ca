/** The straight line through a series of samples, and how sure its slope is. Pure. */

/** `[x, y]`, in order of x. */
export type Series = ReadonlyArray<readonly [x: number, y: number]>

export interface Slope {
  /** Of y per x. */
  readonly slope: number
  /** Standard error of the slope: about one in three lines through noise alone is steeper. */
  readonly error: number
}

/** Least squares; `undefined` for fewer than three samples, which fit any line. */
export const of = (series: Series): Slope | undefined => {
  const n = series.length
  if (n < 3) return undefined
  const mean = (values: ReadonlyArray<number>) => values.reduce((a, b) => a + b, 0) / n
  const meanX = mean(series.map(([x]) => x))
  const meanY = mean(series.map(([, y]) => y))
  const spread = series.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (spread === 0) return undefined
  const slope = series.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  const rest = series.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: Math.sqrt(rest / (n - 2) / spread) }
}

/** The later half, by x. */
export const secondHalf = (series: Series): Series => {
  const first = series[0]?.[0] ?? 0
  const middle = first + ((series.at(-1)?.[0] ?? 0) - first) / 2
  return series.filter(([x]) => x >= middle)
}
