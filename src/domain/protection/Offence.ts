/**
 * What a peer did that no honest peer does, of a closed list. Each is proved by what the peer itself sent: never by slowness, silence, a timeout or
 * lag, which may be the network's or this node's own. What another peer could have caused is not here either: a copy of a block
 * whose uncommitted parts are bad, an address that turned out wrong, a height that a rewind took back.
 */
import * as Limits from "../Limits.ts"

/** Proof, and its points: at `Limits.banScore` the peer is banned. */
const points = {
  /** A header, or a list of them, that breaks the rules. */
  "false-header": Limits.offenceFalsePoints,
  /** A block that breaks the rules, or another one than was asked for. */
  "false-block": Limits.offenceFalsePoints,
  /** Bytes that are no frame, or a frame whose body cannot be decoded. */
  malformed: Limits.offenceFramePoints,
  /** A message that is not allowed at that moment, or an answer to no request. */
  protocol: Limits.offenceFramePoints,
  /** More messages before Up than any peer has reason to send. After Up a connection is read no faster than its rates, and that is all. */
  flood: Limits.offenceFloodPoints
} as const

export type OffenceKind = keyof typeof points

export const offenceKinds = Object.keys(points) as ReadonlyArray<OffenceKind>

export interface Offence {
  readonly kind: OffenceKind
  /** For a person: what was sent, and what would have been right. Some of it may be the peer's own words. */
  readonly detail: string
}

export const make = (kind: OffenceKind, detail: string): Offence => ({
  kind,
  detail: detail.slice(0, Limits.offenceDetailCharacters)
})

export const pointsOf = ({ kind }: Pick<Offence, "kind">): number => points[kind]
