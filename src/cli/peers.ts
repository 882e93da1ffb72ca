/** `timemesh peers`: the peer table of a running node. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import type { Peer, Peers } from "../layers/http/PeerApi.ts"
import * as askNode from "./askNode.ts"
import * as export_ from "./book/export.ts"
import * as import_ from "./book/import.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import * as trust from "./peers/trust.ts"
import { bytes, duration, table } from "./table.ts"
import { wireName } from "./wireName.ts"

const heading = ["PEER", "PORT", "STATE", "WIRE", "SINCE", "SOCKET", "HEIGHT", "RTT", "IN", "OUT", "SOFTWARE"]

const isTrouble = (situation: string | undefined): boolean => situation !== undefined && situation !== "connected"

const roundTripMs = ({ smoothedMicros, smoothedMs }: NonNullable<NonNullable<Peer["connection"]>["rtt"]>): number =>
  smoothedMicros === undefined ? smoothedMs : smoothedMicros / 1_000

const pins: Readonly<Record<string, string>> = { pinned: "pinned", "not-pinned": "not pinned" }

/** `native, plain`; `TIME, TLSv1.3, not pinned`. */
const wireOf = ({ pin }: Peer, { transport, wire }: NonNullable<Peer["connection"]>): string =>
  [
    wireName(wire),
    ...(transport === undefined ? [] : [transport]),
    ...(pin === undefined ? [] : [pins[pin.state] ?? pin.state])
  ].join(", ")

const connectedRow = (peer: Peer, connection: NonNullable<Peer["connection"]>, now: number): ReadonlyArray<string> => [
  peer.ip,
  peer.port === undefined ? "?" : peer.port === 0 ? "none" : String(peer.port),
  `${connection.direction}, ${connection.role}${isTrouble(peer.situation) ? `, ${peer.situation}` : ""}`,
  wireOf(peer, connection),
  duration(connection.upMs ?? now - connection.since),
  connection.socket,
  String(peer.sync?.height ?? peer.tip?.height ?? "?"),
  connection.rtt === undefined ? "?" : `${roundTripMs(connection.rtt).toFixed(1)} ms`,
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

/** `own-address` and the like: see `domain/peer/Situation`. */
const isPeer = (situation: string | undefined): boolean =>
  situation === undefined || !["own-address", "moved", "no-family"].includes(situation)

const waitingRow = (peer: Peer, now: number): ReadonlyArray<string> => {
  const next = peer.nextAttemptAt === undefined ? "" : `, next in ${duration(peer.nextAttemptAt - now)}`
  const state = peer.aliasOf !== undefined
    ? `same node as ${peer.aliasOf}`
    : !isPeer(peer.situation)
    ? `no peer: ${peer.situation}`
    : peer.attempts > 0
    ? `connecting${peer.last === undefined ? "" : `, before: ${peer.situation ?? peer.last.reason.kind}`}`
    : `down: ${peer.situation ?? "not connected"}, ${
      peer.situation === "other-key" ? `if that is right: peers trust ${peer.ip}` : `${dialler[peer.expected]}${next}`
    }`
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
    yield* json ? Json.print(peers) : Console.log(render(peers))
  })
).pipe(
  Command.withDescription(
    "List the peers of a running node, connected ones first; import and export its peer book; trust a peer's new key"
  ),
  Command.withExamples([
    { command: "timemesh peers", description: "A table that fits the terminal" },
    { command: "timemesh peers --json", description: "All that is known of each peer" },
    { command: "timemesh peers import peers.txt", description: "Take a list into the peer book of a stopped node" }
  ]),
  Command.withSubcommands([import_.command, export_.command, trust.command])
)
