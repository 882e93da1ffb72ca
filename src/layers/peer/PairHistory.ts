/**
 * What one step of a pair's machine means for its history: when the peer may be dialled again, and what its book entry says. The backoff is
 * decided only here, from the actions the machine reports.
 */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import type { PairAction, PairEvent, PairState } from "../../domain/pair/PairState.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Peer } from "./Peer.ts"

export interface History {
  readonly backoff: Backoff.State
  readonly book: BookEntry.BookEntry
}

/**
 * `usualPort`: the network's. `now`: monotonic ms. `isCutOff`: no peer is up on a network like the peer's. Pure: `peer` is not changed.
 */
export const after = (
  peer: Peer,
  event: PairEvent,
  next: PairState,
  actions: ReadonlyArray<PairAction>,
  usualPort: number,
  now: number,
  isCutOff: boolean
): History => {
  let { backoff, book } = peer
  for (const action of actions) {
    if (action._tag !== "Down") continue
    const up = peer.end(action.end)?.up
    if (up !== undefined) backoff = Backoff.ended(backoff, now - up.at)
  }
  for (const { dir, id, phase } of peer.pair.ends) {
    if (dir !== "out" || phase === "up" || next.ends.some((end) => end.id === id)) continue
    const reason = reasonOf(event, id, actions, isCutOff, peer.ip)
    if (reason === undefined || isRefusal(reason)) continue
    if (reason.detail === "ECONNREFUSED") {
      book = BookEntry.portRefused(book, usualPort)
      // Another port may be right: it is no failure until all have refused.
      if (book.portAt !== 0) continue
    }
    // This node's own fault says nothing about the peer.
    if (!(reason.kind === "dial-failed" && reason.by === "local")) backoff = Backoff.failed(backoff)
  }
  return { backoff, book }
}

/** Why an end left the state in this step. */
const reasonOf = (
  event: PairEvent,
  id: number,
  actions: ReadonlyArray<PairAction>,
  isCutOff: boolean,
  ip: PeerIp
): DisconnectReason.DisconnectReason | undefined => {
  for (const action of actions) if (action._tag === "Close" && action.end === id) return action.reason
  if (event._tag === "DialFailed" && event.end === id) return DisconnectReason.dialFailed(event.detail, isCutOff, ip)
  return event._tag === "Closed" && event.end === id ? event.reason : undefined
}

/** Whether one end refused by the rules, so that the wait it asked for applies. A protocol violation that we found is not a refusal. */
const isRefusal = ({ by, reject }: DisconnectReason.DisconnectReason): boolean =>
  reject !== undefined && !(reject === "protocol" && by === "local")
