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

/**
 * Which rows are shown, and buttons to the others. A button that leads nowhere stays, so that the keyboard stays with it.
 * @type {(id: string, label: string, first: number, shown: number, all: number) => VNode}
 */
const pager = (id, label, first, shown, all) => {
  /** @type {(text: string, page: number) => VNode} */
  const button = (text, page) =>
    h("button", {
      type: "button",
      key: text,
      "data-do": "page",
      "data-arg": `${id}:${page}`,
      "aria-disabled": page < 0 || page * bounds.rows >= all ? "true" : "false"
    }, text)
  const page = first / bounds.rows
  return h(
    "nav",
    { class: "bar", "aria-label": `Pages of ${label}`, key: `${id}-pages` },
    h(
      "p",
      { class: "muted", role: "status" },
      `${format.count(first + 1)} to ${format.count(first + shown)} of ${format.count(all)}`
    ),
    h("div", { class: "choices" }, button("Previous", page - 1), button("Next", page + 1))
  )
}

/** @type {(columnId: string, sort: Sort) => string} */
const ariaSort = (columnId, { column, descending }) =>
  column !== columnId ? "none" : descending ? "descending" : "ascending"

/**
 * One page of the rows. `page`: from 0; one beyond the last is the last. `all`: the rows are that page already, of so many. The region scrolls by keyboard where the table is wider than the screen.
 * @template A
 * @param {{
 *   readonly id: string
 *   readonly label: string
 *   readonly rows: ReadonlyArray<A>
 *   readonly columns: ReadonlyArray<Column<A>>
 *   readonly keyOf: (row: A) => string
 *   readonly sort?: Sort | undefined
 *   readonly page?: number | undefined
 *   readonly all?: number | undefined
 *   readonly empty: string
 * }} of
 * @returns {VNode}
 */
export const table = ({ all, columns, empty, id, keyOf, label, page = 0, rows, sort }) => {
  const count = all ?? rows.length
  const pages = Math.max(1, Math.ceil(count / bounds.rows))
  const first = Math.min(page, pages - 1) * bounds.rows
  const shown = all === undefined
    ? (sort === undefined ? rows : sorted(rows, columns, sort)).slice(first, first + bounds.rows)
    : rows
  if (shown.length === 0) return h("p", { class: "muted", id, key: `${id}-none` }, empty)
  const isWhole = first === 0 && count <= shown.length
  const scroll = h(
    "div",
    { class: "scroll", role: "group", "aria-label": label, tabindex: 0, id: `${id}-rows` },
    h(
      "table",
      { id, "aria-rowcount": isWhole ? undefined : count + 1 },
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
        shown.map((row, at) =>
          h(
            "tr",
            { key: keyOf(row), "aria-rowindex": isWhole ? undefined : first + at + 2 },
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
    )
  )
  return h("div", { key: id }, scroll, isWhole ? undefined : pager(id, label, first, shown.length, count))
}
