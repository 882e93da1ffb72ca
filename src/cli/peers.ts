/** `timemesh peers`: the peer table of a running node. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import type { Peer, Peers } from "../layers/http/AdminApi.ts"
import * as askNode from "./askNode.ts"
import * as flags from "./flags.ts"
import { bytes, duration, table } from "./table.ts"

const heading = ["PEER", "PORT", "STATE", "SINCE", "SOCKET", "HEIGHT", "RTT", "IN", "OUT", "SOFTWARE"]

const reason = (last: NonNullable<Peer["last"]>): string =>
  last.reason.kind === "rejected" ? last.reason.reject ?? "rejected" : last.reason.kind

const connectedRow = (peer: Peer, connection: NonNullable<Peer["connection"]>, now: number): ReadonlyArray<string> => [
  peer.ip,
  peer.port === undefined ? "?" : peer.port === 0 ? "none" : String(peer.port),
  `${connection.direction}, ${connection.role}`,
  duration(now - connection.since),
  connection.socket,
  String(peer.sync?.height ?? peer.tip?.height ?? "?"),
  connection.rtt === undefined ? "?" : `${connection.rtt.smoothedMs.toFixed(1)} ms`,
  bytes(connection.bytes.received),
  bytes(connection.bytes.sent),
  peer.software ?? "?"
]

const dialler: Readonly<Record<Peer["expected"], string>> = {
  us: "we dial",
  them: "they dial",
  either: "either dials",
  nobody: "no dial"
}

const waitingRow = (peer: Peer, now: number): ReadonlyArray<string> => {
  const next = peer.nextAttemptAt === undefined ? "" : `, next in ${duration(peer.nextAttemptAt - now)}`
  const last = peer.last === undefined ? "" : `; last: ${reason(peer.last)}`
  const state = peer.aliasOf !== undefined
    ? `same node as ${peer.aliasOf}`
    : peer.attempts > 0
    ? "connecting"
    : `down, ${dialler[peer.expected]}${next}${last}`
  return [peer.ip, peer.port === undefined ? "?" : peer.port === 0 ? "none" : String(peer.port), state]
}

/** The table for a person: connected peers first. */
export const render = ({ at, peers }: Peers): string => {
  if (peers.length === 0) return "No peers known: use --peer IP:PORT, or wait for an inbound connection"
  const connected = peers.flatMap((peer) =>
    peer.connection === undefined ? [] : [connectedRow(peer, peer.connection, at)]
  )
  const waiting = peers.flatMap((peer) => peer.connection === undefined ? [waitingRow(peer, at)] : [])
  return [
    ...(connected.length === 0 ? [] : [table([heading, ...connected])]),
    ...(waiting.length === 0 ? [] : [table([["PEER", "PORT", "STATE"], ...waiting])])
  ].join("\n\n")
}

export const command = Command.make(
  "peers",
  flags.asking,
  Effect.fnUntraced(function*({ json, ...where }) {
    const peers = yield* askNode.ask(flags.toFlags(where), (client) => client.peers)
    yield* Console.log(json ? JSON.stringify(peers) : render(peers))
  })
).pipe(Command.withDescription("List the peers of a running node, connected ones first"))
