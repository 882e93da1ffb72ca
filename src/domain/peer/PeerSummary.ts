/** A node's state towards all addresses it knows: shown by `status`. */
import type * as Explanation from "./Explanation.ts"
import type { PeerIp } from "./PeerIp.ts"
import * as Situation from "./Situation.ts"

/** Missing peers with one cause. */
export interface Missing {
  readonly situation: Situation.Situation
  readonly peers: number
  /** One of them. */
  readonly example: PeerIp
  readonly cause: string
  readonly fix?: string | undefined
}

export interface PeerSummary {
  /** Number of addresses that count as peers, connected or not. */
  readonly known: number
  readonly connected: number
  /** The most frequent cause first. Together with `connected` these add up to `known`. */
  readonly missing: ReadonlyArray<Missing>
  /** Connections that are up but in trouble, by situation: `quiet`, `clock`, `restarts`, `flaps`. */
  readonly troubled: Readonly<Partial<Record<Situation.Situation, number>>>
  /** Addresses that are not separate peers, by situation: own ones, aliases, families that this host lacks. */
  readonly apart: Readonly<Partial<Record<Situation.Situation, number>>>
  /** One sentence for people. */
  readonly sentence: string
}

export const noPeersKnown = "No peers known: use --peer IP:PORT, or wait for an inbound connection"

export const of = (rows: ReadonlyArray<Explanation.Row>): PeerSummary => {
  let connected = 0
  const apart: Partial<Record<Situation.Situation, number>> = {}
  const troubled: Partial<Record<Situation.Situation, number>> = {}
  const groups = new Map<Situation.Situation, Missing>()
  for (const { cause, fix, ip, record, situation } of rows) {
    if (record?.connection !== undefined) {
      connected += 1
      if (situation !== "connected") troubled[situation] = (troubled[situation] ?? 0) + 1
    } else if (!Situation.counts(situation)) apart[situation] = (apart[situation] ?? 0) + 1
    else {
      const group = groups.get(situation)
      groups.set(
        situation,
        group === undefined
          ? { situation, peers: 1, example: ip, cause, ...(fix === undefined ? {} : { fix }) }
          : { ...group, peers: group.peers + 1 }
      )
    }
  }
  const missing = [...groups.values()].toSorted((a, b) => b.peers - a.peers)
  const known = missing.reduce((sum, { peers }) => sum + peers, connected)
  return {
    known,
    connected,
    missing,
    troubled,
    apart,
    sentence: sentence(known, connected, missing) + trouble(troubled)
  }
}

const trouble = (troubled: PeerSummary["troubled"]): string => {
  const counts = Object.entries(troubled).map(([situation, count]) => `${count} ${situation}`)
  return counts.length === 0 ? "" : `; of the connections, ${counts.join(", ")}`
}

const sentence = (known: number, connected: number, missing: ReadonlyArray<Missing>): string => {
  const [most] = missing
  if (most === undefined) {
    return known === 0
      ? noPeersKnown
      : known === 1
      ? "Connected to the one known peer"
      : `Connected to all ${known} known peers`
  }
  const isOne = missing.length === 1 && most.peers === 1
  if (connected === 0) {
    const why = isOne ? `${most.example}: ${most.cause}` : `${most.peers} of them: ${most.cause} (${most.example})`
    return `Connected to none of ${known} known peers; ${why}`
  }
  const why = isOne
    ? `missing ${most.example}: ${most.cause}`
    : `of the ${known - connected} missing, ${most.peers}: ${most.cause} (${most.example})`
  return `Connected to ${connected} of ${known} known peers; ${why}`
}

type Counts = Readonly<Record<string, number>>

/** Connections that are up, by wire, by transport (as `PeerConnectionInfo`), and by state of the peer's pin. */
export interface Links {
  readonly wires: Counts
  readonly transports: Counts
  readonly pins: Counts
}

export const links = (rows: ReadonlyArray<Explanation.Row>): Links => {
  const count = (names: ReadonlyArray<string>): Counts => {
    const counts: Record<string, number> = {}
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1
    return counts
  }
  const up = rows.flatMap(({ record }) =>
    record?.connection === undefined ? [] : [{ ...record.connection, pin: record.pin }]
  )
  return {
    wires: count(up.map(({ wire }) => wire)),
    transports: count(up.map(({ transport }) => transport)),
    pins: count(up.flatMap(({ pin }) => pin === undefined ? [] : [pin.state]))
  }
}
