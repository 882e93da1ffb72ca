/**
 * A closed list of things that no honest peer does. Each is proved by what the peer itself sent. Slowness, silence, a timeout or lag prove
 * nothing: they may be the network's fault or this node's own. Nor is anything listed that another peer could have caused: a copy of a
 * block with bad uncommitted parts, an address that turned out wrong, a height that a rewind took back.
 */
import * as Limits from "../Limits.ts"

/** Each proof with its points: at `Limits.banScore` the peer is banned. */
const points = {
  /** A header, or a list of headers, that breaks the rules. */
  "false-header": Limits.offenceFalsePoints,
  /** A block that breaks the rules, or is not the one requested. */
  "false-block": Limits.offenceFalsePoints,
  /** Bytes that are not a frame, or a frame with an undecodable body. */
  malformed: Limits.offenceFramePoints,
  /** A message not allowed at that moment, or an unsolicited answer. */
  protocol: Limits.offenceFramePoints,
  /** More messages before Up than any peer has reason to send. After Up, excess messages only slow down reading of the connection. */
  flood: Limits.offenceFloodPoints
} as const

export type OffenceKind = keyof typeof points

export const offenceKinds = Object.keys(points) as ReadonlyArray<OffenceKind>

export interface Offence {
  readonly kind: OffenceKind
  /** For the operator: what was sent, and what would have been right. May quote the peer. */
  readonly detail: string
}

export const make = (kind: OffenceKind, detail: string): Offence => ({
  kind,
  detail: detail.slice(0, Limits.offenceDetailCharacters)
})

export const pointsOf = ({ kind }: Pick<Offence, "kind">): number => points[kind]
