/**
 * Pinning on first use: a peer is known by the first key it showed. A connection from its address with another key, or with none, is
 * refused: two nodes that have met never fall back to plain.
 */
import { DateTime } from "effect"
import type { PeerIp } from "./PeerIp.ts"

export interface Pin {
  /** SHA-256 of the public key, 64 hex digits. */
  readonly key: string
  /** Wall time, ms: when it was pinned, and when it was last shown. */
  readonly since: number
  readonly seenAt: number
}

export type Verdict =
  | { readonly _tag: "Known" }
  | { readonly _tag: "First" }
  /** It is known by another key, or came without a key. `since`: when it was pinned. */
  | { readonly _tag: "OtherKey"; readonly since: number }
  | { readonly _tag: "NoKey"; readonly since: number }

/**
 * How a peer is known, for people. `other-key`, `no-key`: its last connection showed another key, or none, and was refused for it.
 * `not-pinned`: it is connected over TLS without a lasting key, like a daemon of the TIME network.
 */
export interface PinReport {
  readonly state: "pinned" | "other-key" | "no-key" | "not-pinned"
  /** SHA-256 of the key it is known by, 64 hex digits, and when it was pinned, wall ms; absent if it has none. */
  readonly key?: string | undefined
  readonly since?: number | undefined
}

/** `pin`: the peer's, if it has one. `key`: the key it shows now; `undefined`: a plain connection, or no certificate. */
export const judge = (pin: Pin | undefined, key: string | undefined): Verdict => {
  if (pin === undefined) return { _tag: "First" }
  if (key === undefined) return { _tag: "NoKey", since: pin.since }
  return key === pin.key ? { _tag: "Known" } : { _tag: "OtherKey", since: pin.since }
}

/** Why a connection is refused, and what to do about it; `undefined` if it is not refused. */
export const refusal = (verdict: Verdict, ip: PeerIp): string | undefined => {
  if (verdict._tag === "Known" || verdict._tag === "First") return undefined
  const since = DateTime.formatIsoDateUtc(DateTime.makeUnsafe(verdict.since))
  const what = verdict._tag === "OtherKey"
    ? `${ip} shows another key than the one it has been known by since ${since}`
    : `${ip} connects without the key it has been known by since ${since}`
  return `${what}: another host answers there, or the node was set up anew. If it was: timemesh peers trust ${ip}`
}

/** The wording of `peers`, `status` and `why`. */
export const pinText = ({ since, state }: PinReport): string => {
  const at = since === undefined ? "" : ` since ${DateTime.formatIsoDateUtc(DateTime.makeUnsafe(since))}`
  switch (state) {
    case "pinned":
      return `pinned${at}`
    case "not-pinned":
      return "not pinned: a TIME daemon makes a new certificate at each start"
    case "other-key":
      return `shows another key than the one pinned${at}`
    case "no-key":
      return `comes without the key pinned${at}`
  }
}
