/**
 * By which key each peer is known: the one it showed first (`domain/peer/Pins`). Whoever accepts or dials a connection asks `judge` before it
 * is used.
 */
import { Context } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { PinReport } from "../domain/peer/Pins.ts"
import type { Secured } from "./PeerSocket.ts"

export class PeerPins extends Context.Service<PeerPins, {
  /**
   * `undefined`: the connection may be used, and if it is the first of a native peer, its key is pinned. Otherwise why not, in a sentence
   * for the operator. Synchronous: nothing is read from the connection meanwhile.
   */
  readonly judge: (ip: PeerIp, secured: Secured) => string | undefined
  /** How the peer is known; `undefined`: it was never met. */
  readonly report: (ip: PeerIp) => PinReport | undefined
  /** Forgets the key by which the peer is known: the one that it shows next is trusted. False: it was known by none. */
  readonly forget: (ip: PeerIp) => boolean
}>()("timemesh/services/PeerPins") {}
