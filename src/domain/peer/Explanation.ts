/** The answer to "why are we (not) connected to this address", as text and in parts. */
import * as DisconnectReason from "../DisconnectReason.ts"
import { fineDuration } from "../Durations.ts"
import type { Offence } from "../protection/Offence.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { PeerRecord } from "./PeerRecord.ts"
import { type PinReport, pinText } from "./Pins.ts"
import * as Situation from "./Situation.ts"
import * as SituationText from "./SituationText.ts"

/** The parts that every row of a table shows. */
export interface Row {
  readonly ip: PeerIp
  readonly state: "connected" | "connecting" | "waiting" | "alias" | "own-address" | "unknown"
  readonly situation: Situation.Situation
  readonly cause: string
  /** What to do; absent if nothing needs to be done. */
  readonly fix?: string | undefined
  readonly record: PeerRecord | undefined
}

export interface Explanation extends Row {
  /** The full explanation, for people. */
  readonly text: string
  /** Its offences, the oldest first. */
  readonly offences?: ReadonlyArray<AgedOffence>
}

/** From the ledger: `times` in a row, and the age of the last. */
export interface AgedOffence extends Offence {
  readonly times: number
  readonly agoMs: number
}

const reason = ({ by, detail, ...rest }: DisconnectReason.DisconnectReason): string =>
  `${DisconnectReason.label({ by, ...rest })}${detail === undefined || detail === "" ? "" : `: ${detail}`}, ${by}`

const dialler = {
  us: "this node dials",
  them: "the peer dials",
  either: "either end dials",
  nobody: "neither end dials"
}

const attempted = { dial: "no socket opened", socket: "no valid Hello came", hello: "after Hello" }

/** The last Down and the last attempt, each with its age. */
const history = ({ lastAttempt, lastDown }: PeerRecord, now: number): ReadonlyArray<string> => [
  ...(lastDown === undefined
    ? []
    : [
      `Last connection: up for ${fineDuration(lastDown.upMs)}, ended ${fineDuration(now - lastDown.at)} ago (${
        reason(lastDown.reason)
      }).`
    ]),
  ...(lastAttempt === undefined
    ? []
    : [
      `Last attempt: ${lastAttempt.direction}, ${fineDuration(now - lastAttempt.at)} ago, ${
        attempted[lastAttempt.reached]
      } (${reason(lastAttempt.reason)}).`
    ])
]

const offence = ({ agoMs, detail, kind, times }: AgedOffence): string =>
  `${kind} (${detail})${times === 1 ? "" : ` ${times}×`}, ${fineDuration(agoMs)} ago`

const plan = (record: PeerRecord, now: number): string => {
  const who = dialler[record.expected]
  if (record.attempts > 0) return `${who}; ${record.attempts} under way.`
  return record.nextAttemptAt === undefined
    ? `${who}.`
    : `${who}; our next dial is in ${fineDuration(record.nextAttemptAt - now)}.`
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const stateOf = (situation: Situation.Situation, record: PeerRecord | undefined): Explanation["state"] => {
  if (record?.connection !== undefined) return "connected"
  if (situation === "own-address" || situation === "unknown") return situation
  if (situation === "impossible") return "unknown"
  if (situation === "alias" || situation === "moved") return "alias"
  return record !== undefined && record.attempts > 0 ? "connecting" : "waiting"
}

const connected = (connection: NonNullable<PeerRecord["connection"]>): string =>
  `Connected for ${
    fineDuration(connection.upMs)
  }, ${connection.direction}, socket ${connection.socket}, our end is the ` +
  `${connection.role}; last byte ${fineDuration(connection.lastByteMs)} ago.`

/** Empty for the basic case, a plain connection over the native wire, which needs no mention. */
const secured = ({ transport, wire }: NonNullable<PeerRecord["connection"]>, pin: PinReport | undefined) =>
  transport === "plain" && wire === "native"
    ? []
    : [
      `Over ${wire === "time" ? "the TIME wire" : "timemesh/1"}, ${transport}${
        pin === undefined ? "" : `, ${pinText(pin)}`
      }.`
    ]

/** The row of one address; arguments as for `explain`. A table of every peer has no use for the text, which takes longer than all the rest. */
export const rowOf = (
  ip: PeerIp,
  record: PeerRecord | undefined,
  facts: Situation.Facts,
  usualPort: number,
  now: number
): Row => {
  const situation = Situation.of(record, facts, now)
  const { cause, fix } = SituationText.of(situation, { ...facts, record, address: ip, usualPort })
  return { ip, state: stateOf(situation, record), situation, cause, ...(fix === undefined ? {} : { fix }), record }
}

/**
 * Explains one address. `now`: wall time of the row, ms; ages in the text are differences between times read at one moment. `usualPort`:
 * the network's.
 */
export const explain = (
  ip: PeerIp,
  record: PeerRecord | undefined,
  facts: Situation.Facts,
  usualPort: number,
  now: number,
  offences: ReadonlyArray<AgedOffence> = []
): Explanation => {
  const row = rowOf(ip, record, facts, usualPort, now)
  const { cause, fix, situation } = row
  const advice = fix === undefined ? [] : [`To do: ${fix}.`]
  const connection = record?.connection
  const isNoPeer = situation === "unknown" || situation === "own-address" || situation === "impossible"
  const isPlain = situation === "connected"
  const second = (record?.inUseRefusals ?? 0) > 0
    ? [`${upper(SituationText.of("second-node-there", { ...facts, record, address: ip, usualPort }).cause)}.`]
    : []
  const says = connection !== undefined
    ? [
      connected(connection),
      ...secured(connection, record?.pin),
      ...(isPlain ? [] : [`${upper(cause)}.`, ...advice]),
      ...second
    ]
    : [
      `${isNoPeer ? "" : "Not connected: "}${isNoPeer ? upper(cause) : cause}.`,
      ...advice,
      ...(record === undefined || situation === "own-address" ? [] : [`Now: ${plan(record, now)}`])
    ]
  return {
    ...row,
    text: [
      ...says,
      ...(record === undefined || (isPlain && second.length === 0) ? [] : history(record, now)),
      ...(offences.length === 0 ? [] : [`Offences: ${offences.map(offence).join("; ")}.`])
    ].join(" "),
    ...(offences.length === 0 ? {} : { offences })
  }
}
