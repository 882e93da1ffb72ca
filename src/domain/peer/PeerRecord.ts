/** One row of the peer table: all that a node knows of one peer. Plain, immutable, safe to serialise as JSON. */
import type { DisconnectReason } from "../DisconnectReason.ts"
import type { PeerIp } from "./PeerIp.ts"

/** Which end dialled, seen from this node: `outbound` is ours. */
export type Direction = "inbound" | "outbound"

/** How this node learned an address. */
export type PeerSource = "configured" | "stored" | "gossip" | "inbound"

/** The live connection of a peer. */
export interface PeerConnectionInfo {
  /** Ascending within one process. */
  readonly id: number
  readonly direction: Direction
  /** Our place in the pair: `lower` decides. */
  readonly role: "lower" | "higher"
  /** `IP:port` of the initiator's end: both ends list the same text. */
  readonly socket: string
  /** The initiator's ephemeral port. */
  readonly ephemeralPort: number
  /** Wall time of Up, ms. */
  readonly since: number
  /** ms; absent before the first sample. */
  readonly rtt: { readonly smoothedMs: number; readonly leastMs: number; readonly lastMs: number } | undefined
  readonly bytes: { readonly sent: number; readonly received: number }
  readonly messages: { readonly sent: number; readonly received: number }
  readonly pings: { readonly sent: number; readonly received: number }
  readonly pongs: { readonly sent: number; readonly received: number }
  /** Bytes waiting in the outbox. */
  readonly queuedBytes: number
}

/** Who should open the next connection. `either`: our rank against the peer is not known yet. */
export type ExpectedDialler = "us" | "them" | "either" | "nobody"

export interface PeerRecord {
  readonly ip: PeerIp
  /** Listening port; `undefined` while the peer has not told one (0 = it does not listen). */
  readonly port: number | undefined
  readonly source: PeerSource
  readonly connection: PeerConnectionInfo | undefined
  /** Attempts and candidates under way. */
  readonly attempts: number
  readonly expected: ExpectedDialler
  /** Wall time of this node's next own dial, ms; `undefined` when none is planned. */
  readonly nextAttemptAt: number | undefined
  /** Why the last connection or attempt ended, and when (wall time, ms). */
  readonly last: { readonly at: number; readonly reason: DisconnectReason; readonly wasUp: boolean } | undefined
  /** Consecutive failures the backoff counts. */
  readonly failures: number
  readonly software: string | undefined
  /** As its latest Hello told. */
  readonly tip: { readonly height: number; readonly hash: string } | undefined
  /** Bit set of its latest Hello (`Handshake.Capability`). */
  readonly capabilities: number
  /** The address under which the same process is already connected. */
  readonly aliasOf: PeerIp | undefined
  /** Times it came up since this node started. */
  readonly ups: number
  /** Wall time of the last Up that lasted long enough to count as good, ms. */
  readonly lastGoodAt: number | undefined
}

/** The answer to "why are we (not) connected to this address", in words and in parts. */
export interface Explanation {
  readonly ip: PeerIp
  readonly state: "connected" | "connecting" | "waiting" | "alias" | "own-address" | "unknown"
  /** One or two sentences for a person. */
  readonly text: string
  readonly record: PeerRecord | undefined
}
