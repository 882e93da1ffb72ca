/** What the process takes of its host, and what is left. */
/** @import { State, VNode } from "../types.ts" */
import { h } from "../dom/h.js"
import * as format from "../model/format.js"

/** @type {(state: State) => VNode | undefined} */
export const view = ({ about: { resources } }) => {
  if (resources === undefined) return undefined
  const { cpuMs, descriptors, disk, lagMs, maxLagMs, memory } = resources
  /** @type {(name: string, value: string | undefined) => ReadonlyArray<VNode>} */
  const fact = (name, value) => value === undefined ? [] : [h("dt", {}, name), h("dd", {}, value)]
  return h(
    "section",
    { class: "card", key: "resources", "aria-labelledby": "resources-title" },
    h("h2", { id: "resources-title" }, "Resources"),
    h(
      "dl",
      { class: "facts", id: "resources" },
      fact("Resident memory", format.bytes(memory.residentBytes)),
      fact("Heap", `${format.bytes(memory.heapBytes)} of at most ${format.bytes(memory.heapLimitBytes)}`),
      fact("Outside the heap", format.bytes(memory.externalBytes)),
      fact(
        "Open files",
        descriptors === undefined
          ? undefined
          : `${format.count(descriptors.open)} of at most ${format.count(descriptors.limit)}`
      ),
      fact(
        "Disk",
        disk === undefined
          ? undefined
          : `${format.bytes(disk.freeBytes)} free of ${format.bytes(disk.totalBytes)} at ${disk.directory}`
      ),
      fact("Processor time", format.age(cpuMs)),
      fact("Event loop", `${format.count(lagMs)} ms late in all, at most ${format.count(maxLagMs)} ms at once`)
    )
  )
}
