/** The peer table for a person, as wide as the terminal: `timemesh peers` and `timemesh watch`. Pure. */
import type { Peer, Peers } from "../layers/http/PeerApi.ts"
import { bytes, type Column, duration, fitted } from "./table.ts"
import { wireName } from "./wireName.ts"

interface Row {
  readonly peer: Peer
  /** The node's wall time, ms. */
  readonly at: number
}

type Connection = NonNullable<Peer["connection"]>

const ofConnection = (cell: (connection: Connection, row: Row) => string): Column<Row>["cell"] => (row) =>
  row.peer.connection === undefined ? "" : cell(row.peer.connection, row)

const roundTripMs = ({ smoothedMicros, smoothedMs }: NonNullable<Connection["rtt"]>): number =>
  smoothedMicros === undefined ? smoothedMs : smoothedMicros / 1_000

const pins: Readonly<Record<string, string>> = { "not-pinned": "not pinned" }

/** `native, plain`; `TIME, TLSv1.3, not pinned`. */
const wireOf = ({ transport, wire }: Connection, { peer: { pin } }: Row): string =>
  [
    wireName(wire),
    ...(transport === undefined ? [] : [transport]),
    ...(pin === undefined ? [] : [pins[pin.state] ?? pin.state])
  ].join(", ")

const dialler: Readonly<Record<Peer["expected"], string>> = {
  us: "we dial",
  them: "they dial",
  either: "either dials",
  nobody: "no dial"
}

/** False for `own-address` and the like: see `domain/peer/Situation`. */
const isPeer = (situation: string | undefined): boolean =>
  situation === undefined || !["own-address", "moved", "no-family"].includes(situation)

const waiting = ({ at, peer }: Row): string => {
  const next = peer.nextAttemptAt === undefined ? "" : ` in ${duration(peer.nextAttemptAt - at)}`
  if (peer.aliasOf !== undefined) return `same node as ${peer.aliasOf}`
  if (!isPeer(peer.situation)) return `no peer: ${peer.situation}`
  if (peer.attempts > 0) {
    return `connecting${peer.last === undefined ? "" : `, before: ${peer.situation ?? peer.last.reason.kind}`}`
  }
  return `down: ${peer.situation ?? "not connected"}, ${
    peer.situation === "other-key"
      ? `if that is right: peers trust ${peer.ip}`
      : `${dialler[peer.expected]}${peer.expected === "us" || peer.expected === "either" ? next : ""}`
  }`
}

const stateOf = (row: Row): string => {
  const { connection, flaps = 0, situation } = row.peer
  const flapped = flaps === 0 ? "" : `, ${flaps} ${flaps === 1 ? "flap" : "flaps"}`
  if (connection === undefined) return `${waiting(row)}${flapped}`
  return situation === undefined || situation === "connected" || situation === "flaps" && flaps > 0
    ? `up${flapped}`
    : `up, ${situation}${flapped}`
}

const columns: ReadonlyArray<Column<Row>> = [
  { heading: "PEER", cut: "middle", cell: ({ peer }) => peer.ip },
  {
    heading: "PORT",
    worth: 2,
    cell: ({ peer: { port } }) => port === undefined ? "?" : port === 0 ? "none" : String(port)
  },
  { heading: "DIR", worth: 9, cell: ofConnection(({ direction }) => direction === "inbound" ? "in" : "out") },
  {
    heading: "HEIGHT",
    worth: 8,
    cell: ofConnection((_, { peer }) => String(peer.sync?.height ?? peer.tip?.height ?? "?"))
  },
  {
    heading: "RTT",
    worth: 7,
    cell: ofConnection(({ rtt }) => rtt === undefined ? "?" : `${roundTripMs(rtt).toFixed(1)} ms`)
  },
  {
    heading: "LAST BYTE",
    worth: 6,
    cell: ofConnection(({ lastByteMs }) => lastByteMs === undefined ? "?" : duration(lastByteMs))
  },
  { heading: "UP FOR", worth: 10, cell: ofConnection(({ since, upMs }, { at }) => duration(upMs ?? at - since)) },
  { heading: "WIRE", worth: 5, cell: ofConnection(wireOf) },
  { heading: "RECEIVED", worth: 1, cell: ofConnection(({ bytes: { received } }) => bytes(received)) },
  { heading: "SENT", worth: 0, cell: ofConnection(({ bytes: { sent } }) => bytes(sent)) },
  { heading: "SOFTWARE", worth: 3, cell: ofConnection((_, { peer }) => peer.software ?? "?") },
  { heading: "STATE", cell: stateOf }
]

/** Connected peers first; among them, those with problems. */
const order = ({ connection, situation }: Peer): number =>
  connection === undefined ? 2 : situation === undefined || situation === "connected" ? 1 : 0

/** Heading and rows, none wider than `width`, at most `most` lines; the last states how many peers are left out. */
export const lines = (
  { at, peers }: Peers,
  width: number | undefined,
  most = Number.POSITIVE_INFINITY
): ReadonlyArray<string> => {
  const rows = peers.toSorted((a, b) => order(a) - order(b)).map((peer): Row => ({ peer, at }))
  const room = rows.length + 1 <= most ? rows.length : Math.max(0, most - 2)
  const shown = fitted(columns, rows.slice(0, room), width)
  const left = rows.slice(room)
  const up = left.filter(({ peer }) => peer.connection !== undefined).length
  return [...shown, ...(left.length === 0 ? [] : [`and ${left.length} more, ${up} of them up`])].slice(0, most)
}

/** The table, or what to do if there are no peers. */
export const render = (peers: Peers, width?: number): string =>
  peers.peers.length === 0
    ? "No peers known: use --peer IP:PORT, or wait for an inbound connection"
    : lines(peers, width).join("\n")
