/** Bounds log lines per kind and window, so that remote hosts cannot fill the disk. Pure; `now` in ms. */
interface Window {
  readonly since: number
  readonly written: number
  readonly omitted: number
}

export type LogBudget = ReadonlyMap<string, Window>

export const empty: LogBudget = new Map()

/** Suppressed lines, per kind. */
export type Omitted = ReadonlyArray<readonly [kind: string, lines: number]>

/** Closes the windows that have ended and returns what they suppressed. */
export const flush = (budget: LogBudget, now: number, windowMs: number): readonly [LogBudget, Omitted] => {
  const over = [...budget].filter(([, window]) => now - window.since >= windowMs)
  if (over.length === 0) return [budget, []]
  const rest = new Map(budget)
  for (const [kind] of over) rest.delete(kind)
  return [rest, over.flatMap(([kind, { omitted }]) => omitted > 0 ? [[kind, omitted] as const] : [])]
}

/** Whether `take` would allow one more line. */
export const mayTake = (budget: LogBudget, kind: string, most: number): boolean =>
  (budget.get(kind)?.written ?? 0) < most

/** Whether one more line of `kind` may be written, at most `most` per window. Call `flush` first. */
export const take = (budget: LogBudget, kind: string, most: number, now: number): readonly [LogBudget, boolean] => {
  const window = budget.get(kind) ?? { since: now, written: 0, omitted: 0 }
  const allowed = window.written < most
  return [
    new Map(budget).set(kind, {
      since: window.since,
      written: window.written + (allowed ? 1 : 0),
      omitted: window.omitted + (allowed ? 0 : 1)
    }),
    allowed
  ]
}
