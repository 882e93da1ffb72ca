/** Tables that sort by their headings, with a keyboard as well. */
/** @import { Child, Sort, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as bounds from "../model/bounds.js"
import * as format from "../model/format.js"

/**
 * `by`: what the column sorts by, ascending. `narrow`: also on a phone.
 * @template A
 * @typedef {{
 *   readonly id: string
 *   readonly title: string
 *   readonly cell: (row: A) => Child
 *   readonly by?: (row: A) => string | number
 *   readonly number?: boolean
 *   readonly narrow?: boolean
 * }} Column
 */

/** @type {(a: string | number, b: string | number) => number} */
const order = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : 1

/**
 * Rows that have the same value stay in the order they came in.
 * @template A
 * @param {ReadonlyArray<A>} rows
 * @param {ReadonlyArray<Column<A>>} columns
 * @param {Sort} sort
 * @returns {ReadonlyArray<A>}
 */
export const sorted = (rows, columns, sort) => {
  const by = columns.find(({ id }) => id === sort.column)?.by
  if (by === undefined) return rows
  const keyed = rows.map((row) => ({ row, key: by(row) }))
  keyed.sort((a, b) => a.key === b.key ? 0 : order(a.key, b.key) * (sort.descending ? -1 : 1))
  return keyed.map(({ row }) => row)
}

/** @type {(column: { readonly narrow?: boolean, readonly number?: boolean }) => string} */
const classOf = ({ narrow, number }) =>
  [number === true ? "number" : "", narrow === true ? "" : "wide"].filter((name) => name !== "").join(" ")

/** @type {(columnId: string, sort: Sort) => string} */
const ariaSort = (columnId, { column, descending }) =>
  column !== columnId ? "none" : descending ? "descending" : "ascending"

/**
 * `id`: also what a click on a heading sorts. The region scrolls by keyboard where the table is wider than the screen.
 * @template A
 * @param {{
 *   readonly id: string
 *   readonly label: string
 *   readonly rows: ReadonlyArray<A>
 *   readonly columns: ReadonlyArray<Column<A>>
 *   readonly keyOf: (row: A) => string
 *   readonly sort?: Sort | undefined
 *   readonly empty: string
 * }} of
 * @returns {VNode}
 */
export const table = ({ columns, empty, id, keyOf, label, rows, sort }) => {
  const shown = (sort === undefined ? rows : sorted(rows, columns, sort)).slice(0, bounds.rows)
  if (shown.length === 0) return h("p", { class: "muted", id, key: `${id}-none` }, empty)
  return h(
    "div",
    { class: "scroll", role: "group", "aria-label": label, tabindex: 0, key: id },
    h(
      "table",
      { id },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((column) =>
            h(
              "th",
              {
                scope: "col",
                key: column.id,
                class: classOf(column),
                "aria-sort": sort === undefined || column.by === undefined ? undefined : ariaSort(column.id, sort)
              },
              sort === undefined || column.by === undefined
                ? column.title
                : h("button", { type: "button", class: "sort", "data-do": "sort", "data-arg": column.id }, column.title)
            )
          )
        )
      ),
      h(
        "tbody",
        {},
        shown.map((row) =>
          h(
            "tr",
            { key: keyOf(row) },
            columns.map((column, i) =>
              h(i === 0 ? "th" : "td", {
                class: classOf(column),
                key: column.id,
                scope: i === 0 ? "row" : undefined,
                "data-label": column.title
              }, column.cell(row))
            )
          )
        )
      )
    ),
    rows.length > shown.length
      ? h("p", { class: "muted" }, `${format.count(rows.length - shown.length)} more rows; filter to see them`)
      : undefined
  )
}
