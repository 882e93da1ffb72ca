/** Sets of heights as sorted, disjoint, non-adjacent inclusive ranges. Plain data; every function returns a new set. */

export interface Range {
  readonly from: number
  readonly to: number
}

export type Ranges = ReadonlyArray<Range>

export const empty: Ranges = []

/** Adds all of `from…to` (nothing if empty). */
export const add = (ranges: Ranges, from: number, to: number): Ranges => {
  if (from > to) return ranges
  const result: Array<Range> = []
  let low = from
  let high = to
  let placed = false
  for (const range of ranges) {
    if (range.to < low - 1) result.push(range)
    else if (range.from > high + 1) {
      if (!placed) result.push({ from: low, to: high })
      placed = true
      result.push(range)
    } else {
      low = Math.min(low, range.from)
      high = Math.max(high, range.to)
    }
  }
  if (!placed) result.push({ from: low, to: high })
  return result
}

/** Removes all of `from…to`. */
export const remove = (ranges: Ranges, from: number, to: number): Ranges => {
  if (from > to) return ranges
  const result: Array<Range> = []
  for (const range of ranges) {
    if (range.to < from || range.from > to) result.push(range)
    else {
      if (range.from < from) result.push({ from: range.from, to: from - 1 })
      if (range.to > to) result.push({ from: to + 1, to: range.to })
    }
  }
  return result
}

export const has = (ranges: Ranges, height: number): boolean =>
  ranges.some((range) => range.from <= height && height <= range.to)

/** Number of heights. */
export const size = (ranges: Ranges): number => ranges.reduce((n, range) => n + range.to - range.from + 1, 0)
