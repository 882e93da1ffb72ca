/**
 * Pins each peer to the first key it showed (`domain/peer/Pins`). Code that accepts or dials a connection asks `judge` before using it.
 */
import { Context } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { PinReport } from "../domain/peer/Pins.ts"
import type { Secured } from "./PeerSocket.ts"

export class PeerPins extends Context.Service<PeerPins, {
  /**
   * `undefined`: the connection may be used; a native peer's first connection pins its key. Otherwise the reason for refusal, in a sentence
   * for the operator. Synchronous, so that nothing is read from the connection meanwhile. `isKnown`: the peer is configured, or was well connected
   * before, so strangers' pins never displace its own.
   */
  readonly judge: (ip: PeerIp, secured: Secured, isKnown?: boolean) => string | undefined
  /** How the peer is known; `undefined` if it was never met. */
  readonly report: (ip: PeerIp) => PinReport | undefined
  /** Forgets the peer's pinned key: the next key it shows is trusted. False if it had no pinned key. */
  readonly forget: (ip: PeerIp) => boolean
}>()("timemesh/services/PeerPins") {}
