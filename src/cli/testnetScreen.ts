/** Shows a running testnet: in place on a terminal of any size, otherwise as lines. */
import { Effect } from "effect"
import type * as Testnet from "../testnet/Testnet.ts"
import { type Column, fitted } from "./table.ts"

export type Sample = Extract<Testnet.Progress, { readonly _tag: "Sample" }>

/** Characters and lines that fit. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** One node of a sample. */
interface Row {
  readonly view: Testnet.View
  readonly nodes: number
}

const connectionsOf = ({ peers }: Testnet.View) =>
  (peers?.peers ?? []).flatMap(({ connection }) => connection === undefined ? [] : [connection])

const columns: ReadonlyArray<Column<Row>> = [
  { heading: "NODE", cut: "middle", cell: ({ view: { ip } }) => ip },
  { heading: "PID", worth: 3, cell: ({ view: { pid } }) => pid === undefined ? "" : String(pid) },
  { heading: "STATE", worth: 8, cell: ({ view: { state } }) => state },
  {
    heading: "PEERS",
    worth: 7,
    cell: ({ nodes, view }) => view.peers === undefined ? "" : `${connectionsOf(view).length}/${nodes - 1}`
  },
  {
    heading: "DIRECTION",
    worth: 1,
    cell: ({ view }) => {
      const connections = connectionsOf(view)
      const inbound = connections.filter(({ direction }) => direction === "inbound").length
      return view.peers === undefined ? "" : `${inbound} in, ${connections.length - inbound} out`
    }
  },
  {
    heading: "DIALS",
    worth: 2,
    cell: ({ view: { status } }) => status === undefined ? "" : String(status.stats.dials)
  },
  {
    heading: "DOWNS",
    worth: 5,
    cell: ({ view: { status } }) => status === undefined ? "" : String(status.stats.downs)
  },
  {
    heading: "RTT",
    worth: 4,
    cell: ({ view }) => {
      const rtts = connectionsOf(view).flatMap(({ rtt }) => rtt === undefined ? [] : [rtt.smoothedMs])
      return rtts.length === 0 ? "" : `${(rtts.reduce((a, b) => a + b, 0) / rtts.length).toFixed(2)} ms`
    }
  },
  {
    heading: "HEIGHT",
    worth: 6,
    cell: ({ view: { status } }) =>
      status?.chain === undefined ? "" : `${status.chain.height} ${status.chain.hash.slice(0, 8)}`
  }
]

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

/** Renders one sample of the network, within the terminal's columns and rows. */
export const render = (sample: Sample, { columns: terminal, rows }: Size): string => {
  // One column less: on some terminals a full line starts the next one. Heading, summary and the cursor take three rows.
  const width = Math.max(1, terminal - 1)
  const room = Math.max(1, rows - 3)
  const shown = sample.nodes.length <= room ? sample.nodes : sample.nodes.slice(0, Math.max(0, room - 1))
  const hidden = sample.nodes.length - shown.length
  return [
    ...fitted(columns, shown.map((view) => ({ view, nodes: sample.nodes.length })), width),
    ...(hidden === 0 ? [] : [`and ${hidden} more nodes`]),
    summary(sample)
  ].map((line) => line.slice(0, width)).join("\n")
}

/** Rows that the text takes once the screen has this width. */
const rowsOf = (text: string, columns: number): number =>
  text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / Math.max(1, columns))), 0)

/**
 * Shows progress: a table redrawn in place where `size` gives the terminal's size, otherwise a line per change.
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
