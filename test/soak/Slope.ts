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

/** The plane through points that depend on two things: what `y` gains per unit of each. `undefined` where the two cannot be told apart. */
export const ofTwo = (
  points: ReadonlyArray<readonly [a: number, b: number, y: number]>
): readonly [perA: number, perB: number] | undefined => {
  const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB, meanY] = [0, 1, 2].map((i) => mean(points.map((point) => point[i] ?? 0)))
  if (points.length < 4 || meanA === undefined || meanB === undefined || meanY === undefined) return undefined
  const sums = { aa: 0, bb: 0, ab: 0, ay: 0, by: 0 }
  for (const point of points) {
    const [a, b, y] = [point[0] - meanA, point[1] - meanB, point[2] - meanY]
    sums.aa += a * a
    sums.bb += b * b
    sums.ab += a * b
    sums.ay += a * y
    sums.by += b * y
  }
  const determinant = sums.aa * sums.bb - sums.ab ** 2
  // Hardly any of their spread is their own: one is the other, to within noise.
  if (determinant <= sums.aa * sums.bb / 1_000) return undefined
  return [
    (sums.ay * sums.bb - sums.by * sums.ab) / determinant,
    (sums.by * sums.aa - sums.ay * sums.ab) / determinant
  ]
}

/** The mean of so many measurements of one thing, and its standard error; `undefined` for fewer than two. */
export const meanOf = (
  values: ReadonlyArray<number>
): { readonly mean: number; readonly error: number } | undefined => {
  const n = values.length
  if (n < 2) return undefined
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  return { mean, error: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1) / n) }
}
