/** From what the rounds measured to ratios, verdicts and text. */
import { type Name, names } from "../impl/Implementation.ts"
import type { Measured } from "./Peer.ts"
import { type Bar, type Row, rows } from "./rows.ts"
import { median } from "./stats.ts"

/** Per workload and implementation, one entry per round; `undefined` where the round failed. */
export type Rounds = Readonly<Record<string, Partial<Record<Name, ReadonlyArray<Measured | undefined>>>>>

export interface Verdict {
  readonly text: string
  readonly met: boolean
  /** What the row's subject reached, in the bar's measure. */
  readonly reached: number
}

export interface Line {
  readonly row: Row
  /** What counts of the rounds: `Row.of`. */
  readonly medians: Partial<Record<Name, number>>
  /** The row's subject over the other: the median of the rounds' ratios, or the ratio of the least. */
  readonly ratios: Partial<Record<Name, number>>
  readonly verdicts: ReadonlyArray<Verdict>
}

const values = (rounds: Rounds, row: Row, name: Name): ReadonlyArray<number | undefined> =>
  (rounds[row.workload]?.[name] ?? []).map((measured) => measured?.[row.key])

const present = (list: ReadonlyArray<number | undefined>): ReadonlyArray<number> =>
  list.filter((value) => value !== undefined)

const pick = (row: Row, list: ReadonlyArray<number>): number => row.of === "least" ? Math.min(...list) : median(list)

const ratio = (rounds: Rounds, row: Row, over: Name): number | undefined => {
  const others = values(rounds, row, over)
  if (row.of === "least") {
    const [own, other] = [present(values(rounds, row, row.subject)), present(others)]
    return own.length === 0 || other.length === 0 ? undefined : pick(row, own) / pick(row, other)
  }
  const ratios = present(
    values(rounds, row, row.subject).map((own, round) => {
      const other = others[round]
      return own === undefined || other === undefined || other === 0 ? undefined : own / other
    })
  )
  return ratios.length === 0 ? undefined : median(ratios)
}

const number = (value: number, digits: number): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })

const judge = (bar: Bar, row: Row, line: Pick<Line, "medians" | "ratios">): Verdict | undefined => {
  const reached = bar.of === undefined ? line.medians[row.subject] : line.ratios[bar.of]
  if (reached === undefined) return undefined
  const digits = bar.of === undefined ? row.digits : 2
  const unit = bar.of === undefined ? ` ${row.unit}`.trimEnd() : ` × ${bar.of}`
  const sign = bar.kind === "least" ? "≥" : "≤"
  return {
    text: `${row.label}: ${number(reached, digits)}${unit}, must be ${sign} ${
      number(bar.value, bar.value % 1 === 0 ? 0 : 2)
    }${unit}`,
    met: bar.kind === "least" ? reached >= bar.value : reached <= bar.value,
    reached
  }
}

/** The lines for which something was measured. */
export const lines = (rounds: Rounds): ReadonlyArray<Line> =>
  rows.flatMap((row) => {
    const medians: Partial<Record<Name, number>> = {}
    const ratios: Partial<Record<Name, number>> = {}
    for (const name of names) {
      const measured = present(values(rounds, row, name))
      if (measured.length > 0) medians[name] = pick(row, measured)
      const over = name === row.subject ? undefined : ratio(rounds, row, name)
      if (over !== undefined) ratios[name] = over
    }
    if (Object.keys(medians).length === 0) return []
    const verdicts = row.bars.flatMap((bar) => judge(bar, row, { medians, ratios }) ?? [])
    return [{ row, medians, ratios, verdicts }]
  })

const ratioColumns: ReadonlyArray<Name> = ["bare", "before", "libp2p", "libp2p-packed", "bare-tls"]

/** The table, then the bars. */
export const render = (all: ReadonlyArray<Line>): string => {
  const shown = (name: Name) => all.some(({ medians }) => medians[name] !== undefined)
  const [columns, over] = [names.filter(shown), ratioColumns.filter(shown)]
  const head = ["", ...columns, ...over.map((name) => `÷ ${name}`)]
  const body = all.map(({ medians, ratios, row }) => [
    `${row.label}${row.unit === "" ? "" : ` [${row.unit}]`}`,
    ...columns.map((name) => medians[name] === undefined ? "–" : number(medians[name], row.digits)),
    ...over.map((name) => ratios[name] === undefined ? "–" : number(ratios[name], 2))
  ])
  const widths = head.map((title, at) => Math.max(title.length, ...body.map((cells) => cells[at]?.length ?? 0)))
  const text = (cells: ReadonlyArray<string>) =>
    cells.map((cell, at) => at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)).join("  ")
      .trimEnd()
  const verdicts = all.flatMap((line) => line.verdicts)
  return [
    text(head),
    ...body.map(text),
    "",
    ...verdicts.map(({ met, text: what }) => `${met ? "met   " : "MISSED"}  ${what}`)
  ].join("\n")
}
