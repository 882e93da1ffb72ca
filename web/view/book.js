/** The peer book: every address that the node knows, a page at a time, as the node keeps it. */
/** @import { Book, State, VNode } from "../types.ts" */
/** @import { Column } from "./table.js" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"
import { ipButton } from "./peers.js"
import { table } from "./table.js"

/** @type {(at: number) => ReadonlyArray<Column<Book["addresses"][number]>>} */
const columns = (at) => {
  /** @type {(then: number | undefined) => string} */
  const ago = (then) => then === undefined ? "–" : `${format.age(at - then)} ago`
  return [
    { id: "ip", title: "Address", narrow: true, cell: ({ ip }) => ipButton(ip) },
    { id: "port", title: "Port", number: true, cell: ({ port }) => String(port) },
    { id: "table", title: "Known", narrow: true, cell: ({ table }) => table === "tried" ? "met" : "by gossip" },
    { id: "wire", title: "Wire", cell: ({ wire }) => wire },
    { id: "failures", title: "Failures", number: true, cell: ({ failures }) => format.count(failures) },
    { id: "good", title: "Last good", number: true, narrow: true, cell: ({ goodAt }) => ago(goodAt) },
    { id: "seen", title: "Last seen", number: true, cell: ({ seenAt }) => ago(seenAt) }
  ]
}

/** @type {(state: State) => VNode | undefined} */
export const view = ({ about: { book }, pages }) => {
  if (book === undefined) return undefined
  const { addresses, at, new: heard, tried } = book
  return h(
    "section",
    { class: "card", key: "book", "aria-labelledby": "book-title" },
    h("h2", { id: "book-title" }, "Peer book"),
    h("p", { id: "book-line" }, `${format.count(tried)} met, ${format.count(heard)} known only by gossip`),
    table({
      id: "book",
      label: "Peer book",
      rows: addresses,
      all: tried + heard,
      columns: columns(at),
      keyOf: ({ ip }) => ip,
      page: pages["book"],
      empty: "No address is known."
    })
  )
}
