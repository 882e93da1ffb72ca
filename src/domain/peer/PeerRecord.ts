/** One row of the peer table: all that a node knows about one peer. Plain, immutable, safe to serialise as JSON. */
import type { DisconnectReason } from "../DisconnectReason.ts"
import type { PeerIp } from "./PeerIp.ts"
import type { PinReport } from "./Pins.ts"

/** Which end dialled, seen from this node: `outbound` is ours. */
export type Direction = "inbound" | "outbound"

/** A protocol between peers: `timemesh/1`, or the TIME network's. */
export type WireName = "native" | "time"

/** How a connection that was up ended. */
export interface Ended {
  readonly at: number
  readonly reason: DisconnectReason
  readonly upMs: number
}

/**
 * How an attempt that did not become a connection ended. `reached`: its last stage. `dial`: no socket opened; `socket`: no Hello was
 * accepted; `hello`: the pair's rules ended it.
 */
export interface Attempt {
  readonly at: number
  readonly reason: DisconnectReason
  readonly direction: Direction
  readonly reached: "dial" | "socket" | "hello"
  /** The port that was dialled; absent for an inbound attempt. The next dial may be to another (`dialPort`). */
  readonly port?: number
}

/** How this node learned an address. */
export type PeerSource = "configured" | "stored" | "gossip" | "inbound"

/** The live connection of a peer. */
export interface PeerConnectionInfo {
  /** Ascending within one process. */
  readonly id: number
  readonly direction: Direction
  readonly wire: WireName
  /** `plain`, or the TLS version, such as `TLSv1.3`. */
  readonly transport: string
  /** Our rank in the pair: `lower` decides; on the TIME wire, `higher` dials. */
  readonly role: "lower" | "higher"
  /** `IP:port` of the initiator's end: both ends list the same text. */
  readonly socket: string
  /** The initiator's ephemeral port. */
  readonly ephemeralPort: number
  /** Wall time of Up, ms. */
  readonly since: number
  /** ms since then. */
  readonly upMs: number
  /** ms since the last byte arrived. */
  readonly lastByteMs: number
  /** ms since the oldest ping that no byte has answered; absent if every ping is answered. */
  readonly pingUnansweredMs: number | undefined
  /** ms; absent before the first sample. */
  readonly rtt: { readonly smoothedMs: number; readonly leastMs: number; readonly lastMs: number } | undefined
  readonly bytes: { readonly sent: number; readonly received: number }
  readonly messages: { readonly sent: number; readonly received: number }
  readonly pings: { readonly sent: number; readonly received: number }
  readonly pongs: { readonly sent: number; readonly received: number }
  /** Bytes waiting in the outbox. */
  readonly queuedBytes: number
}

/** Which end should open the next connection. `either`: our rank against the peer is not known yet. */
export type ExpectedDialler = "us" | "them" | "either" | "nobody"

export interface PeerRecord {
  readonly ip: PeerIp
  /** Listening port; `undefined` until the peer announces one (0: it does not listen). */
  readonly port: number | undefined
  readonly source: PeerSource
  readonly connection: PeerConnectionInfo | undefined
  /** Attempts and candidates in progress. */
  readonly attempts: number
  readonly expected: ExpectedDialler
  /** Wall time of this node's own next dial, ms; `undefined` if none is planned. */
  readonly nextAttemptAt: number | undefined
  /** The later of `lastDown` and `lastAttempt`. */
  readonly last: { readonly at: number; readonly reason: DisconnectReason; readonly wasUp: boolean } | undefined
  /** Why the last connection ended, when (wall time, ms), and how long it had been up. */
  readonly lastDown: Ended | undefined
  /** Why the last attempt failed, when (wall time, ms), and how far it got. */
  readonly lastAttempt: Attempt | undefined
  /** Consecutive connections that were lost within `Limits.steadyUpMs`. */
  readonly shortUps: number
  /** How many of them came from a new process of the peer. */
  readonly restarts: number
  /** Its connections that dropped although both processes were healthy, since this node started. */
  readonly flaps: number
  /** Consecutive times that another process connected from this address and was refused. */
  readonly inUseRefusals: number
  /** Whether this node may dial it on its own: not after `disconnect`, and not without an address to dial. */
  readonly mayDial: boolean
  /** Its wire when it was last up; `native` until it has been up. */
  readonly speaks: WireName
  /** The key it is known by; absent over the plain transport, and before the first connection. */
  readonly pin?: PinReport | undefined
  /** The operator disconnected it at this node and has not named it since. */
  readonly isStopped: boolean
  /** Port of the next dial. */
  readonly dialPort: number
  /** Consecutive failures that the backoff counts. */
  readonly failures: number
  readonly software: string | undefined
  /** From its latest Hello. */
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
