/** A running testnet on a terminal of any size, and as lines elsewhere. */
import { Effect } from "effect"
import type * as Testnet from "../testnet/Testnet.ts"
import { table } from "./table.ts"

export type Sample = Extract<Testnet.Progress, { readonly _tag: "Sample" }>

/** Characters and lines that fit. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

interface Column {
  readonly heading: string
  /** Lower ones go first where the screen is narrow. */
  readonly worth: number
  readonly cell: (view: Testnet.View, nodes: number) => string
}

const connectionsOf = ({ peers }: Testnet.View) =>
  (peers?.peers ?? []).flatMap(({ connection }) => connection === undefined ? [] : [connection])

const columns: ReadonlyArray<Column> = [
  { heading: "NODE", worth: 9, cell: ({ ip }) => ip },
  { heading: "PID", worth: 3, cell: ({ pid }) => pid === undefined ? "" : String(pid) },
  { heading: "STATE", worth: 8, cell: ({ state }) => state },
  {
    heading: "PEERS",
    worth: 7,
    cell: (view, nodes) => view.peers === undefined ? "" : `${connectionsOf(view).length}/${nodes - 1}`
  },
  {
    heading: "DIRECTION",
    worth: 1,
    cell: (view) => {
      const connections = connectionsOf(view)
      const inbound = connections.filter(({ direction }) => direction === "inbound").length
      return view.peers === undefined ? "" : `${inbound} in, ${connections.length - inbound} out`
    }
  },
  { heading: "DIALS", worth: 2, cell: ({ status }) => status === undefined ? "" : String(status.stats.dials) },
  { heading: "DOWNS", worth: 5, cell: ({ status }) => status === undefined ? "" : String(status.stats.downs) },
  {
    heading: "RTT",
    worth: 4,
    cell: (view) => {
      const rtts = connectionsOf(view).flatMap(({ rtt }) => rtt === undefined ? [] : [rtt.smoothedMs])
      return rtts.length === 0 ? "" : `${(rtts.reduce((a, b) => a + b, 0) / rtts.length).toFixed(2)} ms`
    }
  },
  {
    heading: "HEIGHT",
    worth: 6,
    cell: ({ status }) => status?.chain === undefined ? "" : `${status.chain.height} ${status.chain.hash.slice(0, 8)}`
  }
]

const widthOf = (lines: ReadonlyArray<string>) => Math.max(0, ...lines.map((line) => line.length))

/** The table with as many columns as fit, the most telling ones. */
const tableOf = ({ nodes }: Sample, shown: ReadonlyArray<Testnet.View>, width: number): ReadonlyArray<string> => {
  const render = (chosen: ReadonlyArray<Column>) =>
    table([
      chosen.map(({ heading }) => heading),
      ...shown.map((view) => chosen.map(({ cell }) => cell(view, nodes.length)))
    ]).split("\n")
  const byWorth = columns.toSorted((a, b) => a.worth - b.worth)
  for (let left = 0; left < byWorth.length - 1; left++) {
    const lines = render(columns.filter((column) => byWorth.indexOf(column) >= left))
    if (widthOf(lines) <= width) return lines
  }
  return render(columns.slice(0, 1))
}

/** `height 12`, `heights 10 to 12`. */
const heightsOf = ({ nodes }: Sample): string => {
  const heights = nodes.flatMap(({ status }) => status?.chain === undefined ? [] : [status.chain.height])
  if (heights.length === 0) return "no height yet"
  const [least, most] = [Math.min(...heights), Math.max(...heights)]
  return least === most ? `height ${most}` : `heights ${least} to ${most}`
}

const summary = (sample: Sample): string => {
  const starting = sample.nodes.filter(({ state }) => state === "starting").length
  return `${(sample.elapsedMs / 1_000).toFixed(0)} s: ${sample.connected} of ${sample.pairs} pairs connected, ${
    heightsOf(sample)
  }${starting === 0 ? "" : `, ${starting} starting`}`
}

/** One sample of the network; no line is longer and no more lines are used than fit. */
export const render = (sample: Sample, { columns, rows }: Size): string => {
  // One column less: a full line makes some terminals begin the next one. Heading, summary and the cursor take three rows.
  const width = Math.max(1, columns - 1)
  const room = Math.max(1, rows - 3)
  const shown = sample.nodes.length <= room ? sample.nodes : sample.nodes.slice(0, Math.max(0, room - 1))
  const hidden = sample.nodes.length - shown.length
  return [
    ...tableOf(sample, shown, width),
    ...(hidden === 0 ? [] : [`and ${hidden} more nodes`]),
    summary(sample)
  ].map((line) => line.slice(0, width)).join("\n")
}

/** Rows that a text takes on a screen that has become this wide. */
const rowsOf = (text: string, columns: number): number =>
  text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / Math.max(1, columns))), 0)

/**
 * Progress as it comes: a table redrawn in place where `size` tells how large the terminal is, otherwise a line per change.
 */
export const makeTell = (say: (text: string) => Effect.Effect<void>, size: (() => Size) | undefined) => {
  let last = ""
  let drawn = ""
  const line = (text: string) => {
    drawn = ""
    return say(text)
  }
  return (progress: Testnet.Progress): Effect.Effect<void> => {
    switch (progress._tag) {
      case "Sample": {
        if (size !== undefined) {
          const now = size()
          const up = drawn === "" ? "" : `\u001b[${rowsOf(drawn, now.columns)}A\u001b[J`
          drawn = render(progress, now)
          return say(`${up}${drawn}`)
        }
        const states = `${progress.connected} ${heightsOf(progress)} ${
          progress.nodes.map(({ state }) => state).join(" ")
        }`
        if (states === last) return Effect.void
        last = states
        return say(summary(progress))
      }
      case "Seeding":
        return line(`making ${progress.blocks} blocks for the first node`)
      case "Killed":
        return line(`killed ${progress.ip} (process ${progress.pid})`)
      case "Respawned":
        return line(`restarted ${progress.ip} (process ${progress.pid})`)
      case "Partition":
        return line(
          progress.cut.healedAt === undefined
            ? `partition: ${progress.cut.left.join(", ")} cut off from the rest`
            : "partition healed"
        )
      case "Stopping":
        return line("stopping")
      case "Interrupted":
        return Effect.void
    }
  }
}
