/** Every setting in effect, and where its value is from; those that were set come first. */
/** @import { Settings, State, VNode } from "../types.ts" */
/** @import { Column } from "./table.js" */
import { h } from "../dom/h.js"
import { table } from "./table.js"

/** @type {ReadonlyArray<Column<Settings["settings"][number]>>} */
const columns = [
  { id: "name", title: "Setting", narrow: true, cell: ({ name }) => name },
  {
    id: "value",
    title: "Value",
    narrow: true,
    cell: ({ values }) => values.length === 0 ? "–" : h("span", { class: "hash" }, values.join(", "))
  },
  { id: "from", title: "From", narrow: true, cell: ({ source, where }) => where ?? source }
]

/** @type {(state: State) => VNode | undefined} */
export const view = ({ about: { settings } }) => {
  if (settings === undefined) return undefined
  const rows = settings.settings
  const isSet = rows.filter(({ source }) => source !== "default")
  return h(
    "section",
    { class: "card", key: "settings", "aria-labelledby": "settings-title" },
    h("h2", { id: "settings-title" }, "Settings"),
    table({
      id: "settings",
      label: "Settings",
      rows: [...isSet, ...rows.filter(({ source }) => source === "default")],
      columns,
      keyOf: ({ name }) => name,
      empty: "None: the node was not started by timemesh run."
    })
  )
}
