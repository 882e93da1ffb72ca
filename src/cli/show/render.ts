/** What `timemesh show` prints for a person, at most `width` wide if that is known. Pure. */
import { DateTime } from "effect"
import type { Book, ClockReport, Own, Refusals, Resources, Settings } from "../../layers/http/InsightApi.ts"
import { bytes, type Column, duration, fields, fitted } from "../table.ts"

type Width = number | undefined

const settingColumns: ReadonlyArray<Column<Settings["settings"][number]>> = [
  { heading: "SETTING", cell: ({ name }) => name },
  { heading: "FROM", worth: 1, cell: ({ source, where }) => where ?? source },
  { heading: "VALUE", cell: ({ values }) => values.length === 0 ? "-" : values.join(", ") }
]

export const settings = ({ settings }: Settings, width: Width): string =>
  settings.length === 0
    ? "no settings: the node was not started by timemesh run"
    : fitted(settingColumns, settings, width).join("\n")

const counts = (by: Readonly<Record<string, number>>): string =>
  Object.entries(by).map(([reason, count]) => `${count} ${reason}`).join(", ")

type Group = { readonly at: number; readonly group: Refusals["byNetgroup"][number] }

const groupColumns: ReadonlyArray<Column<Group>> = [
  { heading: "NETGROUP", cut: "middle", cell: ({ group }) => group.netgroup },
  { heading: "REFUSED", cell: ({ group }) => String(group.refused) },
  { heading: "LAST", worth: 1, cell: ({ at, group }) => `${duration(at - group.at)} ago` },
  { heading: "EXAMPLE", worth: 2, cut: "middle", cell: ({ group }) => group.example },
  { heading: "REASONS", cell: ({ group }) => counts(group.byReason) }
]

export const refusals = ({ at, byNetgroup, byReason, others, refused, turnedAway }: Refusals, width: Width): string =>
  [
    fields([
      ["refused", refused === 0 ? "0" : `${refused} (${counts(byReason)})`],
      ["netgroups not listed", String(others)],
      ["turned away, banned", String(turnedAway)]
    ]),
    ...(byNetgroup.length === 0
      ? []
      : ["", ...fitted(groupColumns, byNetgroup.map((group) => ({ at, group })), width)])
  ].join("\n")

export const resources = ({ cpuMs, descriptors, disk, lagMs, maxLagMs, memory }: Resources): string =>
  fields([
    ["resident memory", bytes(memory.residentBytes)],
    ["heap", `${bytes(memory.heapBytes)} of at most ${bytes(memory.heapLimitBytes)}`],
    ["outside the heap", bytes(memory.externalBytes)],
    ...(descriptors === undefined
      ? []
      : [["open files", `${descriptors.open} of at most ${descriptors.limit}`] as const]),
    ...(disk === undefined
      ? []
      : [["disk", `${bytes(disk.freeBytes)} free of ${bytes(disk.totalBytes)} at ${disk.directory}`] as const]),
    ["processor time", duration(cpuMs)],
    ["event loop", `${lagMs} ms late in all, at most ${maxLagMs} ms at once`]
  ])

export const own = ({ line, listen, notices }: Own): string =>
  fields([
    ["own address", line],
    ["listen", listen],
    ...notices.map(({ cause, fix }) => ["notice", fix === undefined ? cause : `${cause}; ${fix}`] as const)
  ])

export const clock = ({ behindS, of, peers }: ClockReport): string =>
  behindS === 0
    ? `no block of ${of} ${of === 1 ? "peer" : "peers"} is ahead of this node's clock`
    : [
      `this node's clock is behind, or those of ${peers.length} of ${of} peers are ahead; set this host's clock by NTP`,
      ...peers.map((peer) => `${peer.ip}: its next block is ${peer.behindS} s ahead`)
    ].join("\n")

const day = (at: number | undefined): string =>
  at === undefined ? "-" : DateTime.formatIso(DateTime.makeUnsafe(at)).slice(0, 16)

const bookColumns: ReadonlyArray<Column<Book["addresses"][number]>> = [
  { heading: "ADDRESS", cut: "middle", cell: ({ ip }) => ip },
  { heading: "PORT", cell: ({ port }) => String(port) },
  { heading: "TABLE", cell: ({ table }) => table },
  { heading: "WIRE", worth: 1, cell: ({ wire }) => wire },
  { heading: "FAILURES", worth: 2, cell: ({ failures }) => String(failures) },
  { heading: "LAST GOOD", worth: 3, cell: ({ goodAt }) => day(goodAt) },
  { heading: "LAST SEEN", cell: ({ seenAt }) => day(seenAt) }
]

export const book = ({ addresses, new: heard, next, tried }: Book, width: Width): string =>
  [
    `${tried} tried, ${heard} known only by gossip`,
    ...(addresses.length === 0 ? [] : ["", ...fitted(bookColumns, addresses, width)]),
    ...(next === undefined ? [] : ["", `more: timemesh show book --skip ${next}`])
  ].join("\n")
